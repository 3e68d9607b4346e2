"""Task files as text: YAML or JSON read safely, with the line of every field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from resources.llm.task import TaskError

_LARGEST = 1 << 20
_DEEPEST = 10
_ALIASES = 20


@dataclass(frozen=True, slots=True)
class Document:
    """A file's fields and the line on which each is written (`invariants.digits` for nested)."""

    path: Path
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def refuse(self, name: str, problem: str, fix: str) -> NoReturn:
        """Raise TaskError for a field, with file and line."""
        line = self.lines.get(name, 1)
        raise TaskError(
            f"{self.path}, line {line}, field {name!r}: {problem}",
            fix,
            file=str(self.path),
            line=line,
            field=name,
        )


def read_document(path: Path) -> Document:
    """Read a YAML or JSON file whose top level is fields with values."""
    try:
        raw = path.read_bytes()
        text = raw[:_LARGEST].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(
            f"the cleaning task {path} cannot be read ({error})",
            "save it as UTF-8 text that this user may read",
            file=str(path),
        ) from None
    if len(raw) > _LARGEST:
        _refuse(path, 1, "the file is larger than 1 MB", "a cleaning task is a page of text")
    document = _read_json(path, text) if path.suffix == ".json" else _read_yaml(path, text)
    if not document.values:
        _refuse(path, 1, "the file has no fields", "write at least `prompt:`, or `rules:`")
    return document


def _refuse(path: Path, line: int, problem: str, fix: str) -> NoReturn:
    """Raise TaskError for a place in the file."""
    raise TaskError(f"{path}, line {line}: {problem}", fix, file=str(path), line=line)


def _read_json(path: Path, text: str) -> Document:
    """Read JSON; a field's line is that of its first mention."""

    def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """Refuse a field that is written twice: which one counts would be chance."""
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in values:
                line = _mentions(text, name)[-1]
                _refuse(path, line, f"the field {name!r} is written twice", "keep one of them")
            values[name] = value
        return values

    try:
        values = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        _refuse(path, error.lineno, f"this is not JSON ({error.msg})", "correct the line")
    except RecursionError:
        _refuse(path, 1, "the file is nested too deeply", "a cleaning task is flat")
    if not isinstance(values, dict):
        _refuse(path, 1, "the file does not hold fields", 'write {"prompt": "...", ...}')
    names = [*values, *(f"{a}.{b}" for a, v in values.items() if isinstance(v, dict) for b in v)]
    return Document(path, values, {n: _mentions(text, n.rpartition(".")[2])[0] for n in names})


def _mentions(text: str, name: str) -> list[int]:
    """Give the lines on which a JSON field of that name is written."""
    field_name = re.compile(re.escape(json.dumps(name, ensure_ascii=False)) + r"\s*:")
    return [text.count("\n", 0, m.start()) + 1 for m in field_name.finditer(text)] or [1]


def _read_yaml(path: Path, text: str) -> Document:
    """Read YAML by the safe loader, after a look at its depth and aliases."""
    import yaml

    try:
        _shallow(path, text)
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is not None and not isinstance(node, yaml.MappingNode):
                _refuse(path, 1, "the file does not hold fields", "write lines like `prompt: ...`")
            lines: dict[str, int] = {}
            values: dict[str, Any] = {}
            for key, value in [] if node is None else node.value:
                name = _name(path, lines, key)
                for inner, _ in value.value if isinstance(value, yaml.MappingNode) else ():
                    _name(path, lines, inner, f"{name}.")
                values[name] = loader.construct_object(value, deep=True)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        _refuse(path, line, f"this is not YAML ({error.problem})", "correct the line")
    except (yaml.YAMLError, ValueError) as error:
        _refuse(path, 1, f"this is not YAML ({str(error).splitlines()[0]})", "correct the file")
    return Document(path, values, lines)


def _shallow(path: Path, text: str) -> None:
    """Refuse deep nesting and many aliases before anything is built from the text."""
    import yaml

    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        opening = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closing = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        depth += opening - closing
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > _DEEPEST or aliases > _ALIASES:
            line = event.start_mark.line + 1 if event.start_mark else 1
            _refuse(path, line, "nested or aliased too much", "write the values out, flat")


def _name(path: Path, lines: dict[str, int], key: Any, prefix: str = "") -> str:
    """Take a field's name and line; refuse one that is written twice."""
    line = key.start_mark.line + 1
    name = f"{prefix}{key.value}"
    if not isinstance(key.value, str):
        _refuse(path, line, "a field's name must be plain text", "correct the line")
    if name in lines:
        _refuse(path, line, f"the field {name!r} is written twice", "keep one of them")
    lines[name] = line
    return name
