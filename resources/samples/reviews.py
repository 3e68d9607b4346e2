"""Reviews from a seed: the same ones on every machine and every Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from resources.samples.dirt import soil
from resources.samples.phrases import Phrases

_START: Final = datetime(2026, 1, 1, 9, tzinfo=UTC)
_REPEATED, _NO_TEXT, _NO_STARS, _SHORT = 0.03, 0.02, 0.03, 0.12
_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True)
class Review:
    """One review as it comes out of a store's system."""

    id: int
    product: str
    stars: int | None
    text: str | None
    channel: str
    written_at: datetime
    helpful: int


def make_reviews(phrases: Phrases, *, rows: int, seed: int, first_id: int) -> Iterator[Review]:
    """Make `rows` reviews; some are sent twice, exactly as they were."""
    rng = Random(seed)  # noqa: S311 - not for secrets
    recent: list[Review] = []
    moment = _START
    for number in range(rows):
        if recent and rng.random() < _REPEATED:
            yield rng.choice(recent)
            continue
        moment += timedelta(seconds=rng.randint(30, 7_200))
        review = _review(rng, phrases, first_id + number, moment)
        recent = [*recent[-_REMEMBERED:], review]
        yield review


def _review(rng: Random, phrases: Phrases, number: int, moment: datetime) -> Review:
    """Make one review."""
    stars = rng.choice((5, 5, 5, 4, 4, 3, 3, 2, 1, 1))
    names = {"film": rng.choice(phrases.films), "product": rng.choice(phrases.products)}
    text = None if rng.random() < _NO_TEXT else _text(rng, phrases, stars).format(**names)
    return Review(
        id=number,
        product=names["product"],
        stars=None if rng.random() < _NO_STARS else stars,
        text=None if text is None else soil(rng, text, phrases),
        channel=rng.choice(phrases.channels),
        written_at=moment,
        helpful=max(0, rng.randint(-10, 12)),
    )


def _text(rng: Random, phrases: Phrases, stars: int) -> str:
    """Compose a text whose mood fits the stars."""
    mood = 0 if stars > 3 else 1 if stars == 3 else 2
    if rng.random() < _SHORT:
        return rng.choice(phrases.short[mood])
    sentences = rng.sample((phrases.good, phrases.fair, phrases.bad)[mood], rng.randint(1, 2))
    if rng.random() < 0.5:
        sentences.append(rng.choice(phrases.more))
    return " ".join(sentences)
