"""Settings: from the environment, typed, and a wrong value is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.errors import DataOpsError, SettingError, TransientError, did_you_mean
from resources.settings import find_root, load_settings, read_dotenv


def test_everything_has_a_default(tmp_path: Path) -> None:
    """Nothing needs to be set."""
    settings = load_settings(tmp_path, {})
    assert (settings.root, settings.data) == (tmp_path.resolve(), tmp_path.resolve() / "data")
    assert (settings.compression, settings.chunk_rows, settings.max_quarantine) == (
        "snappy",
        10_000,
        0.01,
    )


def test_the_environment_decides(tmp_path: Path) -> None:
    """Paths may be relative to the project."""
    environment = {
        "DATAOPS_ROOT": str(tmp_path),
        "DATAOPS_DATA": "elsewhere",
        "DATAOPS_COMPRESSION": "ZSTD",
        "DATAOPS_FORMULA_SAFE": "0",
    }
    settings = load_settings(None, environment)
    assert settings.data == tmp_path.resolve() / "elsewhere"
    assert (settings.compression, settings.formula_safe) == ("zstd", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATAOPS_COMPRESSION", "lzma"),
        ("DATAOPS_CHUNK_ROWS", "0"),
        ("DATAOPS_MAX_QUARANTINE", "1.5"),
        ("DATAOPS_LEASE_SECONDS", "soon"),
        ("DATAOPS_MEMORY_MB", "nan"),
    ],
)
def test_a_wrong_value_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    """And what it may be."""
    with pytest.raises(SettingError, match=name):
        load_settings(tmp_path, {name: value})


def test_the_root_is_the_nearest_project_above(tmp_path: Path) -> None:
    """A project is where assets/ and resources/ are."""
    (tmp_path / "assets/raw").mkdir(parents=True)
    (tmp_path / "resources").mkdir()
    assert find_root(tmp_path / "assets" / "raw") == tmp_path


def test_errors_carry_their_facts_across_processes() -> None:
    """Pickled and unpickled, they say the same."""
    import pickle

    error = TransientError("the disk sleeps", "wake it", asset="raw.a")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.facts, again.permanent) == (
        "the disk sleeps. Wake it.",
        {"asset": "raw.a"},
        False,
    )
    assert str(DataOpsError("did you mean 'x'?", "try it")) == "did you mean 'x'? Try it."
    assert did_you_mean("zzz", ["raw.a"]) == ""


def test_the_project_s_env_file_says_what_the_environment_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text('DATAOPS_CHUNK_ROWS=7\nDATAOPS_MEMORY_MB="99"\n')
    monkeypatch.setenv("DATAOPS_MEMORY_MB", "100")
    monkeypatch.setenv("DATAOPS_CHUNK_ROWS", "to be taken back")  # monkeypatch restores it
    monkeypatch.delenv("DATAOPS_CHUNK_ROWS")
    read_dotenv(tmp_path)
    settings = load_settings(tmp_path)
    assert (settings.chunk_rows, settings.memory_mb) == (7, 100)
