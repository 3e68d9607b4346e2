"""Paging: the address of the next page, from how an API counts and what it answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from resources.addresses import is_address, origin_of, shown
from resources.errors import SourceError
from resources.sources.web.asking import Answer
from resources.sources.web.document import Found
from resources.sources.web.options import Pages
from resources.sources.web.urls import joined, with_params

_LINK: Final = re.compile(
    r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:\"[^\"]*\"|[^\",;\s]+))*)"
)
_REL: Final = re.compile(r"rel\s*=\s*(?:\"([^\"]*)\"|([^\",;\s]+))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it came: its answer, and what was found in it."""

    number: int
    answer: Answer
    found: Found


class Pager:
    """Knows the next address of one declared address."""

    def __init__(self, pages: Pages | None, url: str) -> None:
        """Start at `url`."""
        self._pages = pages
        self._url = url
        self._seen: set[str] = set()
        self._last = ""

    @property
    def is_paged(self) -> bool:
        """Tell whether there may be a next page."""
        return self._pages is not None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Give the dotted paths whose values decide about the next page."""
        if self._pages is None:
            return ()
        return tuple(path for path in (self._pages.cursor, self._pages.total) if path)

    def first(self) -> str:
        """Give the address of the first page."""
        how = self._pages
        if how is None:
            return self._url
        params = {how.size[0]: str(how.size[1])} if how.size else {}
        if how.number:
            params[how.number] = str(how.first)
        if how.offset:
            params[how.offset] = "0"
        url = with_params(self._url, params)
        self._seen.add(url)
        return url

    def next(self, page: Page) -> str | None:
        """Give the address after this page, None after the last.

        Raises SourceError for pages that go round, and for a next address on another host.
        """
        how = self._pages
        if how is None:
            return None
        url = self._counted(how, page) if how.number or how.offset else self._told(how, page)
        if url is None:
            return None
        if url in self._seen:
            raise SourceError(
                f"{page.answer.place} names as its next page {shown(url)}, which was read already",
                "correct pages=: the API goes round, or the place of the next page is another",
            )
        self._seen.add(url)
        return url

    def _counted(self, how: Pages, page: Page) -> str | None:
        """Count on, until an empty page or the total that the answers say."""
        name = how.number or how.offset
        if not page.found.records:
            return None
        if page.answer.digest == self._last:
            raise SourceError(
                f"{page.answer.place} is the page before once more: the API does not know the "
                f"parameter {name!r}, or has no more pages",
                "correct pages=: the parameter's name, or total= for where the answer says how "
                "many there are",
            )
        self._last = page.answer.digest
        step = how.size[1] if how.offset and how.size else 1
        here = page.number * step if how.offset else how.first + page.number - 1
        if how.total:
            total = _count(how.total, page)
            if (here if how.offset else page.number) >= total:
                return None
        return with_params(self._url, {**_size(how), name: str(here if how.offset else here + 1)})

    def _told(self, how: Pages, page: Page) -> str | None:
        """Go where the answer says, in its Link header or at the cursor's path."""
        if how.link:
            to: Any = next_link(page.answer.headers.get("link", ""))
        else:
            to = page.found.values.get(how.cursor)
            if to is None and page.number == 1:
                _check_cursor(how.cursor, page)
        if to in (None, "", False):
            return None
        if not isinstance(to, str) or not to.isprintable():
            what = "text that cannot be sent" if isinstance(to, str) else type(to).__name__
            raise SourceError(
                f"{page.answer.place} has {what} at cursor={how.cursor!r}",
                "name the path of a text or a number: where the next page is",
            )
        if how.into:
            return with_params(self._url, {**_size(how), how.into: to})
        if not (how.link or is_address(to) or to.startswith(("/", "?", "."))):
            raise SourceError(
                f"{page.answer.place} has no address at cursor={how.cursor!r}",
                "say which parameter takes it: pages={'cursor': ..., 'into': 'a parameter'}",
            )
        url = joined(page.answer.url, to, page.answer.place)
        if origin_of(url) != origin_of(self._url):
            raise SourceError(
                f"{page.answer.place} names a next page on another host, {shown(url)}",
                "declare the address that the API itself uses; pages are not read elsewhere",
            )
        return url


def next_link(header: str) -> str | None:
    """Give the address that a Link header calls next (RFC 8288)."""
    for target, attributes in _LINK.findall(header):
        found = _REL.search(attributes)
        if found and "next" in (found[1] or found[2]).lower().split():
            return str(target).strip() or None
    return None


def _check_cursor(path: str, page: Page) -> None:
    """Tell a misspelt path from an answer that is the only page; raises SourceError."""
    if page.found.is_file:
        raise SourceError(
            f"{page.answer.place} is no JSON document, so nothing stands at cursor={path!r}",
            "say pages='link' or count: pages={'number': ...}",
        )
    missing, keys = page.found.missing.get(path, ("", []))
    if near := get_close_matches(missing, keys, n=1, cutoff=0.8):
        raise SourceError(
            f"{page.answer.place} has nothing at cursor={path!r}; did you mean {near[0]!r}?",
            "correct pages=",
        )


def _size(how: Pages) -> dict[str, str]:
    """Give the parameter that says how many records a page shall have."""
    return {how.size[0]: str(how.size[1])} if how.size else {}


def _count(path: str, page: Page) -> int:
    """Read how many there are."""
    value = page.found.values.get(path)
    try:
        return int(str(value))
    except ValueError:
        raise SourceError(
            f"{page.answer.place} has no number at total={path!r}",
            "correct pages=: total= is the dotted path of the number of pages (offset: of records)",
        ) from None
