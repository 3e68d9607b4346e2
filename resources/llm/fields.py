"""The fields of a cleaning task's file: each one's type and range, with errors that say where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resources.document import Document, read_document
from resources.errors import did_you_mean
from resources.fields import choice, flag, group, known, number, text, texts
from resources.llm.groups import read_budget, read_examples, read_outputs
from resources.llm.masking import KINDS as MASKS
from resources.llm.prompt import check_places, fill_prompt
from resources.llm.task import (
    CACHE_POLICIES,
    DEFAULT_RULES,
    ENGINES,
    OPTIONS,
    RULES,
    CleaningTask,
    Invariants,
    Option,
)
from resources.task_files import TASK

FIELDS = (
    "task_name",
    "description",
    "system_message",
    "prompt",
    "model",
    "temperature",
    *OPTIONS,
    "max_tokens",
    "columns",
    "rows_per_request",
    "fallback_models",
    "invariants",
    "rules",
    "engine",
    "outputs",
    "mask",
    "budget",
    "cache",
    "examples",
)
KEPT = ("digits", "urls", "names", "language", "length_ratio", "overlap")
_MOST_ROWS = 100
_MOST_STOPS = 4
_LARGEST_SEED = 10**9


def load_task(path: Path) -> CleaningTask:
    """Read a cleaning task; raises TaskError with file, line, field and the fix."""
    document = read_document(path, TASK)
    known(document, FIELDS)
    rules = texts(document, "rules", DEFAULT_RULES)
    for rule in rules:
        if rule not in RULES:
            near = did_you_mean(rule, RULES)
            document.refuse("rules", f"no rule {rule!r}{near}", f"use {', '.join(RULES)}")
    model = text(document, "model")
    outputs = read_outputs(document)
    temperature = number(document, "temperature", 0.0, 0.0, 2.0)
    task = CleaningTask(
        name=path.name,
        task_name=text(document, "task_name") or path.stem,
        description=text(document, "description"),
        system_message=text(document, "system_message"),
        prompt=fill_prompt(document, text(document, "prompt"), outputs),
        model="" if model == "rules" else model,
        temperature=temperature,
        max_tokens=_whole(document, "max_tokens", 1_000_000),
        columns=texts(document, "columns"),
        rows_per_request=_rows_per_request(document),
        fallback_models=texts(document, "fallback_models"),
        invariants=_invariants(document),
        rules=tuple(rule for rule in RULES if rule in rules),
        engine=choice(document, "engine", tuple(ENGINES), "openai"),
        outputs=outputs,
        mask=_mask(document),
        budget=read_budget(document),
        cache=choice(document, "cache", CACHE_POLICIES, "version" if temperature else "always"),
        examples=read_examples(document, outputs),
        options=_options(document),
    )
    _together(document, task)
    return task


def _whole(document: Document, name: str, high: int) -> int:
    """Read a whole number from 1 (0 where it is missing)."""
    value = document.values.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
        document.refuse(name, f"{value!r} is out of range", f"a whole number from 1 to {high}")
    return value


def _options(document: Document) -> tuple[tuple[str, Option], ...]:
    """Read what is said to the model beside the temperature."""
    said: dict[str, Option] = {}
    if document.values.get("top_p") is not None:
        said["top_p"] = number(document, "top_p", 1.0, 0.0, 1.0)
    if (seed := document.values.get("seed")) is not None:
        if isinstance(seed, bool) or not isinstance(seed, int) or abs(seed) >= _LARGEST_SEED:
            document.refuse("seed", f"{seed!r} is no seed", "a whole number of at most 9 digits")
        said["seed"] = seed
    if stop := texts(document, "stop"):
        if len(stop) > _MOST_STOPS:
            document.refuse("stop", f"{len(stop)} are too many", f"write at most {_MOST_STOPS}")
        said["stop"] = stop
    if effort := text(document, "reasoning_effort"):
        said["reasoning_effort"] = effort
    return tuple(said.items())


def _rows_per_request(document: Document) -> int:
    """Read a number of rows, or auto (0)."""
    if document.values.get("rows_per_request") == "auto":
        return 0
    return _whole(document, "rows_per_request", _MOST_ROWS)


def _invariants(document: Document) -> Invariants:
    """Read what answers must keep."""
    kept = group(document, "invariants", KEPT)
    if kept is None:
        return Invariants()
    known(kept, KEPT)
    default = Invariants()
    return Invariants(
        digits=flag(kept, "digits", True),
        urls=flag(kept, "urls", True),
        names=flag(kept, "names", True),
        language=flag(kept, "language", True),
        length_ratio=_ratio(document, kept.values.get("length_ratio"), default.length_ratio),
        overlap=number(kept, "overlap", default.overlap, 0.0, 1.0),
    )


def _ratio(document: Document, value: Any, default: tuple[float, float]) -> tuple[float, float]:
    """Read the lowest and highest length ratio."""
    if value is None:
        return default
    numbers = isinstance(value, list) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in value
    )
    if not numbers or len(value) != 2 or not 0 <= value[0] <= 1 <= value[1] <= 100:
        document.refuse(
            "invariants.length_ratio", f"{value!r} is not [lowest, highest]", "write [0.5, 2.0]"
        )
    return float(value[0]), float(value[1])


def _mask(document: Document) -> tuple[str, ...]:
    """Read which personal data is masked: true or false for all kinds, or a list of them."""
    value = document.values.get("mask", True)
    if isinstance(value, bool):
        return MASKS if value else ()
    kinds = texts(document, "mask")
    for kind in kinds:
        if kind not in MASKS:
            near = did_you_mean(kind, MASKS)
            document.refuse("mask", f"no kind {kind!r}{near}", f"use {', '.join(MASKS)}")
    return tuple(kind for kind in MASKS if kind in kinds)


def _together(document: Document, task: CleaningTask) -> None:
    """Refuse fields that do not fit each other."""
    if not task.model:
        for name in ("fallback_models", "outputs", "examples", "budget", "engine", *OPTIONS):
            if document.values.get(name):
                document.refuse(name, "there is no model it is for", "add `model:`, or take it out")
        return
    if not task.prompt:
        document.refuse("prompt", "a task with a model needs one", "say what the model should do")
    check_places(document, task.prompt, task.columns)
    _fits_engine(document, task)
    if "rules" in task.fallback_models and any(output.kind != "text" for output in task.outputs):
        document.refuse(
            "fallback_models", "rules give no labels and numbers", "take `rules` off the list"
        )
    for output in task.outputs:
        if output.of and task.columns and output.of not in task.columns:
            near = did_you_mean(output.of, task.columns)
            document.refuse(
                f"outputs.{output.name}",
                f"there is no column {output.of!r} in `columns:`{near}",
                f"use {', '.join(task.columns)}",
            )


def _fits_engine(document: Document, task: CleaningTask) -> None:
    """Refuse what the task's engine does not take."""
    if task.engine == "anthropic" and task.temperature > 1:
        document.refuse(
            "temperature", f"{task.temperature:g} is out of range", "Claude takes 0 to 1"
        )
    for name, _ in task.options:
        if task.engine == "anthropic" and name != "stop":
            document.refuse(name, "`engine: anthropic` does not send it", "take it out")
    if task.engine == "llama" and set(task.fallback_models) - {"rules"}:
        document.refuse(
            "fallback_models",
            "`engine: llama` keeps one model in memory",
            "write [rules], or take it out",
        )
