"""The page of a comparison: one file, nothing fetched, nothing in it runs, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from resources.evaluation.report import marked, visible
from resources.wording import counted


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of which two tasks made different things; None where one set it aside, and why."""

    id: str
    raw: Mapping[str, str]
    first: Mapping[str, str] | None
    second: Mapping[str, str] | None
    why_first: str = ""
    why_second: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """A table of figures: its title, its heading, its lines."""

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[object]]


_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
"""
_STYLE: Final = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--ins:#1a7f3722;--del:#cf222e22}
body{font:15px/1.5 system-ui,"Noto Sans KR","Apple SD Gothic Neo","Malgun Gothic",sans-serif;
margin:2rem auto;max-width:76rem;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}p{margin:.3rem 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.figures{width:auto}.rows{table-layout:fixed}
th,td{border-bottom:1px solid var(--line);padding:.35rem .7rem;text-align:left;vertical-align:top}
th{background:var(--soft)}.rows td{white-space:pre-wrap;overflow-wrap:anywhere}
.rows th:first-child{width:9rem}.id{font-size:.85em;opacity:.75}
ins{background:var(--ins);color:#1a7f37;text-decoration:underline}
del{background:var(--del);color:#cf222e}
.aside{color:#9a6700;font-style:italic}
@media (prefers-color-scheme:dark){ins{color:#57d977}del{color:#ff8a80}.aside{color:#e3b341}}
"""


def comparison_page(
    title: str,
    about: Iterable[str],
    figures: Iterable[Figures],
    names: tuple[str, str],
    differences: Sequence[Difference],
) -> str:
    """Write the page. Everything is escaped; a policy forbids scripts and requests besides."""
    parts = [
        _HEAD,
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style></head><body>\n",
        f"<h1>{_safe(title)}</h1>\n",
        *(f"<p>{_safe(line)}</p>\n" for line in about),
        *map(_figures, figures),
        f"<h2>{counted(len(differences))} that came out differently</h2>\n",
    ]
    if differences:
        parts.append(
            "<p><del>red</del> is gone from the raw text, <ins>green</ins> is new; "
            "what cannot be seen is written by its number.</p>\n"
        )
        head = ("id", "raw", *names)
        parts.append(f'<table class="rows"><thead>{_line("th", map(_safe, head))}</thead><tbody>\n')
        parts += [_row(difference) for difference in differences]
        parts.append("</tbody></table>\n")
    return "".join([*parts, "</body></html>\n"])


def _figures(table: Figures) -> str:
    """Write a table of figures."""
    lines = "".join(_line("td", (_safe(str(cell)) for cell in line)) for line in table.lines)
    head = _line("th", (_safe(cell) for cell in table.head))
    return (
        f"<h2>{_safe(table.title)}</h2>\n"
        f'<table class="figures"><thead>{head}</thead><tbody>\n{lines}</tbody></table>\n'
    )


def _line(tag: str, cells: Iterable[str]) -> str:
    """Write a line of cells that are HTML already."""
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>\n"


def _row(row: Difference) -> str:
    """Write one row: raw, and what each task changed in it."""
    raw = _columns({name: _safe(text) for name, text in row.raw.items()})
    first = _made(row.raw, row.first, row.why_first)
    second = _made(row.raw, row.second, row.why_second)
    return _line("td", (f'<span class="id">{_safe(row.id)}</span>', raw, first, second))


def _made(raw: Mapping[str, str], made: Mapping[str, str] | None, why: str) -> str:
    """Write what a task made of a row, or why it made nothing."""
    if made is None:
        return f'<span class="aside">set aside: {_safe(why)}</span>'
    return _columns({name: _marked(raw.get(name, ""), text) for name, text in made.items()})


def _columns(cells: Mapping[str, str]) -> str:
    """Put a row's columns below each other, named where there are several."""
    if len(cells) == 1:
        return next(iter(cells.values()))
    return "\n".join(f"<b>{_safe(name)}</b> {cell}" for name, cell in cells.items())


def _marked(raw: str, text: str) -> str:
    """Write a text with its changes marked."""
    tags = {"same": "{}", "del": "<del>{}</del>", "ins": "<ins>{}</ins>"}
    return "".join(tags[kind].format(escape(part)) for kind, part in marked(raw, text))


def _safe(text: str) -> str:
    """Write a text so that it is shown and does nothing."""
    return escape(visible(text))
