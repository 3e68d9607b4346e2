"""Scaffolding: new source, and an empty project in place of the samples."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from assets.cli.app import Json, app
from assets.cli.show import print_json

new = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=True,
    help="Add a source, or clear the samples away.",
)
app.add_typer(new, name="new")

SAMPLES = (
    "reviews",
    "reviews_en",
    "reviews_en_clean",
    "reviews_ko",
    "reviews_ko_clean",
    "reviews_summary",
)


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
def source(  # noqa: PLR0913, PLR0917 - what can be said about a source, all by name
    name: Annotated[
        str | None, typer.Argument(help="The source's name: lower case, digits and _.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", help="The file or pattern to read, from the project folder."),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Or a web address.")] = None,
    sql: Annotated[
        str | None, typer.Option("--sql", help="Or a database, by its connection's name.")
    ] = None,
    read: Annotated[
        list[str] | None,
        typer.Option("--read", help="How it is read, such as encoding=cp949; may be repeated."),
    ] = None,
    title: Annotated[str, typer.Option(help="What it is, in a few words.")] = "",
    id: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--id", help="The column with a whole number that identifies a row.")
    ] = "",
    text: Annotated[str, typer.Option("--text", help="The column with the text to clean.")] = "",
    in_yaml: Annotated[
        bool | None,
        typer.Option("--yaml/--python", help="Write a pipeline in YAML, or a collector in Python."),
    ] = None,
    schema: Annotated[
        bool | None,
        typer.Option(help="Declare the columns as they look, or leave them as they come."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask: take what is proposed.")
    ] = False,
    json: Json = False,
) -> None:
    """Write one file, and the source is collected, cleaned and exported; asks what is missing.

    It is assets/raw/NAME.py, or resources/pipelines/NAME.yaml.
    """
    from assets.cli.adding import Wanted, add_source

    ways = [way for way in (file, url, sql and f"sql:{sql.removeprefix('sql:')}") if way]
    if len(ways) > 1:
        raise typer.BadParameter("give one of --file, --url and --sql")
    if bool(id) != bool(text):
        raise typer.BadParameter("--id and --text go together")
    wanted = Wanted(
        name=name or "",
        source=ways[0] if ways else "",
        read=tuple(read or ()),
        title=title,
        id=id,
        text=text,
        in_yaml=in_yaml,
        schema=schema,
        yes=yes,
    )
    facts = add_source(wanted, quiet=json)
    if json:
        print_json(facts)
