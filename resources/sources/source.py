"""`Source`: what a collector is handed to read its files with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from resources.columns import Column
from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources.finding import find_files
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_SUFFIXES: Final = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".txt": "delimited",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
}


class _Files(Protocol):
    """Files of one format, read as one table."""

    @property
    def schema(self) -> pa.Schema:
        """Give the columns."""

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""

    def rows(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Stream rows as they were written, each with its file."""


class Source:
    """The files of a raw asset, and the ways to read them.

    files: paths, or patterns, which stand for the files they match, in name order.
    columns: the declared columns; where there are some, values stay text for the caller to cast.
    Rows that cannot be read go to `rejects`, once, with file and line.
    """

    def __init__(
        self,
        files: tuple[Path, ...],
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

    def read(self, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
        """Read the files as they are: CSV, TSV, JSON Lines, JSON or Parquet, by their names.

        encoding: of text files; else BOM, UTF-8 or, by a look at the whole file, CP949.
        delimiter: of CSV; else by name and header. Without declared columns each column gets the
        type that all its values are written in, or stays text (00501). Raises SourceError.
        """
        files = self._open(encoding, delimiter, typed=self.columns is None)
        return Table(lambda: files.schema, files.batches)

    def texts(
        self,
        *,
        id: str,  # noqa: A002 - named like the column it fills
        text: str,
        created_at: str | None = None,
        source: str | None = None,
        time_format: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> Table:
        """Read the files as texts: id, source, raw_text, created_at, metadata (schema RawText).

        id, text, created_at, source: the columns to take them from. Without created_at it is the
        time of collection, and no content; without source it is the asset's name. All other
        columns become the metadata, as JSON. time_format: how created_at is written where it is
        not ISO 8601, for example "%y.%m.%d". Raises SourceError.
        """
        from resources.sources.texts import TextColumns, Texts

        texts = Texts(
            self._open(encoding, delimiter, typed=self.columns is None),
            TextColumns(id, text, created_at, source, time_format),
            asset=self.name,
            typed=self.columns is None,
            now=datetime.now(UTC),
            rejects=self.rejects,
        )
        filled = frozenset[str]() if created_at else frozenset({"created_at"})
        return Table(lambda: texts.schema, texts.batches, volatile=filled)

    def _open(self, encoding: str | None, delimiter: str | None, *, typed: bool) -> _Files:
        """Find the files and choose the format."""
        if not self.files:
            raise SourceError(
                f"{self.name} reads a source, but declares none",
                "name its files: @asset(source='...')",
                asset=self.name,
            )
        found = find_files(self.files)
        kinds = {_format(file): file for file in found}
        if len(kinds) > 1:
            one, other = list(kinds.values())[:2]
            raise SourceError(
                f"{self.name} reads files of different formats: {one.name} and {other.name}",
                "read each format as an asset of its own",
                asset=self.name,
            )
        kind = next(iter(kinds))
        if kind == "delimited":
            from resources.sources.delimited import DelimitedFiles

            return DelimitedFiles(
                found, self.rejects, typed=typed, encoding=encoding, delimiter=delimiter
            )
        if kind == "json":
            from resources.sources.json_files import JsonFiles

            return JsonFiles(found, self.rejects, typed=typed, encoding=encoding)
        from resources.sources.parquet_files import ParquetFiles

        return ParquetFiles(found)


def _format(file: Path) -> str:
    """Tell a file's format by its name."""
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    kind = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if kind is None:
        raise SourceError(
            f"{file.name} is of no format that can be read here",
            f"name it by what it holds: {', '.join(_SUFFIXES)} (text also with .gz), "
            "or read it in the collector with code of your own",
            file=str(file),
        )
    return kind
