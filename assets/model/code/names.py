"""Names in code: which a statement binds, which are a function's own, what an import brings in."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

ALL_NAMES: Final = "?names"
"""Stands for every name of the module: what `globals()`, `eval` or `exec` may reach."""
ALL_MODULES: Final = "?modules"
"""Stands for every helper module: what an import of a name made at run time may reach."""

NAMESPACES: Final = frozenset({"globals", "locals", "vars"})
COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def bound_names(node: ast.AST) -> Iterator[str]:
    """Give the names that a statement binds where it stands, also inside if, try and with."""
    stack: list[ast.AST] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (*FUNCTIONS, ast.ClassDef)):
            yield item.name
            continue
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store):
            yield item.id
        elif isinstance(item, ast.MatchAs | ast.MatchStar) and item.name:
            yield item.name
        elif isinstance(item, ast.MatchMapping) and item.rest:
            yield item.rest
        elif isinstance(item, ast.ExceptHandler) and item.name:
            yield item.name
        if isinstance(item, COMPREHENSIONS):
            stack.extend(n for n in ast.walk(item) if isinstance(n, ast.NamedExpr))
        elif isinstance(item, ast.Assign) and (name := namespace_item(item)) is not None:
            yield name
        elif not isinstance(item, ast.Lambda):
            stack.extend(ast.iter_child_nodes(item))


def namespace_item(node: ast.AST) -> str | None:
    """Give `h` of `globals()["h"] = ...`."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        node = node.targets[0]
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Call)
        and chain_of(node.value.func) in NAMESPACES
        and not node.value.args
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ):
        return node.slice.value
    return None


def chain_of(node: ast.AST) -> str:
    """Write `a.b.c` of an expression that is just that; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def imported_module(node: ast.AST) -> str | None:
    """Give the module that `import_module("...")` or `__import__("...")` loads.

    None where this is no such call; ALL_MODULES where the name is made at run time.
    """
    if not isinstance(node, ast.Call):
        return None
    if chain_of(node.func).rpartition(".")[2] not in ("import_module", "__import__"):
        return None
    first = node.args[0] if node.args else next((k.value for k in node.keywords), None)
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return ALL_MODULES


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Give local name -> `module:attribute`, relative modules with their dots."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, f"{alias.name}:"
            else:
                head = alias.name.partition(".")[0]
                yield head, f"{head}:"
    else:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            yield alias.asname or alias.name, f"{module}:{alias.name}"


def own_names(
    args: ast.arguments | None, body: Iterable[ast.AST]
) -> tuple[frozenset[str], frozenset[str]]:
    """Give the names that are a function's own, and those it declares global."""
    names: set[str] = set()
    if args is not None:
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        names.update(a.arg for a in every if a is not None)
    outside: set[str] = set()
    for part in body:
        names.update(bound_names(part))
        for node in same_function(part):
            if isinstance(node, ast.Global):
                outside.update(node.names)
    return frozenset(names - outside), frozenset(outside)


def same_function(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what belongs to a function itself, not to functions inside it."""
    stack = [node]
    while stack:
        item = stack.pop()
        yield item
        if not isinstance(item, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(item))


def is_plain(value: ast.expr | None) -> bool:
    """Tell a list, dictionary or set that is made right where it stands."""
    if isinstance(value, ast.Call):
        made = ("dict", "list", "set", "defaultdict", "deque", "Counter", "OrderedDict")
        return chain_of(value.func).rpartition(".")[2] in made
    return isinstance(value, (ast.Dict, ast.List, ast.Set, *COMPREHENSIONS))


def plain_names(args: ast.arguments | None, body: Iterable[ast.AST]) -> frozenset[str]:
    """Give the names of a function that hold nothing but a list, dictionary or set of its own."""
    plain: set[str] = set()
    other = set(own_names(args, ())[0])
    for part in body:
        for node in same_function(part):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
                    if isinstance(target, ast.Name) and is_plain(node.value):
                        plain.add(target.id)
                    elif not isinstance(target, ast.Subscript | ast.Attribute):
                        other.update(names)
            elif isinstance(node, ast.stmt) and not isinstance(node, ast.Expr | ast.AugAssign):
                direct = [c for c in ast.iter_child_nodes(node) if not isinstance(c, ast.stmt)]
                other.update(name for child in direct for name in bound_names(child))
    return frozenset(plain - other)
