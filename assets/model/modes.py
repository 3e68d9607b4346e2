"""Modes: how what is made joins the version before, and what a declaration may say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from assets.model.arguments import Argument
from assets.model.errors import DeclarationError
from resources.columns import Column
from resources.errors import did_you_mean

REPLACE: Final = "replace"
APPEND: Final = "append"
UPSERT: Final = "upsert"
DELETE: Final = "delete"
KEEP: Final = "keep"
MISSING: Final = (DELETE, KEEP)
MODES: Final = (REPLACE, APPEND, UPSERT)
CSV: Final = "csv"
XLSX: Final = "xlsx"
FORMATS: Final = (CSV, XLSX)
"""What an output is written as: a CSV, or a CSV and the same rows as a workbook."""


def check_mode(
    key: str,
    layer: str,
    mode: str,
    on: Sequence[str],
    columns: Sequence[Column] | None,
    upstream: Sequence[str],
    arguments: Sequence[Argument],
    *,
    ordered: bool,
) -> None:
    """Hold a mode to what it can do; raises DeclarationError with what to do."""
    if mode not in MODES:
        raise DeclarationError(
            f"{key} has mode={mode!r}{did_you_mean(mode, MODES)}",
            f"use one of {', '.join(MODES)}",
            asset=key,
        )
    if layer != "raw" and any(argument.kind == "cursor" for argument in arguments):
        raise DeclarationError(
            f"{key} takes a Cursor, but only raw assets collect",
            'take it off; mode="append" hands a processed asset only what is new',
            asset=key,
        )
    if mode == REPLACE:
        if on:
            raise DeclarationError(
                f"{key} has on={list(on)}, but everything it has is replaced",
                'add mode="append" or mode="upsert", or take on= off',
                asset=key,
            )
        return
    _check_place(key, layer, mode, upstream, arguments)
    if ordered:
        raise DeclarationError(
            f"{key} has ordered=True and mode={mode!r}, which keeps no order of the whole",
            "take one of them off",
            asset=key,
        )
    _check_key(key, mode, on, columns)


def check_format(key: str, layer: str, written_as: str) -> None:
    """Hold a format to what outputs are written as; raises DeclarationError."""
    if written_as not in FORMATS:
        raise DeclarationError(
            f"{key} has format={written_as!r}{did_you_mean(str(written_as), FORMATS)}",
            f"use one of {', '.join(FORMATS)}",
            asset=key,
        )
    if layer != "output" and written_as != CSV:
        raise DeclarationError(
            f"{key} has format={written_as!r}, but only outputs are files for people",
            "declare it on an asset in assets/output/",
            asset=key,
        )


def _check_place(
    key: str, layer: str, mode: str, upstream: Sequence[str], arguments: Sequence[Argument]
) -> None:
    """Hold a mode to the layer: outputs are whole files, processed rows come from one upstream."""
    if layer == "output":
        raise DeclarationError(
            f"{key} has mode={mode!r}, but a CSV is one whole file",
            "take mode= off; what it is made from may be incremental",
            asset=key,
        )
    if layer == "raw":
        return
    if mode == UPSERT:
        raise DeclarationError(
            f'{key} has mode="upsert", but only raw assets collect rows that change',
            'use mode="append": what an upsert changes above is made whole',
            asset=key,
        )
    if len(upstream) != 1 or any(argument.kind == "previous" for argument in arguments):
        raise DeclarationError(
            f'{key} has mode="append", which says that each of its rows is made from rows of one '
            "upstream alone, but "
            + (f"it has {len(upstream)} upstream" if len(upstream) != 1 else "it takes a Previous"),
            "take mode= off: it is then made whole each time",
            asset=key,
        )


def _check_key(key: str, mode: str, on: Sequence[str], columns: Sequence[Column] | None) -> None:
    """Hold key columns to the schema; an upsert needs some."""
    if mode == UPSERT and not on:
        raise DeclarationError(
            f'{key} has mode="upsert" without a key',
            'say which columns tell rows apart: on=["id"]',
            asset=key,
        )
    names = None if columns is None else [column.name for column in columns]
    for name in on:
        if names is not None and name not in names:
            raise DeclarationError(
                f"{key} has on=[{name!r}], which is no column of its schema"
                f"{did_you_mean(name, names)}",
                f"name one of {', '.join(names)}",
                asset=key,
                column=name,
            )
