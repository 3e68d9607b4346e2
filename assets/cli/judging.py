"""Judging rows on a terminal: each is shown, and a key says what it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from assets.cli.show import console

if TYPE_CHECKING:
    from rich.text import Text

    from resources.evaluation.verdicts import Item, Verdict

_KOREAN: Final = {"ㅎ": "g", "ㅠ": "b", "ㅊ": "c", "ㄴ": "s", "ㅂ": "q"}


def ask_about(items: Sequence[Item]) -> list[Verdict]:
    """Ask about each row on the terminal; quitting or Ctrl-C keeps what was said."""
    found: list[Verdict] = []
    try:
        for place, item in enumerate(items, 1):
            _show(item, f"{place} of {len(items)}, id {item.id}")
            answer = _ask(item)
            if answer == "q":
                break
            if isinstance(answer, str):
                continue
            found.append(answer)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        print()
    return found


def _show(item: Item, title: str) -> None:
    """Show a row: raw and cleaned, what differs marked."""
    from rich.text import Text

    from resources.evaluation.report import marked, visible

    out = console()
    out.print(Text(f"\n{visible(title)}", style="bold"))
    for column, cleaned in item.cleaned.items():
        if len(item.cleaned) > 1:
            out.print(Text(visible(column), style="bold dim"))
        out.print(_marks(marked(item.raw[column], cleaned), "raw      ", gone=True))
        out.print(_marks(marked(item.raw[column], cleaned), "cleaned  ", gone=False))


def _marks(parts: list[tuple[str, str]], label: str, *, gone: bool) -> Text:
    """Give one side of a comparison as a line for the terminal."""
    from rich.text import Text

    line = Text()
    line.append(label, style="dim")
    for kind, text in parts:
        if kind == "same":
            line.append(text)
        elif (kind == "del") == gone:
            line.append(text, style="bold red" if gone else "bold green")
    return line


def _ask(item: Item) -> Verdict | str:
    """Ask for a verdict; give "s" to skip and "q" to quit."""
    from resources.evaluation.verdicts import Verdict

    while True:
        pressed = _pressed("[g]ood  [b]ad  [c]orrect  [s]kip  [q]uit: ")
        if pressed in ("s", "q"):
            return pressed
        if pressed in ("g", "b"):
            return Verdict(item, pressed == "g")
        if pressed == "c":
            return Verdict(item, False, _corrections(item))


def _pressed(question: str) -> str:
    """Ask a question that one key answers; the same key of a Korean keyboard will do."""
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard, termios.TCSADRAIN)  # what was typed ahead is not thrown away
        print(question, end="", flush=True)
        key = os.read(keyboard, 1)
        while key and len(key) < 4 and not _is_letter(key):
            key += os.read(keyboard, 1)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    if not key or key == b"\x04":
        raise EOFError
    pressed = key.decode(errors="replace").lower()
    print(pressed if pressed.isprintable() else "")
    return _KOREAN.get(pressed, pressed)


def _is_letter(key: bytes) -> bool:
    """Tell whether these bytes are a whole letter."""
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True


def _corrections(item: Item) -> dict[str, str]:
    """Ask for the right text of each column; an empty answer means: as cleaned."""
    found = {}
    for column, cleaned in item.cleaned.items():
        name = f"{column}: " if len(item.cleaned) > 1 else ""
        text = typer.prompt(f"{name}the right text", default=cleaned, show_default=False)
        if text != cleaned:
            found[column] = text
    return found
