"""Any records as texts: id, source, raw_text, created_at, and all the rest as metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.errors import SourceError, did_you_mean
from resources.rejects import Reject, Rejects, row_json
from resources.sources.formats import Reader
from resources.sources.json_text import plain_text, to_json

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FINER: Final = re.compile(r"[.,]\d{6}(\d{1,3})")
"""The digits of a second beyond microseconds."""


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Which columns hold what; None = filled in by us."""

    id: str
    text: str
    created_at: str | None = None
    source: str | None = None
    time_format: str | None = None

    def named(self) -> dict[str, str]:
        """Give the columns that are taken, by what they are taken for."""
        taken = {
            "id": self.id,
            "text": self.text,
            "created_at": self.created_at,
            "source": self.source,
        }
        return {use: column for use, column in taken.items() if column is not None}


class Texts:
    """Records in the product's raw schema, streamed."""

    def __init__(
        self,
        records: Reader,
        columns: TextColumns,
        *,
        asset: str,
        typed: bool,
        now: datetime,
        rejects: Rejects,
    ) -> None:
        """Take `columns` of `records`; a record without a readable time goes to `rejects`.

        typed: ids that are all whole numbers become numbers; else they stay as written.
        """
        self._typed = typed
        self._records = records
        self._columns = columns
        self._asset = asset
        self._now = now.astimezone(UTC).replace(tzinfo=None)
        self._rejects = rejects
        self._reported = 0

    @cached_property
    def schema(self) -> pa.Schema:
        """Give the raw schema; ids are numbers where all of them are."""
        import pyarrow as pa

        found = self._records.schema
        for use, column in self._columns.named().items():
            if column not in found.names:
                raise SourceError(
                    f"{self._asset} takes {use} from the column {column!r}, which its source does "
                    f"not have{did_you_mean(column, found.names)}",
                    f"name one of its columns: {', '.join(found.names)}",
                    asset=self._asset,
                    column=column,
                )
        return pa.schema(
            [
                ("id", self._id_type(found)),
                ("source", pa.string()),
                ("raw_text", pa.string()),
                ("created_at", pa.timestamp("ns")),
                ("metadata", pa.string()),
            ]
        )

    def _id_type(self, found: pa.Schema) -> pa.DataType:
        """Give the type of ids: numbers as large as they are, or text."""
        import pyarrow as pa

        if pa.types.is_uint64(found.field(self._columns.id).type):
            return pa.uint64()
        return pa.int64() if self._has_numbers(found) else pa.string()

    def _has_numbers(self, found: pa.Schema) -> bool:
        """Tell whether all ids are whole numbers, also where JSON writes them as text."""
        import pyarrow as pa

        if pa.types.is_integer(found.field(self._columns.id).type):
            return True
        if getattr(self._records, "states_types", False):
            return False  # a database says so itself, and reading it twice may give two answers
        ids = (plain_text(record.get(self._columns.id)) for _, record in self._records.rows())
        return self._typed and all(text is None or _is_number(text) for text in ids)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream batches of at most `rows` rows."""
        schema = self.schema
        records = self._records.rows()
        done = 0
        while chunk := list(islice(records, rows)):
            batch = self._batch(schema, chunk, done)
            done += len(chunk)
            if batch.num_rows:
                yield batch

    def _batch(
        self, schema: pa.Schema, records: list[tuple[Path | str, dict[str, Any]]], first: int
    ) -> pa.RecordBatch:
        """Make one batch; `first` counts the records before it."""
        import pyarrow as pa

        columns = self._columns
        if columns.created_at is None:
            moments: Any = pa.array([self._now] * len(records), schema.field("created_at").type)
        else:
            written = [plain_text(record.get(columns.created_at)) for _, record in records]
            moments = _moments(written, columns.time_format)
            records, moments = self._readable(records, written, moments, first)
        rows = [record for _, record in records]
        sources = [
            plain_text(r.get(columns.source)) if columns.source else self._asset for r in rows
        ]
        ids: list[Any] = [plain_text(row.get(columns.id)) for row in rows]
        if pa.types.is_integer(schema.field("id").type):
            ids = [None if value is None else int(value) for value in ids]
        texts = [plain_text(row.get(columns.text)) for row in rows]
        taken = frozenset(columns.named().values())
        arrays = [ids, sources, texts, moments, [_metadata(row, taken) for row in rows]]
        return pa.RecordBatch.from_arrays(
            [
                values if isinstance(values, pa.Array) else pa.array(values, field.type)
                for values, field in zip(arrays, schema, strict=True)
            ],
            schema=schema,
        )

    def _readable(
        self,
        records: list[tuple[Path | str, dict[str, Any]]],
        written: list[str | None],
        moments: pa.Array,
        first: int,
    ) -> tuple[list[tuple[Path | str, dict[str, Any]]], pa.Array]:
        """Set aside the records whose time is written in no form we know, once."""
        import pyarrow as pa

        if moments.null_count == written.count(None):
            return records, moments
        good = []
        for at, ((file, record), text, moment) in enumerate(
            zip(records, written, moments.is_valid().to_pylist(), strict=True)
        ):
            readable = text is None or moment
            good.append(readable)
            if not readable and first + at >= self._reported:
                self._reported = first + at + 1
                self._rejects.add(self._unreadable(file, record, str(text)))
        kept = [record for record, readable in zip(records, good, strict=True) if readable]
        return kept, moments.filter(pa.array(good))

    def _unreadable(self, file: Path | str, record: dict[str, Any], text: str) -> Reject:
        """Describe a record whose time cannot be read."""
        wanted = self._columns.time_format or "ISO 8601"
        return Reject(
            row=row_json(record),
            rule="type",
            column="created_at",
            reason=f"{text!r} is not a time written as {wanted}",
            source=str(file),
        )


def _moments(written: list[str | None], form: str | None) -> pa.Array:
    """Read times as UTC; what cannot be read becomes null."""
    import pyarrow as pa

    kind = pa.timestamp("ns")
    if form is None:
        try:
            return pa.array(written, pa.string()).cast(kind)
        except pa.ArrowInvalid:
            pass  # one at least has a time zone or cannot be read: look at each
    return pa.array([None if text is None else _moment(text, form) for text in written], kind)


@lru_cache(maxsize=65_536)
def _moment(text: str, form: str | None) -> int | None:
    """Read one time, as nanoseconds since 1970; without a zone it is UTC.

    None = not readable, or beyond what nanoseconds can count.
    """
    try:
        moment = (
            datetime.strptime(text, form)  # noqa: DTZ007 - without a zone it is UTC
            if form
            else datetime.fromisoformat(text)
        )
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # a zone may lead out of the years 1 to 9999
        return None
    if not 1678 <= moment.year <= 2261:
        return None
    finer = None if form else _FINER.search(text)  # Python reads six digits of a second
    rest = int(finer[1].ljust(3, "0")) if finer else 0
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000 + rest


def _is_number(text: str) -> bool:
    """Tell whether an int64 holds this id exactly as it is written."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return False
    return str(int(text)) == text


def _metadata(record: dict[str, Any], taken: frozenset[str]) -> str | None:
    """Write all columns that are not taken as one JSON object; null where there are none."""
    rest = {name: value for name, value in record.items() if name not in taken}
    return to_json(rest) if rest else None
