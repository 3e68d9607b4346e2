"""A real HTTP server on loopback that speaks chat completions and can be told to misbehave.

Its answers follow one fixed transformation of the texts (`corrected`), so that every row of a
result can be checked. Faults are drawn by a seeded generator, request by request, or scripted.
`python -m tests.llm_server` runs it as a process of its own.
"""

from tests.llm_server.answers import corrected, extracted, labelled
from tests.llm_server.behaviour import FAULT_MIX, HTTP_FAULTS, ROW_FAULTS, TEXT_FAULTS, Behaviour
from tests.llm_server.server import LlmServer

__all__ = [
    "FAULT_MIX",
    "HTTP_FAULTS",
    "ROW_FAULTS",
    "TEXT_FAULTS",
    "Behaviour",
    "LlmServer",
    "corrected",
    "extracted",
    "labelled",
]
