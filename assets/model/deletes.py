"""Deletes: what a declaration may say of rows that are gone at their source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from assets.model.errors import DeclarationError
from assets.model.modes import MISSING, UPSERT
from resources.columns import Column
from resources.errors import did_you_mean

_NAME: Final = re.compile(r"[^\W\d]\w*")
_NO_CONDITION: Final = re.compile(r";|--|/\*|\b(select|from|copy|attach|pragma)\b", re.IGNORECASE)


def check_deletes(
    key: str,
    mode: str,
    deleted: object,
    full: object,
    columns: Sequence[Column] | None,
    on: Sequence[str],
) -> str:
    """Hold `deleted` and `full` to what an upsert can do; give what becomes of missing rows."""
    missing = _missing(key, full)
    if not isinstance(deleted, str):
        raise DeclarationError(
            f"{key} has deleted={deleted!r}, which is no text",
            "name a column, or write a condition: deleted=\"status = 'gone'\"",
            asset=key,
        )
    for option, given in (("deleted", deleted), ("full", missing)):
        if given and mode != UPSERT:
            raise DeclarationError(
                f"{key} has {option}= and mode={mode!r}, which takes no row away",
                'use mode="upsert" with a key, or take it off',
                asset=key,
            )
    if deleted:
        _check_deleted(key, deleted, columns, on)
    return missing


def _missing(key: str, full: object) -> str:
    """Read `full={"missing": ...}`."""
    if full is None:
        return ""
    if not isinstance(full, Mapping) or set(full) != {"missing"}:
        raise DeclarationError(
            f"{key} has full={full!r}",
            'write full={"missing": "delete"} or full={"missing": "keep"}',
            asset=key,
        )
    found = full["missing"]
    if found not in MISSING:
        raise DeclarationError(
            f"{key} has full={{'missing': {found!r}}}{did_you_mean(str(found), MISSING)}",
            f"use one of {', '.join(MISSING)}",
            asset=key,
        )
    return str(found)


def _check_deleted(
    key: str, deleted: str, columns: Sequence[Column] | None, on: Sequence[str]
) -> None:
    """Hold `deleted` to the columns that there are."""
    names = None if columns is None else [column.name for column in columns]
    if deleted in on:
        raise DeclarationError(
            f"{key} has deleted={deleted!r}, which is a column of its key",
            "name the column that says that a row is deleted, or write a condition",
            asset=key,
            column=deleted,
        )
    if names is not None and deleted in names:
        return
    if _NAME.fullmatch(deleted):
        if names is not None:
            raise DeclarationError(
                f"{key} has deleted={deleted!r}, which is no column of its schema"
                f"{did_you_mean(deleted, names)}",
                f"name one of {', '.join(names)}, or write a condition",
                asset=key,
                column=deleted,
            )
        return
    if _NO_CONDITION.search(deleted) or not deleted.strip():
        raise DeclarationError(
            f"{key} has deleted={deleted!r}, which is no condition on a row",
            "compare columns: deleted=\"status = 'gone'\"",
            asset=key,
        )
