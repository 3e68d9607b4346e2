"""XML files, streamed: an element is a row; what lies deeper is flattened by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError
from resources.limits import check_width, chunked
from resources.rejects import Rejects
from resources.sources.decoding import Encoding
from resources.sources.header import column_names
from resources.sources.infer import Inference
from resources.sources.json_text import plain_text
from resources.sources.packed import DEFAULT_LIMITS, Limits
from resources.sources.xml_nodes import Record
from resources.sources.xml_records import find_records, read_records, xml_encoding

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.sources.infer import Form

_CHUNK: Final = 10_000


class XmlFiles:
    """XML files read as one table, with all columns that appear in any record.

    There is no row to set aside: a file that is not well-formed means nothing behind that place.
    """

    def __init__(
        self,
        files: tuple[Path, ...],
        rejects: Rejects,  # noqa: ARG002 - as every reader
        *,
        typed: bool,
        encoding: str | None = None,
        records: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Read `files`; records: the name or path of the elements that are rows."""
        self.files = files
        self._typed = typed
        self._encoding = encoding
        self._wanted = records
        self._limits = limits
        self._encodings: dict[Path, Encoding] = {}

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the columns, in the order in which they first appear (one pass over it all)."""
        import pyarrow as pa

        forms = self._columns.forms
        return pa.schema(
            [
                (name, forms[raw].type if raw in forms else pa.string())
                for raw, name in self._columns.names.items()
            ]
        )

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        import pyarrow as pa

        schema, columns = self.schema, self._columns
        records = (record for _, record in self._records())
        for chunk in chunked(records, rows):
            arrays = []
            for raw in columns.names:
                form = columns.forms.get(raw)
                # A number that is not there is written as an empty element.
                texts = _array(chunk, raw, empty=form is None)
                arrays.append(form.read(texts) if form else texts)
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def rows(self) -> Iterator[tuple[Path | str, dict[str, Any]]]:
        """Stream the records as they were written, each with its file."""
        names = self._columns.names
        for file, record in self._records():
            yield file, {names[raw]: value for raw, value in record.items()}

    def _records(self) -> Iterator[tuple[Path, Record]]:
        """Stream the records of all files; what repeats in any of them is a list in each."""
        return self._raw(set(self._columns.lists))

    def _raw(self, lists: set[str]) -> Iterator[tuple[Path, Record]]:
        """Stream the records of all files, and note what repeats."""
        for file in self.files:
            for record in read_records(
                file, self._encoding_of(file), self._path, lists, self._limits
            ):
                yield file, record

    @cached_property
    def _columns(self) -> _Columns:
        """Look at all records."""
        lists: set[str] = set()
        records = (record for _, record in self._raw(lists))
        looks: dict[str, Inference | None] = {}
        for chunk in chunked(records, _CHUNK):
            names = dict.fromkeys(name for record in chunk for name in record)
            check_width(self.files[0], len(looks.keys() | names.keys()), "different fields")
            for name in names:
                look = looks.setdefault(name, Inference([name]) if self._typed else None)
                if look is not None and name not in lists:
                    look.look(_batch(chunk, name))
        if not looks:
            raise SourceError(
                f"{self.files[0]} has no record {self._path!r} with anything in it",
                "put data in it, or take it off source=",
                file=str(self.files[0]),
            )
        return _Columns.of(looks, frozenset(lists))

    @cached_property
    def _path(self) -> str:
        """Give the elements that are records."""
        first = self.files[0]
        return self._wanted or find_records(first, self._encoding_of(first), self._limits)

    def _encoding_of(self, file: Path) -> Encoding:
        """Tell a file's encoding, once."""
        if file not in self._encodings:
            self._encodings[file] = xml_encoding(file, self._encoding, self._limits)
        return self._encodings[file]


@dataclass(frozen=True, slots=True)
class _Columns:
    """What a pass over all records finds.

    names: the columns' names by their paths. forms: how columns that are more than
    text are written. lists: those whose elements repeat.
    """

    names: dict[str, str]
    forms: dict[str, Form]
    lists: frozenset[str]

    @classmethod
    def of(cls, looks: dict[str, Inference | None], lists: frozenset[str]) -> _Columns:
        """Conclude; what lies below elements that repeat is in their lists."""
        found = dict.fromkeys(_above(name, lists) for name in looks)
        forms: dict[str, Form] = {}
        for name in found:
            if name not in lists and (look := looks[name]) is not None:
                forms |= look.forms()
        names = column_names(path.replace("/", ".") for path in found)
        return cls(dict(zip(found, names, strict=True)), forms, lists)


def _above(name: str, lists: frozenset[str]) -> str:
    """Give the column of lists that a column belongs to, or the column itself."""
    parts = name.split("/")
    paths = ("/".join(parts[:end]) for end in range(1, len(parts)))
    return next((path for path in paths if path in lists), name)


def _array(records: Iterable[Record], name: str, *, empty: bool) -> pa.Array:
    """Collect one column as text; without `empty`, an empty text is a missing value."""
    import pyarrow as pa

    texts = (plain_text(record.get(name)) for record in records)
    return pa.array([text if text or empty else None for text in texts], pa.string())


def _batch(records: Iterable[Record], name: str) -> pa.RecordBatch:
    """Collect one column to look at."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([_array(records, name, empty=False)], names=[name])
