"""A killed run costs what was in flight: the row cache has the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.llm_server import Behaviour, LlmServer, corrected

RUN = """
import sys
from pathlib import Path
import pyarrow as pa
from resources.llm import CleaningTask, make_cleaner
from resources.llm.sender import Sender
from resources.rejects import Rejects
from resources.settings import Settings
folder, url = Path(sys.argv[1]), sys.argv[2]
# How many requests are sent twice because an answer is late depends on the machine.
Sender._hedge = lambda sender, pack: None
cleaner = make_cleaner(
    CleaningTask("t.yaml", prompt="p", model="m", rows_per_request=10),
    settings=Settings(root=folder, data=folder),
    rejects=Rejects(folder / "rejects.parquet"),
    environment={"DATAOPS_LLM_BASE_URL": url, "DATAOPS_LLM_REQUESTS_PER_SECOND": "100",
                 "DATAOPS_LLM_TIMEOUT_SECONDS": "60"},
)
texts = [f"조아요 영화 {at}" for at in range(1000)]
for text in cleaner.clean(pa.table({"text": texts})).to_arrow().column("text").to_pylist():
    print(text)
"""


@pytest.mark.slow
def test_runs_killed_again_and_again_lose_nothing_and_pay_only_for_what_was_in_flight(
    tmp_path: Path,
) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN, encoding="utf-8")
    root = Path(__file__).parents[3]
    allowed = 100
    with LlmServer(Behaviour(latency=0.1)) as server:
        command = [sys.executable, str(script), str(tmp_path / "data"), server.url]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        for kill_at in (10, 35, 70):
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            while server.requests < kill_at and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            allowed += server.most_at_once
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert server.requests <= allowed
    assert done.stdout.splitlines() == [corrected(f"조아요 영화 {at}") for at in range(1000)]
