"""Encodings: told from the bytes, stated with confidence, or asked for."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from resources.errors import SourceError
from resources.sources.encoding import SURE, find_encoding

KOREAN = "번호,리뷰\n" + "".join(f"{n},정말 재미있게 봤어요 ㅋㅋ 추천합니다!\n" for n in range(50))


@pytest.mark.parametrize(
    "content",
    [
        KOREAN.encode(),
        codecs.BOM_UTF8 + KOREAN.encode(),
        KOREAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + KOREAN.encode("utf-16-be"),
        KOREAN.encode("utf-32"),
        KOREAN.encode("cp949"),
        KOREAN.replace("정말", "뷁쀍뙇", 3).encode("cp949"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16-le", "utf-16-be", "utf-32", "cp949", "cp949-rare"],
)
def test_korean_is_read_the_same_from_every_encoding(reading: Any, content: bytes) -> None:
    reading.write("a.csv", content)
    rows = reading.rows("a.csv")
    assert list(rows[0]) == ["번호", "리뷰"]
    assert rows[49]["리뷰"].endswith("재미있게 봤어요 ㅋㅋ 추천합니다!")


def test_cp949_is_guessed_with_a_stated_confidence(reading: Any) -> None:
    found = find_encoding(reading.write("a.csv", KOREAN.encode("cp949")))
    assert found.codec == "cp949"
    assert SURE <= found.confidence <= 1


@pytest.mark.parametrize(
    "content",
    [
        "name\nDvořák café crème brûlée\n".encode("latin-1", "replace"),
        "名前,感想\nとても面白い映画でした\n".encode("euc-jp"),
        "名前,感想\nとても面白い映画でした\n".encode("shift_jis"),
        "名字,评论\n这部电影非常好看推荐大家去看\n".encode("gb18030"),
        bytes(range(256)),
    ],
    ids=["latin-1", "euc-jp", "shift-jis", "chinese", "bytes"],
)
def test_what_is_not_surely_korean_is_not_guessed(reading: Any, content: bytes) -> None:
    reading.write("a.csv", content)
    with pytest.raises(SourceError, match=r"is not UTF-8: byte \d+ on line \d+ .*encoding="):
        reading.rows("a.csv")


def test_one_broken_byte_is_named_by_its_place(reading: Any) -> None:
    reading.write("a.csv", KOREAN.encode() + b"51,\xff\n")
    with pytest.raises(SourceError, match="is 0xff") as caught:
        reading.rows("a.csv")
    assert caught.value.facts["line"] == 52
    assert caught.value.facts["byte"] == len(KOREAN.encode()) + 3


def test_an_encoding_that_is_asked_for_wins(reading: Any) -> None:
    reading.write("a.csv", "name\ncafé\n".encode("latin-1"))
    assert reading.rows("a.csv", encoding="latin-1") == [{"name": "café"}]


def test_euc_kr_is_read_as_the_cp949_that_it_usually_is(reading: Any) -> None:
    reading.write("a.csv", "a\n뷁\n".encode("cp949"))
    assert reading.rows("a.csv", encoding="EUC-KR") == [{"a": "뷁"}]


def test_an_encoding_that_does_not_fit_is_an_error_with_the_place(reading: Any) -> None:
    reading.write("a.csv", b"name\nok\nna\xefve\n")
    with pytest.raises(SourceError, match="is not utf-8: byte 10 on line 3 is 0xef"):
        reading.rows("a.csv", encoding="utf-8")


def test_an_unknown_encoding_is_an_error_with_a_suggestion(reading: Any) -> None:
    reading.write("a.csv", b"name\n")
    with pytest.raises(SourceError, match="did you mean 'cp949'"):
        reading.rows("a.csv", encoding="cp94")
    with pytest.raises(SourceError, match="'base64', which does not exist"):
        reading.rows("a.csv", encoding="base64")
