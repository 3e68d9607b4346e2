"""All reviews in one table: both languages, with the stars as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assets import Schema, Table, asset
from assets.schemas import ProcessedText

if TYPE_CHECKING:
    import duckdb


class Review(ProcessedText):
    """A cleaned text, its language and its stars."""

    language: Literal["ko", "en"]
    stars: Literal[1, 2, 3, 4, 5] | None


@asset(schema=Review, upstream=["processed.reviews_ko_clean", "processed.reviews_en_clean"])
def reviews(reviews_ko_clean: Table, reviews_en_clean: Table) -> duckdb.DuckDBPyRelation:
    """Put Korean and English reviews one after the other."""
    import duckdb

    return duckdb.sql("""
        select *, 'ko' as language, (metadata ->> '별점')::int as stars from reviews_ko_clean
        union all by name
        select *, 'en' as language, (metadata ->> 'stars')::int as stars from reviews_en_clean
    """)
