"""CSV for analysts: UTF-8 with BOM, nothing that Excel would run, missing and empty kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from resources.files import FileFacts, HashingFile
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

BOM: Final = b"\xef\xbb\xbf"
# A cell that begins like this is a formula to a spreadsheet, also behind blanks, and in full width.
# A plain signed number is not: -12.5 and +3 stay as they are.
_FORMULA: Final = r"^[\s\x00]*[=+\-@＝＋－＠\t\r]"
_NUMBER: Final = r"^[+\-]?[0-9]+([.,][0-9]+)*%?$"


def write_csv(table: Table, path: Path, *, formula_safe: bool = True) -> FileFacts:
    """Write the table to a new CSV file and read it back; give its facts.

    Header always, no index, LF records. A missing value is nothing (`,,`), an empty text is `""`.
    Times are ISO 8601. With `formula_safe`, a text that a spreadsheet would run gets a `'` in front;
    header names as well. Raises TransientError where the disk kept something else.
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    schema = table.schema
    names = [_safe_name(name) if formula_safe else name for name in schema.names]
    target = pa.schema([pa.field(n, _csv_type(f.type)) for n, f in zip(names, schema, strict=True)])
    sink = HashingFile(path)
    try:
        sink.write(BOM)
        with pc.CSVWriter(sink, target) as writer:
            for batch in table.batches(50_000):
                writer.write_batch(_csv_batch(batch, target, formula_safe))
    except BaseException:
        sink.abort()
        raise
    return sink.verified()


def _csv_type(kind: pa.DataType) -> pa.DataType:
    """Give the type a column has in CSV: what has no text form of its own becomes text."""
    import pyarrow as pa

    plain = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
    )
    return kind if plain else pa.string()


def _csv_batch(batch: pa.RecordBatch, target: pa.Schema, formula_safe: bool) -> pa.RecordBatch:
    """Give a batch as CSV carries it."""
    import pyarrow as pa

    arrays = []
    for array, field in zip(batch.columns, target, strict=True):
        if array.type != field.type:
            array = _as_text(array)
        if formula_safe and pa.types.is_string(field.type):
            array = neutralised(array)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=target)


def _as_text(array: pa.Array) -> pa.Array:
    """Write values without a CSV form as text: nested ones as JSON, bytes in hex."""
    import json

    import pyarrow as pa

    if pa.types.is_large_string(array.type) or pa.types.is_dictionary(array.type):
        return array.cast(pa.string())

    def text(value: object) -> str | None:
        """Write one value."""
        if value is None:
            return None
        if isinstance(value, bytes):
            return value.hex()
        return json.dumps(value, ensure_ascii=False, default=str)

    return pa.array([text(value) for value in array.to_pylist()], pa.string())


def neutralised(array: pa.Array) -> pa.Array:
    """Put `'` in front of every text that a spreadsheet would run as a formula."""
    import pyarrow.compute as pc

    risky = pc.and_(
        pc.match_substring_regex(array, _FORMULA),
        pc.invert(pc.match_substring_regex(array, _NUMBER)),
    )
    if not pc.any(risky).as_py():
        return array
    return pc.if_else(risky, pc.binary_join_element_wise("'", array, ""), array)


def _safe_name(name: str) -> str:
    """Neutralise a header name."""
    import pyarrow as pa

    safe: str = neutralised(pa.array([name]))[0].as_py()
    return safe
