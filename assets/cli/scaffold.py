"""Scaffolding: new source, and an empty project in place of the samples."""

from __future__ import annotations

import keyword
import re
import shutil
from pathlib import Path
from typing import Annotated

import typer

from assets.cli.app import Json, app
from assets.cli.show import print_json
from resources.errors import DataOpsError, SourceError

new = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=True,
    help="Add a source, or clear the samples away.",
)
app.add_typer(new, name="new")

_PLAIN = '''"""{title}."""

from assets import Source, Table, asset


@asset(source={source!r})
def {name}(source: Source) -> Table:
    """{title}, as collected."""
    return source.read()
'''
_TEXTS = '''"""{title}."""

from assets import Source, Table, asset
from assets.schemas import RawText


@asset(source={source!r}, schema=RawText)
def {name}(source: Source) -> Table:
    """{title}, as collected."""
    return source.texts(id={id!r}, text={text!r})
'''


SAMPLES = (
    "reviews",
    "reviews_en",
    "reviews_en_clean",
    "reviews_ko",
    "reviews_ko_clean",
    "reviews_summary",
)


class ScaffoldError(DataOpsError):
    """A file that cannot be written as asked."""


@new.callback()
def options(
    empty: Annotated[
        bool, typer.Option("--empty", help="Remove the sample assets, their tasks and sample data.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Add a source, or clear the samples away."""
    if not empty:
        return
    from resources.settings import load_settings

    root = load_settings().root
    files = sample_files(root)
    if not files:
        print("There are no samples here.")
        return
    print("\n".join(str(file.relative_to(root)) for file in files))
    if not yes:
        typer.confirm(f"Remove these {len(files)} sample files?", abort=True)
    for file in files:
        file.unlink()
    for folder in {file.parent for file in files}:
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    print("Removed. Add your first source: dataops new source NAME --file PATH")


def sample_files(root: Path) -> list[Path]:
    """Give the files that the product ships as samples."""
    files = [
        file
        for folder in ("assets/raw", "assets/processed", "assets/output")
        for file in sorted((root / folder).glob("*.py"))
    ]
    found = [f for f in files if f.stem in SAMPLES]
    data = root / "resources" / "samples"
    return found + [
        data / name for name in ("reviews_ko.csv", "reviews_en.jsonl") if (data / name).is_file()
    ]


@new.command("source")
def source(
    name: Annotated[str, typer.Argument(help="The source's name: lower case, digits and _.")],
    file: Annotated[
        str | None,
        typer.Option("--file", help="The file or pattern to read, from the project folder."),
    ] = None,
    title: Annotated[str, typer.Option(help="What it is, in a few words.")] = "",
    id: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--id", help="The column with a whole number that identifies a row.")
    ] = "",
    text: Annotated[str, typer.Option("--text", help="The column with the text to clean.")] = "",
    json: Json = False,
) -> None:
    """Write assets/raw/NAME.py: one file, and the source is collected, cleaned and exported."""
    from resources.settings import load_settings

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise typer.BadParameter(f"{name!r} is no usable name: lower case letters, digits and _")
    root = load_settings().root
    target = root / "assets" / "raw" / f"{name}.py"
    if target.exists():
        raise ScaffoldError(f"{target} is there already", "choose another name, or edit that file")
    chosen = file if file is not None else typer.prompt("File or pattern to read")
    if (
        not any(sign in chosen for sign in "*?[")
        and not (root / Path(chosen).expanduser()).is_file()
    ):
        raise SourceError(f"{root / chosen} is not there", "put the file there first", file=chosen)
    if bool(id) != bool(text):
        raise typer.BadParameter("--id and --text go together")
    template = _TEXTS if id else _PLAIN
    words = (
        title.strip().rstrip(".").replace('"""', "'''").replace("\\", "/")
        or name.replace("_", " ").capitalize()
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        template.format(title=words, source=chosen, name=name, id=id, text=text), encoding="utf-8"
    )
    if json:
        print_json({"file": str(target), "assets": list(_brings(name))})
    else:
        print(f"{target}\n")
        _tell(name)


def _brings(name: str) -> dict[str, str]:
    """Give the keys that a source brings, each with what is wrong with it, "" where nothing is."""
    from assets.engine import open_project

    graph = open_project().graph
    below = graph.below([f"raw.{name}"])
    inside = [key for key in graph.order if key == f"raw.{name}" or key in below]
    return {key: graph.broken[key].error if key in graph.broken else "" for key in inside}


def _tell(name: str) -> None:
    """Say what the new file brings."""
    for key, error in _brings(name).items():
        print(f"  {key}" + (f"  broken: {error}" if error else ""))
    print(f"\nnext: dataops materialize raw.{name}+")
