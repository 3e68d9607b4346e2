"""Declarations as nobody should write them, made by the thousand: the same ones for one seed."""

from __future__ import annotations

import json
import random
from typing import Any, Final

from assets.model.pipeline_file import FIELDS
from resources.sources.options import ReadOptions

ODD: Final = [
    *[
        "5",
        "-5",
        "0",
        "1e400",
        "-.inf",
        ".nan",
        ".NaN",
        "0b1",
        "0o17",
        "017",
        "1:59:59",
        "1_000",
        "true",
        "no",
        "~",
    ],
    "0x" + "f" * 3_700,
    "1" + ":59" * 3_000,
    "9" * 5_000,
    "1." + "1:" * 2_000 + "1.5",
    "''",
    "' '",
    '"a\\0b"',
    '"\\e[31m"',
    '"\\ud800"',
    '"\\u202e"',
    "[]",
    "{}",
    "[[1]]",
    "[a, 1, null]",
    "{1: a, b: c}",
    "{a: 1, a: 2}",
    "{null: 1}",
    "{? [a, b] : c}",
    "&x [*x]",
    "&x {a: *x}",
    "*nowhere",
    "!!int x",
    "!!binary aGk=",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!!python/object/apply:os.system [ls]",
    "!local x",
    "2024-01-01",
    "2024-13-45",
    "0001-01-01 00:00:00 +23:59",
    "2024-01-01T25:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "'" + "ㄱ" * 20_000 + "'",
    "'" + "a" * 300 + "'",
    "[" * 500 + "]" * 500,
    "[" * 5_000,
    "- - - a",
    "<<: 5",
    "|\n  x\n  y",
    "'0 0 31 2 *'",
    "'0 0 9 * * *'",
    "'0 0 1W * ?'",
    "'*/0 * * * *'",
    "'99 99 99 99 99'",
    "'R R R R R'",
    "'@reboot'",
    "Asia/Seoul",
    "../../etc",
    "/etc/passwd",
    "'~nobody-here/x.csv'",
    "'**x/[a'",
    "'[z-a]*.csv'",
    "unicode_escape",
    "rot13",
    "undefined",
    "https://user:pw@x.example/?key=1",
    "sql:",
    "999999 days",
    "append",
    "upsert",
    "{table: ev, overlap: 1 day}",
    "{encoding: undefined}",
    "{skip: 99999999999999999999}",
    "{names: [a, a]}",
    "{parameters: {1: x, b: y}}",
    "{since: 0001-01-01T00:00:00+23:59}",
    "[{type: expect_column_values_to_be_between, kwargs: {column: id, min_value: .nan}}]",
    "[{type: expect_column_values_to_match_regex, kwargs: {column: id, regex: '(['}}]",
]
PYTHON: Final = (
    "10 ** 5000",
    "float('nan')",
    "'a\\0b'",
    "'\\ud800'",
    "'\\x1b[31m'",
    "object()",
    "[object()]",
    "{1: 2, 'a': 3}",
    "{'a': {1: 2, 'b': 3}}",
    "{'a': object}",
    "{'a': 10 ** 5000}",
    "{'a': LOOP}",
    "{'a': DEEP}",
    "{'a': Bad()}",
    "Bad()",
    "[Bad()]",
    "Path('/etc/passwd')",
    "'/etc/passwd'",
    "'../../x'",
    "timedelta.max",
    "timedelta.min",
    "timedelta(0)",
    "'0 0 31 2 *'",
    "'0 0 9 * * *'",
    "'Nowhere/Land'",
    "'a' * 5000",
    "b'bytes'",
    "iter('ab')",
    "lambda: 1",
    "int",
    "(x for x in [1, Bad()])",
    "None",
    "True",
    "-1",
    "[]",
    "''",
)
OPTIONS: Final = [
    "upstream",
    "schema",
    "task",
    "source",
    "files",
    "params",
    "schedule",
    "timezone",
    "fresh_for",
    "chain",
    "tags",
    "owner",
    "renamed_from",
    "ordered",
    "max_quarantine",
    "mode",
    "on",
    "checks",
    "anomalies",
]
HEAD: Final = """\
from datetime import timedelta
from pathlib import Path
from assets import asset
LOOP = []
LOOP.append(LOOP)
DEEP = []
for _ in range(5000): DEEP = [DEEP]
class Bad(Exception):
    def __str__(self): raise RuntimeError('no words')
    __repr__ = __str__
"""
BODIES: Final = (
    "raise Bad()",
    "raise SystemExit(3)",
    "raise GeneratorExit",
    "class Own(BaseException): pass\nraise Own('mine')",
    "raise BaseExceptionGroup('x', [SystemExit()])",
    "import sys; sys.exit('leaving')",
    "import argparse; argparse.ArgumentParser().parse_args(['--nothing'])",
    "def f(): f()\nf()",
    "raise ValueError('\\ud800 \\x1b[2J ' + 'x' * 100_000)",
    "1 / 0",
    "x = " + "(" * 300 + ")" * 300,
    "x = '\\ud800'\n@asset\ndef {name}(x): ...",
    "@asset(source='x.csv')\nclass {name}: ...",
    "from unittest.mock import MagicMock\n{name} = MagicMock()",
    "class Odd:\n    def __getattr__(self, name): raise Bad()\n{name} = Odd()",
    "@asset(source='x.csv')\ndef {name}():\n    '\\ud800 \\x1b[31m'",
    "@asset(source='x.csv')\ndef 이름(): ...",
    "@asset(source='x.csv')\ndef " + "a" * 300 + "(): ...",
    "\0",
    "\x0c\n\t\t@",
)


def yaml_text(chance: random.Random) -> str:
    """Write a pipeline's file with one to three odd values."""
    lines = {"source": "a.csv"}
    for _ in range(chance.randint(1, 3)):
        lines[chance.choice(FIELDS)] = chance.choice(ODD)
    if chance.random() < 0.3:
        name = chance.choice(list(ReadOptions.__annotations__))
        lines["read"] = f"{{{name}: {chance.choice(ODD)}}}"
    if chance.random() < 0.2:
        inner = chance.choice(("type", "allowed", "max_missing", "unique", "optional"))
        lines["columns"] = f"{{a: {{type: text, {inner}: {chance.choice(ODD)}}}}}"
    if chance.random() < 0.1:
        lines[chance.choice(ODD)] = "x"
    lines.pop("name", None)
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def json_text(chance: random.Random) -> str:
    """Write a pipeline's file as JSON with odd values."""
    odd: list[Any] = [10**4000, "\ud800", "a\0b", float("nan"), float("inf"), {}, [[]], None, -1]
    deep: Any = "x"
    for _ in range(chance.choice((3, 12, 200))):
        deep = {"a": deep}
    values: dict[str, Any] = {"source": "a.csv"}
    for _ in range(2):
        values[chance.choice(FIELDS)] = chance.choice([*odd, deep])
    values.pop("name", None)
    return json.dumps({k: v for k, v in values.items() if v != 10**4000})


def spoiled(chance: random.Random) -> bytes:
    """Write a good file with a few bytes changed, taken out or doubled."""
    good = bytearray(b"source: a.csv\nschedule: daily\ncolumns: {a: text, b: integer}\non: a\n")
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(good))
        match chance.randint(0, 2):
            case 0:
                good[place] = chance.randrange(256)
            case 1:
                del good[place]
            case _:
                good[place:place] = good[place : place + 9] * chance.randint(1, 40)
    return bytes(good)


def python_text(chance: random.Random, name: str) -> str:
    """Write a file in Python with odd options, or one that does odd things when it is loaded."""
    if chance.random() < 0.3:
        return HEAD + chance.choice(BODIES).replace("{name}", name) + "\n"
    options = {chance.choice(OPTIONS): chance.choice(PYTHON) for _ in range(chance.randint(1, 2))}
    said = ", ".join(f"{option}={value}" for option, value in options.items())
    return f"{HEAD}@asset({said})\ndef {name}(): ...\n"
