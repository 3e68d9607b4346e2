"""A cleaning task: what its file says, as typed facts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

from resources.llm import spacing
from resources.llm.masking import KINDS as MASKS
from resources.llm.outputs import Output

RULES_ENGINE = "rules/3"
ENGINES = {
    "openai": "openai/2",
    "openai-batch": "openai/2",
    "anthropic": "anthropic/1",
    "llama": "llama/1",
}
"""What a task's `engine:` may be, and its version. A batch asks the same model the same thing."""
CACHE_POLICIES = ("always", "version")
RULES = ("encoding", "entities", "tags", "control", "whitespace", "unicode", "repeats", "spacing")
DEFAULT_RULES = tuple(rule for rule in RULES if rule not in ("repeats", "spacing"))
_SHORT = 80


@dataclass(frozen=True, slots=True)
class Invariants:
    """What a model's answer must keep of a text; an answer that breaks one is never used.

    digits: all digits, in order. urls: every URL. names: every `<name>`. language: its script.
    length_ratio: length of the answer over the length of the text, lowest and highest.
    overlap: share of the answer's letter pairs that occur in the text (0 = anything goes: neither
    are passages missed that are left out or added).
    """

    digits: bool = True
    urls: bool = True
    names: bool = True
    language: bool = True
    length_ratio: tuple[float, float] = (0.5, 2.0)
    overlap: float = 0.25


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be used, in USD and tokens; 0 means no limit. A day is a UTC day."""

    usd_per_day: float = 0.0
    usd_per_run: float = 0.0
    tokens_per_day: int = 0
    tokens_per_run: int = 0


NO_BUDGET = Budget()


Option = float | int | str | tuple[str, ...]
OPTIONS = ("top_p", "seed", "stop", "reasoning_effort")
"""What a task may say to its model beside the temperature; each is sent only where it is said."""


class Example(NamedTuple):
    """A row and its right answer, as the model is shown them (JSON values)."""

    raw: object
    cleaned: object


@dataclass(frozen=True, slots=True)
class CleaningTask:
    """One cleaning task. `name` is its file's name; a `model` of "" means the rules engine.

    rows_per_request: 0 means auto. max_tokens: per row; 0 means what the texts need.
    options: further parameters that its model is asked with, by name (OPTIONS).
    mask: the kinds of personal data that never leave the machine. cache: `always` uses an answer
    for every later version, `version` until the version it was asked for is published.
    """

    name: str
    task_name: str = ""
    description: str = ""
    system_message: str = ""
    prompt: str = ""
    model: str = ""
    temperature: float = 0.0
    max_tokens: int = 0
    columns: tuple[str, ...] = ()
    rows_per_request: int = 0
    fallback_models: tuple[str, ...] = ()
    invariants: Invariants = Invariants()
    rules: tuple[str, ...] = DEFAULT_RULES
    engine: str = "openai"
    outputs: tuple[Output, ...] = ()
    mask: tuple[str, ...] = MASKS
    budget: Budget = NO_BUDGET
    cache: str = "always"
    examples: tuple[Example, ...] = ()
    options: tuple[tuple[str, Option], ...] = ()

    @property
    def engine_version(self) -> str:
        """Give the engine that answers, with its version."""
        return ENGINES[self.engine] if self.model else RULES_ENGINE

    @property
    def paid(self) -> bool:
        """Tell whether a model elsewhere answers, which may cost money."""
        return bool(self.model) and self.engine != "llama"

    def config(self) -> dict[str, str]:
        """Give what changes the result, as flat text facts: task_name and description do not."""
        facts = {
            "engine": self.engine_version,
            "rules": f"{RULES_ENGINE}: {', '.join(self.rules) or 'none'}",
        }
        if "spacing" in self.rules:
            facts["spacing"] = spacing.versions()
        if self.columns:
            facts["columns"] = ", ".join(self.columns)
        if self.model:
            facts |= self._model_facts()
            facts["max_tokens"] = str(self.max_tokens or "auto")
            facts["rows_per_request"] = str(self.rows_per_request or "auto")
        return {name: _brief(value) for name, value in facts.items()}

    def answer_facts(self) -> dict[str, str]:
        """Give what a model's answer to one text depends on: not packing, not token limits."""
        return {"engine": self.engine_version, **self._model_facts()}

    def config_version(self) -> str:
        """Give the digest of the config, as provenance names it."""
        facts = json.dumps(self.config(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(facts.encode()).hexdigest()[:12]

    def _model_facts(self) -> dict[str, str]:
        """Give what is asked of which model, and what its answer must keep."""
        kept = self.invariants
        low, high = kept.length_ratio
        facts = {
            "model": self.model,
            "fallback_models": ", ".join(self.fallback_models),
            "system_message": self.system_message,
            "prompt": self.prompt,
            "temperature": f"{self.temperature:g}",
            "invariants": f"digits={kept.digits} urls={kept.urls} names={kept.names} "
            f"language={kept.language} length_ratio={low:g}..{high:g} overlap={kept.overlap:g}",
            "mask": ", ".join(self.mask) or "none",
        }
        facts |= {name: str(value) for name, value in self.options}
        if self.outputs:
            facts["outputs"] = "; ".join(output.fact() for output in self.outputs)
        if self.examples:
            facts["examples"] = json.dumps(self.examples, ensure_ascii=False)
        return facts


def _brief(value: str) -> str:
    """Keep a short value; give a long one as its digest and length."""
    if len(value) <= _SHORT:
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:12]} ({len(value)} chars)"
