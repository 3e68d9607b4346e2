"""A pipeline's file (resources/pipelines/*.yaml): its fields, as typed facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from assets.model.declare import ANOMALIES, NAME
from assets.model.errors import DeclarationError
from assets.model.modes import CSV, FORMATS, MISSING, MODES, REPLACE
from assets.model.pipeline_columns import read_columns
from assets.model.plain import LONGEST, check_plain, plain_text
from assets.model.schedules import check_zone, cron
from resources.addresses import check_source
from resources.columns import Column
from resources.document import Document, Kind, read_document
from resources.errors import SourceError, did_you_mean
from resources.fields import choice, flag, group, known, number, text, texts

if TYPE_CHECKING:
    from resources.expectations import Expectation

FIELDS: Final = (
    "name",
    "description",
    "source",
    "read",
    "texts",
    "columns",
    "schedule",
    "timezone",
    "fresh_for",
    "mode",
    "on",
    "cursor",
    "deleted",
    "full",
    "clean",
    "output",
    "owner",
    "tags",
    "ordered",
    "max_quarantine",
    "checks",
    "anomalies",
)
TEXTS: Final = ("id", "text", "created_at", "source", "time_format")
RULES: Final = "rules"
WRITTEN: Final = "written"
"""What `read:` says of the columns' values; it becomes a part of the columns."""
_UNITS: Final = {"min": 60, "minute": 60, "h": 3_600, "hour": 3_600, "d": 86_400, "day": 86_400}
_PERIOD: Final = re.compile(r"(\d{1,6})\s*(min|minute|h|hour|d|day)s?")

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "Sequence": (list,),
    "Mapping": (dict,),
    "None": (),
}
_WORDS: Final[dict[type, str]] = {
    str: "text (in quotes)",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "fields",
}


class PipelineError(DeclarationError):
    """A pipeline's file cannot be used."""


PIPELINE: Final = Kind(
    "pipeline", PipelineError, example="source", least="`source: incoming/orders.csv`"
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a pipeline's file says.

    read, texts: options of `Source.read` and `Source.texts`. cursor: the column that says what is
    new ("" = no cursor). clean: a cleaning task, `rules`,
    "" = by rules where there are texts, or None = not at all. output: whether there is a CSV;
    output_columns: its columns, () = all; output_format: csv, or xlsx beside it. checks: of the
    raw asset. document: the file as it is written.
    """

    name: str
    document: Document
    source: tuple[str, ...]
    description: str = ""
    read: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] | None = None
    schedule: str = ""
    timezone: str = ""
    fresh_for: timedelta | None = None
    mode: str = REPLACE
    on: tuple[str, ...] = ()
    cursor: str = ""
    deleted: str = ""
    full: Mapping[str, Any] | None = None
    clean: str | None = ""
    output: bool = True
    output_columns: tuple[str, ...] = ()
    output_format: str = CSV
    owner: str = ""
    tags: tuple[str, ...] = ()
    ordered: bool = False
    max_quarantine: float | None = None
    checks: tuple[Expectation | str, ...] = ()
    anomalies: str = ANOMALIES[0]


def load_pipeline(path: Path) -> Pipeline:
    """Read a pipeline's file; raises PipelineError with file, line, field and the fix."""
    return pipeline_of(read_document(path, PIPELINE))


def pipeline_of(document: Document) -> Pipeline:
    """Read the fields of a file."""
    _check_fields(document)
    output, output_columns, output_format = _output(document)
    limit = document.values.get("max_quarantine")
    _check_plain(document)
    return Pipeline(
        name=_name(document),
        source=_source(document),
        description=plain_text((text(document, "description").splitlines() or [""])[0]),
        read=_read(document),
        texts=_texts(document),
        columns=read_columns(document),
        schedule=_schedule(document),
        timezone=_timezone(document),
        fresh_for=_fresh_for(document),
        mode=choice(document, "mode", MODES, REPLACE),
        on=texts(document, "on"),
        cursor=_cursor(document),
        deleted=text(document, "deleted"),
        full=_full(document),
        clean=_clean(document),
        output=output,
        output_columns=output_columns,
        output_format=output_format,
        owner=text(document, "owner"),
        tags=texts(document, "tags"),
        ordered=flag(document, "ordered"),
        max_quarantine=None if limit is None else number(document, "max_quarantine", 0, 0, 1),
        checks=_checks(document),
        anomalies=_anomalies(document),
        document=document,
    )


def _check_fields(document: Document) -> None:
    """Refuse fields that there are not; an option of the reader belongs below `read`."""
    unknown = [name for name in document.values if name not in FIELDS]
    if not unknown:
        return
    from resources.sources.options import ReadOptions

    for name in unknown:
        if name == "format":
            document.refuse(
                name,
                "it stands deeper",
                "write `read: {format: ...}` for what the source is, "
                "`output: {format: xlsx}` for a workbook beside the CSV",
            )
        if name in (*ReadOptions.__annotations__, WRITTEN):
            ways = f"write `read: {{{name}: ...}}`"
            document.refuse(name, "it says how the source is read", ways)
    known(document, FIELDS)


def _anomalies(document: Document) -> str:
    """Read what an odd version does; an `off` without quotation marks is YAML's false."""
    if document.values.get("anomalies") is False:
        return "off"
    return choice(document, "anomalies", ANOMALIES, ANOMALIES[0])


def _name(document: Document) -> str:
    """Read the pipeline's name; left out, it is the file's."""
    given = document.values.get("name")
    name = document.path.stem if given is None else given
    if not isinstance(name, str) or not NAME.fullmatch(name):
        whose = "the file's name, so the pipeline's," if given is None else "the name"
        document.refuse(
            "name",
            f"{whose} is {name!r}, which no key can hold",
            "write `name:` in lower case: letters, digits and _, a letter first",
        )
    return name


def _source(document: Document) -> tuple[str, ...]:
    """Read where the data comes from."""
    if isinstance(document.values.get("source"), dict):
        document.refuse(
            "source",
            "this says where the data is, and nothing else",
            "write `source: incoming/orders.csv`, and how it is read under `read:`",
        )
    found = texts(document, "source")
    if not found:
        document.refuse(
            "source",
            "a pipeline needs one",
            "write a file or pattern from the project folder: `source: incoming/orders*.csv`",
        )
    for one in found:
        try:
            check_source(one.strip())
        except SourceError as error:
            document.refuse("source", error.problem, error.fix)
    return tuple(one.strip() for one in found)


def _read(document: Document) -> dict[str, Any]:
    """Read how the source is read: options of `Source.read`, by name and type."""
    options = group(document, "read")
    if options is None:
        return {}
    from resources.sources.options import ReadOptions

    types = {name: takes(hint) for name, hint in ReadOptions.__annotations__.items()}
    known(options, (*types, WRITTEN))
    given = {n: v for n, v in options.values.items() if v is not None and n != WRITTEN}
    for name, value in given.items():
        kinds = types[name]
        if kinds and (
            not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        ):
            words = " or ".join(_WORDS[kind] for kind in kinds)
            options.refuse(name, f"{value!r} is of the wrong type", f"write {words}")
    _fit_format(options, given, _source(document)[0])
    _check_encoding(options, given.get("encoding"))
    return {name: spelled(name, value) for name, value in given.items()}


def _check_encoding(options: Document, encoding: str | None) -> None:
    """Refuse an encoding that Python does not know, or that no file is written in."""
    if encoding is None:
        return
    from resources.sources.decoding import codec_of

    try:
        codec_of(encoding, options.path)
    except SourceError as error:
        options.refuse("encoding", f"there is no encoding {encoding!r}", error.fix)


def spelled(name: str, value: Any) -> Any:
    """Give an option's value as it is meant: for a delimiter, backslash and t are a tab."""
    return "\t" if name == "delimiter" and value == "\\t" else value


def takes(hint: Any) -> tuple[type, ...]:
    """Give the types that an option's annotation names, as YAML has them; () = any."""
    text = str(getattr(hint, "__forward_arg__", hint))
    names = [part.strip().partition("[")[0] for part in text.split("|")]
    if any(name not in _KINDS for name in names):
        return ()
    return tuple(dict.fromkeys(kind for name in names for kind in _KINDS[name]))


def _fit_format(options: Document, given: Mapping[str, Any], source: str) -> None:
    """Refuse options that only other formats have, where a file's name tells its format."""
    from resources.sources.formats import FORMATS, PACKED

    asked = given.get("format")
    names = [one.name for one in FORMATS]
    if isinstance(asked, str) and asked.lower() not in names:
        near = did_you_mean(asked, names)
        options.refuse("format", f"there is no format {asked!r}{near}", f"use {', '.join(names)}")
    if "://" in source or source.startswith("sql:"):
        return
    ends = [s.lower() for s in PurePath(source).suffixes if s.lower() not in PACKED][-1:]
    for one in FORMATS:
        if one.name == asked.lower() if asked else ends and ends[0] in one.suffixes:
            others = {option for other in FORMATS for option in other.options} - {*one.options}
            for name in sorted(others & {*given}):
                options.refuse(
                    name,
                    f"the format {one.name} has no such option{did_you_mean(name, one.options)}",
                    f"its options are {', '.join(one.options) or 'none'}",
                )


def _texts(document: Document) -> dict[str, str]:
    """Read which columns hold what: the arguments of `Source.texts`."""
    columns = group(document, "texts", TEXTS)
    if columns is None:
        return {}
    known(columns, TEXTS)
    found = {name: text(columns, name) for name in TEXTS if columns.values.get(name) is not None}
    for name in ("id", "text"):
        if not found.get(name):
            columns.refuse(name, "texts need one", f"name the column: `texts: {{{name}: ...}}`")
    for name, value in found.items():
        if not value:
            columns.refuse(name, "it is empty", "name a column, or take it out")
    return found


def _schedule(document: Document) -> str:
    """Read when it is collected: a preset's name or a cron line."""
    given = text(document, "schedule")
    try:
        return cron("the pipeline", given)
    except DeclarationError as error:
        document.refuse("schedule", error.problem.removeprefix("the pipeline has "), error.fix)


def _timezone(document: Document) -> str:
    """Read the time zone of the schedule, "" for the project's."""
    try:
        return check_zone("the pipeline", _schedule(document), text(document, "timezone"))
    except DeclarationError as error:
        document.refuse("timezone", error.problem.removeprefix("the pipeline has "), error.fix)


def _check_plain(document: Document) -> None:
    """Refuse signs that would steer a terminal, in what is shown of every asset."""
    for name in ("owner", "tags", "clean"):
        value = document.values.get(name)
        try:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str):
                    check_plain("the pipeline", name, one.splitlines())
        except DeclarationError as error:
            document.refuse(name, error.problem.removeprefix("the pipeline: "), error.fix)


def _fresh_for(document: Document) -> timedelta | None:
    """Read how long what was collected stays fresh: a number and a unit."""
    given = document.values.get("fresh_for")
    if given is None:
        return None
    found = _PERIOD.fullmatch(str(given).strip().lower())
    if found is None or not int(found[1]):
        document.refuse(
            "fresh_for", f"{given!r} is no length of time", "write 30 min, 6h or 2 days"
        )
    # Beyond it a due time would lie after the last year of a calendar: it never comes either way.
    return min(timedelta(seconds=int(found[1]) * _UNITS[found[2]]), LONGEST)


def _cursor(document: Document) -> str:
    """Read the column that says what is new: of a database or a web address, which can be asked."""
    column = text(document, "cursor")
    if not column:
        return ""
    if document.values.get("mode") in (None, REPLACE):
        document.refuse(
            "cursor", "what is new joins nothing", "add `mode: append` or `mode: upsert`"
        )
    if not all(is_database(one) or "://" in one for one in _source(document)):
        document.refuse(
            "cursor",
            "files cannot be asked for what is after a value",
            "leave it out: with `mode: append` the files that are new are read",
        )
    return column


def _full(document: Document) -> Mapping[str, Any] | None:
    """Read what becomes of rows that a load of everything lacks."""
    options = group(document, "full")
    if options is None:
        return None
    known(options, ("missing",))
    return {"missing": choice(options, "missing", MISSING, "")}


def is_database(source: str) -> bool:
    """Tell a connection, or a file that is a database."""
    ends = (".sqlite", ".sqlite3", ".db")
    return source.startswith("sql:") or source.lower().endswith(ends)


def _clean(document: Document) -> str | None:
    """Read how texts are cleaned: a cleaning task's name, `rules`, true, or false."""
    value = document.values.get("clean")
    if value is None:
        return ""
    if isinstance(value, bool):
        return RULES if value else None
    if not isinstance(value, str) or not value.strip():
        document.refuse(
            "clean", f"{value!r} is no cleaning task", "name one, or write rules or false"
        )
    return value.strip()


def _checks(document: Document) -> tuple[Expectation | str, ...]:
    """Read what every version must meet before it is cleaned: suites by name, expectations."""
    value = document.values.get("checks")
    if value is None:
        return ()
    from resources.expectations.files import read_expectation

    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        document.refuse("checks", "this is no list", "write suites' names, or `- type: expect_...`")
    return tuple(
        (
            item.strip()
            if isinstance(item, str) and item.strip()
            else read_expectation(item, f"checks.{number}", document)
        )
        for number, item in enumerate(items)
    )


def _output(document: Document) -> tuple[bool, tuple[str, ...], str]:
    """Read whether there is a CSV, which columns it has, and whether a workbook is beside it."""
    value = document.values.get("output")
    if value is None or isinstance(value, bool):
        return value is not False, (), CSV
    if not isinstance(value, dict):
        ways = "write true, false, {columns: [..]} or {format: xlsx}"
        document.refuse("output", f"{value!r} is no output", ways)
    fields = document.inside("output")
    known(fields, ("columns", "format"))
    return True, texts(fields, "columns"), choice(fields, "format", FORMATS, CSV)
