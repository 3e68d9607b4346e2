"""What an answer that is none means: it passes, or something has to be put right."""

from __future__ import annotations

from resources.errors import SourceError


class Passing(Exception):
    """No usable answer, and its cause may pass. wait: the seconds that were asked for."""

    def __init__(self, said: str, *, status: int, wait: float | None = None) -> None:
        """Keep what was said, without secrets."""
        super().__init__(said)
        self.said = said
        self.status = status
        self.wait = wait


def refused(place: str, status: int, said: str, setting: str) -> SourceError:
    """Give the error for an answer that stays the same until a person changes something."""
    if status == 401:
        problem, fix = f"{place} does not let us in ({said})", setting
    elif status == 403:
        problem = f"{place} does not allow us to read this ({said})"
        fix = f"ask its owner for the right, or {setting}"
    elif status in (404, 410):
        problem = f"{place} is not there ({said})"
        fix = "correct the address in source=, or what pages= and params= add to it"
    elif status in (400, 405, 406, 422):
        problem = f"{place} does not take the request ({said})"
        fix = "correct params=, pages= and headers=, or the address in source="
    else:
        problem = f"{place} answers with status {status} ({said})"
        fix = "correct the address in source=, params= and headers="
    return SourceError(problem, fix, url=place, status=status)
