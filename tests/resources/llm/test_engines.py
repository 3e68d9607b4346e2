"""Choosing an engine: what is told where its library or its model is missing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from resources.errors import SettingError
from resources.llm import CleaningTask, make_cleaner
from resources.rejects import Rejects
from resources.settings import Settings


def test_an_engine_whose_library_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.llm.connect.find_spec", lambda _: None)
    for engine, extra in {"anthropic": "anthropic", "llama": "local-llm"}.items():
        with pytest.raises(SettingError, match=rf"pip install -e '\.\[{extra}\]'"):
            make_cleaner(
                CleaningTask("t.yaml", prompt="p", model="m", engine=engine),
                settings=Settings(root=tmp_path, data=tmp_path),
                rejects=Rejects(tmp_path / "rejects.parquet"),
                environment={"DATAOPS_LLM_API_KEY": "key"},
            )


def test_the_optional_libraries_are_declared_as_extras() -> None:
    project = Path(__file__).parents[3] / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert any(line.startswith("anthropic") for line in extras["anthropic"])
    assert any(line.startswith("xllamacpp") for line in extras["local-llm"])
