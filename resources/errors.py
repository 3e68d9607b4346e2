"""Errors that carry their facts and end with what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class DataOpsError(Exception):
    """Something a person has to know: what is wrong, and what to do about it.

    `permanent` says whether trying again, unchanged, can help: retries stop at a permanent error.
    """

    permanent = True

    def __init__(self, problem: str, fix: str, **facts: object) -> None:
        """Keep the sentence, the fix and the facts (asset, file, row, field, ...) apart."""
        self.problem = problem.rstrip(". ")
        self.fix = fix.rstrip(". ")
        self.facts = facts
        end = "" if self.problem.endswith(("?", "!", ":")) else "."
        super().__init__(f"{self.problem}{end} {self.fix[:1].upper()}{self.fix[1:]}.")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the two sentences and the facts, so that errors cross process borders."""
        return (_rebuild, (type(self), self.problem, self.fix, self.facts))


def _rebuild(kind: type[DataOpsError], problem: str, fix: str, facts: dict[str, object]) -> object:
    """Make an error again from its pickled parts, whatever its own constructor asks for."""
    error = kind.__new__(kind)
    DataOpsError.__init__(error, problem, fix, **facts)
    return error


class TransientError(DataOpsError):
    """The outside world failed in passing (network, quota, lock): trying again may help."""

    permanent = False


class SettingError(DataOpsError):
    """A setting or environment variable has a value that cannot be used."""


class SourceError(DataOpsError):
    """A source cannot be read: missing, empty, wrong encoding, wrong format."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Say the nearest known word (`; did you mean 'x'?`), or nothing."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
