"""What exists and how it came to be: events (the record) and the DuckDB catalog folded from them."""
