"""Values as JSON text, with numbers exactly as their file writes them."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any


class Written(str):
    """A number with a fraction or an exponent, exactly as the file writes it."""

    __slots__ = ()

    def is_exact(self) -> bool:
        """Tell whether a float64 holds the number without changing what is written: 1.5, not 1.50.

        1e-7 and 1e-07 are written the same; -0 is the float -0.0, as 2 is 2.0.
        """
        number = float(self)
        if repr(number) == self or self == "-0":
            return True
        try:
            return isfinite(number) and _written(repr(number)) == _written(self)
        except InvalidOperation:  # an exponent that no decimal holds: 0e99999999999999999999
            return False


def _written(number: str) -> tuple[int, tuple[int, ...], object]:
    """Give a number's sign, digits and exponent."""
    sign, digits, exponent = Decimal(number).as_tuple()
    return sign, digits, exponent


def whole(text: str) -> int | Written:
    """Read a whole number of JSON; `-0` is one that no integer holds."""
    return Written(text) if text == "-0" else int(text)


def to_json(value: Any) -> str:
    """Write a value as JSON; NaN and infinity become null, what else JSON lacks becomes text."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, float):
        return json.dumps(value) if isfinite(value) else "null"
    if isinstance(value, dict):
        if not any(isinstance(inner, Written | float | dict | list) for inner in value.values()):
            return json.dumps(value, ensure_ascii=False, default=_text)
        fields = (
            f"{json.dumps(str(k), ensure_ascii=False)}: {to_json(v)}" for k, v in value.items()
        )
        return f"{{{', '.join(fields)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(to_json, value))}]"
    return json.dumps(value, ensure_ascii=False, default=_text)


def plain_text(value: Any) -> str | None:
    """Write a value as text: strings bare, numbers as written, nested ones as JSON."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    return to_json(value) if isinstance(value, bool | dict | list) else _text(value)


def _text(value: object) -> str:
    """Write bytes as hex, all else as Python does (times are ISO then)."""
    return value.hex() if isinstance(value, bytes) else str(value)


def flat(record: dict[str, Any], depth: int) -> dict[str, Any]:
    """Put the fields of nested objects beside the others, as `outer.inner`, `depth` levels deep.

    Lists, empty objects and what lies deeper stay as they are. Raises ValueError where two fields
    get one name.
    """
    found: dict[str, Any] = {}
    for name, value in record.items():
        if depth > 0 and isinstance(value, dict) and value:
            fields = {f"{name}.{key}": one for key, one in flat(value, depth - 1).items()}
        else:
            fields = {name: value}
        twice = next((key for key in fields if key in found), None)
        if twice is not None:
            raise ValueError(f"two values for {twice!r}")
        found.update(fields)
    return found
