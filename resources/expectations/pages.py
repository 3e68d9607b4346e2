"""Data Docs as pages: one a version or blocked attempt, one an asset, and an index.

In the form of Great Expectations' own: statistics, a section a column, expectation beside observed
value. Each page is one file that fetches nothing; only the script that filters it may run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

import msgspec

from resources.expectations.core import core
from resources.expectations.found import Found

_HERE: Final = Path(__file__).parent
TABLE: Final = "Table-Level Expectations"
_WORDS: Final = {"pass": "✔ passed", "fail": "✘ failed", "warning": "⚠ warning"}


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A page of an asset, in a line.

    title: version 3, or blocked attempt 2. state: pass, fail or warning. page: its file's name.
    """

    title: str
    page: str
    at: str
    state: str
    rows: int
    checks: int
    failed: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, gc=False):
    """An asset in the index. entry: the current version; blocked: the last attempt, if blocked."""

    key: str
    about: str
    entry: Entry | None = None
    blocked: Entry | None = None


def state_of(found: Iterable[Found]) -> str:
    """Give the state of a validation: fail where something blocks, warning where not all holds."""
    missed = [one for one in found if not one.passed]
    if any(one.blocks for one in missed):
        return "fail"
    return "warning" if missed else "pass"


def version_page(
    key: str, entry: Entry, facts: Sequence[tuple[str, str]], found: Sequence[Found], error: str
) -> str:
    """Give the page of one version or blocked attempt. facts: what is known of it beside."""
    sections = _sections(found)
    contents = "".join(
        f'<li><a href="#s{i}">{escape(name)}{_mark(state_of(group))}</a></li>'
        for i, (name, group) in enumerate(sections)
    )
    side = (
        '<h4>Table of Contents</h4><ul><li><a href="#overview">Overview</a></li>'
        f"{contents}</ul>{_actions()}<h4>More</h4><ul>"
        f'<li><a href="index.html">All validations of {escape(key)}</a></li>'
        '<li><a href="../index.html">All assets</a></li></ul>'
    )
    body = [
        f'<h1 id="overview">{escape(key)} <span class="soft">{escape(entry.title)}</span></h1>',
        _alert(entry.state, error),
        _overview(found),
        _more_info(facts),
        *(_section(f"s{i}", name, group) for i, (name, group) in enumerate(sections)),
    ]
    crumbs = (
        f'<a href="../index.html">Home</a><a href="index.html">{escape(key)}</a>'
        f"<b>{escape(entry.title)}</b>"
    )
    return _page(f"{key} {entry.title}", crumbs, side, "".join(body))


def asset_page(key: str, about: str, entries: Sequence[Entry]) -> str:
    """Give the page of an asset: its validations, newest first."""
    rows = "".join(_entry_row(one) for one in entries)
    side = f'{_actions()}<ul><li><a href="../index.html">All assets</a></li></ul>'
    body = (
        f'<h1>{escape(key)}</h1><p class="soft">{escape(about)}</p>'
        '<input class="filter" placeholder="Filter" aria-label="Filter">'
        '<div class="section"><table><thead><tr><th>Status</th><th>Validation</th><th>Time (UTC)'
        '</th><th class="num">Rows</th><th class="num">Expectations</th><th>Not met</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )
    return _page(key, f'<a href="../index.html">Home</a><b>{escape(key)}</b>', side, body)


def index_page(lines: Sequence[Line], at: str) -> str:
    """Give the index: every asset with what holds for its current version."""
    rows = "".join(_index_row(line) for line in lines)
    states = [_line_state(line) for line in lines]
    counts = ", ".join(
        f"{states.count(state)} {_WORDS[state][2:]}" for state in _WORDS if state in states
    )
    body = (
        f'<h1>Data Docs</h1><p class="soft">{len(lines)} assets: {counts or "none checked yet"}. '
        f"Built {escape(at)}.</p>"
        '<input class="filter" placeholder="Filter assets" aria-label="Filter assets">'
        '<div class="section"><table><thead><tr><th>Status</th><th>Asset</th><th>Validation</th>'
        '<th>Time (UTC)</th><th class="num">Rows</th><th class="num">Expectations</th>'
        f"<th>Not met</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return _page("Data Docs", "<b>Home</b>", _actions(), body)


def _index_row(line: Line) -> str:
    """Give an asset's row in the index; a blocked attempt stands under the current version."""
    name = (
        f'<a href="{escape(line.key)}/index.html">{escape(line.key)}</a>'
        f'<div class="soft">{escape(line.about)}</div>'
    )
    if line.entry is None and line.blocked is None:
        empty = "<td></td>" * 5
        key = f'<td class="key">{escape(line.key)}</td>'
        return f'<tr data-state="none"><td></td>{key}{empty}</tr>'
    shown = [one for one in (line.blocked, line.entry) if one is not None]
    first, *rest = [
        f"{_mark_cell(one.state)}<td class='key'>{name if one is shown[0] else ''}</td>"
        f"{_entry_cells(one, f'{line.key}/')}"
        for one in shown
    ]
    state = _line_state(line)
    return "".join(f'<tr data-state="{state}">{cells}</tr>' for cells in (first, *rest))


def _line_state(line: Line) -> str:
    """Give an asset's state in the index."""
    states = [one.state for one in (line.blocked, line.entry) if one is not None]
    return next((state for state in ("fail", "warning", "pass") if state in states), "none")


def _entry_row(one: Entry) -> str:
    """Give a validation's row."""
    return f'<tr data-state="{one.state}">{_mark_cell(one.state)}{_entry_cells(one, "")}</tr>'


def _entry_cells(one: Entry, folder: str) -> str:
    """Give a validation's cells."""
    short = [name.removeprefix("expect_").removeprefix("column_") for name in one.failed]
    failed = ", ".join(short[:5]) + (" …" if len(short) > 5 else "")
    met = one.checks - len(one.failed)
    return (
        f'<td class="tight"><a href="{escape(folder + one.page)}">{escape(one.title)}</a></td>'
        f'<td class="tight">{escape(_time(one.at))}</td>'
        f'<td class="num">{one.rows:,}</td><td class="num">{met} of {one.checks}</td>'
        f"<td>{escape(failed)}</td>"
    )


def _more_info(facts: Sequence[tuple[str, str]]) -> str:
    """Give the folded part: what is known beside."""
    title = "<summary><h2>Show more info</h2></summary>"
    return f'<details class="section">{title}{_facts(facts)}</details>'


def _overview(found: Sequence[Found]) -> str:
    """Give the statistics."""
    met = sum(one.passed for one in found)
    share = f"{met / len(found):.1%}" if found else "—"
    return (
        '<div class="section"><h2>Statistics</h2>'
        + _facts(
            (
                ("Evaluated Expectations", str(len(found))),
                ("Successful Expectations", str(met)),
                ("Unsuccessful Expectations", str(len(found) - met)),
                ("Success Percent", share),
            )
        )
        + "</div>"
    )


def _sections(found: Sequence[Found]) -> list[tuple[str, list[Found]]]:
    """Group by column, in the order of appearance; what is about the table first."""
    groups: dict[str, list[Found]] = {TABLE: []}
    for one in found:
        groups.setdefault(one.column or TABLE, []).append(one)
    return [(name, group) for name, group in groups.items() if group]


def _section(anchor: str, name: str, group: Sequence[Found]) -> str:
    """Give a column's section."""
    rows = "".join(_found_row(one) for one in group)
    return (
        f'<details class="section" id="{anchor}" data-section open><summary><h2>{escape(name)}</h2>'
        '</summary><table class="checks"><thead><tr><th>Status</th><th>Expectation</th>'
        f"<th>Observed Value</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _found_row(one: Found) -> str:
    """Give an expectation's row."""
    state = state_of([one])
    more = ""
    if one.rows:
        of = f" of {one.of:,}" if one.of is not None else ""
        more += f'<div class="soft">{one.rows:,}{of} rows do not meet it.</div>'
    if one.examples:
        lines = "".join(
            f'<tr><td>{escape(e.value)}</td><td class="num">{e.count}</td></tr>'
            for e in one.examples
        )
        more += (
            '<details><summary>Sampled unexpected values</summary><table class="examples"><thead>'
            f"<tr><th>Value</th><th>Count</th></tr></thead><tbody>{lines}</tbody></table></details>"
        )
    if one.error:
        more += f'<div class="fail">Could not be computed: {escape(one.error)}</div>'
    notes = f'<div class="soft">{escape(one.notes)}</div>' if one.notes else ""
    kind = " · built in" if one.name not in core() else ""
    kind = kind or ("" if one.severity == "critical" else f" · {one.severity}")
    return (
        f'<tr data-state="{state}">{_mark_cell(state)}<td>{escape(one.sentence)}{more}{notes}'
        f'<div class="name">{escape(one.name + kind)}</div></td>'
        f"<td>{escape(one.observed) or '—'}</td></tr>"
    )


def _mark(state: str) -> str:
    """Give a state as a sign."""
    return f'<span class="{state}" title="{_WORDS[state][2:]}">{_WORDS[state][0]}</span>'


def _mark_cell(state: str) -> str:
    """Give a state as a cell."""
    return f'<td class="tight"><span class="{state}">{_WORDS[state]}</span></td>'


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    """Give a table of names and values."""
    rows = "".join(f"<tr><th>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in facts if v)
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _alert(state: str, error: str) -> str:
    """Say what came of it."""
    if error:
        return (
            f'<div class="alert fail"><b>Blocked: nothing was published.</b> {escape(error)}</div>'
        )
    said = {
        "pass": "All expectations are met.",
        "warning": "Published with warnings: not all expectations are met.",
        "fail": "A blocking expectation is not met.",
    }
    return f'<div class="alert {"pass" if state == "pass" else "fail"}">{said[state]}</div>'


def _actions() -> str:
    """Give the buttons that filter and fold."""
    return (
        "<h4>Actions</h4><div>"
        '<button class="button" data-only="all" aria-pressed="true">Show All</button>'
        '<button class="button" data-only="fail" aria-pressed="false">Failed Only</button>'
        '<button class="button" data-only="warning" aria-pressed="false">Warnings Only</button>'
        "</div><br>"
    )


def _time(at: str) -> str:
    """Write a time for people."""
    return at[:19].replace("T", " ")


@cache
def _parts() -> tuple[str, str, str]:
    """Give the stylesheet, the script and its digest, which alone lets it run."""
    script = _HERE.joinpath("docs.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _HERE.joinpath("docs.css").read_text(encoding="utf-8"), script, digest


def _page(title: str, crumbs: str, side: str, body: str) -> str:
    """Put a page together."""
    style, script, digest = _parts()
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        '<header class="top"><span class="brand">Data Docs <small>Great Expectations</small></span>'
        f'<nav class="crumbs">{crumbs}</nav></header><div class="frame"><aside class="side">{side}'
        f"</aside><main>{body}</main></div>"
        "<footer>Checked before publishing, over all rows.</footer>"
        f"<script>{script}</script></body></html>"
    )
