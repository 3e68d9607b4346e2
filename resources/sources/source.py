"""`Source`: what a collector is handed to read its files with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from resources.columns import Column
from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources.finding import find_sources
from resources.sources.formats import Reader, open_reader
from resources.sources.options import ReadOptions
from resources.tables import Table


class Source:
    """The files or the place of a raw asset, and the ways to read them.

    files: paths, or patterns, which stand for the files they match, in name order; or a place.
    readers: those that were opened, with what they know about what they read.
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
    ) -> None:
        """Read for the asset `name`; nothing is opened yet."""
        self.files = files
        self.name = name
        self.columns = columns
        self.rejects = rejects
        self.chunk_rows = chunk_rows
        self.readers: list[Reader] = []

    @property
    def last(self) -> str | int | float | None:
        """Give the greatest value of the column `by=` among the rows that were read so far.

        It is what a cursor advances to, once all rows were handed over; None without any.
        """
        found = [getattr(reader, "last", None) for reader in self.readers]
        return next((value for value in reversed(found) if value is not None), None)

    def read(self, **options: Unpack[ReadOptions]) -> Table:
        """Read the source as it is, by its name; `options` say what the name does not.

        Without declared columns each column gets the type that all its values are written in, or
        stays text (00501). Raises SourceError.
        """
        reader = self._open(options)
        return Table(lambda: reader.schema, reader.batches)

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

        texts = Texts(
            self._open(options),
            TextColumns(id, text, created_at, source, time_format),
            asset=self.name,
            typed=self.columns is None,
            now=datetime.now(UTC),
            rejects=self.rejects,
        )
        filled = frozenset[str]() if created_at else frozenset({"created_at"})
        return Table(lambda: texts.schema, texts.batches, volatile=filled)

    def _open(self, options: ReadOptions) -> Reader:
        """Find the files and choose their reader."""
        if not self.files:
            raise SourceError(
                f"{self.name} reads a source, but declares none",
                "name its files: @asset(source='...')",
                asset=self.name,
            )
        found = find_sources(self.files)
        typed = self.columns is None
        reader = open_reader(self.name, found, self.rejects, options, typed=typed)
        self.readers.append(reader)
        return reader
