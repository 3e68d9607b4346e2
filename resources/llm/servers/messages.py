"""The answer in a response: content, its parts, or the call of a tool; and an error in a 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def text_of(choice: Mapping[str, Any]) -> str:
    """Give what a choice says.

    Content is a text or a list of parts, of which those of text count. A model that was given a
    schema may answer by calling a tool instead: then it is what the call hands over. What a model
    thought (`reasoning_content`) is no answer.
    """
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content = _content(message.get("content"))
    if content.strip():
        return content
    for call in _list(message.get("tool_calls")):
        function = call.get("function") if isinstance(call, dict) else None
        if said := _arguments(function):
            return said
    return _arguments(message.get("function_call")) or _content(choice.get("text")) or content


def error_of(done: Mapping[str, Any], choice: Mapping[str, Any]) -> Any:
    """Give the error that a response with status 200 carries (None: none)."""
    for where in (choice, done):
        error = where.get("error")
        if error and not (isinstance(error, dict) and not any(error.values())):
            return error
    if done.get("object") == "error" or ("detail" in done and "choices" not in done):
        return dict(done)
    return None


def _content(content: Any) -> str:
    """Read content that is a text, or a list of parts."""
    if isinstance(content, str):
        return content
    parts = [part.get("text") if isinstance(part, dict) else part for part in _list(content)]
    return "".join(part for part in parts if isinstance(part, str))


def _arguments(function: Any) -> str:
    """Read what the call of a tool hands over: JSON as a text, or the object itself."""
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments if isinstance(arguments, str) else ""


def _list(value: Any) -> list[Any]:
    """Read a list; anything else is an empty one."""
    return value if isinstance(value, list) else []
