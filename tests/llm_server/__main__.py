"""The server as a process: Behaviour as JSON on the command line, its URL as JSON on stdout.

GET /stats gives what was counted, POST /reset (Behaviour as JSON) begins anew. It ends with its
standard input.
"""

from __future__ import annotations

import gc
import json
import sys

from tests.llm_server.behaviour import Behaviour
from tests.llm_server.server import LlmServer

if __name__ == "__main__":
    behaviour = Behaviour(**json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}"))
    gc.freeze()
    gc.disable()  # a pause of its own would look like the client's
    with LlmServer(behaviour) as server:
        print(json.dumps({"url": server.url}), flush=True)
        sys.stdin.read()
