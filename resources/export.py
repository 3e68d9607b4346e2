"""CSV for people and spreadsheets: exact, streamed, and nothing in it runs as a formula."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unicodedata import category

from resources.files import FileFacts, HashingFile
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_BOM: Final = b"\xef\xbb\xbf"
# Spaces in front, seen or not, do not keep a spreadsheet from reading a formula.
_BLANK: Final = r"[\s\p{Z}\p{C}]*"
_FORMULA: Final = rf"^(?:[\t\r\n]|{_BLANK}[=+\-@＝＋－＠])"
_NUMBER: Final = r"^[+\-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+\-]?\d+)?%?$"
_PLAIN: Final = re.compile(_NUMBER[1:-1], re.ASCII)
_SIGNS: Final = tuple("=+-@＝＋－＠")
_FRACTION: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Digits after the point in seconds, of what Arrow counts."""
_QUOTED: Final = r'^$|[",\r\n]|^\s|\s$'


def write_csv(table: Table, path: Path, *, formula_safe: bool = True) -> FileFacts:
    r"""Write a table as CSV: UTF-8 with BOM, a header, `,` between and LF after the rows.

    A missing value is empty, an empty text is "". Texts come back exactly, line breaks included.
    Times are ISO (2026-01-31 09:00:00.5, UTC; with +00:00 where the column has a zone), lengths of
    time too (PT90.5S: a count alone would not say of what), nested values JSON, bytes hexadecimal.
    `formula_safe` puts ' before a text that a spreadsheet would run: one that begins, after spaces,
    with = + - @ or their full-width forms, or with a tab or line end. So +82-10-1234-5678 gets
    one; a text that is a plain number (-12.5, +3 %) and all columns that are not text do not.
    Raises TransientError where the disk holds something else than was written.
    """
    file = HashingFile(path)
    try:
        file.write(_BOM + _header(table.columns, formula_safe))
        for batch in table.batches():
            if batch.num_rows:
                file.write(_lines(batch, formula_safe))
        return file.verified()
    except BaseException:
        file.abort()
        path.unlink(missing_ok=True)
        raise


def _header(names: Iterable[str], formula_safe: bool) -> bytes:
    """Write the header."""
    import pyarrow as pa

    cells = [_cells(pa.array([name]), formula_safe)[0].as_py() for name in names]
    return (",".join(cells) + "\n").encode()


def _lines(batch: pa.RecordBatch, formula_safe: bool) -> memoryview[int]:
    """Write rows: joined in Arrow, whose one buffer of text is then the CSV itself."""
    import pyarrow.compute as pc

    cells = [pc.fill_null(_cells(c, formula_safe), "") for c in batch.columns]
    cells[-1] = _joined(cells[-1], "\n")
    lines = _joined(*cells, between=",")
    _, offsets, text = lines.buffers()
    return memoryview(text)[: memoryview(offsets).cast("q")[len(lines)]]


def _joined(*parts: Any, between: str = "") -> pa.Array:
    """Join texts row by row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wide = pa.large_string()
    whole = [pa.scalar(part, wide) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*whole, pa.scalar(between, wide))


def _cells(column: pa.Array, formula_safe: bool) -> pa.Array:
    """Write a column's values as they stand in the file, quoted where need be; null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    texts = as_texts(column).cast(pa.large_string())
    if formula_safe and _is_text(column.type):
        runs = pc.and_not(
            pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER)
        )
        texts = pc.if_else(runs, _joined("'", texts), texts)
    if not _is_plain(column.type):
        inside = pc.replace_substring(texts, '"', '""')
        quoted = _joined('"', inside, '"')
        texts = pc.if_else(pc.match_substring_regex(texts, _QUOTED), quoted, texts)
    return texts


def neutral(value: Any) -> Any:
    """Give a value as it may stand in a CSV: a text that Excel would run begins with an '."""
    if not isinstance(value, str) or _PLAIN.fullmatch(value):
        return value
    begins = next((sign for sign in value if category(sign)[0] not in "ZC"), "")
    runs = value[:1] in ("\t", "\r", "\n") or begins in _SIGNS
    return f"'{value}" if runs else value


def as_texts(column: pa.Array) -> pa.Array:
    """Write a column's values as the texts that a CSV has of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if _is_text(kind):
        return column
    if pa.types.is_floating(kind):
        texts = column.cast(pa.float64() if kind == pa.float16() else kind).cast(pa.large_string())
        whole = pc.match_substring_regex(texts, r"^-?\d+$")
        return pc.if_else(whole, _joined(texts, ".0"), texts)
    if pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp(kind.unit)).cast(pa.string())
        short = pc.replace_substring_regex(moments, r"(?:\.0+|(\.\d*[1-9])0+)$", r"\1")
        return short if kind.tz is None else _joined(short.cast(pa.large_string()), "+00:00")
    if pa.types.is_duration(kind):
        counts = column.cast(pa.int64()).to_pylist()
        return pa.array([None if n is None else _length(n, kind.unit) for n in counts], pa.string())
    if pa.types.is_nested(kind):
        values = [None if v is None else _json(v) for v in column.to_pylist()]
        return pa.array(values, pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values = [None if v is None else v.hex() for v in column.to_pylist()]
        return pa.array(values, pa.string())
    return column.cast(pa.string())


def _length(count: int, unit: str) -> str:
    """Write a length of time in ISO 8601; the sign stands inside, since -PT5S is a formula."""
    digits = _FRACTION[unit]
    seconds, rest = divmod(abs(count), 10**digits)
    part = f"{rest:0{digits}d}".rstrip("0") if rest else ""
    return f"PT{'-' if count < 0 else ''}{seconds}{'.' if part else ''}{part}S"


def _json(value: Any) -> str:
    """Write a nested value as JSON; what JSON has no form for becomes text."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_text(kind: pa.DataType) -> bool:
    """Tell text columns, where formulas can hide."""
    import pyarrow as pa

    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    )


def _is_plain(kind: pa.DataType) -> bool:
    """Tell the types whose values never need quotation marks."""
    import pyarrow as pa

    return bool(pa.types.is_primitive(kind) or pa.types.is_decimal(kind))
