"""Write code as text that comments, formatting and the Python version do not change.

`ast.dump` and `ast.unparse` differ between Python versions, so this is a walk of our own. It leaves
out docstrings, positions, empty fields and the `@asset` decorator (what that says is config and
schema).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


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
        if name == "body" and isinstance(node, (*SCOPES, ast.Module)):
            value = _without_docstring(getattr(node, "body"))  # noqa: B009 - any scope node
        if name == "decorator_list":
            value = [d for d in value if not is_asset(d)]  # type: ignore[union-attr]
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


def is_asset(decorator: ast.expr) -> bool:
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
