"""Formats: what a source's name, or its `format=`, says about the reader it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from resources.errors import SourceError, did_you_mean
from resources.rejects import Rejects

if TYPE_CHECKING:
    import pyarrow as pa

PACKED: Final = (".gz",)
"""Suffixes of packed files; the one before them says the format."""


DATABASE_OPTIONS: Final = (
    "table",
    "columns",
    "query",
    "parameters",
    "since",
    "by",
    "overlap",
)
"""What may be said about a database, behind a connection or in a file."""


class Reader(Protocol):
    """What reads one format: some files, or places, as one table.

    It is made with (files, rejects, typed=..., **options), opens nothing before it is asked, may be
    asked several times, and sets a record that cannot be read aside once. `states_types = True`
    says that its types are its source's own, so that nobody looks through the values for others.
    """

    @property
    def schema(self) -> pa.Schema:
        """Give the columns."""

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream rows as they were written, each with the file or place it came from."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, the suffixes of its files, its reader (module:class), its options.

    places: how the names of the places begin that it reads, where it reads no files.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    options: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def load(self) -> type[Any]:
        """Import the reader, with the libraries that it needs."""
        module, _, name = self.reader.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found


FORMATS: Final = (
    Format(
        "csv",
        (".csv", ".tsv", ".tab", ".txt"),
        "resources.sources.delimited:DelimitedFiles",
        ("encoding", "delimiter"),
    ),
    Format(
        "json",
        (".jsonl", ".ndjson", ".json"),
        "resources.sources.json_files:JsonFiles",
        ("encoding",),
    ),
    Format("parquet", (".parquet",), "resources.sources.parquet_files:ParquetFiles"),
    Format(
        "sqlite",
        (".sqlite", ".sqlite3", ".db"),
        "resources.sources.database_files:SqliteFiles",
        DATABASE_OPTIONS,
    ),
    Format("sql", (), "resources.sources.database:Database", DATABASE_OPTIONS, ("sql:",)),
    Format("arrow", (".arrow", ".feather", ".ipc"), "resources.sources.arrow_files:ArrowFiles"),
    Format(
        "excel",
        (".xlsx", ".xlsm", ".xls"),
        "resources.sources.excel.files:ExcelFiles",
        ("sheet", "header_rows", "skip"),
    ),
    Format("xml", (".xml",), "resources.sources.xml_files:XmlFiles", ("encoding", "records")),
)


def format_of(source: Path | str, asked: str | None = None) -> Format:
    """Give what was asked for, else what a source's name says; raises SourceError for neither."""
    for one in FORMATS:
        if isinstance(source, str) and one.places and source.startswith(one.places):
            return one
    file = Path(source)
    if asked is not None:
        formats = [one for one in FORMATS if not one.places]
        for one in formats:
            if asked.lower() == one.name:
                return one
        names = [one.name for one in formats]
        raise SourceError(
            f"{file.name} cannot be read with format={asked!r}{did_you_mean(asked, names)}",
            f"use one of {', '.join(names)}",
            file=str(file),
        )
    suffixes = [s.lower() for s in file.suffixes if s.lower() not in PACKED]
    for one in FORMATS:
        if suffixes and suffixes[-1] in one.suffixes:
            return one
    known = ", ".join(suffix for one in FORMATS for suffix in one.suffixes)
    raise SourceError(
        f"{file.name} is of no format that can be read here",
        f"name it by what it holds: {known} (text also with {', '.join(PACKED)}), say format=, "
        "or read it in the collector with code of your own",
        file=str(file),
    )


def open_reader(
    name: str,
    files: tuple[Path | str, ...],
    rejects: Rejects,
    options: Mapping[str, Any],
    *,
    typed: bool,
) -> Reader:
    """Choose the one format of an asset's files and make its reader.

    Raises SourceError for files of two formats, and for an option that the format does not have.
    """
    asked = dict(options)
    wanted = asked.pop("format", None)
    kinds = {format_of(file, wanted): file for file in files}
    if len(kinds) > 1:
        one, other = map(Path, list(kinds.values())[:2])
        raise SourceError(
            f"{name} reads files of different formats: {one.name} and {other.name}",
            "read each format as an asset of its own",
            asset=name,
        )
    kind = next(iter(kinds))
    for option in asked:
        if option not in kind.options:
            raise SourceError(
                f"{name} reads {kind.name} with {option}=, which that format does not have"
                f"{did_you_mean(option, kind.options)}",
                f"its options are {', '.join(kind.options) or 'none'}",
                asset=name,
                option=option,
            )
    given = {option: value for option, value in asked.items() if value is not None}
    reader: Reader = kind.load()(files, rejects, typed=typed, **given)
    return reader
