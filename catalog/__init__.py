"""What exists and how it came to be: events (the record), and the catalog folded from them."""
