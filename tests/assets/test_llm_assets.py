"""A model behind an asset, through a real HTTP server: what is published when it fails."""

from __future__ import annotations

import pytest

from assets.engine import AttemptFailed, materialize
from assets.engine.errors import RowsToRetry
from resources.errors import DataOpsError
from tests.assets.conftest import Home
from tests.llm_server import Behaviour, LlmServer, corrected

TEXTS = [f"teh review number {n} is good" for n in range(60)]


@pytest.fixture
def paid(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a project whose reviews are cleaned by a model, with raw.r made."""
    monkeypatch.setenv("DATAOPS_LLM_API_KEY", "sk-secret-canary")
    monkeypatch.setenv("DATAOPS_LLM_OUTAGE_SECONDS", "1")
    home.write(
        "assets/raw/r.py",
        f"from assets import asset\n\n@asset(chain=False)\ndef r():\n    import pandas as pd\n    return pd.DataFrame({{'n': range(60), 't': {TEXTS!r}}})\n",
    )
    home.write(
        "resources/tasks/paid.yaml",
        "task_name: Paid\nprompt: 'Fix: {text}'\nmodel: test-model\ncolumns: [t]\nrows_per_request: 10\n",
    )
    home.write(
        "assets/processed/c.py",
        "from assets import Cleaner, Table, asset\n\n@asset(upstream=['raw.r'], task='paid')\ndef c(r: Table, llm: Cleaner) -> Table:\n    return llm.clean(r)\n",
    )
    home.make("raw.r")
    return home


def serve(monkeypatch: pytest.MonkeyPatch, server: LlmServer) -> None:
    """Let the engine find the server."""
    monkeypatch.setenv("DATAOPS_LLM_BASE_URL", server.url)


def test_every_row_is_its_own_answer_and_the_use_is_recorded(
    paid: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropped, doubled and reordered rows, 429s and 500s: 0 lost, 0 mixed up."""
    faults = {"429": 0.1, "500": 0.1, "drop": 0.2, "duplicate": 0.2, "reorder": 0.3}
    with LlmServer(Behaviour(shares=faults)) as server:
        serve(monkeypatch, server)
        made = paid.make("processed.c").materialized
    assert made is not None
    assert [row["t"] for row in paid.rows("processed.c")] == [corrected(text) for text in TEXTS]
    (use,) = [u for u in made.usage if u.model != "rules/3"]
    assert (use.rows, use.unique_rows, use.requests >= 6) == (60, 60, True)
    assert "sk-secret-canary" not in "".join(
        path.read_text(errors="replace") for path in paid.data.rglob("*.json*")
    )


def test_a_model_that_is_down_publishes_nothing_and_is_tried_again(
    paid: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A passing cause does not block: the next run makes it, and pays only for what is missing."""
    with LlmServer(Behaviour(outage=(3, 10_000))) as server:
        serve(monkeypatch, server)
        with pytest.raises((RowsToRetry, DataOpsError)) as caught:
            paid.make("processed.c")
    assert caught.value.permanent is False
    line = paid.line("processed.c")
    assert (line.state, line.action) == ("missing", "make")
    with LlmServer() as server:
        serve(monkeypatch, server)
        assert paid.make("processed.c").state == "made"
        assert server.requests <= 4
    assert len(paid.rows("processed.c")) == 60


def test_a_few_rows_that_fail_in_passing_leave_the_asset_stale(
    paid: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published without them, with a reason: rows to retry."""
    task = paid.root / "assets/processed/c.py"
    task.write_text(task.read_text().replace("task='paid'", "task='paid', max_quarantine=0.9"))
    with LlmServer(Behaviour(outage=(3, 10_000))) as server:
        serve(monkeypatch, server)
        try:
            made = paid.make("processed.c").materialized
        except DataOpsError as error:
            pytest.fail(str(error))
    assert made is not None
    assert made.rows + made.quarantined == 60
    assert made.retry_rows == made.quarantined > 0
    assert paid.reasons("processed.c") == ["rows to retry"]
    with LlmServer() as server:
        serve(monkeypatch, server)
        assert paid.make("processed.c").state == "made"
    assert paid.states()["processed.c"] == "fresh"


def test_a_wrong_key_is_one_clear_error(paid: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming the setting, never the key."""
    with LlmServer(Behaviour(key="another")) as server:
        serve(monkeypatch, server)
        with pytest.raises(DataOpsError, match="KEY") as caught:
            materialize(paid.open(), "processed.c", run="r")
        assert server.requests <= 3
    assert "canary" not in str(caught.value)
    assert caught.value.permanent
    assert not isinstance(caught.value, AttemptFailed) or "KEY" in str(caught.value)


def test_calls_and_how_each_row_was_made_are_in_the_catalog(
    paid: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LlmServer(Behaviour(script=["500"], answers_as="test-model-1")) as server:
        serve(monkeypatch, server)
        made = paid.make("processed.c").materialized
    assert made is not None
    paid.open().catalog.fold()

    def sql(query: str) -> list[tuple[object, ...]]:
        """Ask the catalog."""
        return list(paid.open().catalog.query(query).rows)

    assert sql("SELECT key, status, count(*) FROM llm_calls GROUP BY ALL ORDER BY 2") == [
        ("processed.c", 200, 6),
        ("processed.c", 500, 1),
    ]
    assert sql("SELECT model, origin, count(*) FROM provenance GROUP BY ALL") == [
        ("test-model-1", "fresh", 60)
    ]
    joined = sql(
        "SELECT count(*) FROM materializations m JOIN provenance p ON p.file = m.provenance "
        "JOIN llm_usage u ON u.key = m.key AND u.version = m.version WHERE m.key = 'processed.c'"
    )
    assert joined == [(60,)]
    logged = b"".join(path.read_bytes() for path in (paid.data / "calls").rglob("*.jsonl"))
    assert b"sk-secret-canary" not in logged
    assert TEXTS[0].encode() not in logged


def test_a_failed_attempt_s_use_is_recorded_too(
    paid: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LlmServer(Behaviour(quota=3)) as server:
        serve(monkeypatch, server)
        with pytest.raises(DataOpsError, match="quota"):
            paid.make("processed.c")
    paid.open().catalog.fold()

    def sql(query: str) -> list[tuple[object, ...]]:
        """Ask the catalog."""
        return list(paid.open().catalog.query(query).rows)

    assert sql("SELECT version, requests FROM llm_usage WHERE key = 'processed.c'") == [(None, 4)]
    assert sql("SELECT count(*) FROM llm_calls") == [(4,)]


def test_a_slow_model_is_warned_of(paid: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.engine.make.SLOW_ANSWER", 0.05)
    with LlmServer(Behaviour(latency=0.2)) as server:
        serve(monkeypatch, server)
        made = paid.make("processed.c").materialized
    assert made is not None
    assert "s an answer on average" in made.warnings[0]


def test_the_cost_is_told_before_and_close_to_what_it_was(
    paid: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assets.engine.cost import costs_of

    paid.write("resources/prices.yaml", "test-model: {prompt: 1, completion: 2}\n")
    with LlmServer() as server:
        serve(monkeypatch, server)
        (before,) = costs_of(paid.open(), ["processed.c"])
        made = paid.make("processed.c").materialized
        assert made is not None
        (use,) = [u for u in made.usage if u.requests]
        paid.write(
            "resources/tasks/paid.yaml",
            "prompt: 'Repair: {text}'\nmodel: test-model\ncolumns: [t]\nrows_per_request: 10\n",
        )
        (after,) = costs_of(paid.open(), ["processed.c"])
        again = paid.make("processed.c").materialized
        assert again is not None
        (then,) = [u for u in again.usage if u.requests]
    assert (before.rows, before.unique, before.cached, before.requests) == (60, 60, 0, 6)
    assert before.requests == use.requests
    assert before.tokens == pytest.approx(use.prompt_tokens + use.completion_tokens, rel=0.1)
    assert after.tokens == pytest.approx(then.prompt_tokens + then.completion_tokens, rel=0.05)
    assert after.money == pytest.approx(then.cost, rel=0.1)
