"""Encodings: told from the bytes, stated with confidence, or asked for."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.errors import SourceError
from resources.sources import decoding, records
from resources.sources.encoding import SURE, find_encoding, whole_text

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
    assert SURE <= found.confidence < 1


@pytest.mark.parametrize(
    "content",
    [
        "name\nDvořák café crème brûlée\n".encode("latin-1", "replace"),
        "名前,感想\nとても面白い映画でした\n".encode("euc-jp"),
        "名前,感想\nとても面白い映画でした\n".encode("shift_jis"),
        "名字,评论\n这部电影非常好看推荐大家去看\n".encode("gb18030"),
        "id,name\n1,阿里巴巴\n2,嘉宾\n".encode("gbk"),
        ("id,name\n" + "1,阿里巴巴\n2,嘉宾\n" * 50).encode("gbk"),
        "会社案内\n株式会社\n会議\n".encode("euc-jp"),
        ("会社案内\n株式会社\n会議\n" * 50).encode("euc-jp"),
        ("客户姓名,地址\n张伟,上海市浦东新区\n李娜,广东省深圳市南山区\n" * 9).encode("gbk"),
        "이름\n김철수\n".encode("cp949"),
        bytes(range(256)),
    ],
    ids=[
        "latin-1",
        "euc-jp",
        "shift-jis",
        "chinese",
        "gbk-few",
        "gbk-same",
        "euc-jp-few",
        "euc-jp-same",
        "gbk-names",
        "cp949-few",
        "bytes",
    ],
)
def test_what_is_not_surely_korean_is_not_guessed(reading: Any, content: bytes) -> None:
    reading.write("a.csv", content)
    with pytest.raises(SourceError, match=r"is not UTF-8: byte \d+ on line \d+ .*encoding="):
        reading.rows("a.csv")


def test_a_small_file_of_ours_is_read_as_the_korean_it_was(reading: Any) -> None:
    assert whole_text(reading.write("a.csv", "a\n쌀\n".encode("cp949"))) == "a\n쌀\n"


@pytest.mark.parametrize("codec", ["utf-8", "cp949"])
def test_a_row_that_is_not_text_is_set_aside_with_line_and_bytes_and_the_file_is_read(
    reading: Any, codec: str
) -> None:
    path = reading.write("a.csv", KOREAN.encode(codec) + b'50,"a\xff\nb\xfe"\n51,good\n')
    rows = reading.rows("a.csv")
    assert [row["번호"] for row in rows[-2:]] == [49, 51]
    (reject,) = reading.set_aside()
    assert (reject.rule, reject.source, reject.line) == ("encoding", str(path), 52)
    assert f"not {codec}: 0xff, 0xfe" in reject.reason
    assert json.loads(reject.row) == {"line": '50,"a\\xff\nb\\xfe"'}
    (warning,) = reading.rejects.warnings
    assert f"a.csv is read as {codec} with a confidence of 0.9" in warning
    assert "2 lines are not, the first on line 52" in warning


def test_where_every_tenth_line_is_odd_no_encoding_is_guessed(reading: Any) -> None:
    reading.write("a.csv", KOREAN.encode() + b"51,\xff\n" * 6)
    with pytest.raises(SourceError, match="is 0xff") as caught:
        reading.rows("a.csv")
    assert caught.value.facts["line"] == 52
    assert caught.value.facts["byte"] == len(KOREAN.encode()) + 3


def test_a_header_that_is_not_text_is_an_error(reading: Any) -> None:
    reading.write("a.csv", b"id,na\xefve\n" + b"1,a\n" * 50)
    with pytest.raises(
        SourceError, match=r"the header of .* is not utf-8: 0xef in 'id,na\\\\xefve"
    ):
        reading.rows("a.csv")


def test_french_german_and_spanish_are_told_from_their_letters(reading: Any) -> None:
    text = "id,text\n" + "1,Ça été très agréable – größer als üblich; señor “Núñez”\n" * 3
    reading.write("a.csv", text.encode("cp1252"))
    assert reading.rows("a.csv")[0]["text"].endswith("“Núñez”")
    assert "read as cp1252 with a confidence of 0.9" in reading.rejects.warnings[0]


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Árvíztűrő tükörfúrógép", "cp1250"),
        ("Pijamalı hasta yağız şoföre çabucak güvendi", "cp1254"),
        ("Съешь ещё этих мягких французских булок", "cp1251"),
        ("Съешь ещё этих мягких французских булок", "koi8-r"),
        ("Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", "cp1253"),
        ("Très agréable, ça été", "cp850"),
        ("Très agréable, ça été", "mac-roman"),
        ("とても面白い映画でした", "shift_jis"),
        ("这部电影非常好看推荐大家去看", "big5hkscs"),
    ],
)
def test_other_languages_are_not_taken_for_western_ones(
    reading: Any, text: str, codec: str
) -> None:
    reading.write("a.csv", ("id,text\n" + f"1,{text}\n" * 40).encode(codec, "ignore"))
    with pytest.raises(SourceError, match="Say which encoding it is"):
        reading.rows("a.csv")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read_where_it_is_asked_for(reading: Any, codec: str) -> None:
    reading.write("a.csv", "id,text\n1,가\n".encode(codec))
    with pytest.raises(SourceError, match=f"Say so if it is: encoding='{codec}'"):
        reading.rows("a.csv")
    assert reading.rows("a.csv", encoding=codec) == [{"id": 1, "text": "가"}]
    with pytest.raises(SourceError, match="no byte order mark.*encoding='utf-16-le'"):
        reading.rows("a.csv", encoding="utf-16")


def test_a_guess_of_less_than_certainty_is_a_warning_and_an_explicit_encoding_is_none(
    reading: Any,
) -> None:
    reading.write("a.csv", KOREAN.encode("cp949"))
    reading.rows("a.csv", encoding="cp949")
    assert reading.rejects.warnings == ()
    reading.rows("a.csv")
    assert "encoding='cp949' says so for certain" in reading.rejects.warnings[0]


def test_an_encoding_that_is_asked_for_wins(reading: Any) -> None:
    reading.write("a.csv", "name\ncafé\n".encode("latin-1"))
    assert reading.rows("a.csv", encoding="latin-1") == [{"name": "café"}]


def test_euc_kr_is_read_as_the_cp949_that_it_usually_is(reading: Any) -> None:
    reading.write("a.csv", "a\n뷁\n".encode("cp949"))
    assert reading.rows("a.csv", encoding="EUC-KR") == [{"a": "뷁"}]


def test_rows_that_an_explicit_encoding_does_not_explain_are_set_aside(reading: Any) -> None:
    reading.write("a.csv", b"name\nok\nna\xefve\n")
    assert reading.rows("a.csv", encoding="utf-8") == [{"name": "ok"}]
    assert reading.set_aside()[0].line == 3


def test_utf_16_that_breaks_off_is_an_error_with_the_place(reading: Any) -> None:
    reading.write("a.csv", "a\nx\n".encode("utf-16") + b"\x00\xd8\x00\x00")
    with pytest.raises(SourceError, match="is not utf-16: byte 10 on line 3"):
        reading.rows("a.csv")


def test_an_unknown_encoding_is_an_error_with_a_suggestion(reading: Any) -> None:
    reading.write("a.csv", b"name\n")
    with pytest.raises(SourceError, match="did you mean 'cp949'"):
        reading.rows("a.csv", encoding="cp94")
    with pytest.raises(SourceError, match="'base64', which does not exist"):
        reading.rows("a.csv", encoding="base64")


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_whoever_cannot_take_marks_gets_an_error_with_the_place(
    reading: Any, monkeypatch: pytest.MonkeyPatch, mark: bytes, block: int
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", block)
    path = reading.write("a.csv", mark + "가\nb\n".encode() + b"c\xff\n")
    with pytest.raises(SourceError, match=f"is not utf-8: byte {len(mark) + 7} on line 3 is 0xff"):
        b"".join(decoding.utf8_blocks(path, decoding.Encoding("utf-8")))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.sampled_from('가뷁a,"\n'), max_size=6), st.booleans())),
    st.sampled_from(["utf-8", "cp949"]),
    st.sampled_from([b"\xff", b"\x80", b"\xff\xfe"]),
    st.sampled_from([3, 1 << 20]),
)
def test_exactly_the_rows_with_odd_bytes_are_set_aside(
    fresh: Callable[[], Any], rows: list[tuple[str, bool]], codec: str, odd: bytes, block: int
) -> None:
    """Wherever blocks are cut, and whatever else is in the rows."""
    reading = fresh()
    content, line, lines = b"id,text\n", 2, []
    for number, (text, broken) in enumerate(rows):
        quoted = text.replace('"', '""').encode(codec)
        content += b'%d,"%s%s"\n' % (number, quoted, odd * broken)
        lines += [line] * broken
        line += 1 + text.count("\n")
    reading.write("a.csv", content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK", block)
        patch.setattr(records, "BLOCK", block)
        table = reading.source("a.csv", columns=()).read(encoding=codec).to_arrow().to_pylist()
    kept = [{"id": str(n), "text": text} for n, (text, broken) in enumerate(rows) if not broken]
    assert table == kept
    assert [reject.line for reject in reading.set_aside()] == lines
