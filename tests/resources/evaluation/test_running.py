"""Running a task over rows: each comes out under its own place, or is set aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from resources.errors import DataOpsError
from resources.evaluation.gold import GoldRow
from resources.evaluation.running import gold_table, run_on_gold, run_task
from resources.llm import CleaningTask
from resources.llm.outputs import Output
from resources.settings import Settings
from tests.llm_server import Behaviour, LlmServer, corrected

TEXTS = [f"{'poison ' if n % 7 == 3 else ''}teh row number {n} is here" for n in range(40)]
GOLD = [GoldRow(str(n), {"": text}, {"": (corrected(text),)}) for n, text in enumerate(TEXTS)]


def task(**facts: Any) -> CleaningTask:
    """Make a task with a model."""
    return CleaningTask(
        **{"name": "t", "prompt": "Fix: {text}", "model": "m", "rows_per_request": 8, **facts}
    )


def settings(tmp_path: Path) -> Settings:
    """Give a project's settings."""
    return Settings(root=tmp_path, data=tmp_path / "data")


def environment(server: LlmServer) -> dict[str, str]:
    """Let the engine find the server."""
    return {"DATAOPS_LLM_BASE_URL": server.url, "DATAOPS_LLM_API_KEY": "k"}


def test_rows_keep_their_place_when_others_are_left_out(tmp_path: Path) -> None:
    """Dropped, doubled and reordered answers, and poisoned rows in between."""
    faults = {"drop": 0.2, "duplicate": 0.2, "reorder": 0.3}
    with LlmServer(Behaviour(poison="poison", shares=faults)) as server:
        ran, outputs = run_on_gold(
            task(), GOLD, settings(tmp_path), environment=environment(server)
        )
    poisoned = {n for n, text in enumerate(TEXTS) if "poison" in text}
    assert set(ran.aside) == poisoned
    assert outputs == {
        n: {"": corrected(text)} for n, text in enumerate(TEXTS) if n not in poisoned
    }
    assert ran.models == ("m",)
    assert ran.requests == server.requests
    assert ran.latency is not None


def test_a_gold_set_has_the_form_that_the_task_reads(tmp_path: Path) -> None:
    """The raw five columns, or the one that it names; both come out under the gold set's."""
    assert gold_table(task(), GOLD).column_names == [
        *("id", "source", "raw_text", "created_at", "metadata")
    ]
    assert gold_table(task(columns=("review",)), GOLD).column_names == ["review"]
    for columns in ((), ("raw_text",), ("review",)):
        rules = CleaningTask(name="r", columns=columns)
        gold = [GoldRow("1", {"": "a  b"}, {"": ("a b",)})]
        ran, outputs = run_on_gold(rules, gold, settings(tmp_path))
        assert outputs == {0: {"": "a b"}}
        assert ran.models == ()
    with pytest.raises(DataOpsError, match="has no raw.title"):
        gold_table(task(columns=("title", "body")), GOLD)
    wide = [GoldRow("1", {"title": "x"}, {"title": ("x",)})]
    with pytest.raises(DataOpsError, match="has no raw.body"):
        gold_table(task(columns=("title", "body")), wide)


def test_other_columns_pass_through_and_labels_come_out(tmp_path: Path) -> None:
    """The rules know no labels; a model's are there under their own names."""
    table = pa.table({"n": [5, 6], "t": ["a  b", "c"], "u": ["x  y", None]})
    ran = run_task(CleaningTask(name="r", columns=("t",)), table, settings(tmp_path))
    assert ran.outputs[0] == {"n": "5", "t": "a b", "u": "x  y"}
    assert ran.made(0) == {"t": "a b"}
    outputs = (Output("t"), Output("stars", "integer"))
    labelled = task(columns=("t",), outputs=outputs)
    with LlmServer() as server:
        ran = run_task(labelled, table, settings(tmp_path), environment=environment(server))
    assert ran.columns == {"t": "t", "stars": "stars"}
    assert set(ran.outputs) | set(ran.aside) == {0, 1}


def test_rows_that_an_outage_left_unanswered_are_no_measure_of_quality(tmp_path: Path) -> None:
    """They count as wrong, and a warning says that the figures mean nothing yet."""
    env = {"DATAOPS_LLM_OUTAGE_SECONDS": "1"}
    with LlmServer(Behaviour(outage=(3, 10_000))) as server:
        ran, outputs = run_on_gold(
            task(), GOLD, settings(tmp_path), environment={**environment(server), **env}
        )
    assert len(outputs) + len(ran.aside) == len(GOLD)
    assert ran.aside
    assert any("run it again before believing" in warning for warning in ran.warnings)


def test_a_wrong_key_is_one_error_that_names_the_setting(tmp_path: Path) -> None:
    with LlmServer(Behaviour(key="another")) as server, pytest.raises(DataOpsError, match="KEY"):
        run_on_gold(task(), GOLD, settings(tmp_path), environment=environment(server))
