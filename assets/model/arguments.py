"""The parameters of an asset's function: which upstream each one is, or what is injected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assets.model.errors import DeclarationError
from resources.errors import did_you_mean

Params = Mapping[str, Any]
"""Annotate a parameter with this to be handed the asset's `params`."""

_INJECTED: Final = {
    "Cleaner": "cleaner",
    "Params": "params",
    "Source": "source",
    "Previous": "previous",
    "Cursor": "cursor",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter of an asset's function.

    kind: upstream, cleaner, params, source, previous or cursor. key: the upstream's key.
    form: how an upstream is handed over: table, frame, arrow, relation, frames or batches.
    """

    name: str
    kind: str
    key: str = ""
    form: str = "table"


def arguments_of(
    key: str, function: Callable[..., Any], upstream: tuple[str, ...]
) -> Iterable[Argument]:
    """Match the function's parameters with its upstream and with what is injected."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    by_name = _upstream_names(upstream)
    used: set[str] = set()
    for name in names:
        text = _annotation(function.__annotations__.get(name, ""))
        kind = _INJECTED.get(text.split("[")[0].split(".")[-1].strip())
        if kind is not None:
            yield Argument(name, kind)
        elif name in by_name:
            used.add(by_name[name])
            yield Argument(name, "upstream", by_name[name], _form(key, name, text))
        else:
            raise DeclarationError(
                f"{key} takes a parameter {name!r}, which none of its upstream "
                f"{list(upstream)} explains{did_you_mean(name, by_name)}",
                "call parameters like the last part of an upstream's key "
                "(layer_name where two share it), "
                "or annotate them with Cleaner, Params, Source or Cursor",
                asset=key,
                parameter=name,
            )
    for edge in upstream:
        if edge not in used:
            raise DeclarationError(
                f"{key} names {edge!r} as upstream, but its function takes no parameter for it",
                f"add a parameter {next(n for n, k in by_name.items() if k == edge)!r}, "
                "or take the key off the list",
                asset=key,
            )


def _upstream_names(upstream: tuple[str, ...]) -> dict[str, str]:
    """Give the parameter name of each upstream key."""
    short = [key.rpartition(".")[2] for key in upstream]
    return {
        (last if short.count(last) == 1 else key.replace(".", "_")): key
        for key, last in zip(upstream, short, strict=True)
    }


def _annotation(annotation: object) -> str:
    """Give an annotation as text, whether Python evaluated it or not."""
    if isinstance(annotation, str):
        return annotation.strip("\"' ")
    if annotation is Params:
        return "Params"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


_FORMS: Final = {
    "": "table",
    "Table": "table",
    "DataFrame": "frame",
    "DuckDBPyRelation": "relation",
    "RecordBatchReader": "batches",
}


def _form(key: str, name: str, annotation: str) -> str:
    """Tell from the annotation how an upstream is handed over."""
    outer, _, inner = annotation.partition("[")
    last = outer.rpartition(".")[2].strip()
    if annotation.endswith(("pa.Table", "pyarrow.Table", "pyarrow.lib.Table")):
        return "arrow"
    if last in ("Iterator", "Iterable", "Generator"):
        if "DataFrame" in inner:
            return "frames"
        if "RecordBatch" in inner:
            return "batches"
    elif last in _FORMS:
        return _FORMS[last]
    raise DeclarationError(
        f"{key} annotates {name!r} with {annotation!r}, which no upstream can be handed over as",
        "use Table, pd.DataFrame, pa.Table, duckdb.DuckDBPyRelation, Iterator[pd.DataFrame] "
        "or Iterator[pa.RecordBatch]",
        asset=key,
        parameter=name,
    )
