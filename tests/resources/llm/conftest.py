"""A model's server and runs against it, for all tests of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.llm_bench import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Give a bench whose waits between tries are short, and which sends nothing twice for speed.

    How many requests are sent twice because an answer is late depends on the machine.
    """
    monkeypatch.setattr("resources.llm.sender._LONGEST_WAIT", 0.05)
    monkeypatch.setattr("resources.llm.pacer._FIRST_PAUSE", 0.05)
    monkeypatch.setattr("resources.llm.sender.Sender._hedge", lambda _sender, _pack: None)
    return Bench(tmp_path)


@pytest.fixture
def restless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Give a bench that sends a second request for what is late."""
    monkeypatch.setattr("resources.llm.sender._LONGEST_WAIT", 0.05)
    monkeypatch.setattr("resources.llm.pacer._FIRST_PAUSE", 0.05)
    return Bench(tmp_path)
