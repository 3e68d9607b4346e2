"""The `dataops` command: its verbs, its exit codes (0 done or fresh, 1 failed, 2 usage)."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assets.cli.show import fail
from resources.disk import disk_error
from resources.errors import DataOpsError
from resources.terminal import guarded_terminal

_USERS: Final[list[int]] = []
"""The umask that we were started with, last."""

app = typer.Typer(
    name="dataops",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Declared data: what exists, what is out of date and why, and making it again.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    root: Annotated[
        Path | None, typer.Option(help="The project's folder (default: around this one).")
    ] = None,
) -> None:
    """Declared data: what exists, what is out of date and why, and making it again."""
    from resources.settings import read_dotenv

    if root is not None:
        os.environ["DATAOPS_ROOT"] = str(root)
    read_dotenv()


def complete_key(incomplete: str) -> list[str]:
    """Complete keys on the command line."""
    from assets.engine import open_project

    try:
        return [key for key in open_project().graph.order if key.startswith(incomplete)]
    except DataOpsError:
        return []


Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Key = Annotated[str, typer.Argument(help="An asset's key.", autocompletion=complete_key)]
Selection = Annotated[
    list[str] | None,
    typer.Argument(
        help="What to look at: keys, raw.x+, +output.x, layer:raw, tag:x, stale, 'a,-b'.",
        autocompletion=complete_key,
    ),
]


def main(words: list[str] | None = None) -> None:
    """Run the command line; every known error is one sentence and an exit code."""
    import signal

    import assets.cli.commands  # noqa: F401 - its commands register themselves

    _USERS.append(os.umask(0o027))
    _show_warnings()
    signal.signal(signal.SIGTERM, _leave)
    with guarded_terminal(lasting=words is None):
        _answer(sys.argv[1:] if words is None else words)


def _answer(words: list[str]) -> None:
    """Run a command; what goes wrong is said in a sentence."""
    from assets.model.errors import SelectionError, UnknownKeyError

    try:
        app(words)
    except (SelectionError, UnknownKeyError) as error:
        fail(error, "--json" in words)
        sys.exit(2)
    except DataOpsError as error:
        fail(error, "--json" in words)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        said = disk_error(error)
        if said is None:
            raise
        fail(said, "--json" in words)
        sys.exit(1)


class _Warnings(logging.Handler):
    """Warnings about the record itself, on stderr, as it is by then."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        print(f"warning: {record.getMessage()}", file=sys.stderr)


def _show_warnings() -> None:
    """Show warnings about the record: what was damaged and is made again."""
    record = logging.getLogger("dataops.record")
    if not any(isinstance(handler, _Warnings) for handler in record.handlers):
        record.addHandler(_Warnings(logging.WARNING))


@contextmanager
def ordinary_files() -> Iterator[None]:
    """Make files as the user's own programs do: for declarations, which are no data."""
    ours = os.umask(_USERS[-1] if _USERS else 0o022)
    try:
        yield
    finally:
        os.umask(ours)


def _leave(number: int, _frame: Any) -> None:
    """End on SIGTERM as on Ctrl-C: what is unfinished is cleaned up."""
    sys.exit(128 + number)
