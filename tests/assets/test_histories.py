"""Random histories of every kind of source: nothing lost, nothing there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from tests import mariadb, postgresql
from tests.assets.conftest import Home
from tests.assets.histories import FAULTS, KINDS, Server, histories
from tests.assets.test_faults import ROOT
from tests.assets.test_ties import Shop

CHILD = """
import os, signal, sys
from unittest.mock import patch
import assets.engine.make, assets.engine.publish
from assets.engine import materialize, open_project

fault, late = sys.argv[2], sys.argv[3] == "late"
module, _, name = fault.rpartition(".")
real = getattr(sys.modules[module], name)

def die(*args, **options):
    if late:
        real(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)

with patch(fault, die):
    materialize(open_project(sys.argv[1]), "raw.ev", run="killed", force=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "files", "web"])
def test_random_histories_lose_and_double_nothing(kind: str) -> None:
    """Some of each way to join; thousands are lived through by the script."""
    found = histories(KINDS[kind], 24, 77, share=4)
    assert (found["lost"], found["doubled"]) == (0, 0), found


@pytest.mark.slow
@pytest.mark.parametrize("server", [postgresql, mariadb])
def test_random_histories_of_servers(server: ModuleType, monkeypatch: Any) -> None:
    """Times in whole seconds, as a server keeps and compares them."""
    import sqlalchemy as sa

    with server.running() as url:
        where = url
        if server is mariadb:
            engine = sa.create_engine(url.replace("mysql://", "mysql+pymysql://"))
            with engine.begin() as connection:
                connection.execute(sa.text("CREATE DATABASE shop"))
            where = f"{url}shop"
        monkeypatch.setattr(Server, "url", where)
        monkeypatch.setenv("DATAOPS_CONNECTION_SHOP", where)
        found = histories(Server, 24, 31, share=4)
    assert (found["lost"], found["doubled"]) == (0, 0), found


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("when", ["before", "late"])
def test_a_collection_that_is_killed_loses_and_doubles_nothing(
    home: Home, fault: str, when: str
) -> None:
    """With SIGKILL, before and right after each step; the next run takes what is new, once."""
    shop = Shop(home, "DATE", "append", "")
    shop.add((1, "2024-01-01", "a"), (2, "2024-01-02", "b"))
    shop.collect()
    shop.add((3, "2024-01-02", "c"), (3, "2024-01-02", "c"))
    command = [sys.executable, "-c", CHILD, str(home.root), fault, when]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    shop.add((4, "2024-01-02", "d"))
    assert [[row[0] for row in shop.collect()] for _ in range(2)] == [list("12334")] * 2


def test_the_model_sees_a_fault() -> None:
    """With the boundary taken out, rows are there twice; read strictly, they are lost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resources.sources.onward.trail.Trail.is_known", lambda *_: False)
        assert histories(KINDS["sqlite"], 3, 77, share=3)["doubled"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resources.sources.onward.trail.Onward._need_boundary", _strict)
        assert histories(KINDS["sqlite"], 3, 77, share=3)["lost"]


def _strict(onward: Any, *_: Any) -> None:
    """Read beyond the value only, as releases before did."""
    onward.strict = True
