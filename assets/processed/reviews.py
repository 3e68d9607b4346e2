"""All reviews in one table: both languages, with the stars as a number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from assets import Table, asset
from assets.schemas import ProcessedText

if TYPE_CHECKING:
    import pandas as pd


class Review(ProcessedText):
    """A cleaned text, its language and its stars."""

    language: Literal["ko", "en"]
    stars: Literal[1, 2, 3, 4, 5] | None


@asset(schema=Review, upstream=["processed.reviews_ko_clean", "processed.reviews_en_clean"])
def reviews(reviews_ko_clean: Table, reviews_en_clean: Table) -> Iterator[pd.DataFrame]:
    """Put Korean and English reviews one after the other, some thousand rows at a time."""
    yield from with_stars(reviews_ko_clean, "ko", stars="별점")
    yield from with_stars(reviews_en_clean, "en", stars="stars")


def with_stars(table: Table, language: str, stars: str) -> Iterator[pd.DataFrame]:
    """Add the language, and the stars out of the metadata."""
    import pandas as pd

    for frame in table.frames():
        given = [json.loads(text)[stars] for text in frame["metadata"]]
        yield frame.assign(language=language, stars=pd.array(given, dtype="Int64"))
