"""Which signs lay a text out: the delimiter, the quotation mark, the escape sign."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from resources.sources.dialect import Dialect
from resources.sources.layout.kinds import typed_share
from resources.sources.layout.parsing import Record, first_records, share_of, usual_width

DELIMITERS: Final = (",", ";", "\t", "|")
_LOOKED: Final = 120
_NEAR: Final = 1 << 16
_SEP: Final = re.compile(
    rb'"?[ ]*sep[ ]*=[ ]*(\\t|\t|[^\r\n"\\\w])["]?[\s,;|]*?(?:\r\n?|\n|\Z)', re.IGNORECASE
)
_SPREAD: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a dialect fits the first records. width: cells that most of them have."""

    dialect: Dialect
    records: Sequence[Record]
    width: int
    share: float
    typed: float

    @property
    def perfect(self) -> bool:
        """Tell whether every record has as many cells, two at least, and keeps the rule."""
        return self.width > 1 and self.share == 1.0

    @property
    def settled(self) -> bool:
        """Tell whether below a few lines without a delimiter all rows have as many cells."""
        above = next((n for n, one in enumerate(self.records) if len(one.cells) > 1), 0)
        below = self.records[above:]
        if len(below) < 2 or 2 * above > len(below):
            return False
        rows = below[1:] if len(below) > 2 and len(below[0].cells) > 2 else below
        return share_of(rows, self.width) == 1.0

    @property
    def score(self) -> float:
        """Give how plausible it is."""
        return self.share * (0.6 + 0.4 * self.typed) * (1.0 if self.width > 1 else 0.4)


def sep_line(head: bytes) -> tuple[str, int]:
    """Give the delimiter that a first line `sep=;` names, and the line's length; ("", 0): none."""
    match = _SEP.match(head)
    if match is None:
        return "", 0
    sign = match[1].decode()
    return ("\t" if sign == "\\t" else sign), match.end()


def fit(head: bytes, start: int, dialect: Dialect, most: int = _LOOKED) -> Fit:
    """Look how well a dialect fits."""
    records = first_records(head, start, dialect, most)
    width = usual_width(records)
    share = share_of(records, width)
    body = [one.cells for one in records[1:] if len(one.cells) == width]
    return Fit(dialect, records, width, share, typed_share(body))


def choose_signs(head: bytes, start: int, usual: Dialect, said: frozenset[str]) -> Fit:
    """Give the dialect that fits best; the usual one where nothing fits clearly better."""
    first = fit(head, start, usual)
    line = head[start:].split(b"\n", 1)[0]
    best = first
    if "delimiter" not in said:
        for sign in DELIMITERS:
            if sign == usual.delimiter or (first.perfect and sign.encode() not in line):
                continue
            if sign in (usual.quote, usual.escape):
                continue
            other = fit(head, start, replace(usual, delimiter=sign))
            if _is_better(other, best):
                best = other
    if "escape" not in said and usual.quote and b"\\" + usual.quote.encode() in head:
        other = fit(head, start, replace(best.dialect, escape="\\"))
        if other.share > best.share:
            best = other
    single = b"'" in head[start : start + _NEAR] and best.width > 1
    if single and "quote" not in said and "'" not in (best.dialect.delimiter, usual.escape):
        other = fit(head, start, replace(best.dialect, quote="'"))
        if other.width > 1 and other.share >= best.share and _is_quoted(other):
            best = other
    return best


def _is_better(other: Fit, best: Fit) -> bool:
    """Tell whether another delimiter fits clearly better."""
    if other.width < 2 or len(other.records) < 2:
        return False
    if best.perfect:
        return other.perfect and other.typed >= best.typed + 0.2
    if best.width < 2 and other.share < 0.9:  # lines of text hold signs here and there
        return (other.width > 2 or other.typed > 0.3) and other.settled
    return other.score > best.score + 0.05


def _is_quoted(found: Fit) -> bool:
    """Tell whether nearly all cells of a column stand between the dialect's marks."""
    rows = [one for one in found.records if len(one.cells) == found.width]
    if len(rows) < 3 or any(cell.startswith('"') for row in rows for cell in row.cells):
        return False
    for at in range(found.width):
        filled = [row.quoted[at] for row in rows if row.cells[at].strip()]
        if len(filled) > 2 and sum(filled) >= 0.7 * len(filled):
            return True
    return False


def other_sign(records: Sequence[Record]) -> str:
    """Give a sign that parts every line of a single column into as many pieces, "" for none."""
    lines = [one.cells[0] for one in records if one.cells]
    if len(lines) < 3:
        return ""
    for sign in (*DELIMITERS, "^", "~", ":", " "):
        counts = {_pieces(line, sign) for line in (lines[1:] if sign in DELIMITERS else lines)}
        if len(counts) == 1 and counts != {1}:
            return sign
    return ""


def _pieces(line: str, sign: str) -> int:
    """Count the pieces that a sign parts a line into; several spaces part once."""
    return len(_SPREAD.findall(line)) if sign == " " else line.count(sign) + 1
