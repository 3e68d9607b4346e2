"""What can be wrong with a declaration."""

from __future__ import annotations

from resources.errors import DataOpsError


class DeclarationError(DataOpsError):
    """An asset is declared in a way that cannot work."""


class UnknownKeyError(DataOpsError):
    """A key, selection or name that nothing declares."""


class CycleError(DataOpsError):
    """Assets are made from each other."""


class CursorError(DataOpsError):
    """A cursor is moved to something that it cannot hold, or that cannot be compared."""


class SelectionError(DataOpsError):
    """A selection that cannot be read."""
