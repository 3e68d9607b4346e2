"""Cleaning tables with a model on a real HTTP server, and holding every row to its own answer."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from resources.llm import CleaningRun, CleaningTask, UsageFacts, make_cleaner
from resources.rejects import Reject, Rejects, read_rejects
from resources.settings import Settings
from tests.llm_server import LlmServer, corrected

KEY = "sk-very-secret-key"
WORDS = "영화 조아요 정말 teh best film 배우 연기 최고 음악 good bad plot 별로 감동 <올드보이> 명작"


def reviews(count: int, seed: int = 1) -> list[str]:
    """Give distinct reviews; two of three have no number by which they could be told apart."""
    draw = random.Random(seed)
    words = WORDS.split()
    texts: dict[str, None] = {}
    while len(texts) < count:
        text = " ".join(draw.choices(words, k=draw.randint(3, 12)))
        texts[text if len(texts) % 3 else f"{text} {len(texts)}"] = None
    return list(texts)


@dataclass
class Result:
    """What came out of a cleaning."""

    rows: list[dict[str, Any]]
    rejects: list[Reject]
    usage: tuple[UsageFacts, ...]
    requests: int
    warnings: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[int, str]:
        return {row["id"]: row["text"] for row in self.rows}


class Bench:
    """Cleans tables on a server, in a data folder of its own.

    Nothing here depends on how fast the machine is: nobody loses patience before a minute.
    """

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(root=folder, data=folder / "data")
        self.runs = 0

    def clean(
        self,
        server: LlmServer,
        texts: list[str] | pa.Table,
        *,
        chunk: int = 100,
        environment: dict[str, str] | None = None,
        run: CleaningRun | None = None,
        **fields: Any,
    ) -> Result:
        """Clean texts (or a table) and collect everything."""
        self.runs += 1
        before = server.requests
        rejects = Rejects(self.settings.data / f"rejects{self.runs}.parquet")
        facts: dict[str, Any] = {"prompt": "Correct {text}", "model": "m", "rows_per_request": 20}
        task = CleaningTask("clean.yaml", **(facts | fields))
        cleaner = make_cleaner(
            task,
            settings=self.settings,
            rejects=rejects,
            environment={
                "DATAOPS_LLM_BASE_URL": server.url,
                "DATAOPS_LLM_API_KEY": KEY,
                "DATAOPS_LLM_REQUESTS_PER_SECOND": "500",
                "DATAOPS_LLM_TIMEOUT_SECONDS": "60",
                **(environment or {}),
            },
            run=run or CleaningRun(),
        )
        table = texts
        if isinstance(texts, list):
            table = pa.table({"id": range(len(texts)), "text": texts})
        batches = list(cleaner.clean(table).batches(chunk))
        rejects.close()
        cleaner.close()
        return Result(
            [row for batch in batches for row in batch.to_pylist()],
            list(read_rejects(rejects.path)) if rejects.rows else [],
            cleaner.usage,
            server.requests - before,
            tuple(cleaner.warnings),
        )


def assert_nothing_mixed_up(result: Result, texts: list[str]) -> None:
    """Hold every row to its own answer, in order; every other row to a reject."""
    ids = [row["id"] for row in result.rows]
    assert ids == sorted(ids)
    assert len(ids) + len(result.rejects) == len(texts)
    assert {i: text for i, text in result.texts.items() if text != corrected(texts[i])} == {}
