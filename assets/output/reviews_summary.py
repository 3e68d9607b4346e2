"""How many reviews there are, and how satisfied they sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assets import Schema, asset

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation


class Summary(Schema):
    """One line per language, source and number of stars."""

    language: Literal["ko", "en"]
    source: str
    stars: int | None
    reviews: int
    without_text: int
    average_length: float | None


@asset(schema=Summary, upstream=["processed.reviews"])
def reviews_summary(reviews: DuckDBPyRelation) -> DuckDBPyRelation:
    """Count the reviews of each language, source and rating."""
    return reviews.aggregate("""
        language,
        source,
        stars,
        count(*) as reviews,
        count(*) filter (cleaned_text is null) as without_text,
        round(avg(length(cleaned_text)), 1) as average_length
    """).order("language, source, stars")
