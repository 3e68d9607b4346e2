"""`@asset`: what should exist, and the function that makes it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, overload

from assets.model.arguments import Argument, arguments_of
from assets.model.deletes import check_deletes
from assets.model.errors import DeclarationError
from assets.model.modes import CSV, check_format, check_mode
from assets.model.plain import check_length, check_params, check_plain, check_renamed, plain_text
from assets.model.schedules import check_zone, cron
from assets.model.schema import Schema
from resources.addresses import check_source
from resources.columns import Column
from resources.errors import SourceError, did_you_mean
from resources.expectations import Expectation, check_columns

LAYERS: Final = ("raw", "processed", "output")
ANOMALIES: Final = ("warn", "block", "off")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,179}")
"""A name is part of file names and of Airflow's ids, neither of which may be longer than 250."""
_Function = TypeVar("_Function", bound=Callable[..., Any])

_SHOWN: Final = 10**15


@dataclass(frozen=True, slots=True, eq=False)
class Asset:
    """A declared asset. All is known from the project's files alone."""

    key: str
    layer: str
    name: str
    function: Callable[..., Any]
    arguments: tuple[Argument, ...] = ()
    description: str = ""
    upstream: tuple[str, ...] = ()
    columns: tuple[Column, ...] | None = None
    task: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    schedule: str = ""
    timezone: str = ""
    fresh_for: timedelta | None = None
    chain: bool = True
    tags: tuple[str, ...] = ()
    owner: str = ""
    renamed_from: str = ""
    ordered: bool = False
    max_quarantine: float | None = None
    mode: str = "replace"
    on: tuple[str, ...] = ()
    deleted: str = ""
    missing: str = ""
    checks: tuple[Expectation | str, ...] = ()
    anomalies: str = "warn"
    format: str = CSV
    file: str = ""
    line: int = 0
    engine_version: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """An asset whose declaration does not load: what is wrong, where, and what to do.

    guessed: its key is made of a file's name that no key can hold.
    """

    key: str
    error: str
    file: str
    line: int = 0
    upstream: tuple[str, ...] = ()
    guessed: bool = False

    def __post_init__(self) -> None:
        """Make what it says and where fit to be shown and stored, whatever an error quoted."""
        object.__setattr__(self, "error", plain_text(self.error))
        object.__setattr__(self, "file", plain_text(self.file))


@overload
def asset(function: _Function, /) -> _Function: ...


@overload
def asset(
    *,
    upstream: Iterable[str] = (),
    schema: type[Schema] | None = None,
    task: str | None = None,
    source: str | Path | Iterable[str | Path] = (),
    files: Iterable[str | Path] = (),
    params: Mapping[str, Any] | None = None,
    schedule: str = "",
    timezone: str = "",
    fresh_for: timedelta | None = None,
    chain: bool = True,
    tags: Iterable[str] = (),
    owner: str = "",
    renamed_from: str = "",
    ordered: bool = False,
    max_quarantine: float | None = None,
    mode: str = "replace",
    on: Iterable[str] = (),
    deleted: str = "",
    full: Mapping[str, str] | None = None,
    checks: Iterable[Expectation | str] = (),
    anomalies: str = "warn",
    format: str = CSV,
) -> Callable[[_Function], _Function]: ...


def asset(function: Any = None, /, **options: Any) -> Any:
    """Declare the asset that this function makes; folder = layer, function = name.

    upstream: keys of what it is made from. schema: a Schema class. task: a cleaning task's name.
    source: files or patterns a raw asset reads, from the project folder, or web addresses.
    files: lookup files it reads. params: values handed to a `Params` argument; they count as
    config. schedule: hourly, daily, weekly, monthly, yearly or a cron line of five fields, read by
    the clock of timezone (Asia/Seoul), else of the project's; fresh_for: how long a raw asset stays
    fresh. chain: whether a raw asset brings its cleaned and CSV assets.
    ordered: row order is content. max_quarantine: share of rows (0..1) that may be set aside.
    mode: how what is made joins the version before. replace: it stands alone; append: new rows are
    added; upsert (raw): rows with a known key replace the old ones. on: the key's columns.
    deleted: the column, or SQL condition, by which a row of an upsert says that it is deleted at
    its source. full: {"missing": "delete"} where what a load of everything lacks is deleted, or
    {"missing": "keep"}; such a load is each one without a Cursor, and --full.
    A processed asset with mode="append" is made row by row of one upstream: it is handed new rows.
    checks: what a version must meet: Expectation(...) or a suite's name; they count as config.
    anomalies: what a version unlike those before does: warn, block, or off (nobody looks).
    format (output): csv, or xlsx: a workbook with the same rows beside the CSV.

    The function stays an ordinary function. Raises DeclarationError with what to do.
    """
    if function is not None:
        function.__dataops__ = _declare(function)
        return function

    def decorate(target: _Function) -> _Function:
        """Attach the declaration."""
        target.__dataops__ = _declare(target, **options)  # type: ignore[attr-defined]
        return target

    return decorate


def _declare(  # noqa: PLR0913 - all that a declaration may say
    function: Callable[..., Any],
    *,
    upstream: Iterable[str] = (),
    schema: type[Schema] | None = None,
    task: str | None = None,
    source: str | Path | Iterable[str | Path] = (),
    files: Iterable[str | Path] = (),
    params: Mapping[str, Any] | None = None,
    schedule: str = "",
    timezone: str = "",
    fresh_for: timedelta | None = None,
    chain: bool = True,
    tags: Iterable[str] = (),
    owner: str = "",
    renamed_from: str = "",
    ordered: bool = False,
    max_quarantine: float | None = None,
    mode: str = "replace",
    on: Iterable[str] = (),
    deleted: str = "",
    full: Mapping[str, str] | None = None,
    checks: Iterable[Expectation | str] = (),
    anomalies: str = "warn",
    format: str = CSV,  # noqa: A002 - as people write it
) -> Asset:
    """Check the declaration and put it together."""
    code = function.__code__
    layer, name = Path(code.co_filename).parent.name, function.__name__
    key = f"{layer}.{name}"
    edges = _strings(key, "upstream", upstream)
    sources = _strings(key, "source", [source] if isinstance(source, str | Path) else source)
    for one in sources:
        try:
            check_source(one)
        except SourceError as error:
            raise DeclarationError(f"{key}: {error.problem}", error.fix, asset=key) from None
    _check_place(key, layer, name)
    _check_kind(key, function)
    _check_edges(key, layer, edges, sources)
    if schema is not None and Schema not in getattr(schema, "__mro__", ()):
        raise DeclarationError(
            f"{key} declares schema={schema!r}, which is not a Schema class",
            "write `class X(Schema): ...` and pass the class",
            asset=key,
        )
    if (schedule or fresh_for) and layer != "raw":
        raise DeclarationError(
            f"{key} has a schedule, but only raw assets have one",
            "put schedule= on the raw asset; what is downstream follows it",
            asset=key,
        )
    arguments = tuple(arguments_of(key, function, edges))
    if task is not None and all(argument.kind != "cleaner" for argument in arguments):
        raise DeclarationError(
            f"{key} names the cleaning task {task!r}, but its function takes no Cleaner",
            "add a parameter `llm: Cleaner` and call llm.clean(...), or take task= off",
            asset=key,
        )
    _check_share(key, max_quarantine)
    check_length(key, fresh_for)
    check_renamed(key, renamed_from)
    described = plain_text(_first_line(function.__doc__))
    given_tags, given_files = _strings(key, "tags", tags), _strings(key, "files", files)
    for option, texts in (
        ("owner", [owner]),
        ("tags", given_tags),
        ("files", given_files),
        ("task", [task or ""]),
    ):
        check_plain(key, option, texts)
    check_params(key, params)
    line = cron(key, schedule)
    columns = schema.columns() if schema is not None else None
    keys = _strings(key, "on", on)
    check_mode(key, layer, mode, keys, columns, edges, arguments, ordered=ordered)
    check_format(key, layer, format)
    missing = check_deletes(key, mode, deleted, full, columns, keys)
    if anomalies not in ANOMALIES:
        raise DeclarationError(
            f"{key} has anomalies={anomalies!r}{did_you_mean(anomalies, ANOMALIES)}",
            f"use one of {', '.join(ANOMALIES)}",
            asset=key,
        )
    return Asset(
        key=key,
        layer=layer,
        name=name,
        function=function,
        arguments=arguments,
        description=described,
        upstream=edges,
        columns=columns,
        task=task,
        params=dict(params or {}),
        files=given_files,
        source=sources,
        schedule=line,
        timezone=check_zone(key, line, timezone),
        fresh_for=fresh_for,
        chain=chain,
        tags=given_tags,
        owner=owner,
        renamed_from=renamed_from,
        ordered=ordered,
        max_quarantine=max_quarantine,
        mode=mode,
        on=keys,
        deleted=deleted,
        missing=missing,
        checks=_checks(key, checks, columns),
        anomalies=anomalies,
        format=format,
        file=code.co_filename,
        line=code.co_firstlineno,
    )


def _strings(key: str, option: str, values: Iterable[Any]) -> tuple[str, ...]:
    """Take a list of strings or paths; a lone string is a mistake worth a sentence."""
    if isinstance(values, str | bytes):
        raise DeclarationError(
            f"{key} has {option}={values!r}, which is one string",
            f"write a list: {option}=[{values!r}]",
            asset=key,
        )
    return tuple(dict.fromkeys(str(value) for value in values))


def _checks(
    key: str, checks: Iterable[Expectation | str], columns: tuple[Column, ...] | None
) -> tuple[Expectation | str, ...]:
    """Check what is expected: expectations about columns that there are, and names of suites."""
    listed = [checks] if isinstance(checks, str | Expectation) else list(checks)
    for one in listed:
        if not isinstance(one, str | Expectation):
            raise DeclarationError(
                f"{key} has checks=[... {one!r} ...], which is no expectation",
                "write Expectation('expect_column_values_to_not_be_null', {'column': 'id'}) "
                "or a suite's name",
                asset=key,
            )
    if columns is not None:
        check_columns(key, [one for one in listed if isinstance(one, Expectation)], columns)
    return tuple(listed)


def _check_place(key: str, layer: str, name: str) -> None:
    """Hold layer and name to what keys, SQL and file names can carry."""
    if layer not in LAYERS:
        raise DeclarationError(
            f"the asset {name!r} lies in the folder {layer!r}, which is not a layer",
            f"move its file to assets/{'/, assets/'.join(LAYERS)}/",
            asset=key,
        )
    if not NAME.fullmatch(name):
        raise DeclarationError(
            f"{key} is not a usable key",
            "name the function in lower case: letters, digits and _, a letter first",
            asset=key,
        )


def _check_kind(key: str, function: Callable[..., Any]) -> None:
    """Refuse functions that give nothing when they are called: a coroutine would never run."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(
            f"{key} is made by an `async def`, which nobody would await",
            "write `def`, and call asyncio.run(...) in it where it needs async code",
            asset=key,
        )


def _check_edges(key: str, layer: str, upstream: tuple[str, ...], source: tuple[str, ...]) -> None:
    """Hold the edges to raw -> processed -> output."""
    if layer == "raw" and upstream:
        raise DeclarationError(
            f"{key} is a raw asset with upstream {list(upstream)}",
            "collect from a source= instead, or move the file to assets/processed/",
            asset=key,
        )
    if layer != "raw" and source:
        raise DeclarationError(
            f"{key} has a source=, but only raw assets collect",
            "collect it in assets/raw/ and name that asset as upstream; "
            "for a lookup file use files=[...]",
            asset=key,
        )
    if layer != "raw" and not upstream:
        raise DeclarationError(
            f"{key} is made from nothing",
            "name what it is made from: upstream=['raw.…']",
            asset=key,
        )
    for edge in upstream:
        if edge.startswith("output.") or edge == key:
            raise DeclarationError(
                f"{key} is made from {edge!r}, but "
                + ("an asset cannot be its own upstream" if edge == key else "outputs are exports"),
                "name a raw or processed asset as upstream",
                asset=key,
            )


def _check_share(key: str, share: object) -> None:
    """Refuse a max_quarantine that is no share of rows, whatever it is."""
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if share is None or (number and 0 <= share <= 1):  # type: ignore[operator]
        return
    large = isinstance(share, int) and not -_SHOWN < share < _SHOWN  # Python may not write it
    shown = "a number of many digits" if large else repr(share)[:40]
    raise DeclarationError(
        f"{key} has max_quarantine={shown}", "give a share from 0 to 1", asset=key
    )


def _first_line(docstring: str | None) -> str:
    """Give the first line of a docstring."""
    lines = (docstring or "").strip().splitlines()
    return lines[0].strip() if lines else ""
