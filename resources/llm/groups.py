"""Groups of fields in a cleaning task's file: outputs, examples and the budget."""

from __future__ import annotations

import re
from typing import Any

from resources.document import Document
from resources.errors import did_you_mean
from resources.llm.outputs import KINDS, Output
from resources.llm.task import Budget, Example

OUTPUT_FIELDS = ("type", "of", "values", "optional", "description")
BUDGET_FIELDS = ("usd_per_day", "usd_per_run", "tokens_per_day", "tokens_per_run")
_NAME = re.compile(r"\w[\w .-]{0,62}")
_MOST = 50


def read_outputs(document: Document) -> tuple[Output, ...]:
    """Read `outputs:`, a mapping of names to a type or to its fields."""
    values = document.values.get("outputs")
    if values is None:
        return ()
    if not isinstance(values, dict) or not values or len(values) > _MOST:
        document.refuse("outputs", "these are no outputs", "write `sentiment: label` and so on")
    return tuple(_output(document, str(name), value) for name, value in values.items())


def _output(document: Document, name: str, value: Any) -> Output:
    """Read one output."""
    where = f"outputs.{name}"
    if not _NAME.fullmatch(name):
        document.refuse(where, "this is no column's name", "use letters, digits and _")
    fields = {"type": value} if isinstance(value, str) else value
    if not isinstance(fields, dict):
        document.refuse(where, f"{value!r} is no type", f"use {', '.join(KINDS)}")
    for field in fields:
        if field not in OUTPUT_FIELDS:
            near = did_you_mean(str(field), OUTPUT_FIELDS)
            document.refuse(
                where, f"there is no field {field!r}{near}", f"use {', '.join(OUTPUT_FIELDS)}"
            )
    kind = fields.get("type", "label" if fields.get("values") else "text")
    if kind not in KINDS:
        near = did_you_mean(str(kind), KINDS)
        document.refuse(where, f"there is no type {kind!r}{near}", f"use {', '.join(KINDS)}")
    labels = _labels(document, where, kind, fields.get("values"))
    of, about = fields.get("of", ""), fields.get("description", "")
    optional = fields.get("optional", False)
    if not isinstance(of, str) or not isinstance(about, str) or not isinstance(optional, bool):
        document.refuse(where, "a field is of the wrong type", "of and description are text")
    if of and kind != "text":
        document.refuse(where, f"a {kind} is not a cleaned text", "leave `of:` out")
    return Output(name, kind, of, labels, optional, about.strip())


def _labels(document: Document, where: str, kind: str, values: Any) -> tuple[str, ...]:
    """Read the values that a label may have."""
    if kind != "label":
        if values is not None:
            document.refuse(where, f"a {kind} has no values", "leave them out, or make it a label")
        return ()
    texts = isinstance(values, list) and all(isinstance(v, str) and v.strip() for v in values)
    if not texts or len(values) < 2 or len(set(values)) < len(values):
        document.refuse(
            where, "a label needs at least two different values", "write values: [yes, no]"
        )
    return tuple(values)


def read_examples(document: Document, outputs: tuple[Output, ...]) -> tuple[Example, ...]:
    """Read `examples:`, a list of `raw:` and `cleaned:`."""
    values = document.values.get("examples")
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > _MOST:
        document.refuse("examples", "these are no examples", "write a list of raw: and cleaned:")
    columns = document.values.get("columns") or ()
    several = not isinstance(columns, str) and len(columns) > 1
    named = bool(outputs) or several
    names = [output.name for output in outputs] or list(columns)
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict) or set(value) != {"raw", "cleaned"}:
            document.refuse(
                "examples", f"example {number} is not raw: and cleaned:", "write exactly these two"
            )
        raw, cleaned = value["raw"], value["cleaned"]
        wrong = (not isinstance(raw, dict if several else str)) or (
            set(cleaned) != set(names)
            if named and isinstance(cleaned, dict)
            else named or not isinstance(cleaned, str)
        )
        if wrong:
            needs = f"{', '.join(names)} by name" if named else "one text each"
            document.refuse("examples", f"example {number} does not fit the task", f"give {needs}")
    return tuple(Example(value["raw"], value["cleaned"]) for value in values)


def read_budget(document: Document) -> Budget:
    """Read `budget:`: what may be used per UTC day and per run."""
    values = document.values.get("budget")
    if values is None:
        return Budget()
    if not isinstance(values, dict):
        document.refuse("budget", "these are no limits", f"use {', '.join(BUDGET_FIELDS)}")
    for name, value in values.items():
        if name not in BUDGET_FIELDS:
            near = did_you_mean(str(name), BUDGET_FIELDS)
            document.refuse(
                f"budget.{name}", f"there is no such limit{near}", f"use {', '.join(BUDGET_FIELDS)}"
            )
        whole = name.startswith("tokens")
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not number or not 0 < value < 1e12:
            kind = "whole number of tokens" if whole else "number of US dollars"
            document.refuse(f"budget.{name}", f"{value!r} is no limit", f"write a {kind} above 0")
    return Budget(**values)
