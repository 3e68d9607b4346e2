"""Answers laid aside: as files that the readers of formats take, each with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from resources.errors import SourceError
from resources.rejects import Reject, Rejects
from resources.sources.formats import Reader, format_of, open_reader
from resources.sources.web.asked import Asked
from resources.sources.web.asking import Answer
from resources.sources.web.document import Found, Wanted, extract
from resources.sources.web.kinds import JSON, LINES, charset_of, kind_of, suffix_of
from resources.sources.web.placed import PlacedRejects, QuietRejects


class Aside:
    """The answers of one collection; they are all of one format."""

    def __init__(self, asked: Asked, rejects: PlacedRejects, *, typed: bool) -> None:
        """Start with no answer; records that are none go to `rejects`."""
        self._asked, self._rejects, self._typed = asked, rejects, typed
        self._kind: str | None = None
        self._suffix = ""
        self._charset: str | None = None
        self._is_ours = False

    def lay(
        self, answer: Answer, stem: Path, place: str, wanted: tuple[str, ...]
    ) -> tuple[Found, Path | None]:
        """Lay an answer aside; give what was found in it, and its file if it has a record.

        wanted: dotted paths of values to note. Raises CutOff for JSON that ends too early.
        """
        if answer.bytes == 0 or answer.status == 204:
            return Found(), None
        suffix = self._suffix_of(answer, place)
        kind = kind_of(suffix, self._asked.format)
        if self._kind is None:
            self._kind, self._suffix, self._charset = kind, suffix, charset_of(answer.headers)
        elif (kind, suffix) != (self._kind, self._suffix):
            raise SourceError(
                f"{place} answers with {suffix}, where the answers before were {self._suffix}",
                "correct the address in source=, or say format=",
            )
        if kind == JSON:
            return self._document(answer, stem, place, wanted)
        file = stem.with_suffix(".jsonl" if kind == LINES else suffix or ".data")
        return self._file(answer, file, place)

    def reader(self, files: tuple[Path, ...], rejects: Rejects) -> Reader:
        """Give the format's reader over files that lie aside."""
        options: dict[str, Any] = dict(self._asked.rest)
        if self._kind == "":
            if self._asked.format is not None:
                options["format"] = self._asked.format
            if self._asked.records:
                options["records"] = self._asked.records
        if self._is_ours:
            options.pop("encoding", None)  # what was taken out of documents is UTF-8
        elif self._charset is not None:
            found = format_of(files[0], options.get("format"))
            if "encoding" in found.options:
                options.setdefault("encoding", self._charset)
        return open_reader(self._asked.name, files, rejects, options, typed=self._typed)

    def _document(
        self, answer: Answer, stem: Path, place: str, values: tuple[str, ...]
    ) -> tuple[Found, Path | None]:
        """Take the records out of a JSON document."""
        file = stem.with_suffix(".jsonl")
        self._rejects.name(answer.body, place)
        wanted = Wanted(
            self._asked.records,
            values,
            place=place,
            encoding=self._asked.rest.get("encoding") or charset_of(answer.headers),
            most=int(self._asked.limits.answer_mb * 1e6),
        )
        found = extract(answer.body, file, wanted)
        if found.is_file:
            return self._file(answer, file, place)
        answer.body.unlink()
        self._is_ours = True
        self._rejects.name(file, place)
        for position, text in found.others:
            self._rejects.add(_no_object(text, str(file), position))
        return found, file if found.records > len(found.others) else None

    def _file(self, answer: Answer, file: Path, place: str) -> tuple[Found, Path | None]:
        """Take an answer as a file; among pages, one without a row is no page."""
        answer.body.replace(file)
        self._rejects.name(file, place)
        if self._asked.pages is None:
            return Found(records=1, is_file=True), file
        row = next(iter(self.reader((file,), QuietRejects()).rows()), None)
        return Found(records=int(row is not None), is_file=True), file if row else None

    def _suffix_of(self, answer: Answer, place: str) -> str:
        """Give the suffix of an answer; what format= says needs none."""
        try:
            return suffix_of(answer.headers, answer.url, place)
        except SourceError:
            if self._asked.format is None:
                raise
            return ""


def _no_object(text: str, file: str, position: int) -> Reject:
    """Describe a record that is no object."""
    kinds = {"[": "a list", '"': "text", "t": "true", "f": "false", "n": "null"}
    return Reject(
        row=json.dumps({"line": text}, ensure_ascii=False),
        rule="json",
        column="",
        reason=f"not an object but {kinds.get(text[:1], 'a number')}",
        source=file,
        line=position,
    )
