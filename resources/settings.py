"""Settings: read once from the environment, typed, with a clear error for a wrong value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from resources.errors import SettingError
from resources.variables import (
    folder_of,
    need_folder,
    refuse_unknown,
    refuse_unknown_in_file,
    yes_or_no,
)
from resources.zones import DEFAULT_ZONE, ZONES, problem_of_zone

COMPRESSIONS = ("snappy", "zstd", "none")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the project is and how it makes data. Every field has a `DATAOPS_...` variable.

    root: the project folder, with assets/ and resources/ in it (DATAOPS_ROOT).
    data: where all data lives (DATAOPS_DATA; default root/data).
    compression: Parquet codec (DATAOPS_COMPRESSION: snappy, zstd or none).
    chunk_rows: rows handled at a time (DATAOPS_CHUNK_ROWS).
    max_quarantine: share of rows in quarantine above which nothing is published (0..1).
    memory_mb: memory DuckDB may use in one process, in MB (DATAOPS_MEMORY_MB).
    retry_seconds: pause before the first retry of a collection; it doubles (DATAOPS_RETRY_SECONDS).
    lease_seconds: silence after which another attempt takes a lease over.
    events_url: SQLAlchemy URL of the event store; empty = files under data/events.
    llm_state_url: SQLAlchemy URL of what LLM cleaning remembers and shares (answers, pace, budget);
    empty = data/cache/llm.sqlite (DATAOPS_LLM_STATE_URL).
    http_allow: hosts and networks beyond the open internet that sources may read, and hosts that
    may be read without https (DATAOPS_HTTP_ALLOW). http_cache_mb: answers kept for the next time.
    docs_keep: versions and blocked attempts of an asset that Data Docs show (DATAOPS_DOCS_KEEP).
    formula_safe: neutralise cells that Excel would run as formulas, in CSV.
    base_url: where people open Airflow, for links in alerts (DATAOPS_BASE_URL).
    timezone: whose clock schedules are read by, where an asset names none (DATAOPS_TIMEZONE).
    sources_allow: folders outside the project that sources may lie in (DATAOPS_SOURCES_ALLOW).
    asset_dags: assets up to which each has a DAG of its own in Airflow (DATAOPS_ASSET_DAGS).
    overdue_minutes: how late a raw asset may be until people are told (DATAOPS_OVERDUE_MINUTES).
    verify_days: within so many days the daily verification reads every byte (DATAOPS_VERIFY_DAYS);
    verify_mb: the most it reads in a run, in MB; 0 = as much as it takes (DATAOPS_VERIFY_MB).
    free_mb: free space of the data folder's disk, in MB, below which people are told; 0 = never
    (DATAOPS_FREE_MB).
    outage_seconds: how long a database that holds the events may be away until what waits for it
    gives up (DATAOPS_OUTAGE_SECONDS).
    """

    root: Path
    data: Path
    compression: str = "snappy"
    chunk_rows: int = 10_000
    max_quarantine: float = 0.01
    memory_mb: int = 400
    retry_seconds: float = 2.0
    lease_seconds: float = 30.0
    events_url: str = ""
    llm_state_url: str = ""
    http_allow: str = ""
    http_cache_mb: int = 1_000
    docs_keep: int = 20
    formula_safe: bool = True
    base_url: str = "http://localhost:8080"
    overdue_minutes: float = 15.0
    timezone: str = DEFAULT_ZONE
    asset_dags: int = 1_000
    sources_allow: tuple[Path, ...] = ()
    verify_days: float = 30.0
    verify_mb: int = 0
    free_mb: int = 500
    outage_seconds: float = 3_600.0


def find_root(start: Path) -> Path:
    """Give the nearest folder at or above `start` that holds assets/ and resources/."""
    for folder in (start, *start.parents):
        if (folder / "assets").is_dir() and (folder / "resources").is_dir():
            return folder
    return Path(__file__).resolve().parent.parent


def read_dotenv(root: Path | None = None) -> None:
    """Take from the project's .env what the environment does not say."""
    from dotenv import dotenv_values, load_dotenv

    base = root or folder_of(os.environ, "DATAOPS_ROOT") or find_root(Path.cwd())
    file = base / ".env"
    if file.is_file():
        refuse_unknown_in_file(file, dotenv_values(file))
        load_dotenv(file, override=False)


def load_settings(
    root: Path | str | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings; `root` wins over DATAOPS_ROOT, which wins over the current folder.

    Raises SettingError for a value that cannot be used, naming the variable.
    """
    env = os.environ if environment is None else environment
    refuse_unknown(env)
    if root is not None:
        need_folder("--root", str(root))
    given = Path(root) if root else folder_of(env, "DATAOPS_ROOT")
    base = (given or find_root(Path.cwd())).expanduser().resolve()
    data = folder_of(env, "DATAOPS_DATA") or base / "data"
    compression = env.get("DATAOPS_COMPRESSION", "snappy").lower()
    if compression not in COMPRESSIONS:
        raise SettingError(
            f"DATAOPS_COMPRESSION is {compression!r}", f"set it to one of {', '.join(COMPRESSIONS)}"
        )
    return Settings(
        root=base,
        data=data if data.is_absolute() else base / data,
        compression=compression,
        chunk_rows=int(_number(env, "DATAOPS_CHUNK_ROWS", 10_000, 1, 1_000_000)),
        max_quarantine=_number(env, "DATAOPS_MAX_QUARANTINE", 0.01, 0, 1),
        memory_mb=int(_number(env, "DATAOPS_MEMORY_MB", 400, 64, 1_000_000)),
        retry_seconds=_number(env, "DATAOPS_RETRY_SECONDS", 2, 0, 3_600),
        lease_seconds=_number(env, "DATAOPS_LEASE_SECONDS", 30, 0.2, 86_400),
        events_url=env.get("DATAOPS_EVENTS_URL", ""),
        llm_state_url=env.get("DATAOPS_LLM_STATE_URL", ""),
        http_allow=env.get("DATAOPS_HTTP_ALLOW", ""),
        http_cache_mb=int(_number(env, "DATAOPS_HTTP_CACHE_MB", 1_000, 0, 1_000_000)),
        docs_keep=int(_number(env, "DATAOPS_DOCS_KEEP", 20, 1, 10_000)),
        formula_safe=yes_or_no(env, "DATAOPS_FORMULA_SAFE", True),
        base_url=_base_url(env),
        overdue_minutes=_number(env, "DATAOPS_OVERDUE_MINUTES", 15, 0, 100_000),
        timezone=_timezone(env),
        asset_dags=int(_number(env, "DATAOPS_ASSET_DAGS", 1_000, 0, 100_000)),
        sources_allow=_folders(env, "DATAOPS_SOURCES_ALLOW"),
        verify_days=_number(env, "DATAOPS_VERIFY_DAYS", 30, 1, 3_650),
        verify_mb=int(_number(env, "DATAOPS_VERIFY_MB", 0, 0, 1_000_000_000)),
        free_mb=int(_number(env, "DATAOPS_FREE_MB", 500, 0, 1_000_000_000)),
        outage_seconds=_number(env, "DATAOPS_OUTAGE_SECONDS", 3_600, 0, 86_400),
    )


def _timezone(env: Mapping[str, str]) -> str:
    """Read the project's time zone."""
    name = env.get("DATAOPS_TIMEZONE") or DEFAULT_ZONE
    problem = problem_of_zone(name)
    if problem:
        raise SettingError(f"DATAOPS_TIMEZONE is {name!r}, which {problem}", ZONES)
    return name


def _folders(env: Mapping[str, str], name: str) -> tuple[Path, ...]:
    """Read a list of folders, parted by colons as in PATH; each is a whole path."""
    if env.get(name):
        need_folder(name, env[name])
    given = [Path(one).expanduser() for one in env.get(name, "").split(os.pathsep) if one.strip()]
    for one in given:
        if not one.is_absolute():
            raise SettingError(
                f"{name} names {str(one)!r}, which is no whole path", "begin it with /"
            )
    return tuple(one.resolve() for one in given)


def _base_url(env: Mapping[str, str]) -> str:
    """Give where people open Airflow: as set, or on this machine."""
    here = f"http://localhost:{env.get('DATAOPS_PORT') or 8080}"
    return env.get("DATAOPS_BASE_URL") or here


def _number(env: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    """Read a number from the environment and hold it to its range."""
    text = env.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingError(f"{name} is {text!r}", f"set it to a number from {low} to {high}")
    return value
