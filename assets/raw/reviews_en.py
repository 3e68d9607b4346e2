"""English reviews of the store, as its API hands them out (one JSON object per line)."""

from assets import Source, Table, asset
from assets.schemas import RawText


@asset(schema=RawText, source="resources/samples/reviews_en.jsonl", chain=False)
def reviews_en(source: Source) -> Table:
    """Collect reviews; stars and item stay with each text as metadata."""
    return source.texts(id="id", text="text", created_at="posted_at", source="channel")
