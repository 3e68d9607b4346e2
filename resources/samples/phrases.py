"""What the sample reviews of one language are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """Parts of reviews. `{film}` and `{product}` stand for one of the names.

    good, fair, bad: sentences by mood. more: sentences that fit any mood.
    short: whole reviews (good, fair, bad), which real ones repeat a lot.
    typos: what people write instead. cries: what they repeat when they are loud.
    """

    films: tuple[str, ...]
    products: tuple[str, ...]
    good: tuple[str, ...]
    fair: tuple[str, ...]
    bad: tuple[str, ...]
    more: tuple[str, ...]
    short: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    typos: tuple[tuple[str, str], ...]
    cries: tuple[str, ...]
    channels: tuple[str, ...]
