"""XML: streamed, flattened by name; no DTD, no entities, and half a file is no file."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.columns import Column
from resources.errors import SourceError
from resources.sources import decoding, xml_parser, xml_records


def test_the_child_of_the_root_that_repeats_is_a_row(reading: Any) -> None:
    reading.write(
        "a.xml",
        "<shop><name>A</name><review id='1'><text>굿</text></review>"
        "<review id='2'><text>&lt;올드보이&gt; &amp; 더</text></review></shop>",
    )
    assert reading.rows("a.xml") == [{"id": 1, "text": "굿"}, {"id": 2, "text": "<올드보이> & 더"}]


def test_an_only_child_is_the_row(reading: Any) -> None:
    reading.write("a.xml", "<reviews><review id='1'/></reviews>")
    assert reading.rows("a.xml") == [{"id": 1}]


@pytest.mark.parametrize(
    "records", ["item", "items/item", "/r/body/items/item", "body/items/item/"]
)
def test_records_are_named_by_element_or_path(reading: Any, records: str) -> None:
    body = "<body><n>2</n><items><item><x>1</x></item><item><x>2</x></item></items></body>"
    reading.write("a.xml", f"<r><header><item2/></header>{body}</r>")
    assert reading.rows("a.xml", records=records) == [{"x": 1}, {"x": 2}]


def test_records_that_are_not_there_are_named_with_the_nearest(reading: Any) -> None:
    reading.write("a.xml", "<r><review/><review/></r>")
    with pytest.raises(SourceError, match="no element 'reveiw'; did you mean 'review'"):
        reading.rows("a.xml", records="reveiw")


def test_a_file_that_does_not_show_its_records_says_what_is_in_it(reading: Any) -> None:
    reading.write("a.xml", "<r><header/><body><item/><item/></body></r>")
    with pytest.raises(
        SourceError, match=r"no child of <r> repeats \(in it are header, body, item"
    ):
        reading.rows("a.xml")


def test_a_record_inside_a_record_belongs_to_it(reading: Any) -> None:
    reading.write("a.xml", "<r><a><n>1</n><a><n>2</n></a></a><a><n>3</n></a></r>")
    assert reading.rows("a.xml") == [{"n": 1, "a.n": 2}, {"n": 3, "a.n": None}]


def test_attributes_and_nested_elements_are_named_by_their_path(reading: Any) -> None:
    reading.write(
        "a.xml",
        "<r><a id='1'><author verified='yes'><name>Kim</name></author><price cur='KRW'>5</price>"
        "</a><a id='2'/></r>",
    )
    first, second = reading.rows("a.xml")
    assert first == {
        "id": 1, "author.verified": "yes", "author.name": "Kim", "price.cur": "KRW", "price": 5
    }  # fmt: skip
    assert second == {"id": 2} | dict.fromkeys([*first][1:])


def test_a_column_whose_element_repeats_anywhere_is_a_json_list_in_every_row(reading: Any) -> None:
    reading.write(
        "a.xml",
        "<r><a><tag n='1'>x</tag></a><a><tag>가</tag><tag><b>1</b><b>2</b></tag></a><a/></r>",
    )
    assert reading.rows("a.xml") == [
        {"tag": '[{"n": "1", "#text": "x"}]'},
        {"tag": '["가", {"b": ["1", "2"]}]'},
        {"tag": None},
    ]


def test_an_attribute_and_an_element_of_one_name_are_a_list(reading: Any) -> None:
    reading.write("a.xml", "<r><a id='1'><id>2</id></a><a id='3'/></r>")
    assert reading.rows("a.xml") == [{"id": '["1", "2"]'}, {"id": '["3"]'}]


def test_names_that_only_capitals_tell_apart_get_numbers(reading: Any) -> None:
    reading.write("a.xml", "<r><a id='1' ID='2'/><a id='3'/></r>")
    assert reading.rows("a.xml") == [{"id": 1, "ID_2": 2}, {"id": 3, "ID_2": None}]


def test_text_among_elements_is_one_text_in_reading_order(reading: Any) -> None:
    reading.write("a.xml", "<r><a><t>아주 <b>좋은</b> 영화<br/>!</t></a><a><t>plain</t></a></r>")
    assert [row["t"] for row in reading.rows("a.xml")] == ["아주 좋은 영화!", "plain"]
    assert [row["t.b"] for row in reading.rows("a.xml")] == ["좋은", None]


def test_the_text_of_the_record_itself_is_named_after_it(reading: Any) -> None:
    reading.write("a.xml", "<r><line n='1'>one</line><line n='2'>two</line></r>")
    assert reading.rows("a.xml") == [{"n": 1, "line": "one"}, {"n": 2, "line": "two"}]


def test_cdata_is_text_and_comments_and_instructions_are_nothing(reading: Any) -> None:
    reading.write(
        "a.xml", "<r><a><t><![CDATA[<b> & ]]>x<!-- no --><?no no?>y</t></a><a><t/></a></r>"
    )
    assert [row["t"] for row in reading.rows("a.xml")] == ["<b> & xy", ""]


def test_spaces_and_line_ends_inside_a_text_stay(reading: Any) -> None:
    reading.write("a.xml", "<r>\n <a>\n  <t> one\n two </t>\n </a>\n <a><t>&#13;</t></a>\n</r>\n")
    assert [row["t"] for row in reading.rows("a.xml")] == [" one\n two ", "\r"]


def test_an_empty_element_is_an_empty_text_and_a_missing_number(reading: Any) -> None:
    reading.write("a.xml", "<r><a><n>1</n><t>x</t></a><a><n/><t/></a><a/></r>")
    assert reading.rows("a.xml") == [
        {"n": 1, "t": "x"}, {"n": None, "t": ""}, {"n": None, "t": None}
    ]  # fmt: skip


def test_an_element_that_says_it_is_nil_is_missing(reading: Any) -> None:
    reading.write("a.xml", "<r xmlns:xsi='x'><a><t xsi:nil='true'/></a><a><t>b</t></a></r>")
    assert [row["t"] for row in reading.rows("a.xml")] == [None, "b"]


def test_namespaces_are_no_columns_and_prefixes_stay_in_names(reading: Any) -> None:
    reading.write(
        "a.xml",
        "<r xmlns='urn:a' xmlns:d='urn:d'><d:a xmlns:e='urn:e' d:id='1'><d:t>x</d:t></d:a>"
        "<d:a/></r>",
    )
    assert reading.rows("a.xml", records="a")[0] == {"d:id": 1, "d:t": "x"}
    assert reading.rows("a.xml", records="d:a") == reading.rows("a.xml")


def test_values_are_typed_where_all_of_them_read_back_exactly(reading: Any) -> None:
    reading.write(
        "a.xml", "<r><a i='1' z='01' f='1.50' d='2026-01-31'/><a i='2' z='2' f='2.25'/></r>"
    )
    assert reading.rows("a.xml")[0] == {"i": 1, "z": "01", "f": "1.50", "d": date(2026, 1, 31)}
    table = reading.source("a.xml", columns=(Column("i", "int64"),)).read().to_arrow()
    assert table.to_pylist()[0] == {"i": "1", "z": "01", "f": "1.50", "d": "2026-01-31"}


def test_texts_take_lists_into_their_metadata(reading: Any) -> None:
    reading.write("a.xml", "<r><a id='1'><t>x</t><k>a</k><k>b</k></a><a id='2'><t>y</t></a></r>")
    table = reading.source("a.xml").texts(id="id", text="t").to_arrow().to_pylist()
    assert [row["metadata"] for row in table] == ['{"k": ["a", "b"]}', None]
    assert [row["id"] for row in table] == [1, 2]


def test_files_may_have_different_elements(reading: Any) -> None:
    reading.write("a1.xml", "<r><a x='1'/><a x='2'/></r>")
    reading.write("a2.xml", "<r><a y='b'/></r>")
    assert reading.rows("a1.xml", "a2.xml")[2] == {"x": None, "y": "b"}
    reading.write("a3.xml", "<r/>")
    assert len(reading.rows("a1.xml", "a3.xml")) == 2


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "utf-8"),
        ("<?xml version='1.0' encoding='euc-kr'?>", "cp949"),
        ('<?xml version="1.0" encoding="CP949" standalone="yes"?>', "cp949"),
        ('<?xml version="1.0" encoding="ks_c_5601-1987"?>', "cp949"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16-le"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16-be"),
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-8"),  # a writer that lies, seen often
        ('<?xml version="1.0" encoding="latin-1"?>', "utf-8"),
    ],
)
def test_the_encoding_is_the_declared_one(reading: Any, declared: str, codec: str) -> None:
    text = "é" if "latin" in declared else "똠방각하 뷁"
    data = f"{declared}<r><a><t>{text}</t></a><a><t>b</t></a></r>"
    reading.write("a.xml", data.encode("latin-1" if "latin" in declared else codec))
    assert reading.rows("a.xml")[0] == {"t": text}


def test_a_packed_file_is_read(reading: Any) -> None:
    reading.write("a.xml.gz", gzip.compress(b"<r><a n='1'/><a n='2'/></r>"))
    assert reading.rows("a.xml.gz") == [{"n": 1}, {"n": 2}]


def test_bytes_that_are_not_in_the_declared_encoding_are_named(reading: Any) -> None:
    reading.write("a.xml", b"<r>\n<a><t>" + "굿".encode("cp949") + b"</t></a></r>")
    with pytest.raises(SourceError, match="is not utf-8: byte 10 on line 2 is 0xb1"):
        reading.rows("a.xml")
    assert reading.rows("a.xml", encoding="cp949") == [{"t": "굿"}]
    reading.write("b.xml", b"<?xml version='1.0' encoding='klingon'?><r/>")
    with pytest.raises(SourceError, match="encoding 'klingon', which does not exist"):
        reading.rows("b.xml")


# --- what is refused --------------------------------------------------------------------------

LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
DANGERS = {
    "billion laughs": f"{LAUGHS}]><x><y>&j;</y><y/></x>",
    "quadratic blow-up": f"<!DOCTYPE x [<!ENTITY a '{'a' * 50_000}'>]><x><y>{'&a;' * 9_000}</y></x>",
    "a file": "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x><y>&a;</y></x>",
    "an address": "<!DOCTYPE x [<!ENTITY a SYSTEM 'http://127.0.0.1:9/'>]><x><y>&a;</y></x>",
    "a parameter": "<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://127.0.0.1:9/'> %a;]><x><y/></x>",
    "a DTD elsewhere": "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'><x><y/><y/></x>",
    "a DTD that does nothing": "<!DOCTYPE x><x><y/><y/></x>",
}


@pytest.mark.parametrize("text", DANGERS.values(), ids=DANGERS)
@pytest.mark.parametrize("options", [{}, {"records": "y"}])
def test_a_document_type_is_refused_with_all_that_it_could_do(
    reading: Any, text: str, options: dict[str, str]
) -> None:
    reading.write("a.xml", f"<?xml version='1.0'?>\n{text}")
    with pytest.raises(SourceError, match=r"declares a document type .*\(line 2\)"):
        reading.rows("a.xml", **options)
    reading.write("b.xml", f"<?xml version='1.0' encoding='UTF-16'?>\n{text}".encode("utf-16"))
    with pytest.raises(SourceError, match=r"declares a document type .*\(line 2\)"):
        reading.rows("b.xml", **options)


def test_an_entity_that_nobody_declared_is_an_error(reading: Any) -> None:
    reading.write("a.xml", "<r><a>x</a>\n<a>&nbsp;</a></r>")
    with pytest.raises(SourceError, match="undefined entity on line 2"):
        reading.rows("a.xml")


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("<a><t>x</t></a>\n<a><t>y</a>\n</r>", "mismatched tag on line 3"),
        ("<a><t>x</t></a>\n<a><t>y", "before its end"),
        ("<a><t>x</t></a>\n", "before its end"),
        ("<a><t>x</t></a>\n<a>\x01</a></r>", r"invalid token\) on line 3"),
        ("<a><t>x</t></a>\n</r><r/>", "junk after document element on line 3"),
    ],
)
def test_a_file_that_breaks_in_the_middle_gives_no_row_and_names_the_line(
    reading: Any, rest: str, reason: str
) -> None:
    reading.write("a.xml", f"<r>\n{rest}")
    with pytest.raises(SourceError, match=reason):
        next(reading.source("a.xml").read(records="a").batches())


def test_a_nul_cannot_be_written_in_xml_at_all(reading: Any) -> None:
    for sign in ("\x00", "&#0;", "&#1;", "\x0b", "\ufffe"):
        reading.write("a.xml", f"<r><a>{sign}</a></r>")
        with pytest.raises(SourceError, match=r"not well-formed XML.* line 1"):
            reading.rows("a.xml")


def test_elements_a_hundred_deep_are_refused(reading: Any) -> None:
    reading.write("a.xml", "<r><a>" + "<b>" * 200_000)
    for options in ({}, {"records": "a"}, {"records": "b"}):
        with pytest.raises(SourceError, match="nests elements more than 100 deep"):
            reading.rows("a.xml", **options)


def test_a_tag_and_a_record_that_never_end_do_not_fill_memory(
    reading: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 1 << 10)
    monkeypatch.setattr(xml_parser, "LONGEST_TAG", 10_000)
    monkeypatch.setattr(xml_records, "LARGEST_RECORD", 10_000)
    reading.write("a.xml", "<r><a><t x='" + "x" * 1_000_000)
    with pytest.raises(SourceError, match="has a tag of more than"):
        reading.rows("a.xml", records="a")
    for text in ("x" * 1_000_000, "<t/>" * 100_000):
        reading.write("a.xml", f"<r><a>{text}</a></r>")
        with pytest.raises(SourceError, match="has a record of more than"):
            reading.rows("a.xml", records="a")


@pytest.mark.parametrize("text", ["", " \n", "no xml", "[1]", "<r/>", "<r>text</r>"])
def test_a_file_without_records_is_an_error(reading: Any, text: str) -> None:
    reading.write("a.xml", text)
    with pytest.raises(SourceError, match=r"a\.xml"):
        reading.rows("a.xml")


# --- anything ---------------------------------------------------------------------------------

# What XML cannot carry: control characters, CR that its writer does not escape, null beside "".
_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\n\t<>&'\"]가 "),
    max_size=20,
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), _TEXT, min_size=1), min_size=1, max_size=9),
    st.sampled_from(["utf-8", "utf-16", "us-ascii"]),
)
def test_any_records_of_texts_come_back_equal(
    fresh: Callable[[], Any], records: list[dict[str, str]], codec: str
) -> None:
    reading = fresh()
    root = ET.Element("rows")
    for record in records:
        element = ET.SubElement(root, "row")
        for name, text in record.items():
            ET.SubElement(element, name).text = text
    reading.write("a.xml", ET.tostring(root, codec, xml_declaration=True))
    declared = tuple(Column(name, "string") for name in "abc")
    found = reading.source("a.xml", columns=declared).read().to_arrow().to_pylist()
    names = list(dict.fromkeys(name for record in records for name in record))
    assert found == [{name: record.get(name) for name in names} for record in records]


_PIECES = [*"<>/!?[]&;ab=\"' \n-", "<a>", "</a>", "<a/>", "<![CDATA[", "]]>", "</r>"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
def test_any_text_is_read_or_refused_with_a_sentence(fresh: Callable[[], Any], text: str) -> None:
    reading = fresh()
    reading.write("a.xml", f"<r>{text}")
    with suppress(SourceError):
        reading.rows("a.xml")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"<r>", b"<?xml version='1.0' encoding='"]))
def test_any_bytes_are_read_or_refused_with_a_sentence(
    fresh: Callable[[], Any], data: bytes, head: bytes
) -> None:
    reading = fresh()
    reading.write("a.xml", head + data)
    with suppress(SourceError):
        reading.rows("a.xml")


_NAME = st.sampled_from(["a", "b", "a.b", "A"])


def elements(children: Any) -> Any:
    """Draw an element: its attributes, its text, and what lies in it."""
    return st.tuples(
        _NAME,
        st.dictionaries(_NAME, st.just("v"), max_size=2),
        st.sampled_from(["", "t"]),
        children,
    )


_TREE = st.recursive(
    elements(st.just([])), lambda inner: elements(st.lists(inner, max_size=3)), max_leaves=6
)


def grow(parent: ET.Element, tree: Any) -> None:
    """Put a drawn element into another."""
    name, attributes, text, children = tree
    element = ET.SubElement(parent, name, attributes)
    element.text = text
    for child in children:
        grow(element, child)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_TREE, max_size=4), min_size=1, max_size=4))
def test_records_of_any_shape_keep_every_attribute_and_text(
    fresh: Callable[[], Any], records: list[list[Any]]
) -> None:
    reading = fresh()
    root = ET.Element("rows")
    for trees in records:
        row = ET.SubElement(root, "row", {"n": str(len(root))})
        for tree in trees:
            grow(row, tree)
    reading.write("a.xml", ET.tostring(root))
    found = reading.rows("a.xml", records="row")
    assert [row["n"] for row in found] == list(range(len(records)))
    for element, row in zip(root, found, strict=True):
        written = json.dumps(list(row.values()))
        values = sum(len(one.attrib) for one in element.iter()) - 1
        assert written.count("v") == values
        assert written.count("t") >= sum(bool(one.text) for one in element.iter())


@pytest.mark.parametrize("block", [1, 3, 7, 64])
def test_a_file_is_read_alike_however_it_is_cut(
    reading: Any, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", block)
    rows = "".join(f"<a n='{n}'><t>글 &lt;{n}&gt; 😀</t></a>" for n in range(20))
    reading.write("a.xml", f"<r>{rows}</r>")
    assert reading.rows("a.xml") == [{"n": n, "t": f"글 <{n}> 😀"} for n in range(20)]


def test_standard_library_parsers_do_expand_what_is_refused_here() -> None:
    text = re.sub(r"<!ENTITY [d-j] .*?'>", "", DANGERS["billion laughs"]).replace("&j;", "&c;")
    assert ET.fromstring(text)[0].text == "ha" * 100
