"""Whose key is taken from Airflow: that of a model elsewhere, where the environment has none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dataops_dags import credentials

from assets.engine import open_project
from resources.settings import load_settings

OURS = ("DATAOPS_LLM_API_KEY", "DATAOPS_LLM_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


@pytest.mark.parametrize(
    ("task", "environment", "taken"),
    [
        ("model: m\nprompt: p", {}, True),
        ("model: m\nprompt: p", {"OPENAI_API_KEY": "own"}, False),
        ("model: m\nprompt: p", {"ANTHROPIC_API_KEY": "own"}, True),
        ("model: m\nprompt: p\nengine: openai-batch", {"OPENAI_API_KEY": "own"}, False),
        ("model: m\nprompt: p\nengine: anthropic", {}, True),
        ("model: m\nprompt: p\nengine: anthropic", {"ANTHROPIC_API_KEY": "own"}, False),
        ("model: m\nprompt: p\nengine: anthropic", {"OPENAI_API_KEY": "own"}, True),
        ("model: m\nprompt: p", {"DATAOPS_LLM_API_KEY": "own"}, False),
        ("model: m.gguf\nprompt: p\nengine: llama", {}, False),
        ("model: rules", {}, False),
        ("mistake: 1", {}, False),
    ],
)
def test_airflow_s_key_is_taken_only_where_it_is_needed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    environment: dict[str, str],
    taken: bool,
) -> None:
    for folder in ("assets/processed", "resources/tasks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "resources/tasks/t.yaml").write_text(f"{task}\n")
    (tmp_path / "assets/raw").mkdir()
    (tmp_path / "assets/raw/r.py").write_text(
        "from assets import asset\n\n@asset(chain=False)\ndef r():\n    return []\n"
    )
    (tmp_path / "assets/processed/c.py").write_text(
        "from assets import Cleaner, Table, asset\n\n"
        "@asset(upstream=['raw.r'], task='t')\n"
        "def c(r: Table, llm: Cleaner) -> Table:\n    return llm.clean(r)\n"
    )
    for name in OURS:
        monkeypatch.setenv(name, environment.get(name, ""))
    monkeypatch.setattr(credentials, "_stored", lambda: ("sk-of-airflow", ""))
    credentials.provide_key(open_project(settings=load_settings(tmp_path, {})), "processed.c", None)
    assert (os.environ["DATAOPS_LLM_API_KEY"] == "sk-of-airflow") is taken
