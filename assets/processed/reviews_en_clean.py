"""English reviews with their damage repaired."""

from assets import Cleaner, Table, asset
from assets.schemas import ProcessedText


@asset(schema=ProcessedText, upstream=["raw.reviews_en"], task="clean_reviews")
def reviews_en_clean(reviews_en: Table, llm: Cleaner) -> Table:
    """Clean the texts as resources/tasks/clean_reviews.yaml says; words and <titles> stay."""
    return llm.clean(reviews_en)
