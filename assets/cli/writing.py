"""The two forms of a source's file: a pipeline in YAML, or a collector in Python."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from assets.cli.proposing import Proposed
from resources.columns import Column

_PLAIN: Final = re.compile(r"[A-Za-z_가-힣][\w가-힣./-]*")
_RESERVED: Final = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
_YAML: Final = {
    "string": "text",
    "int64": "integer",
    "float64": "number",
    "bool": "boolean",
    "timestamp[us]": "timestamp",
    "timestamp[us,UTC]": "timestamp with time zone",
}
_PYTHON: Final = {
    "string": "str",
    "int64": "int",
    "float64": "float",
    "bool": "bool",
    "date": "date",
    "timestamp[us]": "datetime",
    "timestamp[ns]": "TimestampNs",
    "timestamp[us,UTC]": "TimestampTz",
    "binary": "bytes",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a source's file is to say. columns: its schema, () = as they come.

    id, text: the columns of `Source.texts`, "" = the source as it is. created_at, time_format: its
    column of dates, and how they are written where that is not ISO. text_ids: ids are no numbers.
    seen: what the columns were proposed from, in words.
    """

    name: str
    source: str
    title: str
    read: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    text: str = ""
    created_at: str = ""
    time_format: str = ""
    text_ids: bool = False
    columns: Sequence[Proposed] = ()
    seen: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """Give the columns of `Source.texts`, and what is said about them."""
        names = ("id", "text", "created_at", "time_format")
        return {name: value for name in names if (value := getattr(self, name))}


def word_of(kind: str) -> str:
    """Give a column type as pipelines write it."""
    return _YAML.get(kind, kind)


def as_yaml(draft: Draft) -> str:
    """Write a pipeline's file."""
    lines = [
        "# yaml-language-server: $schema=../sources/pipeline.schema.json",
        f"description: {_scalar(draft.title)}",
        f"source: {_scalar(draft.source)}",
    ]
    if draft.read:
        inside = ", ".join(f"{name}: {_scalar(value)}" for name, value in draft.read.items())
        lines.append(f"read: {{{inside}}}")
    if draft.id:
        lines.append(f"texts: {_scalar(draft.texts)}")
        if draft.text_ids:
            lines.append("columns: {id: {type: text, unique: true}}")
    elif draft.columns:
        lines.append(f"columns:  # proposed from {draft.seen}")
        lines += [_yaml_column(one) for one in draft.columns]
    return "\n".join(lines) + "\n"


def _yaml_column(one: Proposed) -> str:
    """Write one column."""
    column = one.column
    kind = _scalar(word_of(column.type))
    marks = ["optional: true"] * column.nullable + ["unique: true"] * column.unique
    if column.written is not None:
        marks.append(f"written: {_scalar(column.written.said())}")
    said = f"{{{', '.join([f'type: {kind}', *marks])}}}" if marks else kind
    values = ", ".join(map(_scalar, one.values))
    hint = f"  # all there are: add allowed: [{values}]?" if one.values else ""
    return f"  {_scalar(column.name)}: {said}{hint or _remark(one)}"


def _remark(one: Proposed) -> str:
    """Write what else a column may be, as a comment."""
    return f"  # {one.note}" if one.note else ""


def _scalar(value: object) -> str:
    """Write a value so that YAML reads it back exactly."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(k)}: {_scalar(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    words = text.split(" ")
    if all(map(_PLAIN.fullmatch, words)) and text.lower() not in _RESERVED:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    """Write a letter inside YAML's double quotes."""
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable():
        return letter
    code = ord(letter)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
    )


def as_python(draft: Draft) -> str:
    """Write a collector's file."""
    title = draft.title.replace("\\", "/").replace('"""', "'''")
    head = "".join(letter if letter.isprintable() else " " for letter in title)
    call = "read"
    given = {name: _literal(value) for name, value in draft.read.items()}
    schema = ""
    if draft.id:
        call, schema = "texts", "RawText"
        given = {name: _literal(value) for name, value in draft.texts.items()} | given
    own = list(_class(draft))
    if own:
        schema = _class_name(draft.name)
    option = f", schema={schema}" if schema else ""
    arguments = ", ".join(f"{name}={value}" for name, value in given.items())
    return "\n".join(
        [
            f'"""{head}."""',
            "",
            *_imports(draft, bool(own)),
            "",
            "",
            *own,
            f"@asset(source={_literal(draft.source)}{option})",
            f"def {draft.name}(source: Source) -> Table:",
            f'    """{head}, as collected."""',
            f"    return source.{call}({arguments})",
            "",
        ]
    )


def _literal(value: object) -> str:
    """Write a value as Python does, with the quotation marks that formatters want."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(k)}: {_literal(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, date):
        return _literal(value.isoformat())
    if isinstance(value, str) and '"' not in value:
        inner = repr(value)[1:-1]
        return f'"{inner}"'
    return repr(value)


def _class_name(name: str) -> str:
    """Give the schema class's name."""
    return "".join(part.capitalize() for part in name.split("_")) + "Row"


def _class(draft: Draft) -> Iterator[str]:
    """Write the schema class, where the file has one of its own."""
    if draft.id and not draft.text_ids:
        return
    if not draft.id and not draft.columns:
        return
    base, about = ("RawText", "Texts whose ids are no numbers.") if draft.id else ("Schema", "")
    yield f"class {_class_name(draft.name)}({base}):"
    yield f'    """{about or f"Proposed from {draft.seen}."}"""'
    yield ""
    if draft.id:
        yield "    id: Annotated[str, Unique]"
    for number, one in enumerate(() if draft.id else draft.columns, 1):
        yield f"    {_attribute(one, number)}"
    yield ""
    yield ""


def _attribute(one: Proposed, number: int) -> str:
    """Write one column as an annotated attribute."""
    column = one.column
    hint, marks = _hint(column)
    if column.nullable:
        hint += " | None"
    if marks:
        hint = f"Annotated[{', '.join([hint, *marks])}]"
    values = ", ".join(map(_literal, one.values))
    note = f"  # all there are: Literal[{values}]?" if one.values else _remark(one)
    name = column.name if _spellable(column.name) else f"column_{number}"
    return f"{name}: {hint}{note}"


def _hint(column: Column) -> tuple[str, list[str]]:
    """Give a column's Python type, and its markers."""
    marks = [] if _spellable(column.name) else [f"Name({_literal(column.name)})"]
    marks += ["Unique"] * column.unique
    if column.written is not None:
        said = ", ".join(f"{k}={_literal(v)}" for k, v in column.written.said().items())
        marks.append(f"Written({said})")
    if column.type.startswith("decimal("):
        digits, scale = column.type[8:-1].split(",")
        return "Decimal", [f"Precision({digits}, {scale})", *marks]
    return _PYTHON[column.type], marks


def _spellable(name: str) -> bool:
    """Tell whether Python can spell a column's name as an attribute, exactly."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith("_")
        and unicodedata.normalize("NFKC", name) == name
        and not re.fullmatch(r"column_\d+", name)
    )


def _imports(draft: Draft, own: bool) -> Iterator[str]:
    """Write the imports that the file needs."""
    used: set[str] = {"Annotated", "Unique"} if own and draft.id else set()
    for one in draft.columns if own and not draft.id else ():
        hint, marks = _hint(one.column)
        used |= {hint, *(mark.partition("(")[0] for mark in marks), "Annotated" if marks else hint}
    dates = sorted(used & {"date", "datetime"})
    if dates:
        yield f"from datetime import {', '.join(dates)}"
    if "Decimal" in used:
        yield "from decimal import Decimal"
    if "Annotated" in used:
        yield "from typing import Annotated"
    if dates or used & {"Decimal", "Annotated"}:
        yield ""
    ours = used & {"Name", "Precision", "TimestampNs", "TimestampTz", "Unique", "Written"}
    ours |= {"Source", "Table"}
    if own and not draft.id:
        ours.add("Schema")
    yield f"from assets import {', '.join(sorted(ours))}, asset"
    if draft.id:
        yield "from assets.schemas import RawText"
