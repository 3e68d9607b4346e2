"""Selections: `raw.reviews`, `raw.reviews+`, `+output.report`, `layer:raw`, `tag:x`, `stale`.

Parts are joined by spaces or commas; `-part` takes away what the others gave; `raw.*` is a pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from assets.model.declare import LAYERS
from assets.model.errors import SelectionError
from assets.model.graph import Graph
from resources.errors import did_you_mean


def select(
    graph: Graph, text: str | Iterable[str], stale: Callable[[], Iterable[str]]
) -> tuple[str, ...]:
    """Give the selected keys in dependency order; `stale` is asked only where the word is used.

    Only exclusions mean: everything but these. Raises SelectionError for a part nothing matches.
    """
    texts = [text] if isinstance(text, str) else list(text)
    parts = [part for one in texts for part in one.replace(",", " ").split()]
    plus = [part for part in parts if not part.startswith("-")]
    chosen: set[str] = set() if plus else set(graph.order)
    for part in plus:
        chosen |= _part(graph, part, stale)
    for part in parts:
        if part.startswith("-"):
            chosen -= _part(graph, part[1:], stale)
    return tuple(key for key in graph.order if key in chosen)


def _part(graph: Graph, part: str, stale: Callable[[], Iterable[str]]) -> set[str]:
    """Give the keys of one part."""
    above, below = part.startswith("+"), part.endswith("+")
    core = part.removeprefix("+").removesuffix("+")
    keys = _core(graph, core, stale)
    found = set(keys)
    if above:
        found |= graph.above(keys)
    if below:
        found |= graph.below(keys)
    return found


def _core(graph: Graph, core: str, stale: Callable[[], Iterable[str]]) -> set[str]:
    """Give the keys of a part without its plus signs."""
    if core == "stale":
        return set(stale())
    if core in ("all", "*"):
        return set(graph.order)
    kind, colon, value = core.partition(":")
    if colon:
        return _attribute(graph, core, kind, value)
    if any(sign in core for sign in "*?["):
        found = {key for key in graph.order if fnmatchcase(key, core)}
    else:
        found = {core} & set(graph.order)
    if not found:
        bare = [key for key in graph.order if key.partition(".")[2] == core]
        hint = f"; did you mean {bare[0]!r}?" if bare else did_you_mean(core, graph.order)
        raise SelectionError(
            f"no asset matches {core!r}{hint}", "`dataops list` shows all keys", select=core
        )
    return found


def _attribute(graph: Graph, core: str, kind: str, value: str) -> set[str]:
    """Give the keys of `layer:x`, `tag:x` or `owner:x`."""
    if kind == "layer":
        known: Iterable[str] = LAYERS
        found = {key for key in graph.order if key.startswith(value + ".")}
    elif kind == "tag":
        known = {tag for asset in graph.assets.values() for tag in asset.tags}
        found = {key for key, asset in graph.assets.items() if value in asset.tags}
    elif kind == "owner":
        known = {asset.owner for asset in graph.assets.values()}
        found = {key for key, asset in graph.assets.items() if asset.owner == value}
    else:
        raise SelectionError(
            f"{core!r} cannot be read{did_you_mean(kind, ['layer', 'tag', 'owner'])}",
            "write layer:…, tag:…, owner:…, a key, stale or all",
            select=core,
        )
    if value not in known:
        raise SelectionError(
            f"no asset has {core!r}{did_you_mean(value, known)}",
            f"known: {', '.join(sorted(k for k in known if k)) or 'none'}",
            select=core,
        )
    return found
