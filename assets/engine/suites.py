"""Suites in an attempt: what Great Expectations finds in the staged rows before publishing.

A critical expectation that is not met blocks the version, and the rows that break it go to
quarantine; a warning is published with what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assets.engine.config import DEFAULT_TASK
from assets.engine.log import log
from assets.engine.project import Project
from catalog.records import Check
from resources.columns import Column
from resources.expectations import Expectation, suite_of
from resources.expectations.core import core
from resources.expectations.found import Found, write_found
from resources.rejects import Rejects

if TYPE_CHECKING:
    from assets.engine.make import Attempt

_LONGEST = 600


def validate_suite(
    project: Project,
    attempt: Attempt,
    suite: Sequence[Expectation],
    files: Sequence[Path],
    columns: Sequence[Column],
    rejects: Rejects,
) -> tuple[Check, ...]:
    """Validate the files where a suite asks for more than the schema; give the checks.

    files: the version as it would be, whole: those that stay and the one that is new.
    """
    asset = attempt.asset
    promised = {one.fact(): one.name for one in suite_of(columns)} if asset.columns else {}
    more = [one for one in suite if promised.get(one.fact()) != one.name]
    results = iter(_validate(project, attempt, files, more, rejects) if more else ())
    found = [next(results) if one in more else _held(one) for one in suite]
    attempt.validation_file = f"validations/{asset.key}/{attempt.stamp}.json"
    write_found(project.data / attempt.validation_file, found)
    return tuple(_check(one) for one in found)


def is_suite_check(check: Check) -> bool:
    """Tell whether a check is an expectation of a suite."""
    return check.name in core()


def _validate(
    project: Project,
    attempt: Attempt,
    files: Sequence[Path],
    suite: Sequence[Expectation],
    rejects: Rejects,
) -> list[Found]:
    """Let Great Expectations look at all rows; set aside those that break what blocks."""
    from resources.expectations.validation import validating

    log("validating", asset=attempt.asset.key, expectations=len(suite))
    with validating(
        files,
        memory_mb=project.settings.memory_mb,
        spill=project.data / ".staging" / "spill",
        hide=hider(project, attempt),
    ) as batch:
        found = batch.validate(suite)
        for one, result in zip(suite, found, strict=True):
            if result.blocks and one.row_level and not result.error:
                for rows in batch.offending(one, result.sentence):
                    rejects.add_rows(rows, one.name, result.column)
    return found


def _held(one: Expectation) -> Found:
    """Say that the schema's own checks hold an expectation."""
    words = one.name.removeprefix("expect_").replace("_", " ")
    sentence = f"{one.column or 'table'}: {words} (held by the schema)."
    return Found(one.name, one.column, one.severity, True, sentence, notes=one.notes)


def _check(found: Found) -> Check:
    """Give a result as the catalog keeps it."""
    return Check(
        name=found.name,
        column=found.column,
        severity="block" if found.severity == "critical" else "warn",
        passed=found.passed,
        rows=found.rows,
        value=found.value,
        threshold=found.mostly,
        detail=found.detail()[:_LONGEST],
    )


def hider(project: Project, attempt: Attempt) -> Callable[[str], str]:
    """Give what hides personal data in examples: as the asset's cleaning task says, else all."""
    from resources.llm.masking import KINDS, mask

    asset = attempt.asset
    kinds: tuple[str, ...] = KINDS
    name = attempt.task or asset.task
    if name and name != DEFAULT_TASK and any(one.kind == "cleaner" for one in asset.arguments):
        from resources.llm import find_task, load_task

        kinds = load_task(find_task(project.settings.root, name)).mask
    return lambda text: mask(text, kinds).text
