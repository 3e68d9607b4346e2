"""A host's own exceptions are not the user's fault: Airflow's time-outs, SIGTERM, Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from assets.model.discover import discover
from tests.assets.conftest import Home

SENDS = "import os, signal\nos.kill(os.getpid(), signal.SIGUSR1)\n"
ASSET = "from assets import asset\n\n@asset(chain=False)\ndef {name}(): ...\n"


class HostTimeoutError(BaseException):
    """What a host raises when its patience is at an end."""


class OldTimeoutError(Exception):
    """What a host raises where its time-out is an ordinary exception."""


@pytest.fixture(params=[HostTimeoutError, OldTimeoutError, SystemExit, TimeoutError])
def kind(request: pytest.FixtureRequest) -> Iterator[type[BaseException]]:
    """Have a signal raise one kind of exception, wherever the program is."""

    def leave(_number: int, _frame: Any) -> None:
        """Raise it."""
        raise request.param("time is over")

    before = signal.signal(signal.SIGUSR1, leave)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    "text",
    [
        SENDS + ASSET,
        "def f():\n    import os, signal\n    os.kill(os.getpid(), signal.SIGUSR1)\nf()\n" + ASSET,
        "from assets.raw import _help\n" + ASSET,
    ],
)
def test_what_a_signal_raises_while_a_file_loads_passes_through(
    home: Home, kind: type[BaseException], text: str
) -> None:
    """It is blamed on no file, and the next load is as if nothing had been."""
    home.write("assets/raw/_help.py", SENDS)
    home.write("assets/raw/a.py", text.replace("{name}", "a"))
    with pytest.raises(kind, match="time is over"):
        discover(home.root)
    home.write("assets/raw/a.py", ASSET.replace("{name}", "a"))
    graph = discover(home.root)
    assert (set(graph.assets), graph.broken) == ({"raw.a"}, {})


def test_what_a_signal_raises_while_a_pipelines_file_loads_passes_through(
    home: Home, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In YAML, too."""
    from assets.model import pipelines

    def read(*_more: Any) -> Any:
        """Be interrupted."""
        os.kill(os.getpid(), signal.SIGUSR1)
        raise AssertionError

    home.write("resources/pipelines/a.yaml", "source: a.csv\n")
    monkeypatch.setattr(pipelines, "pipeline_of", read)
    with pytest.raises(kind, match="time is over"):
        discover(home.root)
    monkeypatch.undo()
    assert "raw.a" in discover(home.root).assets


def test_airflows_own_time_out_passes_through_however_it_comes(home: Home) -> None:
    """By its name: the model knows nothing of Airflow."""
    timeout = pytest.importorskip("airflow.sdk.exceptions").AirflowTaskTimeout
    text = "from airflow.sdk.exceptions import AirflowTaskTimeout\nraise AirflowTaskTimeout('x')\n"
    home.write("assets/raw/a.py", text)
    with pytest.raises(timeout):
        discover(home.root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys; sys.exit('leaving')", "leaving"),
        ("import argparse; argparse.ArgumentParser().parse_args(['--no'])", "SystemExit"),
        ("class Own(BaseException): pass\nraise Own('mine')", "Own: mine"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("import asyncio\nraise asyncio.CancelledError('a')", "CancelledError: a"),
        ("import pytest\npytest.skip('b', allow_module_level=True)", "Skipped: b"),
        ("raise TimeoutError('slow')", "TimeoutError: slow"),
    ],
)
def test_what_a_file_raises_by_itself_is_its_own(home: Home, text: str, said: str) -> None:
    """Whatever its kind: the others load."""
    home.write("assets/raw/bad.py", text)
    home.write("assets/raw/good.py", ASSET.replace("{name}", "good"))
    graph = discover(home.root)
    assert set(graph.assets) == {"raw.good"}
    assert said in graph.broken["raw.bad"].error
