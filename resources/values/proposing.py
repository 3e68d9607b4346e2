"""The type and the notation that a text column's values all have, where only one way fits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from resources.values.telling import MISSING, Way, as_yaml, ways
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
    whole = [way for way in whole if _says_more(way, values)]
    if not whole:
        return None
    if kind == "bool" and len({value for value in whole[0].values if value}) != 2:
        return None
    if kind == "int64":  # 1,234 may be a fraction: then the number's own readings are told
        numbers = [way for way in ways(distinct, "float64") if way.count == len(distinct)]
        if len(numbers) > 1:
            return None
    if len(whole) > 1:
        said = " or ".join(f"written: {as_yaml(way.written)}" for way in whole[:3])
        return Looks(note=f"{kind}? it can be read in several ways: {said}")
    written = whole[0].written
    note = ""
    if written.pivot is not None:
        note = f"years of two digits are taken for {written.pivot} to {written.pivot + 99}"
    return Looks(kind, written, note)


def _says_more(way: Way, values: Sequence[str]) -> bool:
    """Tell whether a notation does more than name what is missing."""
    return bool(set(way.written.said()) - {"missing"}) and bool(values)
