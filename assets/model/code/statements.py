"""The statements of a users' file: what each binds, holds, and does when the file is loaded."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from assets.model.code.canonical import SCOPES, canonical
from assets.model.code.names import (
    bound_names,
    chain_of,
    imported_module,
    imported_names,
    is_plain,
)
from assets.model.code.regions import Region, read_regions

LAYERS: Final = ("raw", "processed", "output")
_FRAMEWORK: Final = frozenset({"catalog", "resources", "dags", "tests", "benchmarks"})
# Calls whose result never changes once it is made.
_CONSTANT_CALLS: Final = frozenset(
    {
        "compile",
        "frozenset",
        "Path",
        "PurePath",
        "Decimal",
        "Fraction",
        "date",
        "datetime",
        "time",
        "timedelta",
        "timezone",
        "ZoneInfo",
        "getLogger",
        "TypeVar",
        "ParamSpec",
        "NewType",
        "namedtuple",
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """A region of code, as it is kept: names in order."""

    reads: Sequence[str] = ()
    calls: Sequence[str] = ()
    sets: Sequence[str] = ()
    fills: Sequence[str] = ()
    drops: Sequence[str] = ()
    opaque: bool = False

    @property
    def acts(self) -> bool:
        """Whether it may change anything at all."""
        return bool(self.sets or self.fills or self.calls or self.drops or self.opaque)

    @property
    def uses(self) -> Iterator[str]:
        """Give every name in it."""
        yield from self.reads
        yield from self.calls
        yield from self.fills
        yield from (name.partition(" ")[0] for name in self.sets)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a module.

    kind: what its names hold: "constant" (cannot change), "plain" (a list, dictionary or set made
    here), "function", "class" or "other".
    """

    binds: tuple[str, ...]
    digest: str
    kind: str
    run: Part
    body: Part
    bases: tuple[str, ...] = ()
    hooked: bool = False
    """Whether making a class that derives from it calls code."""


@dataclass(frozen=True, slots=True)
class Module:
    """One users' file.

    imports: local name -> every `module:attribute` it may stand for. loads: modules that may be the
    users' and whose loading this file causes, in order.
    """

    statements: tuple[Statement, ...]
    imports: Mapping[str, Sequence[str]]
    stars: Sequence[str]
    loads: Sequence[str]

    def to_json(self) -> list[Any]:
        """Give all of it as lists, for the cache."""
        statements = [
            [s.binds, s.digest, s.kind, astuple(s.run), astuple(s.body), s.bases, s.hooked]
            for s in self.statements
        ]
        return [statements, self.imports, self.stars, self.loads]

    @classmethod
    def from_json(cls, kept: list[Any]) -> Module:
        """Take it from the cache.

        Raises:
            ValueError, TypeError: it is not what `to_json` wrote.
        """
        statements, imports, stars, loads = kept
        return cls(
            tuple(
                Statement(tuple(binds), digest, kind, Part(*run), Part(*body), tuple(bases), hooked)
                for binds, digest, kind, run, body, bases, hooked in statements
            ),
            imports,
            stars,
            loads,
        )


@dataclass(slots=True)
class _Imports:
    """The imports met while a file is read."""

    names: dict[str, list[str]]
    stars: list[str]
    loads: list[str]

    def add(self, node: ast.Import | ast.ImportFrom, *, names: bool) -> None:
        """Note an import, and the names it binds where those are the module's."""
        if isinstance(node, ast.Import):
            self.loads.extend(alias.name for alias in node.names)
        for name, place in imported_names(node):
            if isinstance(node, ast.ImportFrom):
                self.loads.append(place)
            if name == "*":
                self.stars.append(place.partition(":")[0])
            elif names:
                self.add_name(name, place)

    def add_name(self, name: str, place: str) -> None:
        """Note that a name may stand for what a module holds."""
        known = self.names.setdefault(name, [])
        if place not in known:
            known.append(place)


def read_module(source: bytes) -> Module:
    """Read a users' file.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    imports = _Imports({}, [], [])
    statements: list[Statement] = []
    nodes = ast.parse(source).body
    twice = _bound_twice(nodes)
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.add(node, names=True)
            if again := twice.intersection(name for name, _ in imported_names(node)):
                statements.append(_read_statement(node, tuple(sorted(again))))
        elif (kept := _without_other_lives(node)) is not None:
            _note_imports(kept, imports)
            statements.append(_read_statement(kept))
    return Module(
        tuple(statements),
        {name: tuple(places) for name, places in imports.names.items()},
        tuple(imports.stars),
        tuple(name for name in dict.fromkeys(imports.loads) if not is_foreign(name)),
    )


def _bound_twice(nodes: Sequence[ast.stmt]) -> frozenset[str]:
    """Give the names that an import binds and something else, too: which comes last decides."""
    places: dict[str, set[str]] = {}
    others: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name, place in imported_names(node):
                places.setdefault(name, set()).add(place)
        else:
            others.update(bound_names(node))
    return frozenset(name for name, all_ in places.items() if len(all_) > 1 or name in others) - {
        "*"
    }


def is_foreign(module: str) -> bool:
    """Tell a module that is never the users': the framework's, or the standard library's."""
    parts = module.partition(":")[0].split(".")
    if parts[0] == "assets":
        users = "".join(parts[1:2]) in LAYERS
        return not users and not (len(parts) == 1 and module.partition(":")[2] in LAYERS)
    return parts[0] in _FRAMEWORK or (bool(parts[0]) and parts[0] in sys.stdlib_module_names)


def _without_other_lives(node: ast.stmt) -> ast.stmt | None:
    """Leave out what never runs in an asset: docstrings, scripts, imports for a type checker."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return None
    if not isinstance(node, ast.If):
        return node
    is_script = (
        isinstance(node.test, ast.Compare)
        and chain_of(node.test.left) == "__name__"
        and isinstance(node.test.ops[0], ast.Eq)
        and isinstance(node.test.comparators[0], ast.Constant)
        and node.test.comparators[0].value == "__main__"
    )
    if is_script or chain_of(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return ast.If(ast.Constant(value=True), node.orelse, []) if node.orelse else None
    return node


def _note_imports(node: ast.stmt, imports: _Imports) -> None:
    """Note the imports inside a statement, and names that stand for a module loaded by a call."""
    inner: set[int] | None = None
    for item in ast.walk(node):
        if isinstance(item, ast.Import | ast.ImportFrom):
            inner = _inside_functions(node) if inner is None else inner
            imports.add(item, names=id(item) not in inner)
        elif (module := imported_module(item)) is not None:
            imports.loads.append(module)
    if isinstance(node, ast.Assign) and (module := imported_module(node.value)) is not None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                imports.add_name(target.id, f"{module}:")


def _inside_functions(node: ast.stmt) -> set[int]:
    """Give the imports that belong to a function: their names are the function's own."""
    functions = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        id(item)
        for function in functions
        for item in ast.walk(function)
        if isinstance(item, ast.Import | ast.ImportFrom)
    }


def _read_statement(node: ast.stmt, binds: tuple[str, ...] | None = None) -> Statement:
    """Read one statement; binds: the names that count, of an import that binds others as well."""
    text = canonical(node)
    if isinstance(node, SCOPES):
        text = text.replace(f"name={node.name!r},", "", 1)  # what it is kept under says it
    run, body = read_regions(node)
    return Statement(
        tuple(bound_names(node)) if binds is None else binds,
        hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16],
        _kind(node),
        _part(run),
        _part(body),
        _bases(node),
        isinstance(node, ast.ClassDef) and _is_hooked(node),
    )


def _part(region: Region) -> Part:
    """Put a region's names in order."""
    return Part(
        tuple(sorted(region.reads)),
        tuple(sorted(region.calls)),
        tuple(sorted(region.sets)),
        tuple(sorted(region.fills)),
        tuple(sorted(region.drops)),
        region.opaque,
    )


def _kind(node: ast.stmt) -> str:
    """Tell what the names that a statement binds hold."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return "function"
    if isinstance(node, ast.ClassDef):
        return "class"
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        if _is_constant(node.value):
            return "constant"
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if is_plain(node.value) and all(isinstance(t, ast.Name) for t in targets):
            return "plain"
    return "other"


def _is_constant(value: ast.expr | None) -> bool:
    """Tell a value that nothing can change."""
    if isinstance(value, ast.Tuple):
        return all(_is_constant(item) for item in value.elts)
    if isinstance(value, ast.UnaryOp):
        return _is_constant(value.operand)
    if isinstance(value, ast.BinOp):
        return _is_constant(value.left) and _is_constant(value.right)
    if isinstance(value, ast.Call):
        return chain_of(value.func).rpartition(".")[2] in _CONSTANT_CALLS
    return isinstance(value, ast.Constant | ast.JoinedStr)


def _bases(node: ast.stmt) -> tuple[str, ...]:
    """Give what a class derives from, its metaclass included."""
    if not isinstance(node, ast.ClassDef):
        return ()
    return tuple(filter(None, map(chain_of, [*node.bases, *(k.value for k in node.keywords)])))


def _is_hooked(node: ast.ClassDef) -> bool:
    """Tell a class that sees what derives from it."""
    return (
        bool(node.keywords)
        or any(
            isinstance(item, ast.FunctionDef) and item.name == "__init_subclass__"
            for item in node.body
        )
        or any(chain_of(base) == "type" for base in node.bases)
    )
