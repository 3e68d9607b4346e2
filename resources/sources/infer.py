"""Types of text columns: a type is taken only if every value reads back exactly as written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Inference:
    """Find the types that lose nothing: `00501` stays text, and so does `3.10`."""

    def __init__(self, names: list[str]) -> None:
        """Consider columns called `names`; every type is possible until a value speaks against it."""
        import pyarrow as pa

        self._names = names
        kinds = [pa.int64(), pa.float64(), pa.date32(), pa.timestamp("s")]
        self._possible: list[list[pa.DataType]] = [list(kinds) for _ in names]
        self._filled = [False] * len(names)

    def see(self, batch: pa.RecordBatch) -> None:
        """Look at a batch of text columns."""
        for position, column in enumerate(batch.columns):
            if column.null_count == len(column):
                continue
            self._filled[position] = True
            self._possible[position] = [k for k in self._possible[position] if _lossless(column, k)]

    def schema(self) -> pa.Schema:
        """Give the types found; times are given to the microsecond."""
        import pyarrow as pa

        fields = []
        for name, kinds, filled in zip(self._names, self._possible, self._filled, strict=True):
            kind = kinds[0] if filled and kinds else pa.string()
            fields.append((name, pa.timestamp("us") if pa.types.is_timestamp(kind) else kind))
        return pa.schema(fields)


def _lossless(column: pa.Array, kind: pa.DataType) -> bool:
    """Tell whether every value, read as `kind`, is written the same again."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        back = column.cast(kind).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return bool(pc.all(pc.equal(back, column)).as_py())
