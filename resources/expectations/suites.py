"""All suites of a project: which expectations hold for which asset."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from resources.errors import did_you_mean
from resources.expectations.suite import Expectation, SuiteError

if TYPE_CHECKING:
    from resources.expectations.files import Suite


@dataclass(slots=True)
class Suites:
    """The suites below `resources/expectations/` of the project at `root`, read once.

    keys: the project's assets. A suite about one that is not there stops the one that its author
    probably meant (its checks would be missing); where none is near, `stray` tells.
    """

    root: Path
    keys: Collection[str] = ()
    _read: dict[str, Suite] | None = field(default=None, repr=False)

    def of(self, key: str, checks: Sequence[Expectation | str] = ()) -> tuple[Expectation, ...]:
        """Give what is expected of an asset: its `checks=`, then the suites about it, by name.

        Raises SuiteError for a suite that is not there, and for one about it that cannot be used.
        """
        suites = self._suites()
        found = [one for one in checks if isinstance(one, Expectation)]
        named = [one for one in checks if isinstance(one, str)]
        for name in named:
            if name not in suites:
                raise SuiteError(
                    f"{key} names the suite {name!r}, which is not there"
                    f"{did_you_mean(name, suites)}",
                    f"put it at resources/expectations/{name}.yaml",
                    asset=key,
                )
        for suite in suites.values():
            if suite.name in named or any(fnmatchcase(key, one) for one in suite.assets):
                if suite.problem is not None:
                    raise suite.problem
                found += suite.expectations
            for name in self._unknown(suite):
                if get_close_matches(name, self.keys, n=1, cutoff=0.8) == [key]:
                    raise self._no_such(suite, name)
        return tuple(_distinct(found))

    def stray(self) -> list[str]:
        """Say which suites are about assets that are not there, or apply to none."""
        said = []
        for suite in self._suites().values():
            said += [
                str(self._no_such(suite, name))
                for name in self._unknown(suite)
                if not get_close_matches(name, self.keys, n=1, cutoff=0.8)
            ]
            if suite.problem is not None and not suite.assets:
                said.append(str(suite.problem))
        return said

    def _unknown(self, suite: Suite) -> list[str]:
        """Give the assets a suite names that are not declared, patterns aside."""
        plain = [name for name in suite.assets if not any(sign in name for sign in "*?[")]
        return [name for name in plain if self.keys and name not in self.keys]

    def _no_such(self, suite: Suite, name: str) -> SuiteError:
        """Say that a suite is about an asset that is not there."""
        shown = suite.path.relative_to(self.root)
        return SuiteError(
            f"{shown}: no asset is called {name!r}{did_you_mean(name, self.keys)}",
            "correct `assets:`; `dataops list` shows all keys",
            file=str(suite.path),
            asset=name,
        )

    def _suites(self) -> dict[str, Suite]:
        """Read all suites at first use."""
        if self._read is None:
            self._read = {}
            folder = self.root / "resources" / "expectations"
            for path in sorted(folder.glob("*")):
                if path.suffix in (".yaml", ".yml", ".json"):
                    from resources.expectations.files import read_suite

                    suite = read_suite(path, self.root)
                    self._read[suite.name] = suite
        return self._read


def _distinct(found: Iterable[Expectation]) -> Iterable[Expectation]:
    """Leave out what is said twice."""
    seen = set()
    for one in found:
        fact = (one.name, one.fact())
        if fact not in seen:
            seen.add(fact)
            yield one
