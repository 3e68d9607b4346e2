"""The server's answers: one fixed transformation of the texts, and the ways to spoil it."""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import Callable
from typing import Any

Obeys = Callable[[str], str | None] | None
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def corrected(text: str) -> str:
    """Give the server's answer for one text."""
    fixed = text.replace("teh", "the").replace("조아요", "좋아요").strip()
    return fixed if fixed.endswith((".", "!", "?")) else f"{fixed}."


def labelled(text: str, values: list[str]) -> str:
    """Give the server's label for a row: any of the values, but always the same one."""
    return values[zlib.crc32(text.encode()) % len(values)]


def extracted(text: str) -> float | None:
    """Give the first number in a row's text, as the server finds it."""
    found = _NUMBER.search(text)
    return float(found[0]) if found else None


def token_count(text: str) -> int:
    """Count tokens as the server does: about four ASCII characters each, or one other."""
    plain = len(text.encode("ascii", "ignore"))
    return plain // 4 + len(text) - plain + 1


def rows_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Find the rows in the last message: the line that is a JSON object."""
    for line in asked["messages"][-1]["content"].splitlines():
        if line.startswith("{"):
            rows: dict[str, Any] = json.loads(line)
            return rows
    return {}


def row_schema(asked: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of one row's answer, where one was sent."""
    schema = asked.get("response_format", {}).get("json_schema", {}).get("schema", {})
    row: dict[str, Any] = schema.get("properties", {}).get("1", {})
    return row


def answer(value: Any, schema: dict[str, Any], obeys: Obeys) -> Any:
    """Answer a row: its text or columns corrected, and whatever else the schema asks for."""
    names = schema.get("properties")
    if names is None:
        if isinstance(value, dict):
            return {name: _correct(text, obeys) if text else "" for name, text in value.items()}
        return _correct(value, obeys)
    columns = value if isinstance(value, dict) else {"": value}
    whole = " ".join(columns.values())
    return {name: _output(name, kind, columns, whole, obeys) for name, kind in names.items()}


def _output(
    name: str, kind: dict[str, Any], columns: dict[str, str], whole: str, obeys: Obeys
) -> Any:
    """Answer one output of a row."""
    types = kind["type"] if isinstance(kind["type"], list) else [kind["type"]]
    if "enum" in kind:
        return labelled(whole, [value for value in kind["enum"] if value is not None])
    if "number" in types or "integer" in types:
        number = extracted(whole)
        if number is None:
            return None if "null" in types else 0
        return int(number) if "integer" in types else number
    if "boolean" in types:
        return zlib.crc32(whole.encode()) % 2 == 0
    text = columns.get(name, whole)
    return _correct(text, obeys) if text else ""


def _correct(text: str, obeys: Obeys) -> str:
    """Correct one text, unless the server takes it for an instruction."""
    told = obeys(text) if obeys is not None else None
    return corrected(text) if told is None else told


def as_object(pairs: list[tuple[str, Any]]) -> str:
    """Write an object as JSON, also one whose names repeat."""
    inner = (
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in pairs
    )
    return "{" + ", ".join(inner) + "}"


def spoil(content: str, fault: str) -> tuple[str, str, str]:
    """Spoil an answer as a text; give it with the reason it ended and a refusal."""
    sorry = "I'm sorry, but I can't help with that."
    return {
        "fenced": (f"```json\n{content}\n```", "stop", ""),
        "chatty": (f"Here are the corrected rows:\n{content}\nAnything else?", "stop", ""),
        "truncated": (content[: len(content) // 2], "length", ""),
        "malformed": (content.replace('": ', '" ', 1), "stop", ""),
        "not_json": (sorry, "stop", ""),
        "refusal": ("", "stop", sorry),
        "filtered": ("", "content_filter", ""),
    }[fault]


def damage(pairs: list[tuple[str, Any]], fault: str, draw: random.Random) -> list[tuple[str, Any]]:
    """Break the order, the numbers or the texts of some rows."""
    pairs = list(pairs)
    at = draw.randrange(len(pairs))
    other = (at + 1) % len(pairs)
    number, value = pairs[at]
    if fault == "drop":
        del pairs[at]
    elif fault == "duplicate":
        pairs.append((number, pairs[other][1]))
    elif fault == "reorder":
        draw.shuffle(pairs)
    elif fault == "wrong_id":
        pairs[at] = (str(len(pairs) + 90), value)
    elif fault == "merge" and at != other and isinstance(value, str):
        pairs[at] = (number, f"{value} {pairs[other][1]}")
        del pairs[other]
    elif fault == "empty":
        pairs[at] = (number, "" if isinstance(value, str) else dict.fromkeys(value, ""))
    elif fault == "swap":
        pairs[at], pairs[other] = (number, pairs[other][1]), (pairs[other][0], value)
    elif fault == "extra":
        pairs.append((str(len(pairs) + 1), "a row that nobody sent"))
    return pairs
