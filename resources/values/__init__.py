"""How values are written: numbers, dates, yes and no, missing; read in bulk, never guessed."""

from resources.values.written import Written, as_said

__all__ = ["Written", "as_said"]
