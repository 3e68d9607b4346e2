"""Values of a YAML or JSON file that people write: plain ones only, of a size that fits anywhere.

What this lets through can be compared, shown, sorted and written as JSON without a surprise later,
when a plan is made of many files and one must not stop it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final, NoReturn

from resources.hosts import is_hosts

Refuse = Callable[[int, str, str], NoReturn]
"""What raises the file's error: for a line, what is wrong, and the fix."""
DEEPEST: Final = 10
MOST_VALUES: Final = 100_000
_MOST_SIGNS: Final = 4 << 20
_LONGEST_NUMBER: Final = 100
_GREATEST: Final = 2**64
_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = ("str", "int", "float", "bool", "null", "timestamp", "value")


class Values:
    """Builds a document's values from its nodes; each field is called what is written.

    Aliases are written out, so that no value is shared: how much that may become is limited.
    """

    def __init__(self, loader: Any, refuse: Refuse) -> None:
        """Build with a safe loader that has read the nodes."""
        self._loader = loader
        self._refuse = refuse
        self._count = self._signs = 0

    def build(self, node: Any, depth: int = 0) -> Any:
        """Give a node's value; raises the file's error, with the line, for what is not plain."""
        import yaml

        line = node.start_mark.line + 1
        self._count += 1
        if self._count > MOST_VALUES or self._signs > _MOST_SIGNS or depth > DEEPEST:
            self._refuse(line, "nested or aliased too much", "write the values out, flat")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.build(item, depth + 1) for item in node.value]
        if not isinstance(node, yaml.MappingNode) or node.tag != f"{_TAG}map":
            self._refuse(
                line, f"this is not YAML without tags ({_shown_tag(node)})", "write plain values"
            )
        if any(key.tag == f"{_TAG}merge" for key, _ in node.value):
            self._loader.flatten_mapping(node)
        return {self._name(key, depth): self.build(value, depth + 1) for key, value in node.value}

    def _name(self, key: Any, depth: int) -> str:
        """Give a field's name: at the top as it is written (`on`), within fields a text."""
        line, name = key.start_mark.line + 1, key.value
        if not isinstance(name, str):
            self._refuse(line, "a field's name must be plain text", "correct the line")
        if depth and key.tag != f"{_TAG}str":
            self._refuse(line, f"{shown(name)} is no text", "put the name in quotes")
        self._signs += len(name)
        check_value(name, lambda problem, fix: self._refuse(line, problem, fix))
        return name

    def _scalar(self, node: Any, line: int) -> Any:
        """Give the value of a single word, number, time or text."""
        self._signs += len(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind not in _PLAIN:
            self._refuse(
                line, f"this is not YAML without tags ({_shown_tag(node)})", "put it in quotes"
            )
        if kind in ("int", "float") and len(node.value) > _LONGEST_NUMBER:
            # A number of base 60 takes time with the square of its length.
            self._refuse(
                line,
                f"{shown(node.value)} is a number of {len(node.value):,} signs",
                "write a shorter one; a text goes in quotes",
            )
        try:
            value = self._loader.construct_object(node)
        except Exception as error:
            if is_hosts(error):
                raise
            said = (str(error).splitlines() or [type(error).__name__])[0]
            self._refuse(line, f"{shown(node.value)} is no {kind} ({said})", "put it in quotes")
        check_value(value, lambda problem, fix: self._refuse(line, problem, fix))
        return value


def check_values(
    value: Any, refuse: Callable[[str, str, str], NoReturn], where: str = "", depth: int = 0
) -> None:
    """Hold values that a JSON file gave to what YAML may give; `refuse` is told the field."""
    if depth > DEEPEST:
        refuse(where, "nested too much", "write the values out, flat")
    if isinstance(value, dict):
        for name, inner in value.items():
            inside = f"{where}.{name}" if where else name
            check_value(name, lambda problem, fix: refuse(where, problem, fix))
            check_values(inner, refuse, inside, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_values(inner, refuse, where, depth + 1)
    else:
        check_value(value, lambda problem, fix: refuse(where, problem, fix))


def check_value(value: Any, refuse: Callable[[str, str], NoReturn]) -> None:
    """Refuse a text that no file, terminal or database takes, and a number that fits nowhere."""
    if isinstance(value, str):
        problem = problem_of_text(value)
        if problem:
            refuse(f"{shown(value)} {problem}", "take it out")
    elif isinstance(value, int) and abs(value) >= _GREATEST:
        digits = len(f"{value:x}")
        refuse(
            f"a number of {digits} hexadecimal digits fits nowhere",
            "write a smaller one; a text goes in quotes",
        )
    elif not isinstance(value, str | int | float | date | None):
        refuse(f"a {type(value).__name__} is no plain value", "put it in quotes")


def problem_of_text(text: str) -> str:
    """Say what no file, terminal or database takes in a text, "" where nothing is."""
    if "\0" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a character (a surrogate)"
    return ""


def shown(value: str) -> str:
    """Write a text of any length so that it fits into a sentence."""
    return ascii(value) if len(value) <= 60 else f"{value[:50]!a}..."


def _shown_tag(node: Any) -> str:
    """Write a node's tag as people do."""
    return shown(str(node.tag).replace(_TAG, "!!"))
