"""Which notation would read texts: for hints, and for what is proposed of a new source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from resources.columns import Column, arrow_type
from resources.values.reading import in_plain
from resources.values.written import NotationError, Written, fields_of

if TYPE_CHECKING:
    import pyarrow as pa

MISSING: Final = (
    *("-", "--", "n/a", "N/A", "NA", "#N/A", "null", "NULL", "None", "none", "nan", "NaN", "?"),
    *("없음", "미상", "해당없음", "결측", "unknown", "missing", "\\N", "(null)", "."),
)
"""Words that people write where there is no value."""
YES_NO: Final = (
    *(("y", "n"), ("yes", "no"), ("t", "f"), ("예", "아니오"), ("예", "아니요"), ("네", "아니오")),
    *(("네", "아니요"), ("참", "거짓"), ("유", "무"), ("o", "x"), ("있음", "없음"), ("on", "off")),
    *(("ja", "nein"), ("oui", "non"), ("sí", "no"), ("si", "no"), ("はい", "いいえ"), ("是", "否")),
)
_MARKS: Final = (
    Written(),
    Written(thousands=","),
    Written(decimal=","),
    Written(thousands="."),
    Written(thousands=" "),
    Written(decimal=",", thousands=" "),
    Written(thousands="'"),
)
_UNITS: Final = (
    *("USD", "EUR", "KRW", "JPY", "CNY", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "INR"),
    *("KG", "G", "MG", "T", "KM", "M", "CM", "MM", "L", "ML", "H", "MIN", "S", "MS", "KB", "MB"),
    *("GB", "TB", "KW", "KWH", "MWH", "V", "PCS", "EA"),
)
_WHOLE_UNITS: Final = ("원", "₩", "\uffe6", "KRW", "円", "JPY")
"""Money without fractions in use."""
_PIVOT: Final = 1970
_UNIT: Final = re.compile(r"^[\s(+\-]*([^\d\s+\-.,'()%]+)|([^\d\s+\-.,'()%]+)[\s)\-]*$")


@dataclass(frozen=True, slots=True)
class Way:
    """A notation, how many of the texts it reads, and what it reads them as."""

    written: Written
    count: int
    values: tuple[str | None, ...]


def as_yaml(written: Written) -> str:
    """Write a notation as a pipeline's file has it."""
    return _flow(written.said())


def _flow(value: Any) -> str:
    """Write a value in YAML's flow style; texts in quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def ways(texts: Sequence[str], kind: str, base: Written | None = None) -> list[Way]:
    """Give the notations that read texts as a type, best first; of equal readings the simplest.

    base: what was said already; what it says is not said again otherwise.
    """
    import pyarrow as pa

    array = pa.array(texts, pa.string())
    words = tuple(dict.fromkeys(t.strip() for t in texts if t.strip() in MISSING))
    found: dict[tuple[str | None, ...], Way] = {}
    for one in _candidates(texts, kind):
        written = replace(one, missing=words) if words else one
        try:
            written = written.over(base)
        except NotationError:
            continue  # it contradicts what was said
        values, count = _read(array, kind, written)
        if count and values not in found:
            found[values] = Way(written, count, values)
    return sorted(found.values(), key=lambda way: -way.count)


def _read(array: pa.Array, kind: str, written: Written) -> tuple[tuple[str | None, ...], int]:
    """Read texts as a type; give the values, and how many texts were read (as missing, too)."""
    target = arrow_type(Column("", kind))
    plain, odd = in_plain(array, target, written)
    values = [_value(text, target) for text in plain.to_pylist()]
    missing = [
        text is None and not bad
        for text, bad in zip(plain.to_pylist(), odd.to_pylist(), strict=True)
    ]
    count = sum(value is not None or gone for value, gone in zip(values, missing, strict=True))
    shown = [
        "" if gone else None if value is None else str(value)
        for value, gone in zip(values, missing, strict=True)
    ]
    return tuple(shown), count


def _value(text: str | None, kind: pa.DataType) -> Any:
    """Read one text; None where it does not fit."""
    import pyarrow as pa

    from resources.values.times import cast_times

    if text is None:
        return None
    try:
        array = pa.array([text])
        made = cast_times(array, kind) if pa.types.is_timestamp(kind) else array.cast(kind)
        return str(made[0])
    except pa.ArrowInvalid:
        return None


def _candidates(texts: Sequence[str], kind: str) -> Iterator[Written]:
    """Give the notations that values of a type may have, the simplest first."""
    fields = fields_of(kind)
    if "decimal" in fields:
        yield from _numbers(texts)
    elif "dates" in fields:
        for pivot in (None, _PIVOT):
            for order in ("ymd", "dmy", "mdy"):
                yield Written(dates=order, pivot=pivot)
    elif "true_words" in fields:
        yield from _words(texts)
    else:
        yield Written()


def _numbers(texts: Sequence[str]) -> Iterator[Written]:
    """Give notations of numbers: marks, with the one unit that stands there, percent and minus."""
    units = {_unit(text) for text in texts if text.strip() not in MISSING} - {""}
    unit = tuple(units) if len(units) == 1 else ()
    percent = any(text.rstrip().endswith(("%", "\uff05")) for text in texts)
    minus = ""
    if any(text.strip().startswith("(") for text in texts):
        minus = "parentheses"
    elif any(text.rstrip().endswith("-") and len(text) > 1 for text in texts):
        minus = "after"
    whole = bool(unit) and unit[0].upper() in _WHOLE_UNITS
    for marks in _MARKS:
        if whole and "," in (marks.decimal, {".": ","}.get(marks.thousands or "")):
            continue  # 12,000원 is no 12
        yield replace(marks, unit=unit, percent=percent, minus=minus)


def _unit(text: str) -> str:
    """Give what stands before or after a number and looks like its unit; A1 and 12b are codes."""
    found = _UNIT.search(text.strip())
    if found is None:
        return ""
    unit = str(found[1] or found[2])
    if unit.isascii() and unit.isalpha():
        return unit if unit.upper() in _UNITS else ""
    return unit if found[2] or not unit[0].isalpha() else ""


def _words(texts: Sequence[str]) -> Iterator[Written]:
    """Give words for true and false, of all pairs of which one stands there."""
    seen = {text.strip().lower() for text in texts}
    pairs = [pair for pair in YES_NO if seen & set(pair)]
    true, false = (tuple(dict.fromkeys(pair[at] for pair in pairs)) for at in (0, 1))
    spelled = {text.strip().lower(): text.strip() for text in texts}
    both = set(true) & set(false)
    yield Written(
        true_words=[spelled.get(word, word) for word in true if word not in both],
        false_words=[spelled.get(word, word) for word in false if word not in both],
    )
