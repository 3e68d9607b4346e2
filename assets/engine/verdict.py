"""Verdict: what the checks found, and whether the result may be published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assets.engine.checks import (
    Checked,
    key_checks,
    new_rows_check,
    schema_checks,
)
from assets.engine.compare import quarantine_limit
from assets.engine.errors import CheckFailed, RowsToRetry
from assets.engine.joining import totals
from assets.engine.known import Base
from assets.engine.project import Project
from assets.engine.remedy import LIMITS, remedy
from assets.engine.suites import is_suite_check
from catalog.records import Check
from resources.columns import Column
from resources.rejects import Rejects

if TYPE_CHECKING:
    from assets.engine.make import Attempt


def all_checks(
    project: Project,
    attempt: Attempt,
    base: Base | None,
    checked: Checked,
    columns: tuple[Column, ...],
    before: dict[tuple[str, str], int],
) -> tuple[Check, ...]:
    """Give what all checks found, of the whole version; of single rows, what new ones broke."""
    asset, limit = attempt.asset, quarantine_limit(project, attempt.asset)
    missing, rows = totals(base, checked, columns)
    # Rows that people accept are no new ones: those set aside are all that were before.
    joins = base is not None and attempt.into is None
    counted = attempt.quarantined - attempt.discarded
    aside = counted + (base.quarantined if base is not None and joins else 0)
    checks = schema_checks(
        replace(checked, missing=missing, staged=replace(checked.staged, rows=rows)),
        columns,
        before,
        declared=asset.columns is not None,
        rows_in=attempt.rows_in if base is None else rows + aside,
        quarantined=aside,
        limit=limit,
        layer=asset.layer,
    )
    new = (new_rows_check(attempt.rows_in, counted, limit),) if joins else ()
    return (*checks, *new, *key_checks(checked, columns, asset.on))


def need_retry(project: Project, attempt: Attempt, base: Base | None, rejects: Rejects) -> None:
    """Leave new rows for a later run where a passing cause kept too many of them.

    They are a small part of the whole, but published without them it would be made whole again.
    """
    limit = quarantine_limit(project, attempt.asset) * attempt.rows_in
    if base is not None and attempt.into is None and rejects.retry_rows > limit:
        raise _to_retry(attempt, rejects)


def balance(attempt: Attempt, checked: Checked) -> None:
    """Hold the books: every row handed over is published, a duplicate, or in quarantine."""
    marks = checked.gone.marks
    rows_out = checked.staged.rows + checked.duplicates + attempt.quarantined + marks
    if attempt.rows_in != rows_out:
        raise CheckFailed(
            f"{attempt.asset.key}: {attempt.rows_in} rows came in, but {checked.staged.rows} + "
            f"{checked.duplicates} duplicates + {attempt.quarantined} in quarantine + {marks} that "
            f"say that they are deleted are {rows_out}",
            "this is a defect of the product: please report it with the log",
            asset=attempt.asset.key,
        )


def block(project: Project, attempt: Attempt, checked: Checked, rejects: Rejects) -> None:
    """Stop where a blocking check failed, keeping what was made for a look."""
    failed = [c for c in attempt.checks if not c.passed and c.severity == "block"]
    if not failed:
        return
    key = attempt.asset.key
    lasting = rejects.rows - rejects.retry_rows - attempt.discarded
    passing = rejects.retry_rows and not any(is_suite_check(check) for check in failed)
    if passing and lasting <= quarantine_limit(project, attempt.asset) * attempt.rows_in:
        raise _to_retry(attempt, rejects)
    aside = project.data / "quarantine" / key / "blocked.parquet"
    aside.parent.mkdir(parents=True, exist_ok=True)
    checked.staged.path.replace(aside)
    raise CheckFailed(
        f"{key} failed its check " + _say_all(failed, attempt),
        remedy(project, attempt, failed, aside),
        asset=key,
        check=failed[0].name,
        column=failed[0].column,
    )


def _to_retry(attempt: Attempt, rejects: Rejects) -> RowsToRetry:
    """Say that a model that was down is no fault of the rows: the next run may try them again."""
    return RowsToRetry(
        f"{attempt.asset.key}: {rejects.retry_rows} of {attempt.rows_in} rows failed for a passing "
        f"cause ({rejects.last_retry})",
        "nothing was published and what is done is kept; run the same command later",
        asset=attempt.asset.key,
    )


def _say_all(failed: list[Check], attempt: Attempt) -> str:
    """Say what the first failed checks found."""
    said = " and ".join(_say(check, attempt) for check in failed[:3])
    return said + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")


def _say(check: Check, attempt: Attempt) -> str:
    """Say what a check found."""
    if check.name in LIMITS:
        worst = sorted(
            (
                c
                for c in attempt.checks
                if c.rows
                and c.severity == "warn"
                and c.name != "missing values"
                and not is_suite_check(c)
            ),
            key=lambda c: -c.rows,
        )
        detail = ", ".join(
            f"{c.name}{f' of {c.column}' if c.column else ''}: {c.rows}" for c in worst[:3]
        )
        of = round(check.rows / check.value) if check.value else attempt.rows_in
        return (
            f"{check.name!r}: {check.rows} of {of} rows "
            f"({check.value:.1%}, at most {check.threshold:.1%} may be)"
            + (f" [{detail}]" if detail else "")
        )
    if check.name == "rows":
        return "'rows': there is not a single row"
    detail = f" ({check.detail.rstrip('.')})" if check.detail else ""
    return repr(check.name) + (f" of {check.column}" if check.column else "") + detail
