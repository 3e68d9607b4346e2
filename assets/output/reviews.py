"""The reviews as CSV, for everybody who works in a spreadsheet."""

from assets import Table, asset


@asset(upstream=["processed.reviews"])
def reviews(reviews: Table) -> Table:
    """Hand over all cleaned reviews."""
    return reviews
