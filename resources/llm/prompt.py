"""The prompt as a template: filled in once from the task itself, in a sandbox; rows never enter."""

from __future__ import annotations

import re
from collections.abc import Sequence

from resources.document import Document
from resources.llm.outputs import Output

PLACE = re.compile(r"\{\{?\s*([A-Za-z_]\w*)\s*\}?\}")
ROWS = "{text}"
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_LONGEST = 100_000


def fill_prompt(document: Document, prompt: str, outputs: Sequence[Output]) -> str:
    """Fill a prompt's template in; what is left is words, and `{text}` where the rows go.

    A template knows `text`, `columns`, `outputs` (name, kind, values) and `task_name`. The rows
    join later, as JSON, so that no row is ever read as a template.
    """
    if not _TEMPLATE.search(PLACE.sub("", prompt)):
        return prompt
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    values = document.values
    known = {
        "text": ROWS,
        "raw_text": ROWS,
        "columns": list(values.get("columns") or ()),
        "outputs": list(outputs),
        "task_name": values.get("task_name", ""),
    }
    sandbox = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    try:
        parts = []
        for part in sandbox.from_string(prompt).generate(known):
            parts.append(part)
            if sum(map(len, parts)) > _LONGEST:
                document.refuse("prompt", "the filled-in prompt is too long", "loop less")
        return "".join(parts).strip()
    except (jinja2.TemplateError, TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        document.refuse(
            "prompt",
            f"the template cannot be filled in ({error})",
            f"it knows {', '.join(known)}; {{{{ text }}}} is where the rows go",
        )


def check_places(document: Document, prompt: str, columns: Sequence[str]) -> None:
    """Hold the prompt to what the engine fills in: `{text}`, or a column's name."""
    from resources.errors import did_you_mean

    known = ("text", "raw_text", *columns)
    for place in PLACE.findall(prompt):
        if place not in known:
            document.refuse(
                "prompt",
                f"{{{place}}} stands for nothing{did_you_mean(place, known)}",
                "write {text} where the rows go",
            )
