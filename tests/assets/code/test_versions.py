"""Code versions: what runs counts, on every Python the same."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.model.code import CodeVersions, canonical, code_version

BODY = '''
from ._tidy import tidy as clean_up
import re as regex
PATTERN = regex.compile(r"\\\\s+")

def made(a, *, limit: int = 3, **rest: object) -> str | None:
    """Docstring."""
    total = 0
    for i, x in enumerate(a):
        match x:
            case {"k": [1, *more], **others} if more:
                total += len(f"{x!r:>{limit}}" "tail" f"{i=}" + u"u")
            case str() | bytes():
                total -= 1
    async def inner(): return [y async for y in a if (z := y)]
    def _deco(f): return f
    @_deco
    class C[T] if False else object: pass
    return clean_up(lambda q, /, r=1j: {**rest, "b": b"x", 0.1: ...}, PATTERN, inner)
'''.replace("class C[T] if False else object: pass", "class C(object): x: int = 1")


def test_the_same_code_has_the_same_version_on_every_python(tmp_path: Path) -> None:
    """3.11 and 3.13 write different trees for the same code; we do not."""
    folder = tmp_path / "assets" / "processed"
    folder.mkdir(parents=True)
    (folder / "_tidy.py").write_text("def tidy(f, p, i):\n    return f'{f}' 'x' '' f'{p}y'\n")
    (folder / "made.py").write_text(BODY)
    here = CodeVersions(tmp_path).of(folder / "made.py", "made")
    assert {"function", "PATTERN", "_tidy.tidy"} == set(here)
    script = (
        "import sys; from pathlib import Path; from assets.model.code import CodeVersions; "
        "print(CodeVersions(Path(sys.argv[1])).of(Path(sys.argv[2]), 'made'))"
    )
    root = Path(__file__).parents[3]
    others = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    others += [str(p) for p in (Path.home() / ".pyenv/versions").glob("3.1[123].*/bin/python")]
    tried = 0
    for python in filter(None, others):
        answer = subprocess.run(
            [python, "-c", script, str(tmp_path), str(folder / "made.py")],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": f"{root}", "PATH": "/usr/bin:/bin"},
        )
        if answer.returncode == 0:  # a shim without that version answers with an error
            assert answer.stdout.strip() == str(here)
            tried += 1
    if not tried:
        pytest.skip("no other Python on this machine")


GOLDEN = "ce32f2b2f90fd494"


def digest(tmp_path: Path, source: str, function: str = "f") -> str:
    """Give the code version of a function in a file with this source."""
    folder = tmp_path / "assets" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "f.py").write_text(source, encoding="utf-8")
    return code_version(CodeVersions(tmp_path).of(folder / "f.py", function))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n    return 1\n", "def f():\n    return 2\n"),
        ("def f(a, b):\n    return a\n", "def f(b, a):\n    return a\n"),
        ("def f():\n    return 'ab', 'c'\n", "def f():\n    return 'a', 'bc'\n"),
        ("def f():\n    return 1\n", "def f():\n    return 1.0\n"),
        ("def f():\n    return True\n", "def f():\n    return 1\n"),
        ("def f(x):\n    return x.a\n", "def f(x):\n    return x.b\n"),
        ("X = 1\ndef f():\n    return X\n", "X = 2\ndef f():\n    return X\n"),
        (
            "X = [1]\nX += [2]\ndef f():\n    return X\n",
            "X = [1]\nX += [3]\ndef f():\n    return X\n",
        ),
        (
            "def g():\n    return 1\ndef f():\n    return g()\n",
            "def g():\n    return 2\ndef f():\n    return g()\n",
        ),
        ("def f():\n    global a\n    a = 1\n", "def f():\n    global b\n    a = 1\n"),
        (
            "try:\n    X = 1\nexcept E:\n    X = 2\ndef f():\n    return X\n",
            "try:\n    X = 1\nexcept E:\n    X = 3\ndef f():\n    return X\n",
        ),
    ],
)
def test_what_runs_differently_has_another_version(tmp_path: Path, before: str, after: str) -> None:
    """A real change is never missed."""
    assert digest(tmp_path, before) != digest(tmp_path, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f():\n    return 1\n", "# c\ndef f():\n    'doc'\n    return (1)  # c\n"),
        ("def f():\n    return 'ab'\n", 'def f():\n    return u"a" "b"\n'),
        (
            "def f():\n    return 1\n",
            "import os\nY = 1\ndef g(): return 2\ndef f():\n    return 1\n",
        ),
        ("@asset(tags=['a'])\ndef f():\n    return 1\n", "@asset\ndef f():\n    return 1\n"),
        ("def f(x):\n    return f'{x}ab'\n", "def f(x):\n    return f'{x}a' f'b'\n"),
    ],
)
def test_what_runs_the_same_has_the_same_version(tmp_path: Path, before: str, after: str) -> None:
    """Words about the code are not the code."""
    assert digest(tmp_path, before) == digest(tmp_path, after)


def test_helpers_are_followed_through_modules_packages_and_stars(tmp_path: Path) -> None:
    """However a helper is imported, its change counts, and so does what it uses."""
    folder = tmp_path / "assets" / "raw"
    (folder / "_lib").mkdir(parents=True)
    (folder / "_lib" / "__init__.py").write_text("from .deep import value\n")
    deep = folder / "_lib" / "deep.py"
    for header, use in (
        ("from assets.raw._lib import value", "value()"),
        ("from ._lib.deep import value", "value()"),
        ("from ._lib import deep", "deep.value()"),
        ("import assets.raw._lib.deep as d", "d.value()"),
        ("from ._lib.deep import *", "value()"),
    ):
        deep.write_text("BASE = 1\ndef value():\n    return BASE\n")
        before = digest(tmp_path, f"{header}\ndef f():\n    return {use}\n")
        deep.write_text("BASE = 2\ndef value():\n    return BASE\n")
        assert before != digest(tmp_path, f"{header}\ndef f():\n    return {use}\n"), header


def test_the_framework_does_not_count(tmp_path: Path) -> None:
    """Imports from assets, resources and installed packages are not followed."""
    names = CodeVersions(tmp_path).of(
        _file(
            tmp_path,
            "from assets import asset\nimport json\ndef f():\n    return json.dumps(asset)\n",
        ),
        "f",
    )
    assert set(names) == {"function"}


def _file(tmp_path: Path, source: str) -> Path:
    """Write a users' file."""
    file = tmp_path / "assets" / "raw" / "f.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    return file


def test_a_corrupt_cache_costs_only_time(tmp_path: Path) -> None:
    """The cache is never trusted further than its content's hash."""
    file, cache = _file(tmp_path, "def f():\n    return 1\n"), tmp_path / "code.json"
    versions = CodeVersions(tmp_path, cache)
    expected = versions.of(file, "f")
    versions.save()
    assert CodeVersions(tmp_path, cache).of(file, "f") == expected
    cache.write_text('{"format": "1", "fil')
    assert CodeVersions(tmp_path, cache).of(file, "f") == expected


@given(st.text(), st.text())
def test_texts_never_run_together(first: str, second: str) -> None:
    """Two constants have one canonical form only if they are equal."""
    trees = [canonical(ast.parse(f"x = {value!r}")) for value in (first, second)]
    assert (trees[0] == trees[1]) == (first == second)


def test_the_versions_of_this_python_are_the_ones_written_down(tmp_path: Path) -> None:
    """The digest is a promise: a release that changed it would make everything stale."""
    assert digest(tmp_path, "def f(a):\n    return [a, 1]\n") == GOLDEN
