"""Suites as the users write them: `resources/expectations/*.yaml`, in Great Expectations' shape.

A file holds `asset:` or `assets:` (keys or patterns; none: only who names it in `checks=`) and
`expectations:`, a list of `type`, `kwargs`, `severity`, `mostly` and `notes`. A suite that Great
Expectations saved as JSON is one, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from resources.errors import did_you_mean
from resources.expectations.core import problem_of
from resources.expectations.suite import Expectation, SuiteError
from resources.yaml_values import Values

SUFFIXES: Final = (".yaml", ".yml", ".json")
_LARGEST: Final = 1 << 20
_FIELDS: Final = ("name", "asset", "assets", "expectations", "notes", "meta", "id")
_ITEM: Final = ("type", "kwargs", "arguments", "severity", "mostly", "notes", "meta", "id")
_KEY: Final = re.compile(r"\b(?:raw|processed|output)\.[a-z0-9_*?\[\]!-]+")

_MENTIONED: Final = re.compile(r"\b(?:raw|processed|output)\.[a-z0-9_*?]+")
"""What a file that cannot be read is about, as far as its text tells."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite's file. assets: keys or patterns it applies to; problem: why it cannot be used."""

    name: str
    path: Path
    assets: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    problem: SuiteError | None = None


class Lines(Protocol):
    """Where a file's values are written."""

    def place(self, name: str) -> str:
        """Say where a value is written."""

    def refuse(self, name: str, problem: str, fix: str) -> NoReturn:
        """Raise the file's error for a value."""


class _Lines:
    """The lines of a document's values, by their path (`expectations.2.kwargs.column`)."""

    def __init__(self, path: Path, shown: str) -> None:
        """Start without any. shown: the file as errors name it."""
        self.path = path
        self.shown = shown
        self.lines: dict[str, int] = {}

    def place(self, name: str) -> str:
        """Say where a value is written."""
        while name not in self.lines and "." in name:
            name = name.rpartition(".")[0]
        return f"{self.shown}, line {self.lines.get(name, 1)}"

    def refuse(self, name: str, problem: str, fix: str) -> NoReturn:
        """Raise SuiteError for a value, with file, line and field."""
        field = re.sub(r"\.(\d+)", lambda m: f"[{int(m[1]) + 1}]", name)
        text = f"{self.place(name)}" + (f", field {field!r}" if field else "") + f": {problem}"
        raise SuiteError(text, fix, file=str(self.path), field=name)


def read_suite(path: Path, root: Path) -> Suite:
    """Read a suite; what is wrong with it is its `problem`, for the assets that it is about."""
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    lines = _Lines(path, shown)
    text = ""
    assets: tuple[str, ...] = ()
    try:
        text = _text(path, lines)
        values = _values(text, lines)
        assets = tuple(_assets(values, lines))
        return Suite(path.stem, path, assets, tuple(_expectations(values, lines)))
    except SuiteError as error:
        named = assets or tuple(dict.fromkeys(_MENTIONED.findall(text)))
        return Suite(path.stem, path, named, problem=error)


def _text(path: Path, lines: _Lines) -> str:
    """Read the file."""
    try:
        raw = path.read_bytes()
        if len(raw) > _LARGEST:
            lines.refuse("", "the file is larger than 1 MB", "split it")
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        lines.refuse("", f"the file cannot be read ({error})", "save it as UTF-8 text")


def _values(text: str, lines: _Lines) -> dict[str, Any]:
    """Read the document and note the line of each value."""
    import yaml

    try:
        _shallow(text, lines)
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                lines.refuse(
                    "", "the file does not hold fields", "write `expectations:` and a list"
                )
            _note(node, "", lines)

            def refuse(line: int, problem: str, fix: str) -> NoReturn:
                """Raise SuiteError for a line."""
                raise SuiteError(
                    f"{lines.shown}, line {line}: {problem}", fix, file=str(lines.path)
                )

            values: dict[str, Any] = Values(loader, refuse).build(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines.lines["."] = mark.line + 1 if mark else 1
        raise SuiteError(
            f"{lines.shown}, line {lines.lines['.']}: this is not YAML ({error.problem})",
            "correct the line",
            file=str(lines.path),
        ) from None
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        lines.refuse("", f"this is not YAML ({said})", "correct the file")
    except RecursionError:
        lines.refuse("", "the file holds itself", "write the values out, without aliases")
    return values


def _shallow(text: str, lines: _Lines) -> None:
    """Refuse deep nesting and many aliases before anything is built from the text."""
    import yaml

    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        opening = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closing = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        depth += opening - closing
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > 20 or aliases > 50:
            lines.refuse("", "the file is nested too deeply", "a suite is a plain list")


def _note(node: Any, name: str, lines: _Lines) -> None:
    """Note the lines of a node's values; a field that is written twice is refused."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{name}.{key.value}" if name else str(key.value)
            if inner in lines.lines:
                lines.lines[inner] = key.start_mark.line + 1
                lines.refuse(inner, "the field is written twice", "keep one of them")
            lines.lines[inner] = key.start_mark.line + 1
            _note(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            inner = f"{name}.{position}"
            lines.lines[inner] = value.start_mark.line + 1
            _note(value, inner, lines)


def _assets(values: dict[str, Any], lines: _Lines) -> Iterator[str]:
    """Read which assets the suite applies to."""
    for name in values:
        if name not in _FIELDS:
            near = did_you_mean(str(name), _FIELDS)
            lines.refuse(
                str(name), f"there is no field {name!r}{near}", f"use {', '.join(_FIELDS)}"
            )
    for field in ("asset", "assets"):
        value = values.get(field)
        if value is None:
            continue
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str) or not _KEY.fullmatch(one):
                lines.refuse(
                    field,
                    f"{one!r} is not a key or pattern of assets",
                    "write a key such as processed.reviews, or a pattern such as processed.*",
                )
            yield one


def _expectations(values: dict[str, Any], lines: _Lines) -> Iterator[Expectation]:
    """Read the list of expectations."""
    items = values.get("expectations")
    if not isinstance(items, list) or not items:
        lines.refuse(
            "expectations", "there is no list of expectations", "write `- type: expect_...`"
        )
    for position, item in enumerate(items):
        yield read_expectation(item, f"expectations.{position}", lines)


def read_expectation(item: Any, name: str, lines: Lines) -> Expectation:
    """Read one expectation, which the file calls `name`."""
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        lines.refuse(name, "this is not an expectation", "write `type: expect_...` and `kwargs:`")
    for one in item:
        if one not in _ITEM:
            near = did_you_mean(str(one), _ITEM)
            lines.refuse(f"{name}.{one}", f"no field {one!r}{near}", f"use {', '.join(_ITEM)}")
    field = "arguments" if "arguments" in item else "kwargs"
    arguments = {} if item.get(field) is None else item[field]
    if not isinstance(arguments, dict):
        lines.refuse(f"{name}.{field}", "these are not fields with values", "write `column: ...`")
    arguments = dict(arguments)
    if "mostly" in item:
        arguments["mostly"] = item["mostly"]
    severity = "critical" if item.get("severity") is None else str(item["severity"])
    wrong = problem_of(item["type"], arguments, severity)
    if wrong is not None:
        at = f"{name}.{field}.{wrong.argument}" if wrong.argument in arguments else f"{name}.type"
        if wrong.argument in ("severity", "mostly") and wrong.argument in item:
            at = f"{name}.{wrong.argument}"
        lines.refuse(at, wrong.problem, wrong.fix)
    return Expectation(
        item["type"], arguments, severity, _notes(item.get("notes"), name, lines), lines.place(name)
    )


def _notes(notes: Any, name: str, lines: Lines) -> str:
    """Read notes for people: a text, or a list of texts as Great Expectations saves them."""
    if notes is None or isinstance(notes, str):
        return notes or ""
    if not isinstance(notes, list) or not all(isinstance(one, str) for one in notes):
        lines.refuse(f"{name}.notes", f"{notes!r} is not text", "put it in quotes")
    return " ".join(notes)
