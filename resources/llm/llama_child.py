"""llama.cpp's server in a process of its own: started by resources.llm.llama, ends with it.

In the process that cleans, llama.cpp would take over Ctrl-C and SIGTERM, and a model that does not
fit into memory would take the run along. What is wanted comes as a line of JSON on stdin; the
address goes out as a line of JSON on stdout. The end of stdin is the end of the server, so that it
outlives nobody: not even a parent that is killed.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def params_of(wanted: dict[str, Any]) -> Any:
    """Give llama.cpp's parameters: this machine only, nothing kept, nothing told but errors."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = wanted["model"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # any that is free
    params.api_keys = [wanted["key"]]
    params.n_parallel = wanted["slots"]
    params.n_ctx = wanted["slots"] * wanted["tokens"]
    params.cache_ram_mib = 0
    params.enable_reasoning = 0
    params.offline = True
    params.ui = False
    params.verbosity = 1
    return params


def main() -> None:
    """Serve until stdin ends."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    wanted = json.loads(sys.stdin.readline())
    import xllamacpp

    try:
        server = xllamacpp.Server(params_of(wanted))
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the parent reads it
        os._exit(1)
    answer.write(json.dumps({"url": server.listening_address}) + "\n")
    answer.flush()
    sys.stdin.read()
    os._exit(0)  # at once: requests under way have nobody who waits for them


if __name__ == "__main__":
    main()
