"""What a server takes of a request, learned from what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from resources.llm.task import OPTIONS
from resources.llm.transport import Ask

FORGOTTEN_AFTER: Final = timedelta(days=7)
"""A server is upgraded one day: then its model is asked as all are, which costs one request."""
OPTIONAL: Final = ("temperature", *OPTIONS)
"""What a request can do without."""
_FORMAT: Final = re.compile(
    r"response[ _]format|json[ _](?:schema|object|mode)|structured[ _]?outputs?|guided"
    r"|\bgrammar|output[ _]format"
)
_LIMIT: Final = re.compile(
    r"max[ _](?:completion[ _]|output[ _]|new[ _])?tokens|completion tokens|maximum tokens"
)
_UNKNOWN: Final = re.compile(
    r"unsupported|not (?:be )?(?:supported|permitted|allowed|available|recogni[sz]ed|valid|known)"
    r"|(?:does|do|is)(?:n't| not) (?:support|allow|accept|recogni[sz]e)|extra|unknown|unexpected"
    r"|unrecogni[sz]ed|invalid (?:param|arg|field|key)|no such|deprecated|instead|cannot be used"
)
_MOST: Final = re.compile(
    r"at most|no more than|not (?:be )?(?:exceed|more|greater|larger)|less than|<=|<|maximum|max is"
    r"|exceed|too (?:large|high|big|many)|greater than|up to|range|between|limit|supports|allowed"
)
_NUMBER: Final = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)|(?<![\d.])\d{2,7}(?![\d.]*\d)")
_SYSTEM: Final = re.compile(
    r"system(?:[ _]|\W+)(?:role|message|prompt|instruction)|role\W+system|\"system\"|'system'"
    r"|roles? must (?:be |strictly )?alternate|developer instruction"
)
_CONTEXT: Final = re.compile(
    r"context[ _](?:length|window|size|limit)|n_ctx|prompt is too long|input is too long"
    r"|maximum (?:input|prompt) (?:length|tokens)|too many (?:input |prompt )?tokens"
    r"|inputs?` must have less than|reduce the length of the (?:messages|prompt|input)"
)
_LIMITED: Final = re.compile(r"max_(?:completion_)?tokens\W+must be")
_SIMPLER: Final = {"json_schema": "json_object", "json_object": "text"}
_FEWEST: Final = 16
_ROOM: Final = (0, 2_000, 8_000, 32_000)
"""Tokens that a model may think, beyond those of its answer: more of them when they were spent."""


def refuses(message: str) -> bool:
    """Tell a message that speaks of what a server does not take."""
    return bool(_UNKNOWN.search(message.lower()))


def is_too_long(message: str) -> bool:
    """Tell a request whose texts do not fit into the model's context."""
    said = message.lower()
    return bool(_CONTEXT.search(said)) and not _LIMITED.search(said)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a model takes: newer ones rename or refuse parameters, small servers lack schemas.

    answer: how the shape of an answer is asked for. limit: the name of the token limit, "" where
    none is taken. most_tokens: the highest limit that is taken, 0 where none is known. dropped:
    what is left out of OPTIONAL. system: whether a message may have that role; without it, its
    words stand before the user's. room: tokens for thinking, beyond those of the answer.
    """

    answer: str = "json_schema"
    limit: str = "max_tokens"
    most_tokens: int = 0
    dropped: frozenset[str] = frozenset()
    system: bool = True
    room: int = 0

    @classmethod
    def of(cls, note: str, today: date) -> Dialect:
        """Read a note; an old one, and anything else, is the dialect that all begin with."""
        try:
            facts = json.loads(note)
            if today - date.fromisoformat(facts.pop("learned")) > FORGOTTEN_AFTER:
                return cls()
            return cls(**{**facts, "dropped": frozenset(facts["dropped"])})
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def note(self, today: date) -> str:
        """Write all of it down, with the day that it was learned."""
        facts = {**asdict(self), "dropped": sorted(self.dropped), "learned": today.isoformat()}
        return json.dumps(facts)

    def with_room(self) -> Dialect | None:
        """Give the dialect with more room for thinking (None: there is no more)."""
        more = [room for room in _ROOM if room > self.room]
        return replace(self, room=more[0]) if more else None

    def body(self, ask: Ask) -> dict[str, Any]:
        """Give the request's body in this dialect."""
        messages = ask.messages if self.system else _without_system(ask.messages)
        body: dict[str, Any] = {"model": ask.model, "messages": messages}
        if self.limit:
            wanted = ask.max_tokens + self.room
            body[self.limit] = min(wanted, self.most_tokens or wanted)
        options = {"temperature": ask.temperature, **ask.options}
        body |= {name: value for name, value in options.items() if name not in self.dropped}
        if self.answer == "json_schema":
            shape = {"name": "rows", "strict": True, "schema": ask.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif self.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def without(self, told: Mapping[str, str], body: Mapping[str, Any]) -> Dialect | None:
        """Give the dialect that avoids all that a server refused of `body` (None: nothing known).

        told: `param` and `message`, in any wording that names what is refused.
        """
        said = f"{told['param']} {told['message']}".lower()
        other = self
        if said.strip() and not is_too_long(said):
            other = _without_format(other, said, body)
            other = _without_options(other, said, body)
            other = _without_system_role(other, said, body)
            other = _within_limit(other, said, body)
        return None if other == self else other

    def said(self) -> str:
        """Say in what requests differ from those that all models begin with."""
        parts = [] if self.answer == "json_schema" else [f"for its answer as {self.answer}"]
        if self.limit != "max_tokens":
            parts.append(f"with {self.limit}" if self.limit else "without a token limit")
        parts += [f"for at most {self.most_tokens:,} tokens"] if self.most_tokens else []
        parts += [f"with {self.room:,} tokens more, to think"] if self.room else []
        parts += [f"without {name}" for name in sorted(self.dropped)]
        return ", ".join(parts if self.system else [*parts, "without the role system"])


def _without_format(dialect: Dialect, said: str, body: Mapping[str, Any]) -> Dialect:
    """Ask for the shape in a simpler way, where the one in the body was refused."""
    if "response_format" not in body or not _FORMAT.search(said):
        return dialect
    # Refused as a whole, or only the kind that was asked for?
    whole = not re.search(r"json|type|grammar|guided|schema", said)
    return replace(dialect, answer="text" if whole else _SIMPLER[dialect.answer])


def _without_options(dialect: Dialect, said: str, body: Mapping[str, Any]) -> Dialect:
    """Leave out what was named of what can be left out."""
    named = {
        name
        for name in OPTIONAL
        if name in body and re.search(rf"(?<![a-z]){name.replace('_', '[ _]')}(?![a-z])", said)
    }
    if "stop" in named and not re.search(
        r"['\"`]?stop['\"`]?(?: (?:param|seq|is|field)|\W*$|['\"`])", said
    ):
        named.discard("stop")  # a word of the language, unless it is spoken of as a parameter
    return replace(dialect, dropped=dialect.dropped | named) if named else dialect


def _without_system_role(dialect: Dialect, said: str, body: Mapping[str, Any]) -> Dialect:
    """Put the system's words before the user's, where that role was refused."""
    has_role = any(message["role"] == "system" for message in body["messages"])
    return replace(dialect, system=False) if has_role and _SYSTEM.search(said) else dialect


def _within_limit(dialect: Dialect, said: str, body: Mapping[str, Any]) -> Dialect:
    """Name the token limit in another way, or ask for fewer, or do without."""
    asked = body.get(dialect.limit) if dialect.limit else None
    if asked is None or not _LIMIT.search(said):
        return dialect
    numbers = [int(number.replace(",", "")) for number in _NUMBER.findall(said)]
    fewer = [number for number in numbers if _FEWEST <= number < asked]
    if fewer and _MOST.search(said):
        return replace(dialect, most_tokens=max(fewer))
    if dialect.limit == "max_tokens" and ("max_completion_tokens" in said or _UNKNOWN.search(said)):
        return replace(dialect, limit="max_completion_tokens")
    if dialect.limit == "max_completion_tokens" and _UNKNOWN.search(said):
        return replace(dialect, limit="")
    return dialect


def _without_system(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Put the words of the system before those of the first user message."""
    words = [m["content"] for m in messages if m["role"] == "system"]
    turns = [dict(m) for m in messages if m["role"] != "system"]
    if words and turns:
        turns[0]["content"] = "\n\n".join((*words, turns[0]["content"]))
    return turns
