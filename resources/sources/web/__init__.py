"""Web sources: HTTP APIs and files behind a URL, read like the other sources.

`reader.py` is the reader. It fetches with `fetching.py` (turns, retries, redirects, cache, log)
what `paging.py` says, through `wire.py`: connections to addresses that `gate.py` has checked.
"""
