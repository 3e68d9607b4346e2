"""What a piece of code has in hand, and what it may do to it.

A name is a chain as it is written: `CONF`, `_help.tidy`, `pd.options.mode`. A function's own names
are left out; what a function imports for itself is written with its module: `._help:tidy.cache`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assets.model.code.canonical import is_asset
from assets.model.code.names import (
    ALL_MODULES,
    ALL_NAMES,
    COMPREHENSIONS,
    FUNCTIONS,
    NAMESPACES,
    bound_names,
    chain_of,
    imported_module,
    imported_names,
    namespace_item,
    own_names,
    plain_names,
    same_function,
)

# fmt: off
# Methods of lists, dictionaries and sets: they change what they are called on, not what they take.
_FILLING: Final = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop",
    "popitem", "popleft", "remove", "reverse", "setdefault", "sort",
    "symmetric_difference_update", "difference_update", "intersection_update", "update",
    "__setitem__", "__delitem__"
})
# Built-in functions that change nothing of what they are given.
_HARMLESS: Final = frozenset({
    "abs", "all", "any", "bool", "bytes", "callable", "chr", "dict", "divmod", "enumerate",
    "filter", "float", "format", "frozenset", "getattr", "hasattr", "hash", "hex", "id", "int",
    "isinstance", "issubclass", "iter", "len", "list", "max", "min", "object", "oct", "ord",
    "pow", "print", "property", "range", "repr", "reversed", "round", "set", "slice", "sorted",
    "staticmethod", "classmethod", "str", "sum", "super", "tuple", "type", "zip"
})
# fmt: on
_BLOCKS: Final = (ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Match, ast.Try)


@dataclass(slots=True)
class Region:
    """Code that runs together: when its file is loaded, or when its function is called.

    reads: what it has in hand. calls: what it calls. sets: what it puts something into, with the
    number of steps (`CONF 1` for `CONF["rate"] = 2`, `RATE 0` for a global that it binds).
    fills: what it calls a method of lists, dictionaries or sets on. drops: what it calls without
    keeping the answer. opaque: it may do anything to what it has in hand.
    """

    reads: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)
    fills: set[str] = field(default_factory=set)
    drops: set[str] = field(default_factory=set)
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a name is looked up: the names of functions around it, and what they import."""

    own: frozenset[str] = frozenset()
    imports: Mapping[str, str] = field(default_factory=dict)
    globals: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    """Those of `own` that hold a list, dictionary or set made right here."""


def read_regions(statement: ast.stmt) -> tuple[Region, Region]:
    """Read a statement of a module: what runs when the file is loaded, and what when called."""
    reader = _Reader()
    reader.statement(statement, _Scope(), reader.run)
    return reader.run, reader.body


class _Reader:
    """A walk over one statement that fills its two regions."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self.run = Region()
        self.body = Region()
        self._readers: tuple[tuple[Any, Callable[[Any, _Scope, Region], None]], ...] = (
            ((ast.Name, ast.Attribute), self._name),
            (ast.Call, self._call),
            (ast.Expr, self._dropped),
            (FUNCTIONS, self._function),
            (ast.ClassDef, self._class),
            (ast.Lambda, self._lambda),
            (COMPREHENSIONS, self._comprehension),
            (ast.AugAssign, self._in_place),
            (_BLOCKS, self._block),
        )

    def statement(self, node: ast.AST, scope: _Scope, region: Region) -> None:
        """Read a statement or an expression into the region that it runs in."""
        for kinds, read in self._readers:
            if isinstance(node, kinds):
                read(node, scope, region)
                return
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            self._target(node, scope, region)
        else:
            self._children(node, scope, region)

    def _children(self, node: ast.AST, scope: _Scope, region: Region) -> None:
        """Read what a node is made of."""
        for child in ast.iter_child_nodes(node):
            self.statement(child, scope, region)

    def _enter(self, args: ast.arguments | None, body: list[ast.AST], scope: _Scope) -> None:
        """Read the body of a function, where names of its own hide the module's."""
        own, outside = own_names(args, body)
        imports = {
            name: place
            for part in body
            for node in same_function(part)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name, place in imported_names(node)
        }
        inner = _Scope(
            (scope.own | own) - outside,
            {**{k: v for k, v in scope.imports.items() if k not in own}, **imports},
            outside,
            (scope.plain - own) | plain_names(args, body),
        )
        for part in body:
            self.statement(part, inner, self.body)

    def _lambda(self, node: ast.Lambda, scope: _Scope, region: Region) -> None:
        """Read a lambda, which is a function without a name."""
        self._defaults(node.args, scope, region)
        self._enter(node.args, [node.body], scope)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope, region: Region
    ) -> None:
        """Read a function: decorators, defaults and hints run now, its body when it is called."""
        self._decorators(node, scope, region)
        self._defaults(node.args, scope, region)
        hints = [a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg)]
        for hint in [*hints, node.returns]:
            if hint is not None:
                self.statement(hint, scope, region)
        self._enter(node.args, list(node.body), scope)

    def _decorators(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        scope: _Scope,
        region: Region,
    ) -> None:
        """Read decorators as the calls that they are."""
        for decorator in node.decorator_list:
            if is_asset(decorator):
                continue
            call = ast.Call(func=decorator, args=[], keywords=[])
            self.statement(decorator if isinstance(decorator, ast.Call) else call, scope, region)

    def _defaults(self, args: ast.arguments, scope: _Scope, region: Region) -> None:
        """Read the defaults of parameters."""
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                self.statement(default, scope, region)

    def _class(self, node: ast.ClassDef, scope: _Scope, region: Region) -> None:
        """Read a class: its body runs now; making it calls what it derives from."""
        self._decorators(node, scope, region)
        for base in [*node.bases, *(k.value for k in node.keywords)]:
            if name := self._resolved(chain_of(base), scope):
                region.calls.add(name)
            self.statement(base, scope, region)
        for part in node.body:
            self.statement(part, scope, region)

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        scope: _Scope,
        region: Region,
    ) -> None:
        """Read a comprehension, whose variables are its own."""
        names = {
            n.id
            for generator in node.generators
            for n in ast.walk(generator.target)
            if isinstance(n, ast.Name)
        }
        inner = replace(scope, own=scope.own | names)
        for index, generator in enumerate(node.generators):
            self.statement(generator.iter, inner if index else scope, region)
            for condition in generator.ifs:
                self.statement(condition, inner, region)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        for part in parts:
            self.statement(part, inner, region)

    def _block(self, node: ast.AST, scope: _Scope, region: Region) -> None:
        """Read a block whose variables (`for x`, `with ... as x`, `case x`) are its own."""
        names: set[str] = set()
        if isinstance(node, ast.For | ast.AsyncFor):
            names.update(bound_names(node.target))
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                names.update(bound_names(item.optional_vars) if item.optional_vars else ())
                region.opaque = True  # entering and leaving may do anything
        elif isinstance(node, ast.Match):
            names.update(n for case in node.cases for n in bound_names(case.pattern))
        elif isinstance(node, ast.Try):
            names.update(h.name for h in node.handlers if h.name)
        self._children(node, replace(scope, own=scope.own | names), region)

    def _resolved(self, chain: str, scope: _Scope) -> str:
        """Write a chain as others can look it up; "" where it is a function's own."""
        head, _, rest = chain.partition(".")
        if head in scope.imports:
            module, _, attribute = scope.imports[head].partition(":")
            return f"{module}:{'.'.join(filter(None, (attribute, rest)))}"
        return "" if head in scope.own else chain

    def _name(self, node: ast.Name | ast.Attribute, scope: _Scope, region: Region) -> None:
        """Read a name, or what is put into it."""
        if not isinstance(node.ctx, ast.Load):
            self._target(node, scope, region)
        elif not (chain := chain_of(node)):
            self._children(node, scope, region)
        elif name := self._resolved(chain, scope):
            region.reads.add(ALL_NAMES if name == "sys.modules" else name)

    def _target(self, node: ast.expr, scope: _Scope, region: Region) -> None:
        """Read what something is put into."""
        if isinstance(node, ast.Name):
            if node.id in scope.globals:
                region.sets.add(f"{node.id} 0")
            return
        if (name := namespace_item(node)) is not None:
            region.sets.add(f"{name} 0")
            return
        steps = 0
        while isinstance(node, ast.Attribute | ast.Subscript) and not (
            isinstance(node, ast.Attribute) and chain_of(node)
        ):
            if isinstance(node, ast.Subscript):
                self.statement(node.slice, scope, region)
            node, steps = node.value, steps + 1
        if chain := chain_of(node):
            self._put(chain, steps, scope, region)
            return
        region.opaque = True
        if isinstance(node, ast.Call):
            region.drops.update(filter(None, [self._resolved(chain_of(node.func), scope)]))
        self.statement(node, scope, region)

    def _put(self, chain: str, steps: int, scope: _Scope, region: Region) -> None:
        """Read that something is put into a chain of names, so many steps down."""
        if chain == "sys.modules":
            region.reads.add(ALL_NAMES)
            region.opaque = True
        elif name := self._resolved(chain, scope):
            region.sets.add(f"{name} {steps}")
        elif chain not in scope.plain or steps > 1:
            region.opaque = True

    def _in_place(self, node: ast.AugAssign, scope: _Scope, region: Region) -> None:
        """Read `x += y`, which may change what x holds in place."""
        self._target(node.target, scope, region)
        if isinstance(node.target, ast.Name) and node.target.id not in scope.own:
            region.fills.add(node.target.id)
        self.statement(node.value, scope, region)

    def _dropped(self, node: ast.Expr, scope: _Scope, region: Region) -> None:
        """Read an expression that stands for what it does, not for its value."""
        if isinstance(node.value, ast.Call):
            region.drops.update(filter(None, [self._resolved(chain_of(node.value.func), scope)]))
        elif isinstance(node.value, ast.BinOp | ast.UnaryOp | ast.Subscript | ast.Attribute):
            region.opaque = True
        self.statement(node.value, scope, region)

    def _call(self, node: ast.Call, scope: _Scope, region: Region) -> None:
        """Read a call by what is known of it."""
        name = chain_of(node.func)
        if (module := imported_module(node)) is not None:
            region.reads.add(module if module == ALL_MODULES else f"{module}:")
        elif name in NAMESPACES and not node.args:
            region.reads.add(ALL_NAMES)
        elif name in ("eval", "exec"):
            region.reads.add(ALL_NAMES)
            region.opaque = True
        elif name in ("setattr", "delattr") and node.args and chain_of(node.args[0]):
            self._target_of_setattr(node.args[0], scope, region)
        elif name in _HARMLESS or self._is_super(node.func):
            pass
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _FILLING:
            self._filled(node.func.value, scope, region)
        else:
            self._unknown_call(node, scope, region)
        for part in [*node.args, *(k.value for k in node.keywords)]:
            self.statement(part, scope, region)

    @staticmethod
    def _is_super(function: ast.expr) -> bool:
        """Tell `super().method`."""
        return (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Call)
            and chain_of(function.value.func) == "super"
        )

    def _target_of_setattr(self, node: ast.expr, scope: _Scope, region: Region) -> None:
        """Read `setattr(x, ...)` as putting something into x."""
        if name := self._resolved(chain_of(node), scope):
            region.sets.add(f"{name} 1")
        else:
            region.opaque = True

    def _filled(self, receiver: ast.expr, scope: _Scope, region: Region) -> None:
        """Read `x.append(...)` and its like."""
        name = self._resolved(chain_of(receiver), scope)
        if name:
            region.fills.add(name)
            return
        if chain_of(receiver) in scope.plain:
            return
        region.opaque = True
        if isinstance(receiver, ast.Call) and chain_of(receiver.func) in NAMESPACES:
            region.reads.add(ALL_NAMES)
        else:
            self.statement(receiver, scope, region)

    def _unknown_call(self, node: ast.Call, scope: _Scope, region: Region) -> None:
        """Read a call that may do anything to its arguments."""
        name = self._resolved(chain_of(node.func), scope)
        if name:
            region.calls.add(name)
        else:
            region.opaque = True
            if not chain_of(node.func):
                self.statement(node.func, scope, region)
        arguments = [*node.args, *(k.value for k in node.keywords)]
        if any(not isinstance(a, ast.Constant) for a in arguments):
            region.opaque = True
