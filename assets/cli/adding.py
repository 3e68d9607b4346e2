"""`dataops new source`: look at it, ask what is not known, write the file, say what came of it."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer

from assets.cli.app import ordinary_files
from assets.cli.preview import print_sample
from assets.cli.proposing import Proposed, propose
from assets.cli.sampling import Sample, take_sample
from assets.cli.settling import ScaffoldError, Settling
from assets.cli.writing import Draft, as_python, as_yaml
from assets.model.declare import NAME
from resources.connections import connection_url
from resources.errors import DataOpsError, SourceError, did_you_mean
from resources.settings import Settings, load_settings

_PYTHON: Final = "assets/raw/{}.py"
_YAML: Final = "resources/pipelines/{}.yaml"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said about a source on the command line; "" and None: not said."""

    name: str
    source: str
    read: tuple[str, ...]
    title: str
    id: str
    text: str
    in_yaml: bool | None
    schema: bool | None
    yes: bool


def add_source(wanted: Wanted, *, quiet: bool) -> dict[str, Any]:
    """Do it all; give the facts. Asks on a terminal alone, unless `quiet` or told not to."""
    settings = load_settings()
    asks = sys.stdin.isatty() and not wanted.yes and not quiet
    if wanted.name:
        _check_name(settings, wanted.name)
    source = wanted.source or _need(
        asks, "Where is it? A file or pattern, https://..., or sql:CONNECTION", "--file"
    )
    read = _read_options(wanted.read)
    _check_there(settings, source)
    sample, read, trouble = _look(settings, source, read, asks, wanted.yes)
    if not quiet:
        print_sample(source, sample, trouble)
    read = {**read, **(sample.layout if sample is not None else {})}
    name = wanted.name or _ask_name(settings, str(read.get("table") or source), asks, wanted.yes)
    draft = Draft(name, source, _title(wanted.title, name), read, wanted.id, wanted.text)
    in_yaml = wanted.in_yaml
    if in_yaml is None:
        in_yaml = asks and _choose("YAML or Python?", ("yaml", "python")) == "yaml"
    found = propose(sample.rows) if sample is not None else []
    if sample is not None:
        settling = Settling(sample, found, wanted.schema, wanted.yes, asks=asks, quiet=quiet)
        draft = settling.settle(draft)
    elif wanted.schema:
        raise ScaffoldError(f"there is nothing to propose a schema from: {trouble}", "mend it")
    target = settings.root / (_YAML if in_yaml else _PYTHON).format(name)
    with ordinary_files():
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(as_yaml(draft) if in_yaml else as_python(draft))
    return _tell(target, draft, sample, found, quiet)


def _need(asks: bool, question: str, option: str) -> str:
    """Ask for what must be known; without a terminal, say which option says it."""
    if not asks:
        raise typer.BadParameter(f"say it with {option}: there is nobody to ask")
    answer: str = typer.prompt(question)
    return answer.strip()


def _check_name(settings: Settings, name: str) -> None:
    """Refuse a name that no key can hold, and one that is taken."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise typer.BadParameter(f"{name!r} is no usable name: lower case letters, digits and _")
    for path in (_PYTHON, _YAML):
        target = settings.root / path.format(name)
        if target.exists():
            raise ScaffoldError(
                f"{target} is there already", "choose another name, or edit that file"
            )
    from assets.model.discover import discover

    graph, key = discover(settings.root), f"raw.{name}"
    if key in graph.order:
        there = graph.assets[key].file if key in graph.assets else graph.broken[key].file
        raise ScaffoldError(
            f"{key} is there already, in {there}", "choose another name, or edit that file"
        )


def _ask_name(settings: Settings, source: str, asks: bool, yes: bool) -> str:
    """Ask for the name, proposing one made of the source's."""
    stem = re.split(r"[*?\[]", Path(source.partition("://")[2] or source).name)[0].split(".")[0]
    proposed = re.sub(r"[^a-z0-9]+", "_", stem.removeprefix("sql:").lower()).strip("_")
    usable = bool(NAME.fullmatch(proposed)) and not keyword.iskeyword(proposed)
    if yes and usable:
        _check_name(settings, proposed)
        return proposed
    if not asks:
        raise typer.BadParameter("give it a name: dataops new source NAME ...")
    while True:
        name = typer.prompt("Name", default=proposed if usable else None).strip()
        try:
            _check_name(settings, name)
        except (typer.BadParameter, ScaffoldError) as error:
            print(error)
        else:
            return str(name)


def _title(given: str, name: str) -> str:
    """Give what the source is, in words."""
    return given.strip().rstrip(".") or name.replace("_", " ").capitalize()


def _read_options(given: tuple[str, ...]) -> dict[str, Any]:
    """Read `--read name=value`: options of `Source.read`, by name."""
    if not given:
        return {}
    import yaml

    from assets.model.pipeline_file import spelled, takes
    from resources.sources.options import ReadOptions

    types = {name: takes(hint) for name, hint in ReadOptions.__annotations__.items()}
    options: dict[str, Any] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if name not in types:
            raise typer.BadParameter(
                f"--read {one!r}: there is no option {name!r}{did_you_mean(name, types)}: "
                f"write name=value, with one of {', '.join(types)}"
            )
        if not sign:
            raise typer.BadParameter(f"--read {one!r} gives no value: write {name}=value")
        try:
            options[name] = spelled(name, value) if str in types[name] else yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise typer.BadParameter(
                f"--read {one!r}: the value is no YAML; write it as in a pipeline's file, "
                "such as pages={number: page}"
            ) from error
    return options


def _is_file(source: str) -> bool:
    """Tell a file or pattern from a web address and a database."""
    return "://" not in source and not source.startswith("sql:")


def _check_there(settings: Settings, source: str) -> None:
    """Refuse a file or connection that is not there; a pattern may match nothing yet."""
    if source.startswith("sql:"):
        connection_url(source.removeprefix("sql:"))
    if not _is_file(source) or any(sign in source for sign in "*?["):
        return
    if not (settings.root / Path(source).expanduser()).is_file():
        raise SourceError(
            f"{settings.root / source} is not there", "put the file there first", file=source
        )


def _look(
    settings: Settings, source: str, read: dict[str, Any], asks: bool, yes: bool
) -> tuple[Sample | None, dict[str, Any], str]:
    """Take a sample; where it cannot be read, say why, and on a terminal ask how it can.

    That is the table of a database, or the encoding of a file that does not tell it. Raises what
    is wrong with what was said. A file that says too little, or a place that does not answer just
    now, can be declared without a look.
    """
    from assets.model.pipeline_file import is_database

    option = "table" if is_database(source) else "encoding"
    if asks and option == "table" and not {"table", "query"} & read.keys():
        read = {**read, option: _need(asks, "Table", "--read table=")}
    while True:
        try:
            return take_sample(settings, source, read), read, ""
        except DataOpsError as error:
            wrong = _is_wrong(source, error)
            asking = asks and error.permanent and (option in read or "confidence" in error.facts)
            if error.facts.get("option", option) != option or (wrong and not asking):
                raise
            if not asking:
                return None, read, _unseen(source, error, asks, yes)
            print(error)
            otherwise = "stop" if wrong else "go on without a look"
            question = f"{option.capitalize()} (empty: {otherwise})"
            answer = typer.prompt(question, default="", show_default=False).strip()
            if not answer and wrong:
                raise
            if not answer:
                return None, read, str(error)
            read = {**read, option: answer}


def _is_wrong(source: str, error: DataOpsError) -> bool:
    """Tell what was said wrongly from a file that says too little, and what may pass."""
    return error.permanent and ("option" in error.facts or not _is_file(source))


def _unseen(source: str, error: DataOpsError, asks: bool, yes: bool) -> str:
    """Say why there was no look; a place that may answer later is declared only if one agrees."""
    if error.permanent or yes:
        return str(error)
    if not asks:
        raise ScaffoldError(
            f"{source} could not be looked at: {error.problem}",
            "try again when it can be reached, or add --yes: it is then declared without a look",
        ) from error
    print(error)
    typer.confirm("Go on without a look?", abort=True)
    return str(error)


def _choose(question: str, ways: tuple[str, ...]) -> str:
    """Ask for one of a few words."""
    while True:
        answer = typer.prompt(question, default=ways[0]).strip().lower()
        near = [way for way in ways if answer and way.startswith(answer)]
        if near:
            return near[0]
        print(f"Answer {' or '.join(ways)}.")


def _tell(
    target: Path, draft: Draft, sample: Sample | None, found: list[Proposed], quiet: bool
) -> dict[str, Any]:
    """Say which file was written, which assets came of it, and what to do next."""
    brings = dict(_brings(draft.name))
    following = f"dataops materialize raw.{draft.name}+"
    if not quiet:
        print(f"{target}\n")
        for key, error in brings.items():
            print(f"  {key}" + (f"  broken: {error}" if error else ""))
        print(f"\nnext: {following}")
    facts: dict[str, Any] = {
        "file": str(target),
        "form": "yaml" if target.suffix == ".yaml" else "python",
        "source": draft.source,
        "assets": list(brings),
        "errors": {key: error for key, error in brings.items() if error},
        "next": following,
    }
    if sample is not None:
        columns = [_proposal(one) for one in found]
        facts |= {"sample": sample.facts(), "proposed": columns}
        facts["declared"] = bool(draft.columns)
    return facts


def _proposal(one: Proposed) -> dict[str, Any]:
    """Give a proposed column as JSON-ready facts."""
    written = one.column.written
    return {
        **one.column.facts(),
        "values": list(one.values),
        **({"written": written.said()} if written is not None else {}),
        **({"note": one.note} if one.note else {}),
    }


def _brings(name: str) -> Iterator[tuple[str, str]]:
    """Give the keys that a source brings, each with what is wrong with it, "" where nothing is."""
    from assets.engine import open_project

    graph = open_project().graph
    below = graph.below([f"raw.{name}"])
    for key in graph.order:
        if key == f"raw.{name}" or key in below:
            yield key, graph.broken[key].error if key in graph.broken else ""
