"""Files that people write in YAML or JSON: read safely, with the line of every field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from resources.errors import DataOpsError
from resources.hosts import is_hosts
from resources.yaml_values import DEEPEST, Values, check_values

SUFFIXES: Final = (".yaml", ".yml", ".json")
_LARGEST = 1 << 20
_ALIASES = 20
_MOST_NAMES = 2_000
_SHORT = 1_000
"""Signs of a text that cannot be nested so deeply that a reader's own stack would end."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is: how errors call it, which errors they are, and what it holds at least."""

    name: str
    error: type[DataOpsError]
    example: str
    least: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file's fields and the line on which each is written (`invariants.digits` for nested).

    prefix: where these fields lie in the file ("" = they are its own).
    """

    path: Path
    values: dict[str, Any]
    kind: Kind
    lines: dict[str, int] = field(default_factory=dict)
    prefix: str = ""

    def line(self, name: str) -> int:
        """Give the line of a field, or of the nearest one around it."""
        where = f"{self.prefix}{name}"
        while where and where not in self.lines:
            where = where.rpartition(".")[0]
        return self.lines.get(where, 1)

    def place(self, name: str) -> str:
        """Say where a field is written."""
        return f"{self.path}, line {self.line(name)}"

    def inside(self, name: str) -> Document:
        """Give the fields of a field; its value is a mapping."""
        return replace(self, values=self.values[name], prefix=f"{self.prefix}{name}.")

    def refuse(self, name: str, problem: str, fix: str) -> NoReturn:
        """Raise the file's error for a field, with file and line."""
        line, where = self.line(name), f"{self.prefix}{name}"
        raise self.kind.error(
            f"{self.path}, line {line}, field {where!r}: {problem}",
            fix,
            file=str(self.path),
            line=line,
            field=where,
        )


def read_document(path: Path, kind: Kind) -> Document:
    """Read a YAML or JSON file whose top level is fields with values; raises the kind's error."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no file")
        raw = b" " * (_LARGEST + 1) if path.stat().st_size > _LARGEST else path.read_bytes()
        text = raw[:_LARGEST].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        if is_hosts(error):
            raise
        raise kind.error(
            f"{path}, line 1: the {kind.name} cannot be read ({error})",
            "save it as UTF-8 text that this user may read",
            file=str(path),
            line=1,
        ) from None
    place = _Place(path, kind)
    if len(raw) > _LARGEST:
        place.refuse(1, "the file is larger than 1 MB", f"a {kind.name} is a page of text")
    document = _read_json(place, text) if path.suffix == ".json" else _read_yaml(place, text)
    if not document.values:
        place.refuse(1, "the file has no fields", f"write at least {kind.least}")
    return document


@dataclass(frozen=True, slots=True)
class _Place:
    """The file that is being read."""

    path: Path
    kind: Kind

    def refuse(self, line: int, problem: str, fix: str) -> NoReturn:
        """Raise the file's error for a line."""
        sentence = f"{self.path}, line {line}: {problem}"
        raise self.kind.error(sentence, fix, file=str(self.path), line=line)


def _read_json(place: _Place, text: str) -> Document:
    """Read JSON; a field's line is that of its first mention."""

    def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """Refuse a field that is written twice: which one counts would be chance."""
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in values:
                line = _mentions(text, name)[-1]
                place.refuse(line, f"the field {name!r} is written twice", "keep one of them")
            values[name] = value
        return values

    try:
        values = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        place.refuse(error.lineno, f"this is not JSON ({error.msg})", "correct the line")
    except RecursionError:
        place.refuse(1, "the file is nested too deeply", f"a {place.kind.name} is flat")
    except ValueError as error:  # a number of too many digits
        place.refuse(1, f"this is not JSON ({error})", "correct the file")
    if not isinstance(values, dict):
        example = f'write {{"{place.kind.example}": "...", ...}}'
        place.refuse(1, "the file does not hold fields", example)
    names = [*values, *(f"{a}.{b}" for a, v in values.items() if isinstance(v, dict) for b in v)]
    if len(names) > _MOST_NAMES:
        place.refuse(1, f"the file has {len(names):,} fields", f"a {place.kind.name} is short")
    lines = {n: _mentions(text, n.rpartition(".")[2])[0] for n in names}
    document = Document(place.path, values, place.kind, lines)
    check_values(values, document.refuse)
    return document


def _mentions(text: str, name: str) -> list[int]:
    """Give the lines on which a JSON field of that name is written."""
    field_name = re.compile(re.escape(json.dumps(name, ensure_ascii=False)) + r"\s*:")
    return [text.count("\n", 0, m.start()) + 1 for m in field_name.finditer(text)] or [1]


def _read_yaml(place: _Place, text: str) -> Document:
    """Read YAML by the safe loader, after a look at its depth and aliases."""
    import yaml

    try:
        _shallow(place, text)
        loader = _loader()(text)
        try:
            node = loader.get_single_node()
            if node is not None and not isinstance(node, yaml.MappingNode):
                example = f"write lines like `{place.kind.example}: ...`"
                place.refuse(1, "the file does not hold fields", example)
            lines: dict[str, int] = {}
            _note_lines(place, node, "", lines, set())
            values: dict[str, Any] = {}
            if node is not None:
                values = Values(loader, place.refuse).build(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        place.refuse(line, f"this is not YAML ({error.problem})", "correct the line")
    except RecursionError:
        place.refuse(1, "nested or aliased too much", "write the values out, flat")
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        place.refuse(1, f"this is not YAML ({said})", "correct the file")
    return Document(place.path, values, place.kind, lines)


def _loader() -> Any:
    """Give the safe loader, the one written in C where there is one (ten times as fast)."""
    import yaml

    return yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def _shallow(place: _Place, text: str) -> None:
    """Refuse deep nesting and many aliases before anything is built from the text.

    A short text without aliases is looked at while it is built: reading it twice takes time.
    """
    import yaml

    if len(text) < _SHORT and "*" not in text:
        return
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_loader()):
        opening = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closing = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        depth += opening - closing
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST + 1 or aliases > _ALIASES:
            line = event.start_mark.line + 1 if event.start_mark else 1
            place.refuse(line, "nested or aliased too much", "write the values out, flat")


def _note_lines(
    place: _Place, node: Any, prefix: str, lines: dict[str, int], seen: set[int]
) -> None:
    """Note the line of every field; refuse one that is written twice.

    What is aliased is looked at where it stands first.
    """
    import yaml

    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines.setdefault(f"{prefix}{number}", item.start_mark.line + 1)
            _note_lines(place, item, f"{prefix}{number}.", lines, seen)
    elif isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            line, name = key.start_mark.line + 1, key.value
            if not isinstance(name, str):
                place.refuse(line, "a field's name must be plain text", "correct the line")
            if name in names:
                place.refuse(
                    line, f"the field {prefix + name!r} is written twice", "keep one of them"
                )
            names.add(name)
            lines.setdefault(f"{prefix}{name}", line)
            _note_lines(place, value, f"{prefix}{name}.", lines, seen)
