"""Korean reviews of the store, as its shop system exports them (CSV, Korean headers)."""

from assets import Source, Table, asset
from assets.schemas import RawText


@asset(schema=RawText, source="resources/samples/reviews_ko.csv", chain=False)
def reviews_ko(source: Source) -> Table:
    """Collect reviews; stars and product stay with each text as metadata."""
    return source.texts(id="번호", text="리뷰", created_at="작성일시", source="채널")
