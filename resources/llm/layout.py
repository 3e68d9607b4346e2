"""Which columns are cleaned, and how cleaned columns join a table: the PRD's nine, or in place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from resources.errors import DataOpsError, did_you_mean
from resources.llm.outputs import CLEANED, Output, outputs_for
from resources.tables import Table, as_batches

if TYPE_CHECKING:
    import pyarrow as pa

RAW = ("id", "source", "raw_text", "created_at", "metadata")
PROCESSED = (
    "id",
    "source",
    "raw_text",
    "cleaned_text",
    "llm_model",
    "cleaning_task",
    "created_at",
    "processed_at",
    "metadata",
)
ADDED = frozenset({"cleaned_text", "llm_model", "cleaning_task", "processed_at"})
PROVENANCE = ADDED - {"cleaned_text"}
"""Added columns that say how a row was made, and so do not count as content."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns to clean, the outputs per row, the schema that comes out, whether the PRD's."""

    columns: tuple[str, ...]
    outputs: tuple[Output, ...]
    schema: pa.Schema
    processed: bool

    def column_of(self, output: Output) -> str:
        """Give the column that an output goes to."""
        return _column_of(output, self.processed)

    def texts(
        self, batch: pa.RecordBatch, name: str, clean: Callable[[str], str]
    ) -> list[str | None]:
        """Give a column's texts after `clean`; a value that is a JSON document stays as it is."""
        return [
            text if text is None or (text[:1] in ("{", "[") and _is_json(text)) else clean(text)
            for text in batch.column(name).to_pylist()
        ]


def _is_json(text: str) -> bool:
    """Tell a JSON object or array."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def stream_of(value: object) -> Table:
    """Give what a user hands over as a Table; a one-way stream can be read once."""
    if isinstance(value, Table):
        return value
    if not hasattr(value, "__next__") and not hasattr(value, "read_next_batch"):
        return Table(lambda: as_batches(value, 1)[0], lambda rows: as_batches(value, rows)[1])
    schema, stream = as_batches(value, 10_000)

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        """Hand the stream on, in batches of at most `rows`."""
        for batch in stream:
            for start in range(0, max(batch.num_rows, 1), rows):
                yield batch.slice(start, rows)

    return Table(lambda: schema, batches)


def _column_of(output: Output, processed: bool) -> str:
    """Give an output's column: raw text, cleaned, is the PRD's cleaned_text."""
    return CLEANED if processed and output.of == "raw_text" else output.name


def layout_of(
    schema: pa.Schema,
    columns: Sequence[str],
    task: str,
    *,
    outputs: Sequence[Output] = (),
    paid: bool = False,
) -> Layout:
    """Find the columns to clean: the task's, else the PRD's raw_text, else all text columns.

    Where texts are paid for, several text columns are never taken without being named.
    """
    texts = [field.name for field in schema if _is_text(field.type)]
    for name in columns:
        if name not in texts:
            what = "is not text" if name in schema.names else "does not exist"
            raise DataOpsError(
                f"the cleaning task {task} names the column {name!r}, which {what} in the table"
                f"{did_you_mean(name, texts)}",
                f"name columns of text in `columns:` ({', '.join(texts) or 'the table has none'})",
                task=task,
                column=name,
            )
    raw = set(RAW) <= set(schema.names) and "raw_text" in texts
    if raw and tuple(columns) in ((), ("raw_text",)):
        tied = outputs_for(outputs, ("raw_text",))
        return Layout(
            ("raw_text",), tied, _with_outputs(_processed(schema), tied, True, task), True
        )
    if paid and not columns and len(texts) != 1:
        raise DataOpsError(
            f"the cleaning task {task} does not say which columns to send to its model; "
            f"the table has {len(texts)} text columns",
            f"name them in `columns:` ({', '.join(texts)})",
            task=task,
        )
    columns = tuple(columns) or tuple(texts)
    tied = outputs_for(outputs, columns)
    return Layout(columns, tied, _with_outputs(schema, tied, False, task), False)


def _with_outputs(
    schema: pa.Schema, outputs: Sequence[Output], processed: bool, task: str
) -> pa.Schema:
    """Add the columns that outputs bring: all that are not a cleaned column in its own place."""
    for output in outputs:
        name = _column_of(output, processed)
        if output.cleans and name in (output.of, CLEANED) and name in schema.names:
            continue
        if name in schema.names:
            raise DataOpsError(
                f"the cleaning task {task} has an output {name!r}, but the table has that column",
                "give the output another name",
                task=task,
                column=name,
            )
        schema = schema.append(_field(name, output))
    return schema


def _field(name: str, output: Output) -> pa.Field:
    """Give an output as a field."""
    import pyarrow as pa

    return pa.field(name, output.arrow())


def _is_text(kind: pa.DataType) -> bool:
    """Tell a column of strings."""
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _processed(schema: pa.Schema) -> pa.Schema:
    """Give the PRD's nine columns in their order; columns beyond the raw five follow."""
    import pyarrow as pa

    moment = pa.timestamp("ns")
    text = {name: pa.field(name, pa.string()) for name in ADDED}
    known = text | {"processed_at": pa.field("processed_at", moment)}
    created = schema.field("created_at").type
    if pa.types.is_timestamp(created) and created.tz is None:
        known["created_at"] = pa.field("created_at", moment)
    for name in ("source", "raw_text", "metadata"):
        if _is_text(schema.field(name).type):
            known[name] = pa.field(name, pa.string())
    rest = [name for name in schema.names if name not in PROCESSED]
    return pa.schema([known.get(n) or schema.field(n) for n in (*PROCESSED, *rest)])


def with_answers(
    layout: Layout,
    batch: pa.RecordBatch,
    outputs: dict[str, list[Any]],
    models: Sequence[str],
    task: str,
) -> pa.RecordBatch:
    """Put outputs (by column) into a batch, as the layout says."""
    import pyarrow as pa

    columns: dict[str, Any] = dict(outputs)
    if layout.processed:
        rows = batch.num_rows
        now = datetime.now(UTC).replace(tzinfo=None)
        columns |= {
            "llm_model": models,
            "cleaning_task": pa.repeat(pa.scalar(task, pa.string()), rows),
            "processed_at": pa.repeat(pa.scalar(now, pa.timestamp("ns")), rows),
        }
    arrays = []
    for field in layout.schema:
        values = columns[field.name] if field.name in columns else batch.column(field.name)
        if isinstance(values, Sequence):
            values = pa.array(values, field.type)
        arrays.append(values if values.type == field.type else values.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=layout.schema)
