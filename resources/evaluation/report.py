"""Texts side by side: what differs marked, and what hides made visible."""

from __future__ import annotations

from resources.evaluation.edits import steps


def visible(text: str) -> str:
    """Write characters that show nothing, or that steer a terminal, by their number."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(letter: str) -> str:
    """Give a character as it is shown; a line end stays one."""
    hides = letter != "\n" and not letter.isprintable()
    return f"⟨U+{ord(letter):04X}⟩" if hides else letter


def marked(raw: str, text: str) -> list[tuple[str, str]]:
    """Give two texts as parts that are the `same`, gone (`del`) and new (`ins`), made visible.

    Inside a change a space is ␣ and a line end ⏎: a change of nothing else could not be seen.
    """
    parts: list[tuple[str, str]] = []
    for kind, start, end, first, last in steps(raw, text):
        if kind == "equal":
            parts.append(("same", visible(raw[start:end])))
            continue
        if end > start:
            parts.append(("del", _change(raw[start:end])))
        if last > first:
            parts.append(("ins", _change(text[first:last])))
    return parts


def _change(text: str) -> str:
    """Make a changed piece visible."""
    return visible(text.replace(" ", "␣").replace("\n", "⏎\n"))
