"""Whether first records read like names of columns: or like one more row, or like comments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from resources.sources.layout.kinds import TEXT, TYPED, column_kinds, kind_of
from resources.sources.layout.parsing import Record

_LINES: Final = (
    "address answer author body brand category city class code color colour comment",
    "company content country customer date day department description email first",
    "gender group id item key kind label lang language last letter level location",
    "memo message model month name no note number order owner phone place product",
    "question rating region remark review role score source state status street",
    "subject summary tag text time title topic type unit url user value word year zip",
)
_WORDS: Final = frozenset(word for line in _LINES for word in line.split())
_KOREAN: Final = (
    *("이름", "성명", "제목", "내용", "본문", "리뷰", "후기", "날짜", "일자", "일시", "도시"),
    *("지역", "지점", "주소", "구분", "분류", "종류", "번호", "코드", "상품", "품목", "제품"),
    *("메모", "비고", "색상", "국가", "상태", "유형", "메일", "전화", "작성", "출처", "질문"),
    *("답변", "성별", "언어", "회사", "부서", "직급", "고객", "담당", "평점", "항목", "설명"),
)
_TOKEN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SHAPES: Final = (("[A-Z]+", "A"), ("[a-z]+", "a"), ("[가-힣]+", "가"), (r"\d+", "9"))
_LEAST: Final = 2
COMMENTS: Final = ("#", "//", "%", "--")
"""What comments begin with, above a header."""


def reads_like_a_row(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether no cell of a first record is a usual name, and all are shaped like those below.

    For tables of texts alone, where nothing else tells names from values; a sign, no proof.
    """
    full = [row for row in rows if len(row) == len(cells)]
    if len(full) < _LEAST or not all(cell.strip() for cell in cells):
        return False
    if any(map(_is_name, cells)):
        return False
    return all(
        _shape(cell) in {_shape(row[at]) for row in full if row[at].strip()}
        for at, cell in enumerate(cells)
    )


def _is_name(cell: str) -> bool:
    """Tell a usual name of a column: a known word, a single letter, words_joined_so."""
    text = cell.strip()
    if len(text) == 1 or "_" in text or any(word in text for word in _KOREAN):
        return True
    tokens = {token.lower() for token in _TOKEN.findall(text)}
    return bool(tokens & _WORDS) or bool({token.removesuffix("s") for token in tokens} & _WORDS)


def _shape(cell: str) -> str:
    """Give a cell's shape: `Kim Lee` is `Aa Aa`."""
    text = cell.strip()
    for letters, sign in _SHAPES:
        text = re.sub(letters, sign, text)
    return text


def is_comment(records: Sequence[Record], at: int, width: int) -> bool:
    """Tell a comment that has as many cells as rows have: names without its sign stand below it.

    In `#id,name` above rows the sign belongs to the header.
    """
    sign = next((s for s in COMMENTS if records[at].cells[0].startswith(s)), "")
    if not sign:
        return False
    below = [one for one in records[at + 1 :] if not one.blank]
    rest = [one for one in below if not one.cells[0].startswith(sign)]
    if not rest or len(rest[0].cells) != width or rest[0].filled != width:
        return False
    kinds = column_kinds([one.cells for one in rest[1:] if len(one.cells) == width], width)
    over = [kind_of(c) for c, k in zip(rest[0].cells, kinds, strict=True) if k in TYPED]
    return bool(over) and all(kind == TEXT for kind in over)
