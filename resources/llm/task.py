"""A cleaning task: what its file says, as typed facts, and where task files are found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from resources.errors import DataOpsError, did_you_mean
from resources.llm import spacing

RULES_ENGINE = "rules/2"
OPENAI_ENGINE = "openai/1"
RULES = ("encoding", "entities", "tags", "control", "whitespace", "unicode", "repeats", "spacing")
DEFAULT_RULES = tuple(rule for rule in RULES if rule not in ("repeats", "spacing"))
SUFFIXES = (".yaml", ".yml", ".json")
_SHORT = 80


class TaskError(DataOpsError):
    """A cleaning task's file is missing or cannot be used."""


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
class CleaningTask:
    """One cleaning task. `name` is its file's name; a `model` of "" means the rules engine.

    rows_per_request: 0 means auto. max_tokens: per row; 0 means what the texts need.
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

    def config(self) -> dict[str, str]:
        """Give what changes the result, as flat text facts: task_name and description do not."""
        facts = {
            "engine": OPENAI_ENGINE if self.model else RULES_ENGINE,
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
        return {"engine": OPENAI_ENGINE, **self._model_facts()}

    def _model_facts(self) -> dict[str, str]:
        """Give what is asked of which model, and what its answer must keep."""
        kept = self.invariants
        low, high = kept.length_ratio
        return {
            "model": self.model,
            "fallback_models": ", ".join(self.fallback_models),
            "system_message": self.system_message,
            "prompt": self.prompt,
            "temperature": f"{self.temperature:g}",
            "invariants": f"digits={kept.digits} urls={kept.urls} names={kept.names} "
            f"language={kept.language} length_ratio={low:g}..{high:g} overlap={kept.overlap:g}",
        }


def _brief(value: str) -> str:
    """Keep a short value; give a long one as its digest and length."""
    if len(value) <= _SHORT:
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:12]} ({len(value)} chars)"


def find_task(root: Path, name: str) -> Path:
    """Find a task's file: under resources/tasks/, else directly in resources/.

    `name` may be bare ('clean_reviews'), a file name, or a path below the project's folder.
    """
    home = (root / "resources").resolve()
    bases = (home / "tasks", home, root.resolve())
    for base in bases:
        tries = [base / name, *(base / f"{name}{suffix}" for suffix in SUFFIXES)]
        found = [path for path in tries if path.is_file() and path.suffix in SUFFIXES]
        inside = [path for path in found if path.resolve().is_relative_to(home)]
        if len(inside) > 1:
            raise TaskError(
                f"the cleaning task {name!r} could be {' or '.join(p.name for p in inside)}",
                "name the file with its ending, or rename one of them",
                task=name,
            )
        if inside:
            return inside[0]
    known = sorted(p.stem for base in bases[:2] for p in base.glob("*") if p.suffix in SUFFIXES)
    raise TaskError(
        f"there is no cleaning task {name!r}{did_you_mean(Path(name).stem, known)}",
        f"put it at resources/tasks/{Path(name).stem}.yaml"
        + (f", or use one of {', '.join(known)}" if known else ""),
        task=name,
    )
