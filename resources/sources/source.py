"""`Source`: what a collector is handed to read its files with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from resources.addresses import is_address
from resources.columns import Column
from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources.finding import find_sources
from resources.sources.formats import Reader, open_reader
from resources.sources.onward import Onward, going_on
from resources.sources.options import ReadOptions
from resources.sources.pinned import NO_PINS, Pins
from resources.sources.web.settings import Web
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class _Progress:
    """How far one read came: its rows are read when they are handed over, not when it is called."""

    by: bool
    begun: bool = False
    ended: bool = False

    def through(
        self, batches: Callable[[int], Iterator[pa.RecordBatch]]
    ) -> Callable[[int], Iterator[pa.RecordBatch]]:
        """Note that the batches are read, on their way."""

        def watched(rows: int) -> Iterator[pa.RecordBatch]:
            """Hand the batches on."""
            self.begun, self.ended = True, False
            yield from batches(rows)
            self.ended = True

        return watched


class Source:
    """The files or the place of a raw asset, and the ways to read them.

    files: paths, or patterns, which stand for the files they match, in name order; or a place.
    readers: those that were opened, with what they know about what they read.
    web: what the project allows web addresses. onward: where the asset's cursor stands.
    pins: the files as they were when the attempt began, which are read as far as they then went.
    columns: the declared columns; where there are some, values stay text for the caller to cast.
    Rows that cannot be read go to `rejects`, once, with file and line.
    """

    def __init__(
        self,
        files: tuple[Path | str, ...],
        *,
        name: str,
        columns: tuple[Column, ...] | None,
        rejects: Rejects,
        chunk_rows: int = 10_000,
        web: Web | None = None,
        onward: Onward | None = None,
        pins: Pins = NO_PINS,
    ) -> None:
        """Read for the asset `name`; nothing is opened yet."""
        self.files = files
        self.web = web
        self.onward = onward
        self.pins = pins
        self.name = name
        self.columns = columns
        self.rejects = rejects
        self.chunk_rows = chunk_rows
        self.readers: list[Reader] = []
        self._reads: list[_Progress] = []

    @property
    def last(self) -> str | int | float | None:
        """Give the greatest value of the column `by=` among the rows that were read so far.

        It is what a cursor advances to, once all rows were handed over; None without any. Raises
        SourceError where no read says `by=`, or none of them has begun.
        """
        reads = [read for read in self._reads if read.by]
        if not any(read.begun for read in reads):
            raise self._nothing_read(said=bool(reads))
        found = [getattr(reader, "last", None) for reader in self.readers]
        last = next((value for value in reversed(found) if value is not None), None)
        if self.onward is not None and not all(read.ended for read in reads if read.begun):
            self.onward.early.add(last)
        return last

    def _nothing_read(self, *, said: bool) -> SourceError:
        """Say why there is no last value yet."""
        if not said:
            return SourceError(
                f"{self.name} asks for source.last, but no read says by which column",
                "name the column that grows: source.read(by='id', since=cursor.value)",
                asset=self.name,
            )
        return SourceError(
            f"{self.name} asks for source.last before any row was read: rows are read while they "
            "are handed over, so the cursor would stay where it is and the next run take them "
            "again",
            "hand them over first: `yield from source.read(...).batches()`, and on the next line "
            "`cursor.advance(source.last)`",
            asset=self.name,
        )

    def read(self, **options: Unpack[ReadOptions]) -> Table:
        """Read the source as it is, by its name; `options` say what the name does not.

        Without declared columns each column gets the type that all its values are written in, or
        stays text (00501). Raises SourceError.
        """
        reader = self._open(options, [column.name for column in self.columns or ()])
        return Table(lambda: reader.schema, self._watched(reader.batches, options))

    def first(self, rows: int = 10, **options: Unpack[ReadOptions]) -> list[dict[str, Any]]:
        """Give the first rows as they were written, and read no further than that.

        Rows that cannot be read are passed over here. Raises SourceError.
        """
        reader = self._open(options)
        try:
            return [row for _, row in islice(reader.rows(), rows)]
        finally:
            getattr(reader, "close", lambda: None)()

    def texts(
        self,
        *,
        id: str,  # noqa: A002 - named like the column it fills
        text: str,
        created_at: str | None = None,
        source: str | None = None,
        time_format: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Table:
        """Read the source as texts: id, source, raw_text, created_at, metadata (schema RawText).

        id, text, created_at, source: the columns to take them from. Without created_at it is the
        time of collection, and no content; without source it is the asset's name. All other
        columns become the metadata, as JSON. time_format: how created_at is written where it is
        not ISO 8601, for example "%y.%m.%d". options: as in `read`. Raises SourceError.
        """
        from resources.sources.texts import TextColumns, Texts

        columns = TextColumns(id, text, created_at, source, time_format)
        texts = Texts(
            self._open(options, list(columns.named().values())),
            columns,
            asset=self.name,
            typed=self.columns is None,
            now=datetime.now(UTC),
            rejects=self.rejects,
        )
        filled = frozenset[str]() if created_at else frozenset({"created_at"})
        batches = self._watched(texts.batches, options)
        return Table(lambda: texts.schema, batches, volatile=filled)

    def _watched(
        self, batches: Callable[[int], Iterator[pa.RecordBatch]], options: ReadOptions
    ) -> Callable[[int], Iterator[pa.RecordBatch]]:
        """Note of a read how far it comes."""
        self._reads.append(_Progress(bool(options.get("by"))))
        return self._reads[-1].through(batches)

    def _open(self, options: ReadOptions, names: Sequence[str] = ()) -> Reader:
        """Find the files and choose their reader; `names`: the columns that are expected."""
        if not self.files:
            raise SourceError(
                f"{self.name} reads a source, but declares none",
                "name its files: @asset(source='...')",
                asset=self.name,
            )
        onward = going_on(self.name, self.onward, options)
        found = find_sources(self.files)
        addresses = tuple(str(one) for one in found if is_address(str(one)))
        typed = self.columns is None
        reader = (
            self._open_web(addresses, options, names, onward)
            if addresses
            else open_reader(
                self.name,
                found,
                self.rejects,
                options,
                typed=typed,
                onward=onward,
                pins=self.pins,
            )
        )
        self.readers.append(reader)
        return reader

    def _open_web(
        self,
        addresses: tuple[str, ...],
        options: ReadOptions,
        names: Sequence[str],
        onward: Onward | None,
    ) -> Reader:
        """Choose the reader of web addresses."""
        from resources.sources.web.reader import WebFiles

        if len(addresses) < len(self.files):
            raise SourceError(
                f"{self.name} reads web addresses and something else",
                "read each of them as an asset of its own",
                asset=self.name,
            )
        return WebFiles(
            addresses,
            self.rejects,
            options,
            name=self.name,
            typed=self.columns is None,
            web=self.web or Web(),
            names=tuple(names),
            onward=onward,
            numbers=any(
                column.name == options.get("by")
                and column.type.startswith(("int", "uint", "float", "double", "decimal"))
                for column in self.columns or ()
            ),
        )
