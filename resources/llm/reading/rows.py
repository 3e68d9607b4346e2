"""From the values of a reply to rows: by number, in the shapes that servers really return."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from resources.llm.outputs import Output, is_plain
from resources.llm.reading.values import values_in

Rows = dict[int, tuple[object, ...]]
_NUMBER: Final = re.compile(r"(?:(?:row|text|id)[ _-]?)?([1-9][0-9]{0,5})", re.IGNORECASE)
_FROM_ZERO: Final = re.compile(r"(?:(?:row|text|id)[ _-]?)?0+", re.IGNORECASE)
_NUMBERED: Final = ("id", "number", "no", "row", "key", "index")
_TEXTS: Final = ("text", "corrected", "cleaned", "cleaned_text", "corrected_text", "answer",
                 "output", "result", "value", "content")  # fmt: skip
_DEEPEST: Final = 4


def is_readable(content: str) -> bool:
    """Tell whether a reply holds an object or a list at all."""
    return bool(values_in(content))


def read_rows(content: str, outputs: Sequence[Output], asked: Sequence[tuple[str, ...]]) -> Rows:
    """Read the outputs of each row that a reply answers; rows go by their numbers, from 1.

    asked: the rows' texts, for a model may say them again. The answer is the last value that
    answers a row. What comes before is a draft or the question; where the question comes last,
    after something else, nobody can say which is meant, and nothing is. Objects of one row each
    are one answer together. What is missing, told twice in different words, or of another shape is
    left out: it is asked again.
    """
    shape = _Shape(outputs, len(asked))
    values = values_in(content)
    numbers = [_number_of(value) for value in values if isinstance(value, dict)]
    if None not in numbers and len(values) == len(set(numbers)) > 1:
        values = [values]  # a list without its brackets
    found = [rows for value in values if (rows := shape.rows(value))]
    if len(found) > 1 and _is_lines(found):
        return {number: values for rows in found for number, values in rows.items()}
    if len(found) > 1 and _is_question(found[-1], asked) and found[-1] != found[-2]:
        return {}
    return found[-1] if found else {}


def _is_lines(found: Sequence[Rows]) -> bool:
    """Tell objects of one row each, none of them told twice."""
    numbers = [number for rows in found for number in rows]
    return len(numbers) == len(found) == len(set(numbers))


def _is_question(rows: Rows, asked: Sequence[tuple[str, ...]]) -> bool:
    """Tell rows that are all as they were asked."""
    return all(values == asked[number - 1] for number, values in rows.items())


class _Shape:
    """What a row's answer looks like, in an answer of so many rows."""

    def __init__(self, outputs: Sequence[Output], rows: int) -> None:
        """Read answers with these outputs."""
        self._outputs, self._rows, self._plain = outputs, rows, is_plain(outputs)
        own = (outputs[0].name, outputs[0].of) if self._plain else ()
        self._texts = tuple(dict.fromkeys((*own, *_TEXTS)))

    def rows(self, value: Any, depth: int = 0) -> Rows:
        """Give the rows in a value; {} where it holds none, or it is not clear which."""
        if depth > _DEEPEST:
            return {}
        if isinstance(value, list):
            return self._listed(value)
        if not isinstance(value, dict):
            return {}
        if numbered := self._numbered(value):
            return numbered
        if one := self._alone(value):
            return one
        inner = [_parsed(each) for each in value.values()]
        within = [rows for each in inner if (rows := self.rows(each, depth + 1))]
        return within[0] if len(within) == 1 else {}

    def _numbered(self, value: Mapping[str, Any]) -> Rows:
        """Read an object whose names are the rows' numbers."""
        if any(_FROM_ZERO.fullmatch(name.strip()) for name in value):
            return {}  # whose is 1, then?
        rows: Rows = {}
        for name, answer in value.items():
            number = _NUMBER.fullmatch(name.strip())
            values = self._values(answer) if number else None
            if number and values is not None and (at := int(number[1])) <= self._rows:
                rows[at] = values if rows.get(at, values) == values else ()
        return {at: values for at, values in rows.items() if values}

    def _listed(self, value: Sequence[Any]) -> Rows:
        """Read a list of rows that carry their numbers; of one row, a list of its answer."""
        if self._rows == len(value) == 1:
            return self._alone(value[0] if isinstance(value[0], dict) else {"text": value[0]})
        rows: Rows = {}
        counted = True
        for each in value:
            told = _number_of(each) if isinstance(each, dict) else None
            if told is None or not 1 <= told[0] <= self._rows or told[0] in rows:
                return {}  # counted from 0, perhaps: whose is it?
            values = self._values(each)
            counted &= told[1]
            if values is not None:
                rows[told[0]] = values
        # A place in a list may count from 0 or from 1: only a whole list tells.
        return rows if counted or len(rows) == self._rows else {}

    def _alone(self, value: Mapping[str, Any]) -> Rows:
        """Read an object that is the answer of the one row there is, or names its number."""
        values = self._values(value)
        told = _number_of(value)
        if values is None or (told is None and self._rows > 1):
            return {}
        if told is None:
            return {1: values}
        number, counted = told
        # A place in a list may count from 0 or from 1: with one row it is clear.
        clear = 1 <= number <= self._rows and (counted or self._rows == 1)
        return {number: values} if clear else {}

    def _values(self, answer: Any) -> tuple[object, ...] | None:
        """Give the outputs in one row's answer (None where it is not one)."""
        if self._plain:
            if isinstance(answer, str):
                return (answer,)
            if isinstance(answer, dict):
                told = [answer[name] for name in self._texts if name in answer]
                return (told[0],) if len(told) == 1 and isinstance(told[0], str) else None
            return None
        if isinstance(answer, dict) and all(output.name in answer for output in self._outputs):
            return tuple(answer[output.name] for output in self._outputs)
        return None


def _number_of(row: Mapping[str, Any]) -> tuple[int, bool] | None:
    """Give the number that a row carries, and whether it is a name and not a place in a list."""
    for name in _NUMBERED:
        value = row.get(name)
        if isinstance(value, str) and (number := _NUMBER.fullmatch(value.strip())):
            return int(number[1]), name != "index"
        if isinstance(value, int) and not isinstance(value, bool):
            return value, name != "index"
    return None


def _parsed(value: Any) -> Any:
    """Give what a text is as JSON, where an answer was written as a text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        found = values_in(value)
        return found[0] if len(found) == 1 else None
    return value
