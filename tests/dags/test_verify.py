"""The DAG `verify`, as Airflow reads it and as it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.structure import DAGS, HEAVY

pytestmark = pytest.mark.xdist_group("dag structure")
LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
import airflow.sdk
before = set(sys.modules)
import dataops_verify
dag = dataops_verify.dag
heavy = [name for name in sys.argv[2].split(",") if name in sys.modules and name not in before]
facts = {"id": dag.dag_id, "schedule": dag.schedule, "catchup": dag.catchup, "heavy": heavy}
facts["tasks"] = [task.task_id for task in dag.tasks]
print(json.dumps(facts))
"""
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import dataops_verify
dataops_verify.verify_part()
"""


def _python(tmp_path: Path, code: str, *words: str, **more: str) -> Any:
    """Run code as Airflow's processes do."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(DAGS.parent),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        **more,
    }
    command = [sys.executable, "-c", code, str(DAGS), *words]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(("said", "schedule"), [("", "@daily"), ("0 3 * * *",) * 2, ("off", None)])
def test_it_runs_daily_by_default_and_imports_nothing_heavy(
    tmp_path: Path, said: str, schedule: str | None
) -> None:
    done = _python(tmp_path, LOOK, ",".join(HEAVY), DATAOPS_VERIFY_SCHEDULE=said)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts == {
        "id": "verify",
        "schedule": schedule,
        "catchup": False,
        "heavy": [],
        "tasks": ["verify"],
    }


def test_it_fails_where_something_is_damaged(tmp_path: Path) -> None:
    from assets.engine import materialize, open_project
    from resources.settings import load_settings

    for folder in ("assets/raw", "resources/tasks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "assets/raw/a.py").write_text(
        "from assets import asset\n\n@asset(chain=False)\ndef a():\n    import pandas as pd\n"
        "    return pd.DataFrame({'x': [1, 2]})\n"
    )
    made = materialize(open_project(settings=load_settings(tmp_path, {})), "raw.a", run="r")
    assert made.materialized is not None
    here = {"DATAOPS_ROOT": str(tmp_path), "DATAOPS_DATA": str(tmp_path / "data")}
    done = _python(tmp_path, RUN, **here)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "data" / made.materialized.files[0].path
    path.write_bytes(path.read_bytes()[:-1])
    done = _python(tmp_path, RUN, DATAOPS_VERIFY_DAYS="1", **here)
    assert done.returncode == 1
    assert "1 findings" in done.stderr
    assert made.materialized.files[0].path in done.stdout
