"""Rows that cannot be used, kept with their reason instead of lost: what goes to quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_SPILL = 1_000


@dataclass(frozen=True, slots=True)
class Reject:
    """One row set aside.

    row: the row as JSON (a line that could not be parsed: {"line": text}).
    rule, column, reason: the rule it breaks, on which column ("" = whole row), in a sentence.
    source, line: the file and line it came from, where known.
    retry: True where the cause passes (outage, quota), so that trying again can help.
    answer: the last answer of a model, where there was one.
    after: how many rows that fit their types came before it in its batch, where known.
    """

    row: str
    rule: str
    column: str
    reason: str
    source: str = ""
    line: int | None = None
    retry: bool = False
    answer: str = ""
    after: int | None = None


def row_json(row: Mapping[str, Any]) -> str:
    """Write a row as JSON; what JSON has no form for becomes text."""
    return json.dumps(dict(row), ensure_ascii=False, default=str)


class Rejects:
    """Collect rejects in bounded memory: they spill to one Parquet file as they come.

    rows, retry_rows: how many so far, and how many of them for a passing cause.
    counts: how many by (rule, column). last_retry: the last passing cause. warnings: what else
    somebody should know of what was read, each sentence once. hints: which options would read rows
    that were set aside, each sentence once.
    """

    def __init__(self, path: Path) -> None:
        """Keep rejects for `path`; the file appears with the first spill."""
        self.path = path
        self.rows = 0
        self.retry_rows = 0
        self.last_retry = ""
        self.warnings: tuple[str, ...] = ()
        self.hints: tuple[str, ...] = ()
        self.counts: dict[tuple[str, str], int] = {}
        self._waiting: list[Reject] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, reject: Reject) -> None:
        """Take one row."""
        self.rows += 1
        if reject.retry:
            self.retry_rows += 1
            self.last_retry = reject.reason
        rule = (reject.rule, reject.column)
        self.counts[rule] = self.counts.get(rule, 0) + 1
        self._waiting.append(reject)
        if len(self._waiting) >= _SPILL:
            self._spill()

    def waiting(self) -> tuple[tuple[str, str], ...] | None:
        """Give the rows taken so far (JSON), each with the column that is wrong.

        None where they are too many to be in memory.
        """
        waiting = ((one.row, one.column) for one in self._waiting)
        return None if self._writer is not None else tuple(waiting)

    def warn(self, sentence: str) -> None:
        """Take a warning, once ("" = none)."""
        if sentence and sentence not in self.warnings:
            self.warnings = (*self.warnings, sentence)

    def hint(self, sentence: str) -> None:
        """Take a sentence that names the option which would read rows that were set aside."""
        if sentence not in self.hints:
            self.hints = (*self.hints, sentence)

    def add_rows(self, batch: pa.RecordBatch, rule: str, column: str) -> None:
        """Take many rows that break one rule: columns `row` (JSON) and `reason`."""
        import pyarrow as pa

        if not batch.num_rows:
            return
        self._spill()
        count = batch.num_rows
        self.rows += count
        self.counts[rule, column] = self.counts.get((rule, column), 0) + count
        schema = reject_schema()
        given = {"row": batch.column("row"), "reason": batch.column("reason")}
        same: dict[str, Any] = {"rule": rule, "column": column, "source": "", "line": None}
        same |= {"retry": False, "answer": "", "after": None}
        arrays = [
            given[f.name] if f.name in given else pa.array([same[f.name]] * count, f.type)
            for f in schema
        ]
        self._open().write_table(pa.Table.from_arrays(arrays, schema=schema))

    def close(self) -> None:
        """Write what is waiting and finish the file; without a reject there is no file."""
        self._spill()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _spill(self) -> None:
        """Write the waiting rejects as one row group."""
        import pyarrow as pa

        if not self._waiting:
            return
        rows = [asdict(r) for r in self._waiting]
        self._open().write_table(pa.Table.from_pylist(rows, reject_schema()))
        self._waiting.clear()

    def _open(self) -> pq.ParquetWriter:
        """Give the file, made at first use."""
        import pyarrow.parquet as pq

        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self.path, reject_schema())
        return self._writer


def reject_schema() -> pa.Schema:
    """Give the Parquet schema of a quarantine file: the fields of Reject, in order."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            ("row", text),
            ("rule", text),
            ("column", text),
            ("reason", text),
            ("source", text),
            ("line", pa.int64()),
            ("retry", pa.bool_()),
            ("answer", text),
            ("after", pa.int64()),
        ]
    )


def read_rejects(path: Path) -> Iterator[Reject]:
    """Read a quarantine file row by row."""
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches():
        for row in batch.to_pylist():
            yield Reject(**row)
