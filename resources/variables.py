"""Every variable of ours that there is: a name that nobody reads is a mistake, and is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from resources.errors import SettingError, did_you_mean

PREFIX: Final = "DATAOPS_"
OPEN: Final = "DATAOPS_CONNECTION_"
"""Names that begin so are the user's own."""
KNOWN: Final = frozenset(
    f"{PREFIX}{name}"
    for name in [
        "AIRFLOW_HOME",
        "ALERTS",
        "ASSET_DAGS",
        "BASE_URL",
        "CHUNK_ROWS",
        "COMPRESSION",
        "DATA",
        "DOCS_KEEP",
        "EVENTS_URL",
        "FORMULA_SAFE",
        "FREE_MB",
        "HTTP_ALLOW",
        "HTTP_CACHE_MB",
        "LEASE_SECONDS",
        "LLM_ALLOW_HTTP",
        "LLM_API_KEY",
        "LLM_BASE_URL",
        "LLM_BATCH_POLL_SECONDS",
        "LLM_LOG_TEXTS",
        "LLM_OUTAGE_SECONDS",
        "LLM_REQUESTS_PER_SECOND",
        "LLM_STATE_URL",
        "LLM_TIMEOUT_SECONDS",
        "LLM_TOKENS_PER_DAY",
        "LLM_TOKENS_PER_MINUTE",
        "LLM_USD_PER_DAY",
        "MAX_QUARANTINE",
        "MEMORY_MB",
        "OUTAGE_SECONDS",
        "OVERDUE_MINUTES",
        "PORT",
        "RETRY_SECONDS",
        "ROOT",
        "SOURCES_ALLOW",
        "TIMEZONE",
        "VERIFY_DAYS",
        "VERIFY_MB",
        "VERIFY_SCHEDULE",
        "COLLECTIONS",
        "SHARED_CASES",
        "SHARED_DATA",
    ]
)
"""The last three: what the tests and the benchmarks of this repository read."""
_ELSEWHERE: Final = {
    f"{PREFIX}{name}": place
    for name, place in {
        "LLM_MODEL": "`model:` in a cleaning task (resources/tasks/)",
        "LLM_TEMPERATURE": "`temperature:` in a cleaning task (resources/tasks/)",
        "LLM_MAX_TOKENS": "`max_tokens:` in a cleaning task (resources/tasks/)",
        "LLM_PROMPT": "`prompt:` in a cleaning task (resources/tasks/)",
        "LLM_PROVIDER": "DATAOPS_LLM_BASE_URL, and `engine:` in a cleaning task (resources/tasks/)",
        "SCHEDULE": "`schedule` of each asset",
        "LLM_PRICES": "resources/prices.yaml",
    }.items()
}
"""What people look for among the settings, and where it stands."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]")
_NEAR: Final = 0.88


def refuse_unknown(names: Iterable[str], where: str = "") -> None:
    """Raise SettingError for a variable that nobody reads. where: the file it stands in."""
    for name in names:
        if not name.startswith(PREFIX) or name in KNOWN:
            continue
        if name.startswith(OPEN) and name != OPEN:
            continue
        place = f" (in {where})" if where else ""
        said_by = _said_by(name)
        hint = "" if said_by else did_you_mean(name, KNOWN)
        raise SettingError(
            f"there is no setting {name}{place}{hint}",
            (
                f"take it away: that is said by {said_by}"
                if said_by
                else "take it away, or name one of those in .env.example"
            ),
            name=name,
        )


def _said_by(name: str) -> str:
    """Say what takes the place of a setting that there is none of ("" = nothing is known)."""
    near = get_close_matches(name, [*KNOWN, *_ELSEWHERE], n=1)
    return _ELSEWHERE.get(near[0], "") if near else ""


def refuse_unknown_in_file(file: Path, names: Iterable[str]) -> None:
    """Raise SettingError for a line of .env that nobody reads, however it begins.

    Other programs' variables may stand there; what is almost one of ours was meant to be one.
    """
    names = list(names)
    refuse_unknown(names, str(file))
    for name in names:
        near = get_close_matches(name.upper(), KNOWN, n=1, cutoff=_NEAR)
        if near and not name.startswith(PREFIX):
            raise SettingError(
                f"there is no setting {name} (in {file}); did you mean {near[0]!r}?",
                "write it so, or take it away",
                name=name,
            )


def folder_of(env: Mapping[str, str], name: str) -> Path | None:
    """Read a folder; None where none is set. Raises SettingError for what is no folder's path."""
    text = env.get(name, "")
    if not text.strip():
        return None
    need_folder(name, text)
    return Path(text).expanduser()


def need_folder(name: str, text: str) -> None:
    """Raise SettingError where a setting that names a folder names something else."""
    if _SCHEME.match(text.strip()):
        raise SettingError(
            f"{name} is {shown_address(text.strip())!r}, an address; only a folder is supported",
            "give the path of a folder on a disk of this machine, or one that is mounted here",
            name=name,
        )
    if any(ord(letter) < 32 for letter in text):
        raise SettingError(
            f"{name} is {text!r}, which is no folder's path", "take the control characters away"
        )


def shown_address(text: str) -> str:
    """Give an address as it may be shown: without a user's name and password."""
    return re.sub(r"//[^/@]*@", "//", text)


def yes_or_no(env: Mapping[str, str], name: str, default: bool) -> bool:
    """Read a yes or a no."""
    text = env.get(name, "").strip().lower()
    if not text:
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise SettingError(f"{name} is {env[name]!r}", "set it to 1 or 0", name=name)
