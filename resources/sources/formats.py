"""Formats: what a source's name, or its `format=`, says about the reader it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from resources.errors import SourceError, did_you_mean
from resources.rejects import Rejects
from resources.sources.pinned import NO_PINS, Pins

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.sources.onward import Onward
    from resources.sources.packed import Limits

PACKED: Final = (".gz", ".zst")
"""Suffixes of packed files; the one before them says the format. Zip archives are their members."""
PACKING: Final = ("member", "max_unpacked_gb", "max_ratio")
"""Options of formats whose readers open their files with `opened`, and take `limits=`."""
_LIMITS: Final = {"max_unpacked_gb": "gigabytes", "max_ratio": "ratio"}


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
        (".csv", ".tsv", ".tab"),
        "resources.sources.delimited:DelimitedFiles",
        (
            "encoding",
            "delimiter",
            "quote",
            "escape",
            "comment",
            "skip",
            "header",
            "header_rows",
            "trailing",
            "names",
            *PACKING,
        ),
    ),
    Format(
        "json",
        (".jsonl", ".ndjson", ".json"),
        "resources.sources.json_files:JsonFiles",
        ("encoding", "records", "flatten", *PACKING),
    ),
    Format(
        "text",
        (".log", ".md", ".text"),
        "resources.sources.plain_files:PlainFiles",
        ("encoding", "split", *PACKING),
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
    Format(
        "xml", (".xml",), "resources.sources.xml_files:XmlFiles", ("encoding", "records", *PACKING)
    ),
)
UNSURE: Final = ".txt"
"""The suffix of tables and of plain text: its first lines tell which."""


def format_of(source: Path | str, asked: str | None = None, encoding: str | None = None) -> Format:
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
    if suffixes and suffixes[-1] == UNSURE:
        from resources.sources.plain_files import is_table

        asked = "csv" if is_table(file, encoding) else "text"
        return next(one for one in FORMATS if one.name == asked)
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
    onward: Onward | None = None,
    pins: Pins = NO_PINS,
) -> Reader:
    """Choose the one format of an asset's files and make its reader.

    onward: where a cursor stands that the read goes on from. pins: the files as they are to be.
    Raises SourceError for files of two formats, and for an option that the format does not have.
    """
    from resources.sources.packed import expand, is_member

    asked = dict(options)
    wanted, member = asked.pop("format", None), asked.get("member")
    files = tuple(found for file in files for found in expand(file, member))
    kinds = {format_of(file, wanted, asked.get("encoding")): Path(file) for file in files}
    if len(kinds) > 1:
        one, other = list(kinds)[:2]
        raise SourceError(
            f"{name} reads files of different formats: {kinds[one].name} is {one.name}, "
            f"{kinds[other].name} is {other.name}",
            "read each format as an asset of its own, say format= for all, or name what to take "
            "from an archive with member=",
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
    given = {o: v for o, v in asked.items() if v is not None and o != "member"}
    if {*PACKING} <= {*kind.options}:
        given["limits"] = replace(_limits(name, given), pins=pins)
    elif packed := next((file for file in files if is_member(Path(file))), None):
        raise SourceError(
            f"{packed} is in an archive, where {kind.name} cannot be read",
            "unpack it first",
            asset=name,
            file=str(packed),
        )
    if kind.name == "sqlite":
        pins.guard(Path(file) for file in files)
    if onward is not None and "by" in kind.options:
        given["onward"] = onward
    reader: Reader = kind.load()(files, rejects, typed=typed, **given)
    return reader


def _limits(name: str, asked: dict[str, Any]) -> Limits:
    """Take the limits of packed files out of the options."""
    from resources.sources.packed import Limits

    given = {option: asked.pop(option) for option in _LIMITS if option in asked}
    for option, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise SourceError(
                f"{name} reads packed files with {option}={value!r}",
                "give a number above 0",
                asset=name,
                option=option,
            )
    return Limits(**{_LIMITS[option]: value for option, value in given.items()})
