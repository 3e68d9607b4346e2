"""The complete JSON values that stand in a reply, in their order, without a model's thinking."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

_THOUGHT: Final = re.compile(
    r"</(?:think|thinking|thought|reasoning|reflection)>|◁/think▷|<\|channel\|>final<\|message\|>",
    re.IGNORECASE,
)
_THINKING: Final = re.compile(
    r"\s*(?:<(?:think|thinking|thought|reasoning|reflection)>|◁think▷|<\|channel\|>analysis)",
    re.IGNORECASE,
)
_COMMA_AT_END: Final = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', re.DOTALL)
_BEGINNING: Final = re.compile(r"[{\[]")
_MOST_TRIES: Final = 64
"""Brackets that begin no JSON until the rest is left alone: each try may read the whole text."""


def values_in(content: str) -> list[Any]:
    """Give the objects and lists that stand complete in a reply.

    A reply that is JSON as a whole is just that, whatever its texts hold. In any other what comes
    before the end of a model's thinking is passed over, and a thinking that never ends has no
    answer. What is cut off at its end is no value, and nor is anything in it.
    """
    whole = content.strip()
    try:
        value = _DECODER.decode(whole)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            return values_in(value)  # JSON that was written as a text
        return [value] if isinstance(value, dict | list) else []
    ends = list(_THOUGHT.finditer(whole))
    if not ends and _THINKING.match(whole):
        return []
    return list(_complete(whole[ends[-1].end() :] if ends else whole))


def _complete(text: str) -> Iterator[Any]:
    """Give each value that can be read, from one bracket to the next after its end."""
    at, tries = 0, 0
    while tries < _MOST_TRIES and (found := _BEGINNING.search(text, at)):
        try:
            value, at = _DECODER.raw_decode(text, found.start())
        except RecursionError:
            return
        except json.JSONDecodeError as error:
            tries += 1
            plain = _without_last_commas(text[found.start() :])
            if plain is not None:
                text, at = plain, 0
            elif _ends_early(error):
                return
            else:
                at = found.end()
            continue
        yield value


def _without_last_commas(text: str) -> str | None:
    """Give a text that begins with a bracket without the commas that JSON does not allow.

    None where there are none: its strings stay as they are, for they are read as strings.
    """
    plain = _COMMA_AT_END.sub(lambda found: found[1] or "", text)
    return plain if len(plain) < len(text) else None


def _ends_early(error: json.JSONDecodeError) -> bool:
    """Tell a value that goes on beyond the end of the text from one that is none."""
    return error.msg.startswith("Unterminated") or not error.doc[error.pos :].strip()


def _told_once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Drop a name that is told twice with different values: either could be another row's."""
    told: dict[str, Any] = {}
    torn: set[str] = set()
    for name, value in pairs:
        if name in told and told[name] != value:
            torn.add(name)
        told[name] = value
    return {name: value for name, value in told.items() if name not in torn}


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_told_once)
