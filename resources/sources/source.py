"""What a collector is handed: the files it declared, and ways to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resources.columns import Column
from resources.errors import SourceError
from resources.rejects import Rejects
from resources.tables import Table, parquet_table

if TYPE_CHECKING:
    import pyarrow as pa

_CSV: Final = (".csv", ".tsv", ".txt")
_JSON: Final = (".jsonl", ".ndjson", ".json")


class Source:
    """The files a raw asset declared with `source=`, in name order."""

    def __init__(
        self,
        files: tuple[Path, ...],
        *,
        name: str,
        columns: tuple[Column, ...] | None,
        rejects: Rejects,
        chunk_rows: int,
    ) -> None:
        """Offer `files`; lines that cannot be read go to `rejects`.

        columns: the declared ones; without them the types of CSV columns are found out.
        """
        self.files = files
        self.name = name
        self._columns = columns
        self._rejects = rejects
        self._chunk_rows = chunk_rows

    def read(self, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
        """Read all files as one table, by their endings: csv, tsv, jsonl, json, parquet (also .gz).

        encoding: of CSV files; else UTF-8, UTF-16 (by BOM) or CP949 is told from the bytes.
        delimiter: of CSV files; else told from the header line.
        Raises SourceError naming the file for one that is empty or cannot be read.
        """
        if not self.files:
            raise SourceError(
                f"{self.name} has no source files", "declare them: @asset(source='path/to/file.csv')"
            )
        tables = [self._table(file, encoding, delimiter) for file in self.files]
        return tables[0] if len(tables) == 1 else _concatenated(self.name, self.files, tables)

    def texts(
        self,
        *,
        id: str,  # noqa: A002 - the column's own name
        text: str,
        created_at: str | None = None,
        source: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> Table:
        """Read all files as texts: id, source, raw_text, created_at and metadata (RawText).

        id, text, created_at, source: names of the columns to take them from. Without created_at it
        is the time of collection; without source it is the asset's name. All other columns become
        the metadata, as JSON.
        """
        from resources.sources.texts import as_texts

        return as_texts(
            self.read(encoding=encoding, delimiter=delimiter),
            names={"id": id, "raw_text": text, "created_at": created_at, "source": source},
            name=self.name,
            now=datetime.now(UTC),
        )

    def _table(self, file: Path, encoding: str | None, delimiter: str | None) -> Table:
        """Read one file by its ending."""
        if not file.is_file():
            raise SourceError(f"{file} is not there", "put it there, or mend source=", file=str(file))
        if file.stat().st_size == 0:
            raise SourceError(f"{file} is empty", "collect it again", file=str(file))
        ending = (file.with_suffix("") if file.suffix == ".gz" else file).suffix.lower()
        if ending in _CSV:
            from resources.sources.delimited import read_delimited

            return read_delimited(
                file,
                encoding=encoding,
                delimiter=delimiter,
                infer=self._columns is None,
                rejects=self._rejects,
            )
        if ending in _JSON:
            from resources.sources.jsonfile import read_json

            return read_json(file, lines=ending != ".json", rejects=self._rejects)
        if ending == ".parquet":
            return _parquet(file)
        raise SourceError(
            f"{file} has the ending {file.suffix!r}, which no reader knows",
            f"use one of {', '.join((*_CSV, *_JSON, '.parquet'))}, or read it in the function",
            file=str(file),
        )


def _parquet(file: Path) -> Table:
    """Read a Parquet file; raises SourceError where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_metadata(file).num_rows
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{file} cannot be read as Parquet ({error})", "collect it again", file=str(file)
        ) from error
    return parquet_table([file], rows)


class _Concatenated:
    """Several tables one after the other."""

    def __init__(self, name: str, files: tuple[Path, ...], tables: list[Table]) -> None:
        """Hold the tables of `files`, which share one set of columns."""
        self.name, self.files, self.tables = name, files, tables

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the common schema; types that differ between files become text."""
        import pyarrow as pa

        schemas = [table.schema for table in self.tables]
        first = schemas[0]
        for file, schema in zip(self.files, schemas, strict=True):
            odd = set(schema.names) ^ set(first.names)
            if odd:
                raise SourceError(
                    f"{file} does not have the columns of {self.files[0].name}: {sorted(odd)} differ",
                    "collect files with other columns as an asset of their own",
                    file=str(file),
                )
        kinds = [{schema.field(name).type for schema in schemas} for name in first.names]
        return pa.schema(
            [
                pa.field(name, kind.pop() if len(kind) == 1 else pa.string())
                for name, kind in zip(first.names, kinds, strict=True)
            ]
        )

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the tables in order, with the common columns."""
        import pyarrow as pa

        for table in self.tables:
            for batch in table.batches(rows):
                arrays = [batch.column(f.name).cast(f.type) for f in self.schema]
                yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _concatenated(name: str, files: tuple[Path, ...], tables: list[Table]) -> Table:
    """Give several tables as one."""
    whole = _Concatenated(name, files, tables)
    schema: Callable[[], pa.Schema] = lambda: whole.schema  # noqa: E731
    return Table(schema, whole.batches)
