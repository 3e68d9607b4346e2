"""Korean reviews with their damage repaired."""

from assets import Cleaner, Table, asset
from assets.schemas import ProcessedText


@asset(schema=ProcessedText, upstream=["raw.reviews_ko"], task="clean_reviews")
def reviews_ko_clean(reviews_ko: Table, llm: Cleaner) -> Table:
    """Clean the texts as resources/tasks/clean_reviews.yaml says; words and <titles> stay."""
    return llm.clean(reviews_ko)
