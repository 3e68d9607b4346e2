"""Where the model is and how it may be used, from the environment; the key is never shown."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from resources.errors import SettingError
from resources.llm.task import NO_BUDGET, Budget


def whole(text: str) -> str:
    """Give a text that can be written: half a letter (a lone surrogate) becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose API an engine speaks: its URL, and the variable of its own key."""

    url: str
    key_name: str


OPENAI = Provider("https://api.openai.com/v1", "OPENAI_API_KEY")
ANTHROPIC = Provider("https://api.anthropic.com", "ANTHROPIC_API_KEY")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go.

    rate: requests per second. timeout: seconds until a request without an answer is given up.
    tokens_per_minute: 0 means no limit but what the server tells. patience: seconds of an outage
    until a run pauses. budget: the project's, per day. log_texts: whether calls are logged whole.
    batch_poll: seconds between the first looks at a batch; the later ones are further apart.
    """

    url: str
    key: str = field(repr=False)
    rate: float
    timeout: float
    local: bool
    tokens_per_minute: float = 0.0
    patience: float = 120.0
    budget: Budget = NO_BUDGET
    log_texts: bool = False
    provider: Provider = OPENAI
    batch_poll: float = 30.0

    @property
    def pace(self) -> str:
        """Give the name under which processes share this endpoint's limits: not the key itself."""
        digest = hashlib.sha256(f"{self.url} {self.key}".encode()).hexdigest()[:16]
        return f"{urlsplit(self.url).hostname}:{digest}"

    @property
    def shown(self) -> str:
        """Give the URL as it may be shown: without a user, password or query."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    def scrub(self, text: str) -> str:
        """Take the key and the URL's password out of a text from the outside."""
        for secret in (self.key, urlsplit(self.url).password):
            if secret and len(secret) > 3:
                text = text.replace(secret, "***")
        return whole(" ".join(text.split())[:300])


def endpoint_of(environment: Mapping[str, str], provider: Provider = OPENAI) -> Endpoint:
    """Read the DATAOPS_LLM_... variables; raises SettingError naming the one that is wrong.

    A provider's own key (OPENAI_API_KEY, ...) is only ever sent to that provider: another URL needs
    a key of its own.
    """
    url = environment.get("DATAOPS_LLM_BASE_URL", "").strip() or provider.url
    local = _check_url(url, environment.get("DATAOPS_LLM_ALLOW_HTTP", "") == "1")
    key = environment.get("DATAOPS_LLM_API_KEY", "").strip()
    names = "DATAOPS_LLM_API_KEY"
    if not key and urlsplit(url).hostname == urlsplit(provider.url).hostname:
        key = environment.get(provider.key_name, "").strip()
        names = f"DATAOPS_LLM_API_KEY (or {provider.key_name})"
    if not key and not local:
        raise SettingError(
            f"there is no key for the LLM at {urlsplit(url).hostname}",
            f"set {names} in the environment or in .env, or use `model: rules`",
            setting="DATAOPS_LLM_API_KEY",
        )
    if not key.isascii() or not key.isprintable():
        raise SettingError(
            "DATAOPS_LLM_API_KEY holds characters that no key has", "copy the key again"
        )
    return Endpoint(
        url=url,
        key=key or "none",
        rate=_number(environment, "DATAOPS_LLM_REQUESTS_PER_SECOND", 10.0, 0.01, 1_000.0),
        timeout=_number(environment, "DATAOPS_LLM_TIMEOUT_SECONDS", 60.0, 0.1, 3_600.0),
        local=local,
        tokens_per_minute=_number(environment, "DATAOPS_LLM_TOKENS_PER_MINUTE", 0.0, 0.0, 1e12),
        patience=_number(environment, "DATAOPS_LLM_OUTAGE_SECONDS", 120.0, 0.0, 86_400.0),
        budget=budget_of(environment),
        log_texts=environment.get("DATAOPS_LLM_LOG_TEXTS", "") == "1",
        provider=provider,
        batch_poll=_number(environment, "DATAOPS_LLM_BATCH_POLL_SECONDS", 30.0, 0.01, 3_600.0),
    )


def budget_of(environment: Mapping[str, str]) -> Budget:
    """Read what all cleaning together may use per day; raises SettingError."""
    return Budget(
        usd_per_day=_number(environment, "DATAOPS_LLM_USD_PER_DAY", 0.0, 0.0, 1e9),
        tokens_per_day=int(_number(environment, "DATAOPS_LLM_TOKENS_PER_DAY", 0.0, 0.0, 1e15)),
    )


def _check_url(url: str, allow_http: bool) -> bool:
    """Refuse what would send rows and key in the clear; tell whether the URL is this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise SettingError(
            "DATAOPS_LLM_BASE_URL is not a web address",
            "write it like https://host/v1",
            setting="DATAOPS_LLM_BASE_URL",
        )
    local = host == "localhost" or _is_loopback(host)
    if parts.scheme == "http" and not local and not allow_http:
        raise SettingError(
            f"DATAOPS_LLM_BASE_URL would send rows and key to {host} unencrypted",
            "use https, or set DATAOPS_LLM_ALLOW_HTTP=1 if that network is yours",
            setting="DATAOPS_LLM_BASE_URL",
        )
    return local


def _is_loopback(host: str) -> bool:
    """Tell an address of this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(
    environment: Mapping[str, str], name: str, default: float, low: float, high: float
) -> float:
    """Read a number and hold it to its range."""
    text = environment.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingError(
            f"{name} is {text!r}", f"set it to a number from {low:g} to {high:g}", setting=name
        )
    return value
