"""Names that others need without the rest of this package."""

from __future__ import annotations

from typing import Final

LAYOUT_OPTIONS: Final = "delimiter, quote, escape, skip, header, header_rows, comment, trailing"
"""The options that say how delimited text is laid out."""
LAYOUT_RULES: Final = ("fields", "quotes")
"""The rules of rows that are set aside because they do not fit the layout."""
