"""What a declaration may hold beside code: texts that can be shown, lengths that can be counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from assets.model.errors import DeclarationError
from resources.hosts import is_hosts
from resources.yaml_values import problem_of_text, shown

LONGEST: Final = timedelta(days=1_000_000)
"""Beyond it a due time would lie after the last year that a computer's calendar has."""
_KEY: Final = re.compile(r"(raw|processed|output)\.[a-z][a-z0-9_]*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


_ODD: Final = re.compile(r"[^\w.-]")
_LONGEST_NAME: Final = 180
_LONGEST_ERROR: Final = 2_000


def key_name(text: str) -> tuple[str, bool]:
    """Make a name that Airflow, files and SQL can carry of any text; tell whether it had to."""
    name = _ODD.sub("_", text)[:_LONGEST_NAME] or "_"
    return name, name != text


def plain_text(text: str) -> str:
    """Write any text so that it can be shown, stored and sent: an error may quote what it likes."""
    whole = text.encode(errors="backslashreplace").decode()
    clean = _CONTROL.sub(lambda sign: " " if sign[0] in "\n\r" else ascii(sign[0])[1:-1], whole)
    return clean if len(clean) <= _LONGEST_ERROR else f"{clean[:_LONGEST_ERROR]}..."


def check_plain(key: str, option: str, texts: Iterable[object]) -> None:
    """Refuse what is no text, and signs that no file takes or that would steer a terminal."""
    for text in texts:
        if not isinstance(text, str):
            raise DeclarationError(
                f"{key} has {option}={text!r}, which is no text", "put it in quotes", asset=key
            )
        problem = problem_of_text(text)
        found = _CONTROL.search(text)
        if not problem and found is not None:
            problem = f"holds the control character {found[0]!a}"
        if problem:
            raise DeclarationError(
                f"{key}: {option} {shown(text)} {problem}", "take it out", asset=key
            )


def check_length(key: str, fresh_for: object) -> None:
    """Hold how long an asset stays fresh to a length of time that can be counted from now."""
    if fresh_for is None:
        return
    if not isinstance(fresh_for, timedelta):
        raise DeclarationError(
            f"{key} has fresh_for={fresh_for!r}, which is no length of time",
            "write fresh_for=timedelta(hours=6)",
            asset=key,
        )
    if not timedelta() < fresh_for <= LONGEST:
        raise DeclarationError(
            f"{key} has fresh_for={fresh_for}, which cannot be counted",
            f"give a length above 0, of at most {LONGEST.days:,} days",
            asset=key,
        )


def check_renamed(key: str, old: object) -> None:
    """Refuse an old name that was never an asset's key."""
    if old == "":
        return
    if not isinstance(old, str) or len(old) > 250 or _KEY.fullmatch(old) is None:
        raise DeclarationError(
            f"{key} has renamed_from={shown(str(old))}, which is no key",
            "write the old key, such as 'raw.orders'",
            asset=key,
        )


def check_params(key: str, params: object) -> None:
    """Refuse params that cannot be compared with those of the version before."""
    if params is None:
        return
    if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
        raise DeclarationError(
            f"{key} has params that are no names with values", "write {'name': value}", asset=key
        )
    for name, value in params.items():
        try:
            json.dumps(value, sort_keys=True, default=str).encode()
            name.encode()
        except Exception as error:
            if is_hosts(error):
                raise
            said = type(error).__name__
            raise DeclarationError(
                f"{key} has params[{shown(name)}], which cannot be written as JSON ({said})",
                "use plain values: texts, numbers, lists, and mappings by text",
                asset=key,
            ) from error
