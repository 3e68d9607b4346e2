"""Batches as files: requests as lines, answers as lines, and packs as the state keeps them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from resources.llm.packer import Item, token_count
from resources.llm.work import Pack

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a batch's answers. status: of HTTP, 0 where the request was never made."""

    name: str
    status: int
    body: Any


def request_line(name: str, body: dict[str, Any]) -> bytes:
    """Write a request down as a line; `name` comes back with its answer."""
    line = {"custom_id": name, "method": "POST", "url": CHAT, "body": body}
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def answer_lines(files: Sequence[IO[bytes]]) -> Iterator[Line]:
    """Read the answers in files, in whatever order they come; what is no answer is left out.

    A name that is told twice in different words is left out too: either could be another's.
    """
    seen: dict[str, bytes] = {}
    torn: set[str] = set()
    for line in _lines(files):
        said = json.dumps([line.status, line.body], sort_keys=True)
        digest = hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16).digest()
        if seen.setdefault(line.name, digest) != digest:
            torn.add(line.name)
    for line in _lines(files):
        if line.name in seen and line.name not in torn:
            del seen[line.name]
            yield line


def _lines(files: Sequence[IO[bytes]]) -> Iterator[Line]:
    """Read every line that is an answer."""
    for file in files:
        file.seek(0)
        for raw in file:
            try:
                told = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(told, dict) and isinstance(name := told.get("custom_id"), str):
                yield _line(name, told)


def _line(name: str, told: dict[str, Any]) -> Line:
    """Read a line: an answer with its status, or an error that kept it from being asked."""
    response = told.get("response")
    if isinstance(response, dict) and isinstance(status := response.get("status_code"), int):
        return Line(name, status, response.get("body"))
    return Line(name, 0, told.get("error"))


def kept(pack: Pack) -> list[str]:
    """Give a pack as the state keeps it: which of its tries it is, then its items."""
    return [str(pack.step), *(json.dumps([i.key.hex(), *i.texts]) for i in pack.items)]


def restored(request: Sequence[str]) -> Pack:
    """Give the pack that was kept."""
    items = []
    for text in request[1:]:
        key, *texts = json.loads(text)
        items.append(Item(bytes.fromhex(key), tuple(texts), sum(map(token_count, texts))))
    return Pack(items, 0, int(request[0]))
