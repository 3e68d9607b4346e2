"""Numbers, yes and no, and missing values as a notation writes them, in the plain way: in bulk."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from resources.values.written import Written

_SPACES: Final = "[\u00a0\u2007\u2009\u202f\u3000]"
_MINUS: Final = "[\u2212\uff0d]"
_PLAIN_WORDS: Final = ("true", "false", "1", "0")


def without_words(texts: pa.Array, words: tuple[str, ...]) -> pa.Array:
    """Give texts with those missing that only say so; spaces around a word do not matter."""
    import pyarrow as pa
    import pyarrow.compute as pc

    said = pc.is_in(pc.utf8_trim_whitespace(texts), pa.array(words, pa.string()))
    return pc.if_else(said, None, texts)


def plain_numbers(texts: pa.Array, written: Written) -> pa.Array:
    """Write numbers as Python does; what is not written so becomes null."""
    import pyarrow.compute as pc

    found = pc.replace_substring_regex(texts, _SPACES, " ")
    found = pc.replace_substring_regex(found, _MINUS, "-")
    if written.thousands == "'":
        found = pc.replace_substring(found, "\u2019", "'")
    if written.percent:
        found = pc.replace_substring(found, "\uff05", "%")
    found = pc.utf8_trim_whitespace(found)
    if written.minus == "parentheses":
        found = pc.replace_substring_regex(found, r"^\((.*)\)$", r"-\1")
    parts = pc.extract_regex(found, _number(written))

    def part(name: str) -> pa.Array:
        """Give one part of all numbers."""
        return pc.struct_field(parts, name)

    whole = part("whole")
    if written.thousands:
        whole = pc.replace_substring(whole, written.thousands, "")
    signs = [part("before"), part("behind")]
    if written.minus == "after":
        signs.append(part("after"))
    sign = pc.binary_join_element_wise(*signs, "")
    rest = pc.binary_join_element_wise(part("part"), part("bare"), "")
    rest = pc.if_else(pc.equal(rest, ""), "", pc.binary_join_element_wise(".", rest, ""))
    power = "e-2" if written.percent else part("power")
    return pc.binary_join_element_wise(sign, whole, rest, power, "")


@lru_cache
def _number(written: Written) -> str:
    """Give the pattern of one number."""
    point, mark = re.escape(written.point), re.escape(written.thousands)
    whole = rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|\d+" if mark else r"\d+"
    unit = rf"(?:{'|'.join(map(re.escape, written.unit))})?" if written.unit else ""
    behind = r"\s*%" if written.percent else r"(?P<power>[eE][+-]?\d+)?"
    after = r"\s*(?P<after>-?)" if written.minus == "after" else ""
    return (
        rf"^(?P<before>[+-]?)\s*{unit}\s*(?P<behind>[+-]?)\s*"
        rf"(?:(?P<whole>{whole})(?:{point}(?P<part>\d+))?|{point}(?P<bare>\d+))"
        rf"{behind}{after}\s*{unit}$"
    )


def plain_booleans(texts: pa.Array, written: Written) -> pa.Array:
    """Write yes and no as true and false; what is neither becomes null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_lower(pc.utf8_trim_whitespace(texts))

    def among(said: tuple[str, ...]) -> pa.Array:
        """Tell which texts are one of these words."""
        return pc.is_in(words, pa.array([word.lower() for word in said], pa.string()))

    plain = pc.if_else(among(_PLAIN_WORDS), words, pa.scalar(None, pa.string()))
    plain = pc.if_else(among(tuple(written.false_words)), "false", plain)
    return pc.if_else(among(tuple(written.true_words)), "true", plain)
