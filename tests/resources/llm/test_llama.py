"""A model on this machine: llama.cpp's server, started for the run and gone after it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pyarrow as pa
import pytest

from resources.errors import SettingError
from resources.llm import CleaningTask, TaskError, UsageFacts, load_task, make_cleaner
from resources.llm.estimate import estimate
from resources.llm.layout import stream_of
from resources.llm.llama import _Server, local_endpoint
from resources.llm.outputs import Output
from resources.llm.prices import FILE
from resources.llm.task import Budget
from resources.rejects import Reject, Rejects, read_rejects
from resources.settings import Settings
from tests.tiny_gguf import write_model

TEXTS = [f"teh film {at} is good" for at in range(30)]
MOOD = (Output("mood", "label", values=("good", "bad")),)
NAME = "models/tiny.gguf"
ELSEWHERE = {"DATAOPS_LLM_BASE_URL": "https://far.example/v1", "DATAOPS_LLM_API_KEY": "sk-secret"}

needs_llama = pytest.mark.skipif(
    find_spec("xllamacpp") is None, reason="needs the extra `local-llm` (xllamacpp)"
)


@dataclass
class Result:
    """What came out of a cleaning."""

    rows: list[dict[str, Any]]
    rejects: list[Reject]
    usage: tuple[UsageFacts, ...]


def clean(folder: Path, texts: list[str] = TEXTS, **fields: Any) -> Result:
    """Clean texts with a model on this machine, in a project in `folder`."""
    facts: dict[str, Any] = {"prompt": "Correct {text}", "model": NAME, "rows_per_request": 5}
    rejects = Rejects(folder / "data" / "rejects.parquet")
    cleaner = make_cleaner(
        CleaningTask("local.yaml", engine="llama", **(facts | fields)),
        settings=Settings(root=folder, data=folder / "data"),
        rejects=rejects,
        environment={**ELSEWHERE, "DATAOPS_LLM_REQUESTS_PER_SECOND": "500"},
    )
    table = pa.table({"id": range(len(texts)), "text": texts})
    rows = [row for batch in cleaner.clean(table).batches(1_000) for row in batch.to_pylist()]
    rejects.close()
    cleaner.close()
    aside = list(read_rejects(rejects.path)) if rejects.rows else []
    return Result(rows, aside, cleaner.usage)


def servers() -> list[int]:
    """Give the servers of llama.cpp that this process has started and not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            words = status.read_text()
            command = status.with_name("cmdline").read_text()
        except OSError:
            continue
        if f"\nPPid:\t{os.getpid()}\n" in words and "llama_child.py" in command:
            found.append(int(status.parent.name))
    return found


@pytest.fixture(scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the model once."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def project(tmp_path: Path, _model: Path) -> Path:
    """Give a project with the model in it."""
    (tmp_path / "models").mkdir()
    (tmp_path / "blob").write_bytes(_model.read_bytes())
    (tmp_path / NAME).symlink_to(tmp_path / "blob")  # as download tools keep them
    return tmp_path


@needs_llama
def test_answers_are_held_to_their_schema_and_bear_the_file_s_name(project: Path) -> None:
    result = clean(project, outputs=MOOD)
    assert [row["id"] for row in result.rows] == list(range(30))
    assert {row["mood"] for row in result.rows} <= {"good", "bad"}
    assert result.rejects == []
    (use,) = result.usage
    assert (use.engine, use.model, use.rows, use.cost) == ("llama/1", "tiny.gguf", 30, 0.0)
    assert use.requests == 6
    assert use.prompt_tokens > 0 < use.completion_tokens
    assert servers() == []


@needs_llama
def test_a_rerun_asks_nothing(project: Path) -> None:
    first = clean(project, outputs=MOOD)
    again = clean(project, outputs=MOOD)
    assert again.rows == first.rows
    assert sum(use.requests for use in again.usage) == 0


@needs_llama
def test_rows_that_the_model_spoils_keep_what_the_rules_made(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.llm.asker._USELESS", 10_000)
    result = clean(project, TEXTS[:6], fallback_models=("rules",))
    assert [row["text"] for row in result.rows] == TEXTS[:6]
    assert {use.model for use in result.usage if use.rows} == {"rules/3"}


@needs_llama
def test_without_the_rules_they_are_set_aside(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.llm.asker._USELESS", 10_000)
    result = clean(project, TEXTS[:6])
    assert result.rows == []
    assert len(result.rejects) == 6
    assert not any(reject.retry for reject in result.rejects)


@needs_llama
def test_what_is_too_long_for_the_model_is_asked_in_parts(project: Path) -> None:
    """A letter is a token of this model, which takes 4,096."""
    texts = [f"{text} {'so ' * 300}" for text in TEXTS[:20]]
    result = clean(project, texts, outputs=MOOD, rows_per_request=20)
    assert len(result.rows) == 20
    assert result.usage[0].failed_requests > 0


@needs_llama
def test_a_budget_in_dollars_is_no_hindrance(project: Path) -> None:
    assert clean(project, outputs=MOOD, budget=Budget(usd_per_day=0.01)).rejects == []


@needs_llama
def test_a_file_that_cannot_be_loaded_is_told(project: Path) -> None:
    path = project / NAME
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(
        SettingError, match=r"local\.yaml.*tiny\.gguf.*Fetch the file again"
    ) as told:
        clean(project)
    assert "data is not within" in str(told.value)
    assert servers() == []


@needs_llama
def test_a_server_that_ends_pauses_the_run_and_the_rows_wait(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from resources.llm.llama import Llama

    send = Llama.send

    async def fatal(self: Llama, ask: Any) -> Any:
        reply = await send(self, ask)
        self._server._process.kill()
        return reply

    monkeypatch.setattr(Llama, "send", fatal)
    result = clean(project, outputs=MOOD)
    assert len(result.rows) + len(result.rejects) == 30
    assert result.rejects
    assert all(reject.retry and "server ended" in reject.reason for reject in result.rejects)


RUN = """
import sys
from pathlib import Path
from resources.llm.llama import _Server
server = _Server(Path(sys.argv[1]))
assert server.url()
print(server._process.pid, flush=True)
sys.stdin.read()
"""


@needs_llama
def test_only_the_run_may_ask_its_server(project: Path) -> None:
    server = _Server(project / NAME)
    try:
        url = server.url()
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"{url}/v1/chat/completions", data=b"{}")
    finally:
        server.stop()


@needs_llama
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc, which Linux has")
def test_a_server_does_not_outlive_a_run_that_is_killed(project: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(project / NAME)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdin is not None
    server = Path("/proc") / run.stdout.readline().strip()
    assert (server / "cmdline").read_text()
    run.kill()
    run.wait()
    run.stdin.close()
    run.stdout.close()
    until = time.monotonic() + 10
    while (server / "cmdline").exists() and (server / "cmdline").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, r"No such file.*did you mean 'tiny\.gguf'"), (b"version https://git-lfs", "no GGUF")],
)
def test_a_missing_or_wrong_file_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str
) -> None:
    monkeypatch.setattr("resources.llm.connect.find_spec", lambda _: True)
    write_model(tmp_path / NAME)
    if content is not None:
        (tmp_path / "models/tinny.gguf").write_bytes(content)
    with pytest.raises(SettingError, match=rf"local\.yaml says.*{said}") as told:
        clean(tmp_path, model="models/tinny.gguf")
    assert told.value.facts["task"] == "local.yaml"
    assert "`model:`" in told.value.fix


def test_its_cost_is_known_without_library_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.llm.connect.find_spec", lambda _: None)
    prices = tmp_path / FILE
    prices.parent.mkdir(parents=True)
    prices.write_text("models/tiny: {prompt: 1.0, completion: 2.0}\n", encoding="utf-8")
    task = CleaningTask("t.yaml", prompt="p", model="models/tiny-q4.gguf", engine="llama")
    found = estimate(
        task,
        stream_of(pa.table({"text": TEXTS})),
        Settings(root=tmp_path, data=tmp_path / "data"),
        environment={},
    )
    assert (found.rows, found.requests, found.cost) == (30, 2, 0.0)
    assert found.seconds >= 3


def test_another_model_to_fall_back_on_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("prompt: p\nmodel: a.gguf\nengine: llama\nfallback_models: [b.gguf, rules]\n")
    with pytest.raises(TaskError, match=r"fallback_models.*one model in memory.*\[rules\]"):
        load_task(path)
    path.write_text("prompt: p\nmodel: a.gguf\nengine: llama\nfallback_models: [rules]\n")
    assert not load_task(path).paid


def test_neither_url_nor_key_of_another_server_is_used() -> None:
    here = local_endpoint({**ELSEWHERE, "DATAOPS_LLM_REQUESTS_PER_SECOND": "2"})
    assert (here.shown, here.key, here.rate) == ("http://127.0.0.1/v1", "llama", 2.0)
    assert here.timeout == 600
    assert local_endpoint({"DATAOPS_LLM_TIMEOUT_SECONDS": "5"}).timeout == 5
