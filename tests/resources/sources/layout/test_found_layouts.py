"""Delimited files as Excel and people make them: read right, with a word, or refused with one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from resources.errors import SourceError

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and what it gives: columns and rows, what is said of it, what is set aside."""

    content: str | bytes
    columns: list[str]
    rows: Rows
    said: str = ""
    aside: tuple[str, ...] = ()


CASES = {
    "backslash.csv": Case(
        'id,text\n1,"he said \\"hi\\" to me"\n2,"plain"\n3,"comma \\", inside"\n',
        ["id", "text"],
        [(1, 'he said "hi" to me'), (2, "plain"), (3, 'comma ", inside')],
        "escape '\\\\' fits",
    ),
    "midquote.csv": Case(
        'id,text\n1,5" pipe\n2,"a"b\n3,"a" b "c"\n4,say "hi"\n',
        ["id", "text"],
        [(1, '5" pipe'), (4, 'say "hi"')],
        aside=('2,"a"b', '3,"a" b "c"'),
    ),
    "noheader.csv": Case(
        "2008-02-28,Kim,71.5\n2008-02-29,Lee,72.5\n2008-03-01,Park,73.5\n",
        ["column_1", "column_2", "column_3"],
        [],
        "it has no header, and its first row is data",
    ),
    "noheader_of_texts.csv": Case(
        "Kim,Seoul\nLee,Busan\nPark,Seoul\nKim,Daegu\n",
        ["column_1", "column_2"],
        [("Kim", "Seoul"), ("Lee", "Busan"), ("Park", "Seoul"), ("Kim", "Daegu")],
        "it has no header, and its first row is data",
    ),
    "perhaps_noheader.csv": Case(
        "Kim,Seoul,a,b\nLee,Busan,c,d\nPark,Seoul,e,f\n",
        ["Kim", "Seoul", "a", "b"],
        [("Lee", "Busan", "c", "d"), ("Park", "Seoul", "e", "f")],
        "'Seoul' stands in its column once more",
    ),
    "header_of_texts.csv": Case(
        "name,city\nKim,Seoul\nLee,Seoul\n", ["name", "city"], [("Kim", "Seoul"), ("Lee", "Seoul")]
    ),
    "title_padded.csv": Case(
        "Spend in June 2015,,\nSupplier,Date,Amount\nACME,02.06.,10\nFoo,03.06.,20\n",
        ["Supplier", "Date", "Amount"],
        [("ACME", "02.06.", 10), ("Foo", "03.06.", 20)],
        "the line before the header is passed over",
    ),
    "title_plain.csv": Case(
        "Spend in June 2015\n\nSupplier,Date,Amount\nACME,02.06.,10\nFoo,03.06.,20\n",
        ["Supplier", "Date", "Amount"],
        [("ACME", "02.06.", 10), ("Foo", "03.06.", 20)],
        "skip=2 says so for certain",
    ),
    "preamble.csv": Case(
        "Report of shop,,\nGenerated 2024-01-01,,\n,,\nid,name,amount\n1,Kim,5\n2,Lee,6\n",
        ["id", "name", "amount"],
        [(1, "Kim", 5), (2, "Lee", 6)],
        "the 3 lines before the header are passed over",
    ),
    "preamble_of_keys.csv": Case(
        "Report:,Sales\nDate:,2024-01-01\n\nid,name,amount\n1,a,5\n2,b,6\n",
        ["id", "name", "amount"],
        [(1, "a", 5), (2, "b", 6)],
        "skip=3 says so for certain",
    ),
    "quoted_semicolon.csv": Case('"a,x";"b"\n"1";"2"\n', ["a,x", "b"], [(1, 2)], "delimiter ';'"),
    "semi_comma_header.csv": Case(
        "id;name, first;x\n1;a;2\n2;b;3\n",
        ["id", "name, first", "x"],
        [(1, "a", 2), (2, "b", 3)],
        "delimiter ';'",
    ),
    "euro_comma_in_header.csv": Case(
        'Country;"Lat, Lon";Count\nDE;"52,5; 13,4";97100,7\nFR;"48,8; 2,3";12,5\n',
        ["Country", "Lat, Lon", "Count"],
        [("DE", "52,5; 13,4", "97100,7"), ("FR", "48,8; 2,3", "12,5")],
        "delimiter ';'",
    ),
    "tabs_in_csv.csv": Case(
        "a\tb\tc, d\n1\t2\t3\n", ["a", "b", "c, d"], [(1, 2, 3)], "delimiter '\\t'"
    ),
    "trailing_comma.csv": Case(
        "a,b\n1,2,\n3,4,\n", ["a", "b"], [(1, 2), (3, 4)], "trailing='drop' says so for certain"
    ),
    "some_trailing.csv": Case(
        "a,b\n1,2,\n3,4\n5,6,\n", ["a", "b"], [(1, 2), (3, 4), (5, 6)], "some rows end with empty"
    ),
    "header_trailing_comma.csv": Case(
        "a,b,\n1,2\n3,4\n", ["a", "b"], [(1, 2), (3, 4)], "the empty ones at the end are dropped"
    ),
    "fewer.csv": Case(
        "a,b,c\n1,2\n3,4\n",
        ["a", "b", "c"],
        [(1, 2, None), (3, 4, None)],
        "the last columns are missing values",
    ),
    "row_names.csv": Case(
        '"x","y"\n"k1",5,6\n"k2",7,8\n',
        ["column_1", "x", "y"],
        [("k1", 5, 6), ("k2", 7, 8)],
        "the first one is taken as a column without a name",
    ),
    "comment.csv": Case(
        "# made by tool\na,b\n1,2\n# note, more\n3,4\n",
        ["a", "b"],
        [(1, 2), (3, 4)],
        "lines that begin with '#' are taken as comments",
    ),
    "comments_with_commas.csv": Case(
        "# made by tool\n# 2024, Jan\nid,name\n1,Kim\n2,Lee\n",
        ["id", "name"],
        [(1, "Kim"), (2, "Lee")],
        "lines that begin with '#' are taken as comments",
    ),
    "signed_header.csv": Case("#id,name\n1,Kim\n", ["#id", "name"], [(1, "Kim")]),
    "facts_above.csv": Case(
        "Station,Seoul\nPeriod,2024\nday,rain\n2024-01-01,1.5\n2024-01-02,0\n",
        ["Station", "Seoul"],
        [("Period", "2024"), ("day", "rain"), ("2024-01-01", "1.5"), ("2024-01-02", "0")],
        "record 3, 'day, rain', looks more like the header",
    ),
    "texts_without_header.csv": Case(
        "kim,seoul\nlee,busan\npark,daegu\n",
        ["kim", "seoul"],
        [("lee", "busan"), ("park", "daegu")],
        "the first record, 'kim' ..., is shaped like the rows below it",
    ),
    "texts.csv": Case(
        "word,name\nlee,busan\nkim,ulsan\n", ["word", "name"], [("lee", "busan"), ("kim", "ulsan")]
    ),
    "texts_ko.csv": Case(
        "상품명,색\n사과,빨강\n배,노랑\n", ["상품명", "색"], [("사과", "빨강"), ("배", "노랑")]
    ),
    "two_header.csv": Case(
        "control,,fire,\nX,Y,X,Y\n1,2,3,4\n",
        ["control X", "control Y", "fire X", "fire Y"],
        [(1, 2, 3, 4)],
        "its header takes 2 rows, which are joined",
    ),
    "two_header_some.csv": Case(
        "day,place,travel,,total\n,,air,rail,\n2024.01.02,Bonn,5,6,11\n2024.01.03,Ulm,1,2,3\n",
        ["day", "place", "travel air", "travel rail", "total"],
        [("2024.01.02", "Bonn", 5, 6, 11), ("2024.01.03", "Ulm", 1, 2, 3)],
        "header_rows=2 says so for certain",
    ),
    "sep_line.csv": Case("sep=;\na;b\n1;2\n", ["a", "b"], [(1, 2)], "'sep=;'"),
    "sep_semi.csv": Case(
        "sep=;\r\nid;name;amount\r\n1;Kim;1200\r\n2;Lee;3400\r\n",
        ["id", "name", "amount"],
        [(1, "Kim", 1200), (2, "Lee", 3400)],
        "says how fields are parted",
    ),
    "sep_quoted.csv": Case('"sep=;"\na;b\n1;2\n', ["a", "b"], [(1, 2)], "sep=;"),
    "sep_upper.csv": Case("SEP=|\na|b\n1|2\n", ["a", "b"], [(1, 2)], "SEP=|"),
    "sep_tab.csv": Case("sep=\t\na\tb\n1\t2\n", ["a", "b"], [(1, 2)], "sep=\\t"),
    "sep_bom.csv": Case("\ufeffsep=^\na^b\n1^2\n", ["a", "b"], [(1, 2)], "sep=^"),
    "sep_utf16.csv": Case(
        "sep=;\na;b\n1;2\n".encode("utf-16"), ["a", "b"], [(1, 2)], "says how fields are parted"
    ),
    "sep_padded.csv": Case("sep=,,,\na,b,c\n1,2,3\n", ["a", "b", "c"], [(1, 2, 3)], "sep=,,,"),
    "footer.csv": Case(
        "a,b,c\n1,2,3\n4,5,6\n\nTotal,,9\n",
        ["a", "b", "c"],
        [(1, 2, 3), (4, 5, 6)],
        aside=("Total,,9",),
    ),
    "footer_ko.csv": Case(
        "a,b\n1,2\n4,5\n,\n합계,7\n",
        ["a", "b"],
        [(1, 2), (4, 5)],
        "1 row of nothing but delimiters",
        ("합계,7",),
    ),
    "footer_of_texts.csv": Case(
        "item,qty\nbook,1\npen,2\n\nGrand total,3\n",
        ["item", "qty"],
        [("book", 1), ("pen", 2)],
        aside=("Grand total,3",),
    ),
    "total_ko.csv": Case(
        "품목,수량\n사과,1\n배,2\n합계,3\n",
        ["품목", "수량"],
        [("사과", 1), ("배", 2), ("합계", 3)],
        "its last row looks like a total ('합계')",
    ),
    "a_film.csv": Case(
        "film,n\nBabel,1\n\nTotal Recall,2\n", ["film", "n"], [("Babel", 1), ("Total Recall", 2)]
    ),
    "footer_notes.csv": Case(
        "a,b\r\n1,2\r\n4,5\r\n\r\nSource: office\r\nNote: x, y, z\r\n",
        ["a", "b"],
        [(1, 2), (4, 5)],
        aside=("Source: office", "Note: x, y, z"),
    ),
    "total.csv": Case(
        "a,b,c\n1,2,3\n4,5,6\nTotal,,9\n",
        ["a", "b", "c"],
        [("1", 2, 3), ("4", 5, 6), ("Total", None, 9)],
        "trailing=1 leaves it out",
    ),
    "empty_rows.csv": Case(
        "a,b\n1,2\n,\n,\n3,4\n",
        ["a", "b"],
        [(1, 2), (3, 4)],
        "2 rows of nothing but delimiters passed over",
    ),
    "empty_rows_of_other_widths.csv": Case(
        ",,,\na,b\r\n,,,,,\r\n1,2\r\n,\r\n3,4\r\n",
        ["a", "b"],
        [(1, 2), (3, 4)],
        "2 rows of nothing but delimiters passed over",
    ),
    "bom_middle.csv": Case(
        '\ufeffid,name\n1,Kim\n\ufeffid,name\n2,Lee\n\ufeff"3","Park, J"\n',
        ["id", "name"],
        [(1, "Kim"), (2, "Lee"), (3, "Park, J")],
        "a byte order mark taken off the beginning of 2 rows",
        ("id,name",),
    ),
    "joined.csv": Case(
        'id,name\n1,Kim\n"id","name"\n2,Lee\n',
        ["id", "name"],
        [(1, "Kim"), (2, "Lee")],
        aside=('"id","name"',),
    ),
    "win_ctrlz.csv": Case(
        "id,name\n1,Kim\n2,Lee\n\x1a", ["id", "name"], [(1, "Kim"), (2, "Lee")], "a closing Ctrl-Z"
    ),
    "ctrlz_without_line_end.csv": Case("a,b\r\n1,2\x1a", ["a", "b"], [(1, 2)], "closing Ctrl-Z"),
    "stray_quote.csv": Case(
        'id,name,amount\n1,Kim 5" pipe,5\n2,"Lee" jr,6\n3,Park,7\n',
        ["id", "name", "amount"],
        [(1, 'Kim 5" pipe', 5), (3, "Park", 7)],
        aside=('2,"Lee" jr,6',),
    ),
    "shifted.csv": Case(
        'id,price,name,note\n1,$5"Boots, tall",\n2,$6,"Chair, low",x\n3,$7,Bed,y\n',
        ["id", "price", "name", "note"],
        [(2, "$6", "Chair, low", "x"), (3, "$7", "Bed", "y")],
        aside=('1,$5"Boots, tall",',),
    ),
    "space_delim.csv": Case(
        "a b c\n1 2 3\n4 5 6\n", ["a b c"], [("1 2 3",), ("4 5 6",)], "no delimiter was found"
    ),
    "single_quotes.csv": Case(
        "id,'na,me'\n1,'a, b'\n2,'c'\n3,'d'\n",
        ["id", "na,me"],
        [(1, "a, b"), (2, "c"), (3, "d")],
        'quote "\'" fits',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_right_and_what_was_assumed_is_said(reading: Any, name: str) -> None:
    case = CASES[name]
    reading.write(name, case.content)
    table = reading.source(name).read().to_arrow()
    assert table.column_names == case.columns
    found = [tuple(row.values()) for row in table.to_pylist()]
    assert found == case.rows or (name == "noheader.csv" and len(found) == 3)
    assert case.said in "\n".join(reading.rejects.warnings)
    assert bool(case.said) == bool(reading.rejects.warnings)
    lines = tuple(json.loads(reject.row)["line"] for reject in reading.set_aside())
    assert lines == case.aside


TEXTS = [name for name, case in CASES.items() if isinstance(case.content, str)]
BELOW = [name for name in TEXTS if "sep" not in name and "bom" not in name]  # these come first


@pytest.mark.parametrize(
    ("name", "above"), [*((name, "") for name in TEXTS), *((name, "\n\n") for name in BELOW)]
)
def test_the_options_that_are_named_give_the_same_table_for_certain(
    reading: Any, name: str, above: str
) -> None:
    case = CASES[name]
    assert isinstance(case.content, str)
    reading.write(name, above + case.content)
    source = reading.source(name)
    found = source.read().to_arrow()
    options = source.readers[-1].layout_options
    warned = reading.rejects.warnings
    assert source.read(**options).to_arrow() == found
    assert all(
        "says so for certain" not in said for said in reading.rejects.warnings[len(warned) :]
    )


REFUSED = {
    "web page": ("<!DOCTYPE html>\n<html><body>Login, please</body></html>\n", "a web page"),
    "web page in lower case": ("\n <html>\n<head>a,b</head>", "a web page"),
    "xml": ('<?xml version="1.0"?>\n<a><b>1,2</b></a>\n', "is XML"),
    "json": ('[{"a": 1, "b": 2}]\n', "is JSON"),
    "pdf": ("%PDF-1.7\n1,2\n", "a PDF"),
    "utf-16 le": ("id,이름\n1,김\n2,이\n".encode("utf-16-le"), "utf-16-le"),
    "utf-16 be": ("id,이름\n1,김\n2,이\n".encode("utf-16-be"), "utf-16-be"),
    "korean utf-16": ("번호,내용\n1,안녕하세요\n".encode("utf-16-le"), "utf-16-le"),
    "utf-32 le": ("id,이름\n1,김\n".encode("utf-32-le"), "utf-32-le"),
    "utf-32 be": ("id,이름\n1,김\n".encode("utf-32-be"), "utf-32-be"),
    "iso-2022-kr": ("id,이름\n1,김\n".encode("iso2022_kr"), "encoding='iso2022_kr'"),
    "iso-2022-jp": ("id,名前\n1,山\n".encode("iso2022_jp"), "encoding='iso2022_jp'"),
    "nuls": (b"a,b\n" + b"\0" * 60 + b"\n", "NULs"),
    "more fields in every row": ("a,b\n1,2,3\n1,4,5\n1,6,7\n", "trailing='index'"),
    "no field of any row": ("a,b,c\n1\n2\n3\n", "not one row of .*delimiter, quote, escape, skip"),
    "no layout at all": (
        "a,b,c\n1\n1,2\n1,2,3,4\n1,2,3,4,5\n1,2,3,4,5,6\n",
        "header_rows, comment",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_for_certain_is_refused_with_what_to_say(
    reading: Any, name: str
) -> None:
    content, said = REFUSED[name]
    reading.write("a.csv", content)
    with pytest.raises(SourceError, match=f"(?s){said}"):
        reading.rows("a.csv")


def test_a_few_nuls_are_read_with_a_confidence_below_one(reading: Any) -> None:
    reading.write("a.csv", b"id,text\n1,a\0b\n")
    assert reading.rows("a.csv")[0]["text"] == "a\0b"
    assert "holds 1 NUL" in reading.rejects.warnings[0]


@pytest.mark.parametrize(
    "content",
    [
        "Country,2014,2015\nKR,5,6\nJP,7,8\n",
        "name,2024\nKim,5\nLee,6\n",
        "id,1,2,3\nx,5,6,7\n",
        "item,2024-01,2024-02\nx,5,6\n",
        "Kim,Seoul\nLee,Busan\n",
        "id,text\n1,a; b\n2,c\n",
        "id,text\n1,it's\n2,'tis\n",
        'id,text\n1,"C:\\dir\\"\n2,"C:\\"\n',
        "id;text\n1;a, b\n2;c\n",
        "text\nfoo\nbar; baz\n",
        ",value\n0,5\n1,6\n",
        "a,b\n",
        "name\nTotal\n",
    ],
)
def test_an_ordinary_file_is_read_as_it_stands_without_a_word(reading: Any, content: str) -> None:
    reading.write("a.csv", content)
    rows = reading.source("a.csv", columns=()).read().to_arrow().to_pylist()
    lines = content.splitlines()
    sign = ";" if ";" in lines[0] else ","
    first = [name or "column_1" for name in lines[0].split(sign)]
    assert [list(row) for row in rows] == [first] * (len(lines) - 1)
    assert [",".join(v for v in row.values()) for row in rows] == [
        line.replace('"', "").replace(";", ",") if sign == ";" else line.replace('"', "")
        for line in lines[1:]
    ]
    assert (reading.rejects.warnings, reading.set_aside()) == ((), [])


def test_an_escaped_mark_beyond_the_first_lines_is_set_aside_and_names_the_option(
    reading: Any,
) -> None:
    body = "".join(f'{n},"x{n}",1\n' for n in range(3_000))
    reading.write("a.csv", f'id,text,n\n{body}7,"a \\", b",5\n8,"say \\"hi\\"",6\n9,"C:\\",7\n')
    assert reading.rows("a.csv")[-1] == {"id": 9, "text": "C:\\", "n": 7}
    assert [reject.line for reject in reading.set_aside()] == [3_002, 3_003]
    assert all("escape=" in reject.reason for reject in reading.set_aside())


FOLDER = Path(
    os.environ.get("DATAOPS_SHARED_CASES")
    or Path(__file__).resolve().parents[5] / "shared" / "cases"
)


@pytest.mark.shared_data
def test_every_small_input_that_failed_is_read_or_refused_with_a_word(reading: Any) -> None:
    files = sorted(FOLDER.glob("layout/*"))
    if not files:
        pytest.skip("no cases here (set DATAOPS_SHARED_CASES to their folder)")
    for file in files:
        before = (reading.rejects.rows, reading.rejects.warnings)
        refused = False
        try:
            reading.rows(file)
        except SourceError:
            refused = True
        assert refused or (reading.rejects.rows, reading.rejects.warnings) != before, file
