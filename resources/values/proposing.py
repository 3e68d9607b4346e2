"""The type and the notation that a text column's values all have, where only one way fits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from resources.values.telling import MISSING, YES_NO, Way, as_yaml, ways
from resources.values.written import Written

_MOST: Final = 2_000
_ZONED: Final = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s*(Z|[+-]\d\d(:?\d\d)?)"
)
_NUMBER: Final = re.compile(r"\d")
_CODE: Final = re.compile(r"[+-]?0\d+")


@dataclass(frozen=True, slots=True)
class Looks:
    """What a text column looks like. type: "" = text. note: what else it may be, in a sentence."""

    type: str = ""
    written: Written | None = None
    note: str = ""


def looks_like(texts: Sequence[str]) -> Looks:
    """Tell what texts look like; where they can be read in several ways, say which, and take none.

    Codes such as 00501 are texts, and so is what needs no notation but a reading with losses.
    """
    distinct = list(dict.fromkeys(texts))[:_MOST]
    values = [text for text in distinct if text.strip() and text.strip() not in MISSING]
    if not values:
        return Looks()
    if all(_ZONED.fullmatch(text.strip()) for text in values):
        return Looks("timestamp[us,UTC]") if len(values) == len(distinct) else Looks()
    if any(map(_CODE.fullmatch, values)):
        return Looks()
    kinds = ["bool"]
    if all(map(_NUMBER.search, values)):
        kinds = ["int64", "float64", "date", "timestamp[us]"]
    found = [look for kind in kinds if (look := _as(kind, distinct, values)) is not None]
    return next((look for look in found if look.type), found[0] if found else Looks())


def _as(kind: str, distinct: Sequence[str], values: Sequence[str]) -> Looks | None:
    """Tell how texts are values of a type; None where they are not."""
    whole = [way for way in ways(distinct, kind) if way.count == len(distinct)]
    if not any(_says_more(way, values) for way in whole):
        return _with_gaps(kind, distinct, whole)
    if kind == "bool" and not _are_pairs(whole[0], values):
        return None
    if kind == "int64":  # 1,234 may be a fraction: then the number's own readings are told
        numbers = [way for way in ways(distinct, "float64") if way.count == len(distinct)]
        if len(numbers) > 1:
            return None
    if len(whole) > 1:  # 1.200 is a number as it stands, too
        said = " or ".join(_option(way) for way in whole[:3])
        return Looks(note=f"{kind}? it can be read in several ways: {said}")
    written = whole[0].written
    note = ""
    if written.pivot is not None:
        note = f"years of two digits are taken for {written.pivot} to {written.pivot + 99}"
    return Looks(kind, written, note)


def _option(way: Way) -> str:
    """Name a notation as it is declared; what needs none stands as it is."""
    return f"written: {as_yaml(way.written)}" if way.written.said() else "no `written:`"


def _with_gaps(kind: str, distinct: Sequence[str], whole: Sequence[Way]) -> Looks | None:
    """Tell of numbers, each written as it reads, among words for missing; None for others."""
    if kind not in ("int64", "float64") or not whole or not whole[0].written.missing:
        return None
    way = whole[0]
    for text, value in zip(distinct, way.values, strict=True):
        if value not in ("", text, f"{text}.0"):
            return None
    words = ", ".join(map(repr, way.written.missing))
    return Looks(kind, way.written, f"taken as missing: {words}")


def _are_pairs(way: Way, values: Sequence[str]) -> bool:
    """Tell whether words mean yes and no: a whole pair stands there, and no letter without its own.

    So Y and N do, and X and Y, each of which is half of another pair, do not.
    """
    seen = {text.strip().lower() for text in values}
    paired = {word for pair in YES_NO if seen.issuperset(pair) for word in pair}
    alone = {word for word in seen - paired if len(word) == 1 and word.isalpha()}
    both = len({value for value in way.values if value}) == 2
    return both and bool(paired) and not alone


def _says_more(way: Way, values: Sequence[str]) -> bool:
    """Tell whether a notation does more than name what is missing."""
    return bool(set(way.written.said()) - {"missing"}) and bool(values)
