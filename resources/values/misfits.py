"""Texts that were not written as their column's type is, and what they say of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from resources.columns import ZONED, Column
from resources.values.telling import as_yaml, ways
from resources.values.written import NotationError, Written

if TYPE_CHECKING:
    import pyarrow as pa

_KEPT: Final = 10_000
_SHOWN: Final = 3
_FINE: Final = re.compile(r":\d\d\.\d{7,9}\s*(?:Z|[+-]\d\d:?\d\d)?$")
_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
_GROUPED: Final = r"^\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*$"
_CONTINENTAL: Final = r"\d\.\d{3}(?:,\d|\.\d{3})|\d,(?:\d{1,2}|\d{4,})(?:[^\d.,]|$)"
"""What no notation with a point for fractions explains: 1.234,56, 1.234.567, 0,5."""
_EVIDENCE: Final = 100


@dataclass(slots=True)
class Misfits:
    """Texts that were not written as their column's type is, the first of each column kept.

    thousands: of each column of numbers a text that was read as a fraction and may be thousands.
    against: of each column texts that speak against it, looked for in all, not in the kept alone.
    """

    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)
    against: dict[str, list[str]] = field(default_factory=dict)

    def note_thousands(self, column: str, array: pa.Array) -> None:
        """Keep the first text such as 1.234 of a column; looked for until there is one."""
        import pyarrow.compute as pc

        if column not in self.thousands and (texts := _texts(array)) is not None:
            found = texts.filter(pc.match_substring_regex(texts, _GROUPED))
            if len(found):
                self.thousands[column] = found[0].as_py()

    def contradiction(self, columns: Iterable[Column]) -> NotationError | None:
        """Give the error for a column that holds both 1.234,56 and 1.234, nobody having said how.

        Read plainly, the one is set aside and the other is a thousandth of what it may be.
        """
        for column in columns:
            plain, against = self.thousands.get(column.name), self.against.get(column.name)
            if plain is None or not against:
                continue
            kept = self.kept[column.name]
            found = [*ways(kept, column.type, column.written)[:1]]
            found += ways(against, column.type, column.written)
            best = next((way.written for way in found if _is_continental(way.written)), None)
            if best is not None:
                return NotationError(
                    f"{column.name}: {plain!r} would be read as a fraction, and texts such as "
                    f"{against[0]!r} say that it may be thousands "
                    f"({self.counts[column.name]:,} do not fit)",
                    f"say which: `written: {as_yaml(best)}`, or, if {plain!r} is a fraction, "
                    '`written: {decimal: "."}`',
                    column=column.name,
                )
        return None

    def note(self, column: str, array: pa.Array, places: Sequence[int]) -> None:
        """Take the texts at some places of a column."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if (texts := _texts(array)) is None:
            return
        self.counts[column] = self.counts.get(column, 0) + len(places)
        kept = self.kept.setdefault(column, [])
        texts = texts.take(pa.array(places, pa.int64()))
        kept += texts.slice(0, max(0, _KEPT - len(kept))).to_pylist()
        against = self.against.setdefault(column, [])
        if len(against) < _EVIDENCE:
            found = texts.filter(pc.match_substring_regex(texts, _CONTINENTAL))
            against += found.slice(0, _EVIDENCE - len(against)).to_pylist()

    def hints(self, columns: Iterable[Column]) -> Iterator[str]:
        """Give a sentence for each column that some notation would read: which, and how many."""
        for column in columns:
            count = self.counts.get(column.name, 0)
            if count and (said := _hint(column, self.kept[column.name], count)):
                yield said


def _texts(array: pa.Array) -> pa.Array | None:
    """Give a column's texts; None for one of another type, whose values are not written."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return array if text else None


def _is_continental(written: Written) -> bool:
    """Tell whether a notation has a comma before fractions, or a point between thousands."""
    return written.point == "," or written.thousands == "."


def _hint(column: Column, texts: Sequence[str], count: int) -> str:
    """Say which notation would read texts that were set aside ("" = none is known)."""
    start = f"{column.name}: {count:,} set aside, such as {texts[0][:40]!r}: "
    if column.type.startswith("timestamp") and _FINE.search(texts[0]):
        return f"{start}a time to the nanosecond needs the type timestamp[ns]"
    if column.type == ZONED and _LOCAL.fullmatch(texts[0].strip()):
        return f"{start}a time without a zone is no moment: declare a timestamp without one"
    found = ways(texts, column.type, column.written)
    if not found:
        return ""
    best = [way for way in found if way.count == found[0].count]
    of = "" if len(texts) == count else f" of the first {len(texts):,}"
    said = " or ".join(f"`written: {as_yaml(way.written)}`" for way in best[:_SHOWN])
    unsure = " (they read it differently: only you know which)" if len(best) > 1 else ""
    return f"{start}{said} reads {found[0].count:,}{of}{unsure}"
