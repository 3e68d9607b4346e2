"""The page of a comparison: hostile rows are shown, and do nothing."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from resources.evaluation.page import Difference, Figures, comparison_page
from resources.evaluation.report import marked

hostile = st.text(
    st.characters(codec="utf-8") | st.sampled_from("<>&\"'/=`\x00\u202e"), max_size=40
)
OURS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "thead"),
    *("tbody", "tr", "th", "td", "span", "ins", "del", "b"),
}


class Read(HTMLParser):
    """A page's elements, and the text of its cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str | None]] = set()
        self.cells: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= set(attrs)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@settings(deadline=None)
@given(hostile, hostile, hostile, hostile, hostile)
def test_no_text_becomes_anything_but_text(
    name: str, raw: str, one: str, other: str, why: str
) -> None:
    rows = [
        Difference(name, {"t": raw}, {"t": one}, {"t": other}),
        Difference(name, {"t": raw, name: raw}, {"t": one, name: other}, None, why_second=why),
    ]
    figures = [Figures(name, (name, why), [(raw, 1)])]
    read = Read(comparison_page(name, [why], figures, (one, other), rows))
    plain = Read(
        comparison_page(
            "n",
            ["w"],
            [Figures("n", ("n", "w"), [("r", 1)])],
            ("o", "o"),
            [
                Difference("n", {"t": "r"}, {"t": "o"}, {"t": "o"}),
                Difference("n", {"t": "r", "n": "r"}, {"t": "o", "n": "o"}, None),
            ],
        )
    )
    known = [tag for tag in read.tags if tag not in ("ins", "del")]
    assert known == [tag for tag in plain.tags if tag not in ("ins", "del")]
    assert set(read.tags) <= OURS
    assert read.attributes == plain.attributes
    assert read.cells[4] == "".join(part for _, part in marked(raw, one))


def test_the_page_asks_for_nothing_and_lets_nothing_run() -> None:
    page = comparison_page("t", [], [], ("A", "B"), [])
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "url(" not in page
    assert "0 rows that came out differently" in page
