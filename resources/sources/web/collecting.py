"""Collecting: page after page, each laid aside as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from resources.addresses import shown
from resources.errors import SourceError, TransientError
from resources.sources.web.aside import Aside
from resources.sources.web.asked import Asked
from resources.sources.web.fetching import Fetcher
from resources.sources.web.paging import Page, Pager
from resources.sources.web.walk import CutOff


def collect(asked: Asked, fetcher: Fetcher, aside: Aside, folder: Path) -> Iterator[Path]:
    """Fetch all pages of all addresses; give the file of each that has a record."""
    count = 0
    for address in asked.addresses:
        pager = Pager(asked.pages, address)
        url: str | None = pager.first()
        number = 0
        while url is not None:
            number, count = number + 1, count + 1
            if count > asked.limits.pages:
                raise SourceError(
                    f"{shown(address)} has more than {asked.limits.pages:,} pages",
                    "raise limits={'pages': ...}, or ask for larger pages (size=)",
                )
            page, file = _page(fetcher, aside, url, folder / f"{count:06}", (pager, number))
            if file is not None:
                yield file
            url = pager.next(page)


def _page(
    fetcher: Fetcher, aside: Aside, url: str, stem: Path, at: tuple[Pager, int]
) -> tuple[Page, Path | None]:
    """Fetch one page and lay its records aside; a torn answer is asked for again, once."""
    pager, number = at
    torn: CutOff | None = None
    while True:
        answer = fetcher.fetch(url, stem.with_suffix(".body"))
        place = f"{answer.place} (page {number})" if pager.is_paged else answer.place
        try:
            found, file = aside.lay(answer, stem, place, pager.wanted)
        except CutOff as error:
            if torn is not None:
                raise TransientError(
                    f"{place} does not answer whole: {error}", "try later", url=answer.place
                ) from None
            torn = error
            continue
        return Page(number, answer, found), file
