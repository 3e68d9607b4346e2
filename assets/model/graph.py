"""The graph of assets: order, neighbours, and what is wrong with it. No recursion anywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from assets.model.declare import Asset, Broken
from assets.model.errors import UnknownKeyError
from resources.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Graph:
    """All assets and broken assets of a project, in dependency order.

    order: every key, upstream before downstream. downstream: key -> keys made from it directly.
    seconds: what each file cost to import, for those that cost more than 50 ms.
    """

    assets: Mapping[str, Asset]
    broken: Mapping[str, Broken]
    order: tuple[str, ...]
    downstream: Mapping[str, tuple[str, ...]]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def upstream(self, key: str) -> tuple[str, ...]:
        """Give the keys that an asset is made from directly."""
        found = self.assets.get(key)
        return found.upstream if found is not None else self.broken[key].upstream

    def below(self, keys: Iterable[str]) -> set[str]:
        """Give everything downstream of the keys, at any distance, themselves not included."""
        return self._walk(keys, lambda key: self.downstream.get(key, ()))

    def above(self, keys: Iterable[str]) -> set[str]:
        """Give everything upstream of the keys, at any distance, themselves not included."""
        return self._walk(keys, self.upstream)

    def _walk(self, keys: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
        """Follow `step` from the keys as far as it goes."""
        start = list(keys)
        seen: set[str] = set()
        queue = deque(start)
        while queue:
            for key in step(queue.popleft()):
                if key not in seen:
                    seen.add(key)
                    queue.append(key)
        return seen

    def find(self, key: str) -> Asset:
        """Give an asset; raises UnknownKeyError, or the sentence of a broken one."""
        if key in self.assets:
            return self.assets[key]
        if key in self.broken:
            bad = self.broken[key]
            raise UnknownKeyError(
                f"{key} does not load: {bad.error}", f"mend {bad.file}", asset=key
            )
        raise UnknownKeyError(
            f"no asset is called {key!r}{did_you_mean(key, self.order)}",
            "`dataops list` shows all keys",
            asset=key,
        )


def build_graph(
    assets: Iterable[Asset], broken: Iterable[Broken], seconds: Mapping[str, float] | None = None
) -> Graph:
    """Check the edges and put the assets in order; what cannot work becomes broken, alone."""
    good: dict[str, Asset] = {}
    given = list(assets)
    bad = {b.key: b for b in _apart(broken, {asset.key for asset in given})}
    for asset in given:
        if asset.key in good or asset.key in bad:
            other = good.pop(asset.key, None)
            where = other.file if other is not None else bad[asset.key].file
            bad[asset.key] = _broken(
                asset, f"{asset.key} is declared twice: in {where} and in {asset.file}; rename one"
            )
        else:
            good[asset.key] = asset
    wrong = {key: error for key in good if (error := _wrong_edge(good[key], good, bad))}
    for key, error in wrong.items():
        bad[key] = _broken(good.pop(key), error)
    order, circular = _order(good, bad)
    for key in circular:
        path = " -> ".join(_cycle(good, key))
        bad[key] = _broken(good[key], f"these assets are made from each other: {path}")
    for key in circular:
        del good[key]
    if circular:  # what hangs below a cycle has an order, too
        order, _ = _order(good, bad)
    downstream: dict[str, list[str]] = {}
    for key in order:
        edges = good[key].upstream if key in good else bad[key].upstream
        for edge in edges:
            downstream.setdefault(edge, []).append(key)
    return Graph(
        good, bad, tuple(order), {k: tuple(v) for k, v in downstream.items()}, seconds or {}
    )


def _apart(broken: Iterable[Broken], keys: set[str]) -> Iterator[Broken]:
    """Give every broken asset a key of its own, where its key is only what a file's name became.

    `my orders.yaml` must not take the key of `my_orders.yaml`, which is well.
    """
    listed = list(broken)
    taken = keys | {bad.key for bad in listed if not bad.guessed}
    for bad in listed:
        if not bad.guessed:
            yield bad
            continue
        key = next(
            k for n in count(1) if (k := f"{bad.key}_{n}" if n > 1 else bad.key) not in taken
        )
        taken.add(key)
        yield replace(bad, key=key)


def _wrong_edge(asset: Asset, good: Mapping[str, Asset], bad: Mapping[str, Broken]) -> str:
    """Say what is wrong with the keys that an asset names, "" where nothing is."""
    old = asset.renamed_from
    heirs = [key for key, one in good.items() if one.renamed_from == old] if old else []
    if len(heirs) > 1:
        return (
            f"{asset.key} has renamed_from={old!r}, and so has "
            f"{next(key for key in heirs if key != asset.key)}; take one of them off"
        )
    if old in good:
        return (
            f"{asset.key} has renamed_from={old!r}, which is still declared; take one of them off"
        )
    for edge in asset.upstream:
        if edge not in good and edge not in bad:
            hint = did_you_mean(edge, [*good, *bad])
            return f"{asset.key} is made from {edge!r}, which is not declared{hint}"
    return ""


def _broken(asset: Asset, error: str) -> Broken:
    """Turn an asset into a broken one."""
    return Broken(asset.key, error, asset.file, asset.line, asset.upstream)


def _order(good: Mapping[str, Asset], bad: Mapping[str, Broken]) -> tuple[list[str], list[str]]:
    """Sort by Kahn's method, ties by name; give the order and the keys that lie in a cycle."""
    edges = {k: [u for u in a.upstream if u in good or u in bad] for k, a in good.items()}
    edges |= {k: [] for k in bad}
    waiting = {key: len(set(ups)) for key, ups in edges.items()}
    below: dict[str, list[str]] = {}
    for key, ups in edges.items():
        for up in set(ups):
            below.setdefault(up, []).append(key)
    level = sorted(key for key, count in waiting.items() if count == 0)
    order: list[str] = []
    while level:
        following: list[str] = []
        for key in level:
            order.append(key)
            for down in below.get(key, ()):
                waiting[down] -= 1
                if waiting[down] == 0:
                    following.append(down)
        level = sorted(following)
    done = set(order)
    stuck = [key for key in edges if key not in done]
    inside = [key for key in stuck if _cycle(good, key)]
    # What is merely below a cycle is in order; it stops because its upstream is broken.
    return order + sorted(stuck), inside


def _cycle(good: Mapping[str, Asset], key: str) -> list[str]:
    """Give a way from an asset up and back to itself, or nothing."""
    came: dict[str, str] = {}
    queue = deque([key])
    while queue:
        here = queue.popleft()
        for up in good[here].upstream if here in good else ():
            if up == key:
                path = [key, here]  # in the direction of the data: `here` is made from `key`
                while path[-1] != key:
                    path.append(came[path[-1]])
                return path
            if up not in came and up in good:
                came[up] = here
                queue.append(up)
    return []
