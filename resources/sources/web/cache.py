"""Answers kept for the next time: a server that says "not modified" (304) need not send them.

A pair of files each below data/cache/http: the body, and what was said of it. Both may be deleted
at any time. Whatever is not whole, byte for byte, is not used.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resources.files import file_facts

_KEPT: Final = ("etag", "last-modified", "content-type", "content-disposition", "link")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept answer: its body's file and checksum, and the headers that matter."""

    body: Path
    checksum: str
    headers: Mapping[str, str]

    def conditions(self) -> dict[str, str]:
        """Give the headers that ask for the answer only if it changed."""
        found = {}
        if etag := self.headers.get("etag"):
            found["If-None-Match"] = etag
        if moment := self.headers.get("last-modified"):
            found["If-Modified-Since"] = moment
        return found


class AnswerCache:
    """Keeps answers, the ones used last, up to `most` bytes; without a folder it keeps none."""

    def __init__(self, folder: Path | None, most: int = 1 << 30) -> None:
        """Keep answers in `folder`; nothing is made before the first one."""
        self._folder = folder if most > 0 else None
        self._most = most

    def find(self, name: str) -> Kept | None:
        """Give the kept answer called `name`, if there is a whole one."""
        if self._folder is None:
            return None
        try:
            facts = json.loads(self._facts(name).read_bytes())
            kept = Kept(self._body(name), str(facts["checksum"]), dict(facts["headers"]))
            return kept if kept.body.stat().st_size == facts["bytes"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def take(self, kept: Kept, into: Path) -> bool:
        """Copy a kept body to `into`; tell whether it is what was kept."""
        digest = hashlib.sha256()
        try:
            with kept.body.open("rb") as source, into.open("wb") as target:
                while block := source.read(1 << 20):
                    digest.update(block)
                    target.write(block)
            os.utime(kept.body)
        except OSError:
            return False
        return digest.hexdigest() == kept.checksum

    def keep(self, name: str, body: Path, headers: Mapping[str, str]) -> None:
        """Keep an answer that names its version; a disk that is full costs only the cache."""
        told = headers.get("cache-control", "").lower()
        versioned = "etag" in headers or "last-modified" in headers
        if self._folder is None or not versioned or "no-store" in told:
            return
        with suppress(OSError):
            if body.stat().st_size > self._most // 2:
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            facts = file_facts(body)
            said = {key: headers[key] for key in _KEPT if key in headers}
            about = {"bytes": facts.bytes, "checksum": facts.checksum, "headers": said}
            self._facts(name).unlink(missing_ok=True)  # in between there is no answer
            self._put(self._body(name), body.read_bytes() if facts.bytes < 1 << 20 else body)
            self._put(self._facts(name), json.dumps(about).encode())
            self._prune()

    def _put(self, target: Path, content: bytes | Path) -> None:
        """Put a file in place in one step, readable by its owner and group only."""
        aside = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
            with os.fdopen(handle, "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with content.open("rb") as source:
                        while block := source.read(1 << 20):
                            file.write(block)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def _prune(self) -> None:
        """End the answers that were not used for longest, until the rest fits."""
        if self._folder is None:
            return
        found = []
        for body in self._folder.glob("*.body"):
            with suppress(OSError):
                status = body.stat()
                found.append((status.st_mtime, status.st_size, body))
        total = sum(size for _, size, _ in found)
        for _, size, body in sorted(found, key=lambda one: one[0]):
            if total <= self._most:
                return
            body.with_suffix(".json").unlink(missing_ok=True)
            body.unlink(missing_ok=True)
            total -= size

    def _body(self, name: str) -> Path:
        """Give the file of a body."""
        return self._folder_or_raise() / f"{name}.body"

    def _facts(self, name: str) -> Path:
        """Give the file of what was said of a body."""
        return self._folder_or_raise() / f"{name}.json"

    def _folder_or_raise(self) -> Path:
        """Give the folder."""
        if self._folder is None:
            raise OSError("there is no cache")
        return self._folder


def cache_name(*parts: object) -> str:
    """Give an answer's name in the cache, from all that decides it but the secret itself."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:40]
