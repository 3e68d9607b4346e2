"""What can go wrong with the catalog."""

from __future__ import annotations

from resources.errors import TransientError


class FoldError(TransientError):
    """The catalog could not be published; what it is made from is untouched."""
