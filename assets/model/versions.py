"""Code versions: what a function does, as a digest that comments and formatting do not change.

The digest is our own canonical walk over the syntax tree, because `ast.dump` and `ast.unparse`
differ between Python versions. It leaves out docstrings, comments, positions, empty fields and the
`@asset` decorator (what that says is config and schema). It covers the function, and everything of
the users' own that it uses: helpers and constants of its file and of `_*.py` beside it.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from resources.files import replace_file

_FORMAT: Final = "1"
_OURS: Final = (".", "assets.")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_Digest = dict[
    str, Any
]  # {"defs": {name: [digest, [names it uses]]}, "imports": {name: [module, attr]}}


def canonical(node: ast.AST) -> str:
    """Write a syntax tree as text that is equal on every supported Python version."""
    parts: list[str] = []
    stack: list[object] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, ast.JoinedStr):
            stack.append(")")
            stack.extend(reversed(_merge_strings(item)))
            parts.append("JoinedStr(")
        elif isinstance(item, ast.AST):
            parts.append(type(item).__name__ + "(")
            stack.append(")")
            for name, value in reversed(list(_fields(item))):
                stack.extend((value, name + "="))
        elif isinstance(item, list):
            stack.append("]")
            stack.extend(reversed(item))
            parts.append("[")
        else:
            parts.append(f"{type(item).__name__}:{item!r},")
    return "".join(parts)


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Give the fields that carry meaning: no empty ones, no docstring, no `@asset`, no `u''`."""
    for name in node._fields:
        value = getattr(node, name, None)
        if value is None and not (isinstance(node, ast.Constant) and name == "value"):
            continue
        if name in ("kind", "type_comment", "type_ignores", "ctx"):
            continue
        if name == "body" and isinstance(node, (*_SCOPES, ast.Module)):
            value = _without_docstring(getattr(node, "body"))  # noqa: B009 - any scope node
        if name == "decorator_list":
            value = [d for d in value if not _is_asset(d)]  # type: ignore[union-attr]
        if value == []:
            continue
        if isinstance(node, ast.Constant) and name == "value":
            yield name, f"{type(value).__name__}:{value!r},"
        elif isinstance(value, str):
            yield name, f"{value!r},"
        elif isinstance(value, list):
            yield name, [f"{v!r}," if isinstance(v, str) else v for v in value]
        else:
            yield name, value


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Drop the docstring at the head of a body."""
    first = body[0] if body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return body[1:] if isinstance(value, ast.Constant) and isinstance(value.value, str) else body


def _is_asset(decorator: ast.expr) -> bool:
    """Tell our own decorator."""
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(call, ast.Name) and call.id == "asset") or (
        isinstance(call, ast.Attribute) and call.attr == "asset"
    )


def _merge_strings(node: ast.JoinedStr) -> list[object]:
    """Join neighbouring text of an f-string: Python versions cut it differently."""
    merged: list[object] = []
    text = ""
    values: list[ast.expr] = list(node.values)
    while values:
        value = values.pop(0)
        if isinstance(value, ast.JoinedStr):
            values = [*value.values, *values]
        elif isinstance(value, ast.Constant):
            text += str(value.value)
        else:
            merged.extend([f"str:{text!r}", value] if text else [value])
            text = ""
    return [*merged, f"str:{text!r}"] if text else merged


def digest_source(source: bytes) -> _Digest:
    """Digest every top-level definition of a file, with the names each one uses."""
    tree = ast.parse(source)
    imports: dict[str, list[str]] = {}
    defs: dict[str, list[Any]] = {}
    for statement in tree.body:
        names = list(_bound(statement))
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports.update(_imported(statement))
            continue
        if not names:
            continue
        text = canonical(statement)
        if isinstance(statement, _SCOPES):
            text = text.replace(f"name={statement.name!r},", "", 1)  # the key says it
        own = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
        uses = sorted(set(_names(statement)))
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.update(_imported(node))
        for name in names:
            old = defs.get(name)
            # A name bound twice (x = []; x += [1]) counts with all that binds it.
            defs[name] = [_join(old[0], own), sorted({*old[1], *uses})] if old else [own, uses]
    return {"defs": defs, "imports": imports}


def _join(*digests: str) -> str:
    """Make one digest of several."""
    return hashlib.sha256("|".join(digests).encode()).hexdigest()[:16]


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Give the names that a top-level statement binds, also inside if, try and with."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, _SCOPES):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def _names(statement: ast.stmt) -> Iterator[str]:
    """Give the names that a statement reads; `helper.tidy` for an attribute of a name."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, _SCOPES):
            stack.extend(d for d in node.decorator_list if not _is_asset(d))
            stack.extend(c for c in ast.iter_child_nodes(node) if c not in node.decorator_list)
        else:
            stack.extend(ast.iter_child_nodes(node))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, list[str]]]:
    """Give local name -> [module, attribute], relative modules with their dots."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name, [alias.name, ""]
    else:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            yield alias.asname or alias.name, [module, alias.name]


class CodeVersions:
    """Code versions of functions, with a cache of digested files keyed by their content."""

    def __init__(
        self, root: Path, cache: Path | None = None, loaded: Mapping[str, str] | None = None
    ) -> None:
        """Work on the project at `root`; `cache` is a JSON file that may be deleted at any time.

        loaded: sha256 of the source of each file that discovery loaded, by path.
        """
        self._loaded = loaded or {}
        self._layers = root / "assets"
        self._cache_file = cache
        self._cache: dict[str, _Digest] = {}
        self._files: dict[str, _Digest | None] = {}
        self._new = False
        if cache is not None:
            try:
                stored = json.loads(cache.read_bytes())
                self._cache = stored["files"] if stored["format"] == _FORMAT else {}
            except (OSError, ValueError, KeyError, TypeError):
                self._cache = {}

    def of(self, file: str | Path, function: str) -> dict[str, str]:
        """Give the digests of a function and all it uses, by name ("_helper.tidy", "PATTERN").

        The function itself is called "function", so that renaming it is no change.
        """
        found: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        start = str(file)
        stack = [(start, function)]
        while stack:
            place = stack.pop()
            if place in seen:
                continue
            seen.add(place)
            path, name = place
            digest = self._digest(path)
            if digest is None:
                continue
            definition = digest["defs"].get(name)
            if definition is not None:
                found[_label(start, function, path, name)] = definition[0]
                stack.extend(self._uses(path, digest, definition[1]))
        return dict(sorted(found.items()))

    def _uses(self, path: str, digest: _Digest, names: list[str]) -> Iterator[tuple[str, str]]:
        """Give the places where the names that a definition uses are defined."""
        defs, imports = digest["defs"], digest["imports"]
        for name in names:
            head, _, attribute = name.partition(".")
            if head in defs:
                yield path, head
            elif head in imports:
                module, imported = imports[head]
                if module.startswith(_OURS):
                    yield from self._imports(path, module, imported, attribute)
        for module, attribute in imports.values():
            if attribute == "*" and module.startswith(_OURS):
                yield from self._imports(path, module, "*", "")

    def _imports(
        self, path: str, module: str, name: str, attribute: str
    ) -> Iterator[tuple[str, str]]:
        """Give where an imported name is defined, as far as that is the users' own code."""
        file = self._find(path, module)
        if file is not None and name in ((self._digest(file) or {}).get("defs") or ()):
            yield file, name
            return
        whole = self._find(path, f"{module}.{name}" if name not in ("", "*") else module)
        if whole is None and file is not None and name not in ("", "*"):
            forwarded = (self._digest(file) or {}).get("imports", {}).get(name)
            if forwarded is not None:
                module, imported = forwarded
                yield from self._imports(file, module, imported, attribute)
        if whole is not None:
            defs = (self._digest(whole) or {}).get("defs", {})
            yield from ((whole, d) for d in ([attribute] if attribute in defs else defs))

    def _find(self, path: str, module: str) -> str | None:
        """Give the users' file of a module; None for the framework and installed packages."""
        level = len(module) - len(module.lstrip("."))
        parts = [part for part in module[level:].split(".") if part]
        if level:
            base = Path(path).parent
            for _ in range(level - 1):
                base = base.parent
        elif parts[:1] == ["assets"] and parts[1:2] and parts[1] in ("raw", "processed", "output"):
            base, parts = self._layers, parts[1:]
        else:
            return None
        if not base.is_relative_to(self._layers) or (base == self._layers and not parts):
            return None
        target = base.joinpath(*parts)
        for candidate in (target.with_name(target.name + ".py"), target / "__init__.py"):
            if candidate.is_file():
                return str(candidate)
        return None

    def _digest(self, path: str) -> _Digest | None:
        """Digest a file, or take it from the cache; None where it cannot be read.

        A file that discovery loaded counts as it was loaded, whatever it holds by now.
        """
        if path not in self._files:
            key = self._loaded.get(path, "")
            if key not in self._cache:
                try:
                    source = Path(path).read_bytes()
                    key = hashlib.sha256(source).hexdigest()
                    if key not in self._cache:
                        self._cache[key] = digest_source(source)
                        self._new = True
                except (OSError, SyntaxError, ValueError):
                    key = ""
            self._files[path] = self._cache.get(key)
        return self._files[path]

    def save(self) -> None:
        """Keep what was digested, where there is anything new; a lost cache costs only time."""
        if self._new and self._cache_file is not None:
            content = {"format": _FORMAT, "files": self._cache}
            replace_file(self._cache_file, json.dumps(content).encode())
            self._new = False


def _label(start: str, function: str, path: str, name: str) -> str:
    """Name a definition among those that a function uses."""
    if path != start:
        return f"{Path(path).stem}.{name}"
    return "function" if name == function else name


def code_version(code: dict[str, str], engine: str = "") -> str:
    """Make one code version (16 hex digits) of the digests of a function and all it uses."""
    text = json.dumps([engine, sorted(code.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
