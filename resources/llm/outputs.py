"""What a task asks for per row: cleaned texts, labels, numbers; and what it accepts as them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = ("text", "label", "integer", "number", "boolean")
CLEANED = "cleaned_text"
_JSON_TYPES = {
    "text": "string",
    "label": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_LARGEST = 2**63
_HALF = re.compile(r"[\ud800-\udfff]")

Value = str | int | float | bool | None
"""One output of one row, as JSON and Arrow carry it."""


@dataclass(frozen=True, slots=True)
class Output:
    """One thing to answer per row.

    of: the column a text is the cleaned form of; "" = a text of its own, which no invariant binds.
    values: what a label may be. optional: may be null, where a row says nothing about it.
    """

    name: str
    kind: str = "text"
    of: str = ""
    values: tuple[str, ...] = ()
    optional: bool = False
    description: str = ""

    @property
    def cleans(self) -> bool:
        """Tell whether this is a column's text, cleaned."""
        return bool(self.of)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of its value."""
        kind = _JSON_TYPES[self.kind]
        shape: dict[str, Any] = {"type": [kind, "null"] if self.optional else kind}
        if self.values:
            shape["enum"] = [*self.values, None] if self.optional else list(self.values)
        if self.description:
            shape["description"] = self.description
        return shape

    def problem(self, value: object) -> str:
        """Say what keeps a value from being this output ("" = nothing)."""
        if value is None:
            return "" if self.optional else f"{self.name} is missing"
        if self.kind in ("text", "label"):
            if not isinstance(value, str) or (not value.isascii() and _HALF.search(value)):
                return f"{self.name} is not text"
            if self.values and value not in self.values:
                return f"{self.name} is {value[:40]!r}, none of its labels"
            return ""
        if self.kind == "boolean":
            return "" if isinstance(value, bool) else f"{self.name} is not true or false"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{self.name} is not a number"
        if not abs(value) < _LARGEST or (self.kind == "integer" and value != int(value)):
            return f"{self.name} is {value!r}, not a number that fits"
        return ""

    def stored(self, value: Any) -> Value:
        """Give an accepted value in its type: 3.0 as an integer is 3."""
        if value is None or self.kind in ("text", "label", "boolean"):
            return value  # type: ignore[no-any-return]
        return int(value) if self.kind == "integer" else float(value)

    def arrow(self) -> pa.DataType:
        """Give its type as a column."""
        import pyarrow as pa

        return {
            "integer": pa.int64(),
            "number": pa.float64(),
            "boolean": pa.bool_(),
        }.get(self.kind, pa.string())

    def fact(self) -> str:
        """Write down all that decides its value."""
        more = [f"of {self.of}"] if self.of else []
        more += [" | ".join(self.values)] if self.values else []
        more += ["optional"] if self.optional else []
        more += [self.description] if self.description else []
        return ", ".join((f"{self.name}: {self.kind}", *more))


def outputs_for(declared: Sequence[Output], columns: Sequence[str]) -> tuple[Output, ...]:
    """Tie a task's outputs to the columns it cleans; without outputs, each column is cleaned.

    A text named like a column is that column cleaned; `cleaned_text` is the only column's.
    """
    if not declared:
        return tuple(Output(name, of=name) for name in columns)
    tied = []
    for output in declared:
        if output.kind == "text" and not output.of:
            if output.name in columns:
                tied.append(replace(output, of=output.name))
                continue
            if output.name == CLEANED and len(columns) == 1:
                tied.append(replace(output, of=columns[0]))
                continue
        tied.append(output)
    return tuple(tied)


def is_plain(outputs: Sequence[Output]) -> bool:
    """Tell whether a row's answer is just its cleaned text, with no names around it."""
    return len(outputs) == 1 and outputs[0].cleans and not outputs[0].optional
