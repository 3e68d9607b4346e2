"""Layout: where the rows of delimited text begin, and which signs part them, by a look at them."""

from resources.sources.layout.deciding import Layout, decide_layout
from resources.sources.layout.parsing import is_ambiguous, split_cells
from resources.sources.layout.refusing import refuse_other_formats
from resources.sources.layout.signs import sep_line
from resources.sources.layout.stray import why_unreadable
from resources.sources.layout.width import Width

__all__ = [
    "Layout",
    "Width",
    "decide_layout",
    "is_ambiguous",
    "refuse_other_formats",
    "sep_line",
    "split_cells",
    "why_unreadable",
]
