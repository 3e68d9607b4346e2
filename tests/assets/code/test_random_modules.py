"""Random modules, one edit each, and Python itself as the judge.

A module is run before and after an edit. Where what its used name holds comes out different, the code
version has to differ; that is the promise. How often it differs without need is only counted.
"""

from __future__ import annotations

import sys
import tempfile
import types
from pathlib import Path

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from assets.model.code import CodeVersions, code_version

NAMES = ("A", "B", "C")
TEMPLATES = (
    "{a} = {{'k': {n}}}",
    "{a} = [{n}, {b}]",
    "{a} = {n}",
    "{a} = {b}",
    "{a} = ({b}, {n})",
    "{a} = lambda: ({b}, {n})",
    "put({a}, {n})",
    "put({a}, {b})",
    "fill_{a}({n})",
    "fill_{a}({b})",
    "{a} = keep({b})",
    "for k in range({n}):\n    put({a}, k)",
    "for item in ({a}, {b}):\n    put(item, {n})",
    "if {n} > 2:\n    put({a}, {b})\nelse:\n    {a} = [{n}]",
    "alias = {a}\nput(alias, {n})",
    "alias = [{a}]\nput(alias[0], {n})",
    "globals()['{a}'] = [{n}]",
    "globals().update({a}=[{n}])",
    "import sys\nsetattr(sys.modules[__name__], '{a}', {n})",
    "@register('{a}{n}')\ndef handler(): return {b}, {n}",
    "class K{a}(Base):\n    n = {n}\n    other = {b}",
    "class {a}:\n    n = {n}",
    "def {a}(n={n}): return {b}",
    "attribute({a}, {n})",
    "try:\n    put({a}, {n})\nfinally:\n    pass",
    "with context({a}, {n}):\n    pass",
    "[put({a}, x) for x in range({n})]",
    "BOX.take({a})",
    "BOX.give({n})",
    "A, B = B, A",
    "{a} += [{n}]",
)
START = """
HANDLERS, KINDS = {}, []
A, B, C = {}, [], {}
def put(target, value):
    if isinstance(target, dict):
        target[str(len(target))] = value
    elif isinstance(target, list):
        target.append(value)
def keep(value):
    put(value, 1)
    return value
def fill_A(value): put(A, value)
def fill_B(value): put(B, value)
def fill_C(value): put(C, value)
def attribute(target, value):
    try:
        target.n = value
    except (AttributeError, TypeError):
        pass
def register(name):
    def deco(fn):
        HANDLERS[name] = fn
        return fn
    return deco
class Base:
    def __init_subclass__(cls): KINDS.append(cls.n)
class context:
    def __init__(self, target, n): put(target, n)
    def __enter__(self): return self
    def __exit__(self, *a): return False
class Box:
    def __init__(self): self.held = None
    def take(self, x): self.held = x
    def give(self, n): put(self.held, n)
BOX = Box()
"""

statements = st.builds(
    lambda template, a, b, n: (template, a, b, n),
    st.sampled_from(TEMPLATES),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.integers(1, 4),
)
edits = st.tuples(st.sampled_from(["number", "name", "gone", "twice", "moved"]), st.integers(0, 50))


def write(body: list[tuple[str, str, str, int]], use: str) -> str:
    """Write a module, and the asset that uses one of its names."""
    lines = [template.format(a=a, b=b, n=n) for template, a, b, n in body]
    return START + "\n".join(lines) + f"\ndef f():\n    return {use}\n"


def edit(
    body: list[tuple[str, str, str, int]], kind: str, at: int
) -> list[tuple[str, str, str, int]]:
    """Make one edit."""
    body, place = list(body), at % len(body)
    template, a, b, n = body[place]
    if kind == "number":
        body[place] = (template, a, b, n + 1)
    elif kind == "name":
        body[place] = (template, a, NAMES[(NAMES.index(b) + 1) % 3], n)
    elif kind == "gone":
        del body[place]
    elif kind == "twice":
        body.insert(place, body[place])
    else:
        body.insert(at % 3, body.pop(place))
    return body


def result(source: str) -> str | None:
    """Run a module and write down what its function gives; None where it does not even load."""
    module = types.ModuleType("random_module")
    sys.modules["random_module"] = module
    try:
        exec(compile(source, "random_module", "exec"), module.__dict__)
        return show(module.__dict__["f"](), 0)
    except Exception:
        return None
    finally:
        del sys.modules["random_module"]


def show(value: object, depth: int) -> str:
    """Write a value down so that equal texts mean equal behaviour."""
    if depth > 6:
        return "..."
    if isinstance(value, dict):
        return str({k: show(v, depth + 1) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return str([show(v, depth + 1) for v in value])
    if isinstance(value, type):
        return f"class {value.__dict__.get('n')} {show(value.__dict__.get('other'), depth + 1)}"
    if callable(value):
        extra = getattr(value, "__dict__", {})
        try:
            return f"call {show(value(), depth + 1)} {extra}"
        except Exception as error:
            return f"call {type(error).__name__}"
    return f"{value!r}" if isinstance(value, int | str | None) else type(value).__name__


def version(root: Path, source: str) -> str:
    """Give the code version of f."""
    file = root / "assets" / "raw" / "f.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    return code_version(CodeVersions(root).of(file, "f"))


@settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    body=st.lists(statements, min_size=1, max_size=7),
    change=edits,
    use=st.sampled_from(["A", "B", "C", "HANDLERS", "KINDS", "A, C"]),
)
def test_whatever_changes_a_result_changes_the_version(
    body: list[tuple[str, str, str, int]], change: tuple[str, int], use: str
) -> None:
    before, after = write(body, use), write(edit(body, *change), use)
    with tempfile.TemporaryDirectory() as folder:
        same = version(Path(folder), before) == version(Path(folder), after)
    results = result(before), result(after)
    assume(None not in results)
    differs = results[0] != results[1]
    event("another result" if differs else "same result" + ("" if same else ", stale in doubt"))
    assert not (same and differs)
