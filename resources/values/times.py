"""Dates and times as a notation writes them, in the way of ISO 8601: in bulk."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.values.written import Written

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_NAMES: Final = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_PARTS: Final = {
    "y": r"(?P<y>\d{4}|\d{2})",
    "m": rf"(?P<m>\d{{1,2}}|{_NAMES})",
    "d": r"(?P<d>\d{1,2})",
}
_BETWEEN: Final = r"(?:\s*[-./,년월年月]\s*|\s+|\.\s*|,\s+)"
_HALF: Final = r"(?i:[ap]\.?m\.?)|오전|오후|午前|午後|上午|下午"
_TIME: Final = (
    rf"(?:(?:\s*[T,]\s*|\s+|\s*)(?P<half>{_HALF})?\s*(?P<h>\d{{1,2}})(?::|\s*[시時时]\s*)"
    r"(?:(?P<mi>\d{1,2})\s*[분分]?)?(?:[:\s]\s*(?P<s>\d{1,2})(?P<f>\.\d{1,9})?\s*[초秒]?)?"
    rf"\s*(?P<late>{_HALF})?\s*(?P<z>Z|[+-]\d{{2}}(?::?\d{{2}})?)?)?"
)
_DAY_BEFORE: Final = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
_DAY_AFTER: Final = r"(?:\s*\((?:[월화수목금토일月火水木金土日]|[A-Za-z]{3})\))?"
_SOLID: Final = (
    (r"^(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5:\6"),
    (r"^(\d{4})(\d{2})(\d{2})([ T].*)?$", r"\1-\2-\3\4"),
)
_AFTERNOON: Final = ("p", "오후", "午後", "下午")
_ZONED: Final = r"\d[ T]\d{2}(?::?\d{2}){0,2}(?:\.\d+)?\s*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"


def plain_times(texts: pa.Array, written: Written, *, days: bool) -> pa.Array:
    """Write dates (days) or times as ISO 8601; what is not written so becomes null.

    What is written so that its year comes first with four digits is read in any order of dates.
    """
    import pyarrow.compute as pc

    found = pc.utf8_trim_whitespace(texts)
    for pattern, way in _SOLID if written.dates == "ymd" else ():
        found = pc.replace_substring_regex(found, pattern, way)
    plain = _in_order(found, written.dates, written.pivot, days=days)
    if written.dates != "ymd" and plain.null_count > texts.null_count:
        first = pc.match_substring_regex(found, r"^\d{4}\D")
        again = pc.if_else(pc.and_(first, pc.is_null(plain)), found, None)
        plain = pc.coalesce(plain, _in_order(again, "ymd", None, days=days))
    return plain


@lru_cache
def _pattern(order: str) -> str:
    """Give the pattern of a date, and a time behind it."""
    date = _BETWEEN.join(_PARTS[part] for part in order)
    return rf"^{_DAY_BEFORE}{date}(?:\s*[일日]|\.)?{_DAY_AFTER}{_TIME}$"


def _in_order(texts: pa.Array, order: str, pivot: int | None, *, days: bool) -> pa.Array:
    """Read texts whose parts stand in one order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(texts, _pattern(order))

    def part(name: str) -> pa.Array:
        """Give one part of all texts."""
        return pc.struct_field(parts, name)

    def two(values: pa.Array) -> pa.Array:
        """Write with two digits."""
        return pc.utf8_lpad(values, 2, "0")

    date = pc.binary_join_element_wise(
        _years(part("y"), pivot), two(_months(part("m"))), two(part("d")), "-"
    )
    timed = pc.not_equal(part("h"), "")
    if days:
        return pc.if_else(timed, pa.scalar(None, pa.string()), date)
    minute = pc.if_else(pc.equal(part("mi"), ""), "00", two(part("mi")))
    second = pc.if_else(pc.equal(part("s"), ""), "00", two(part("s")))
    hour = two(_hours(part("h"), pc.utf8_lower(_joined(part("half"), part("late")))))
    clock = pc.binary_join_element_wise(hour, minute, second, ":")
    whole = pc.binary_join_element_wise(date, clock, " ")
    whole = _joined(whole, part("f"), part("z"))
    return pc.if_else(timed, whole, _joined(date, " 00:00:00"))


def _joined(*texts: pa.Array | str) -> pa.Array:
    """Put texts behind each other; null where one is."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*texts, "")


def _years(years: pa.Array, pivot: int | None) -> pa.Array:
    """Give years of four digits; two say one only where a pivot does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    short = pc.equal(pc.utf8_length(years), 2)
    nothing = pa.scalar(None, pa.string())
    if pivot is None or not pc.any(short).as_py():
        return pc.if_else(short, nothing, years)
    number = pc.if_else(short, years, nothing).cast(pa.int64())
    base = pivot - pivot % 100
    full = pc.add(number, pc.if_else(pc.less(number, pivot % 100), base + 100, base))
    return pc.if_else(short, pc.utf8_lpad(full.cast(pa.string()), 4, "0"), years)


def _months(months: pa.Array) -> pa.Array:
    """Give months as numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = pc.match_substring_regex(months, "^[A-Za-z]")
    if not pc.any(named).as_py():
        return months
    short = pc.utf8_lower(pc.utf8_slice_codeunits(months, 0, 3))
    place = pc.add(pc.index_in(short, pa.array(_MONTHS)), 1)
    return pc.if_else(named, place.cast(pa.string()), months)


def _hours(hours: pa.Array, halves: pa.Array) -> pa.Array:
    """Give hours of 24; an hour of 12 is one from 1 to 12."""
    import pyarrow as pa
    import pyarrow.compute as pc

    half = pc.not_equal(halves, "")
    if not pc.any(half).as_py():
        return hours
    number = pc.if_else(pc.equal(hours, ""), None, hours).cast(pa.int64())
    late = pc.starts_with(halves, _AFTERNOON[0])
    for word in _AFTERNOON[1:]:
        late = pc.or_(late, pc.starts_with(halves, word))
    twelve = pc.if_else(pc.equal(number, 12), 0, number)
    full = pc.add(twelve, pc.if_else(late, 12, 0))
    fits = pc.and_(pc.greater_equal(number, 1), pc.less_equal(number, 12))
    full = pc.if_else(fits, full, None).cast(pa.string())
    return pc.if_else(half, full, hours)


def cast_times(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Read times as ISO 8601 writes them; `Z` and an offset make them UTC.

    A time without a zone is one of UTC, but where the type has a zone. Raises ArrowInvalid.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind.tz is None:
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            pass
    zoned = pc.match_substring_regex(texts, _ZONED)
    nothing = pa.scalar(None, pa.string())
    local = pc.if_else(zoned, nothing, texts)
    if kind.tz is not None and local.null_count < len(local):
        raise pa.ArrowInvalid("a time without a zone")
    moments = pc.if_else(zoned, texts, nothing)
    moments = pc.replace_substring_regex(moments, r"\s*[zZ]$", "Z")
    moments = pc.replace_substring_regex(moments, r"\s+([+-]\d{2}:?\d{0,2})$", r"\1")
    read = moments.cast(pa.timestamp(kind.unit, "UTC"))
    if kind.tz is not None:
        return read.cast(kind)
    return pc.coalesce(local.cast(kind), read.cast(kind))
