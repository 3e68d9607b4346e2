"""Settings: from the environment, typed, and a wrong value is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resources.errors import DataOpsError, SettingError, TransientError, did_you_mean
from resources.settings import find_root, load_settings, read_dotenv
from resources.variables import KNOWN


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


@pytest.mark.parametrize(
    "value",
    ["s3://bucket/x", "S3:/bucket", "gs://b", "abfss://c@a.dfs/x", "file:///srv/data", "C:\\data"],
)
@pytest.mark.parametrize("name", ["DATAOPS_DATA", "DATAOPS_ROOT", "DATAOPS_SOURCES_ALLOW"])
def test_an_address_is_no_folder(tmp_path: Path, name: str, value: str) -> None:
    """It would be taken for the folder `s3:` here."""
    with pytest.raises(SettingError, match=rf"{name} is .*only a folder is supported"):
        load_settings(None if name == "DATAOPS_ROOT" else tmp_path, {name: value})
    assert list(tmp_path.iterdir()) == []


def test_an_address_tells_no_password(tmp_path: Path) -> None:
    """Not even a refused one."""
    with pytest.raises(SettingError) as caught:
        load_settings(tmp_path, {"DATAOPS_DATA": "ftp://kim:secret@host/x"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DATAOPS_DATE", "DATAOPS_DATA"),
        ("DATAOPS_EVENT_URL", "DATAOPS_EVENTS_URL"),
        ("DATAOPS_CONECTION_SHOP", ""),
        ("DATAOPS_CONNECTION_", ""),
        ("DATAOPS_", ""),
    ],
)
def test_a_name_that_nobody_reads_is_refused(tmp_path: Path, name: str, meant: str) -> None:
    """It would count for nothing, without a word."""
    with pytest.raises(SettingError, match=name) as caught:
        load_settings(tmp_path, {name: "1"})
    assert not meant or f"did you mean {meant!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("DATAOPS_LLM_MODEL", "`model:` in a cleaning task"),
        ("DATAOPS_LLM_MODLE", "`model:` in a cleaning task"),
        ("DATAOPS_SCHEDULE", "`schedule` of each asset"),
    ],
)
def test_a_name_for_what_is_said_elsewhere_points_there(
    tmp_path: Path, name: str, place: str
) -> None:
    with pytest.raises(SettingError, match=re.escape(place)):
        load_settings(tmp_path, {name: "x"})


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("DATAOPS_CHUNK_ROW=5", "DATAOPS_CHUNK_ROWS"),
        ("DATA_OPS_DATA=x", "DATAOPS_DATA"),
        ("dataops_memory_mb=300", "DATAOPS_MEMORY_MB"),
    ],
)
def test_a_mistake_in_the_file_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, meant: str
) -> None:
    """And nothing of it is taken over."""
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY=x\nAIRFLOW__CORE__X=1\n{line}\n")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingError, match=rf"\.env\).*{meant}"):
        read_dotenv(tmp_path)


def test_connections_have_names_of_their_own(tmp_path: Path) -> None:
    """Whatever a connection is called."""
    load_settings(tmp_path, {"DATAOPS_CONNECTION_SHOP": "x", "OTHER_DATAOPS_X": "1"})


def test_every_known_name_is_read_somewhere() -> None:
    """A name in the list that no code reads would do nothing."""
    root = Path(__file__).parents[2]
    folders = ("assets", "catalog", "resources", "dags", "tests", "benchmarks", "docker")
    files = [file for folder in folders for file in (root / folder).rglob("*.py")]
    here = {Path(__file__), root / "resources" / "variables.py"}
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file not in here)
    assert [name for name in sorted(KNOWN) if f'"{name}"' not in text] == []


def test_the_example_and_the_code_know_the_same_names() -> None:
    """What .env.example offers is supported, and what is supported stands there."""
    text = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"^# (DATAOPS_[A-Z_]+)=", text, flags=re.MULTILINE))
    own = {"DATAOPS_COLLECTIONS", "DATAOPS_SHARED_CASES", "DATAOPS_SHARED_DATA"}
    inner = {"DATAOPS_ALERTS", "DATAOPS_AIRFLOW_HOME"}
    assert offered - {"DATAOPS_CONNECTION_ALERTS"} == KNOWN - own - inner


def test_yes_and_no_are_words(tmp_path: Path) -> None:
    """Any other is refused: `off` meant yes once."""
    assert not load_settings(tmp_path, {"DATAOPS_FORMULA_SAFE": "off"}).formula_safe
    with pytest.raises(SettingError, match="DATAOPS_FORMULA_SAFE"):
        load_settings(tmp_path, {"DATAOPS_FORMULA_SAFE": "ture"})
