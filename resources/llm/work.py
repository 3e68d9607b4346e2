"""What waits to be sent: new items, items to ask again, and packs that already are one request."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from resources.llm.pack_size import PackSize
from resources.llm.packer import Item, take_pack

_SOON: Final = 1.5
_PATIENT: Final = 3


@dataclass(eq=False, slots=True)
class Pack:
    """Items that share a request, and how it went so far.

    order: the chunk it is for; older ones go first. step: for a single item, which of its tries.
    failures: requests in a row without any answer. flights: requests under way, the last of them
    sent at sent_at. hedged: a second
    one was sent because the first hung. done: answered or divided, so that later answers are void.
    """

    items: list[Item]
    order: int
    step: int = 0
    failures: int = 0
    garbled: int = 0
    flights: int = 0
    sent_at: float = 0.0
    hedged: bool = False
    done: bool = False
    kind: str = "first"

    @property
    def tokens(self) -> int:
        """Estimate the tokens of the rows' texts."""
        return sum(item.tokens for item in self.items)


@dataclass(slots=True)
class Work:
    """The queues. Packs go first, then what is to be asked again, then what is new."""

    fresh: deque[tuple[int, deque[Item]]] = field(default_factory=deque)
    again: dict[bytes, tuple[Item, int]] = field(default_factory=dict)
    _again_since: float = 0.0
    _ready: list[tuple[int, int, Pack]] = field(default_factory=list)
    _later: list[tuple[float, int, Pack]] = field(default_factory=list)
    _arrival: count[int] = field(default_factory=count)

    def add(self, items: Iterable[Item], order: int) -> None:
        """Take a chunk's new items, in the order in which they are to be packed."""
        self.fresh.append((order, deque(items)))

    def clear(self) -> None:
        """Forget everything."""
        self.fresh.clear()
        self.again.clear()
        self._ready.clear()
        self._later.clear()

    def put(self, pack: Pack, at: float = 0.0) -> None:
        """Take a pack, to be sent as it is, from `at` on."""
        if at:
            heapq.heappush(self._later, (at, next(self._arrival), pack))
        else:
            heapq.heappush(self._ready, (pack.order, next(self._arrival), pack))

    def ask_again(self, items: Iterable[Item], order: int, now: float) -> None:
        """Take items that got no answer while others of their pack did: pooled over packs."""
        if not self.again:
            self._again_since = now
        for item in items:
            self.again[item.key] = (item, order)

    def waiting(self, rows: int) -> int:
        """Give about how many packs there are to send now."""
        new = sum(len(items) for _, items in self.fresh) + len(self.again)
        return len(self._ready) + -(-new // rows)

    def due(self, now: float) -> bool:
        """Tell whether there is anything to send now."""
        self._ripen(now)
        return bool(self._ready or self.again or self._has_fresh())

    def next_at(self) -> float | None:
        """Give when the next pack that waits for its time is due."""
        return self._later[0][0] if self._later else None

    def take(self, now: float, size: PackSize, latency: float) -> Pack | None:
        """Give what should be sent next."""
        self._ripen(now)
        rows = size.rows
        while self._ready:
            pack = heapq.heappop(self._ready)[2]
            if not pack.done:
                return pack
        if self.again and self._pool_is_due(now, rows, latency):
            return self._pooled(rows)
        if self._has_fresh():
            order, items = self.fresh[0]
            pack = Pack(take_pack(items, rows, size.tokens), order)
            while len(self.fresh) > 1 and not items and len(pack.items) < rows:
                self.fresh.popleft()  # a pack may hold one chunk's end and the next one's start
                items = self.fresh[0][1]
                if not items or pack.tokens + items[0].tokens > size.tokens:
                    break
                pack.items += take_pack(items, rows - len(pack.items), size.tokens - pack.tokens)
            return pack
        return self._pooled(rows) if self.again else None

    def _ripen(self, now: float) -> None:
        """Move packs whose time has come to those that are ready."""
        while self._later and self._later[0][0] <= now:
            pack = heapq.heappop(self._later)[2]
            self.put(pack)

    def _has_fresh(self) -> bool:
        """Tell whether there are new items."""
        while self.fresh and not self.fresh[0][1]:
            self.fresh.popleft()
        return bool(self.fresh)

    def _pool_is_due(self, now: float, rows: int, latency: float) -> bool:
        """Tell whether the pool fills a pack, or others will soon wait for what is in it."""
        if len(self.again) >= rows:
            return True
        oldest = next(iter(self.again.values()))[1]
        chunk_waits = not self._has_fresh() or oldest + _PATIENT < self.fresh[0][0]
        return chunk_waits and now - self._again_since >= _SOON * latency

    def _pooled(self, rows: int) -> Pack:
        """Make a pack of the items to ask again, oldest first."""
        keys = list(self.again)[:rows]
        taken = [self.again.pop(key) for key in keys]
        return Pack([item for item, _ in taken], min(order for _, order in taken), kind="again")
