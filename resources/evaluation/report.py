"""Texts made visible, also those that hide: for terminals and for pages that need no network."""

from __future__ import annotations


def visible(text: str) -> str:
    """Write characters that cannot be seen, or that steer a terminal, by their number."""
    if text.isprintable():
        return text
    return "".join(f"⟨U+{ord(letter):04X}⟩" if _hides(letter) else letter for letter in text)


def _hides(letter: str) -> bool:
    """Tell a character that shows nothing: control, format, separators, private, no letter."""
    return letter != "\n" and not letter.isprintable()
