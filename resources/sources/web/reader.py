"""The reader of web sources: pages fetched one by one, laid aside, and read as files are.

The first pass over the records fetches; every later one reads what lies aside. Who reads ten
records fetches the pages that hold them, and no more.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.addresses import shown
from resources.errors import DataOpsError, SourceError
from resources.llm.calls import CallLog
from resources.rejects import Rejects
from resources.sources.formats import Reader
from resources.sources.onward import Onward, Trail
from resources.sources.web.aside import Aside
from resources.sources.web.asked import Asked, asked_of
from resources.sources.web.asking import Asker
from resources.sources.web.cache import AnswerCache
from resources.sources.web.collecting import collect
from resources.sources.web.fetching import Fetcher
from resources.sources.web.gate import gate_of
from resources.sources.web.greatest import Greatest
from resources.sources.web.login import Door
from resources.sources.web.placed import PlacedRejects, QuietRejects
from resources.sources.web.secret import Secrets
from resources.sources.web.settings import Web
from resources.sources.web.wire import Wire

if TYPE_CHECKING:
    import pyarrow as pa


class WebFiles:
    """The answers of web addresses read as one table.

    names: the columns of a table without a record, where they are known. onward: where a cursor
    stands; numbers: whether its column is declared to hold numbers.
    """

    def __init__(  # noqa: PLR0913 - all that a read may say, by name
        self,
        addresses: tuple[str, ...],
        rejects: Rejects,
        options: Mapping[str, Any],
        *,
        name: str,
        typed: bool,
        web: Web,
        names: tuple[str, ...] = (),
        onward: Onward | None = None,
        numbers: bool = False,
    ) -> None:
        """Check the options; nothing is fetched yet."""
        self._asked = asked_of(name, addresses, options)
        self._web, self._names = web, names
        self._secrets = Secrets(web.environment)
        self._home = rejects.path.parent
        self._rejects = PlacedRejects(rejects)
        self._aside = Aside(self._asked, self._rejects, typed=typed)
        self._files: list[Path] = []
        self._incoming = self._fetched()
        self._failed: DataOpsError | None = None
        self._greatest = Greatest(self._asked.by, name, numbers=numbers)
        self._since = options.get("since")
        self._trail: Trail | None = None
        if onward is not None and self._asked.by:
            self._trail = onward.trail(shown(addresses[0]), self._asked.by)
            self._trail.form = self._greatest.form

    @property
    def last(self) -> str | int | float | None:
        """Give the greatest value of the column `by=` among the rows that were read."""
        return self._greatest.value

    @property
    def schema(self) -> pa.Schema:
        """Give the columns; everything is fetched for them."""
        import pyarrow as pa

        with self._said_plainly():
            if (reader := self._whole) is not None:
                self._greatest.check(reader.schema)
                return reader.schema
        if not self._names:
            raise SourceError(
                f"{shown(self._asked.addresses[0])} has no record, so its columns are unknown",
                "declare a schema, or wait until there is data",
                empty=True,
            )
        return pa.schema([(name, pa.string()) for name in self._names])

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        with self._said_plainly():
            if (reader := self._whole) is not None:
                self._greatest.check(reader.schema)
                if self._trail is not None:
                    self._trail.begin(reader.schema.names)
                for batch in reader.batches(rows):
                    self._greatest.see_batch(batch)
                    if self._trail is None:
                        yield batch
                        continue
                    yield self._trail.fresh_of(batch, self._greatest.value, self._since)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows as they were written, each with its place; fetches as it goes."""
        with self._said_plainly():
            if "_whole" in self.__dict__:
                yield from self._whole_rows()
                return
            done = 0
            while self._reaches(done):
                for file, row in self._aside.reader((self._files[done],), QuietRejects()).rows():
                    yield self._rejects.place(file), row
                done += 1

    def _whole_rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream all rows as they were written, but those that are there already."""
        if (reader := self._whole) is None:
            return
        if self._trail is not None:
            self._trail.begin(reader.schema.names)
        for file, row in reader.rows():
            self._greatest.see_row(row)
            if self._trail is not None and not self._trail.is_fresh(
                row, self._greatest.value, self._since
            ):
                continue
            yield self._rejects.place(file), row

    def close(self) -> None:
        """Fetch no more, and end the connections; what was not fetched cannot be read then."""
        self._incoming.close()
        self._failed = self._failed or SourceError("the source is closed", "read it anew")

    @cached_property
    def _whole(self) -> Reader | None:
        """Fetch all that is left, and give the reader of it all; None without a record."""
        while self._reaches(len(self._files)):
            pass
        return self._aside.reader(tuple(self._files), self._rejects) if self._files else None

    def _reaches(self, number: int) -> bool:
        """Fetch until there are more than `number` files; tell whether there are."""
        if self._failed is not None:
            raise self._failed
        try:
            while len(self._files) <= number:
                file = next(self._incoming, None)
                if file is None:
                    return False
                self._files.append(file)
        except DataOpsError as error:
            self._failed = error  # or the next pass would take what there is for all
            raise
        return True

    def _fetched(self) -> Generator[Path]:
        """Fetch page after page, with connections and a log that end with it."""
        wire, calls = Wire(gate_of(self._web.allow)), CallLog(self._web.calls)
        closing = weakref.finalize(self, _close, wire, calls)
        try:
            fetcher = _fetcher(self._asked, self._web, self._secrets, wire, calls)
            yield from collect(self._asked, fetcher, self._aside, self._folder())
        finally:
            closing()

    def _folder(self) -> Path:
        """Make the folder for what lies aside; it ends with the attempt, or with this reader."""
        self._home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="web-", dir=self._home))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @contextmanager
    def _said_plainly(self) -> Iterator[None]:
        """Let errors name addresses, not the files that lie aside, and never a secret."""
        try:
            yield
        except DataOpsError as error:
            facts = {
                name: self._plain(value) if isinstance(value, str) else value
                for name, value in error.facts.items()
            }
            problem, fix = self._plain(error.problem), self._plain(error.fix)
            DataOpsError.__init__(error, problem, fix, **facts)
            raise

    def _plain(self, text: str) -> str:
        """Give a text with addresses in place of files, and without secrets."""
        return self._secrets.scrub(self._rejects.say(text))


def _fetcher(asked: Asked, web: Web, secrets: Secrets, wire: Wire, calls: CallLog) -> Fetcher:
    """Make what fetches answers."""
    cache = AnswerCache(web.cache, web.cache_bytes)
    asker = Asker(
        wire, rate=asked.rate, limits=asked.limits, cache=cache, calls=calls, secrets=secrets
    )
    return Fetcher(
        asker,
        Door(asked.auth, secrets, asked.addresses[0]),
        headers=asked.headers,
        limits=asked.limits,
        cache=cache,
        pause=web.pause,
    )


def _close(wire: Wire, calls: CallLog) -> None:
    """End connections and log."""
    wire.close()
    calls.close()
