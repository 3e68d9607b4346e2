"""One cleaning in a process of its own: cleans a Parquet file, checks every row, prints figures."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from resources.llm import CleaningRun, CleaningTask, make_cleaner
from resources.llm.task import Budget
from resources.rejects import Rejects, read_rejects
from resources.settings import Settings
from resources.tables import parquet_table
from tests.llm_server import corrected

POISON = "poison"


def task_of(job: dict[str, Any]) -> CleaningTask:
    """Give the task that every measure uses."""
    return CleaningTask(
        name="bench.yaml",
        prompt="Correct the rows.\n{text}",
        model="bench-model",
        rows_per_request=20,
        columns=("text",),
        budget=Budget(**job.get("budget", {})),
    )


def environment_of(job: dict[str, Any]) -> dict[str, str]:
    """Give the engine's environment."""
    return {
        "DATAOPS_LLM_BASE_URL": job["url"],
        "DATAOPS_LLM_REQUESTS_PER_SECOND": str(job["rate"]),
        "DATAOPS_LLM_TIMEOUT_SECONDS": "60",
        **job.get("environment", {}),
    }


def settings_of(job: dict[str, Any]) -> Settings:
    """Give the project's settings: processes that share a folder share pace, cache and budget."""
    return Settings(root=Path(job["folder"]), data=Path(job["folder"], "data"))


def clean(job: dict[str, Any]) -> dict[str, Any]:
    """Clean the file's rows and check each one."""
    aside = Path(job["folder"], f"{job['name']}.rejects.parquet")
    rejects = Rejects(aside)
    cleaner = make_cleaner(
        task_of(job),
        settings=settings_of(job),
        rejects=rejects,
        environment=environment_of(job),
        run=CleaningRun(run="bench", calls=aside.with_suffix(".jsonl")),
    )
    table = parquet_table([Path(job["rows"])], job["count"])
    seen = wrong = 0
    error = ""
    began, cpu = time.monotonic(), time.process_time()
    checking = 0.0
    try:
        for batch in cleaner.clean(table).batches(10_000):
            mark = time.process_time()
            given = batch.column("raw").to_pylist()
            texts = batch.column("text").to_pylist()
            wrong += sum(corrected(r) != t for r, t in zip(given, texts, strict=True))
            seen += batch.num_rows
            checking += time.process_time() - mark
    except Exception as problem:  # noqa: BLE001 - told in the figures
        error = f"{type(problem).__name__}: {problem}"
    seconds = time.monotonic() - began
    spent = time.process_time() - cpu - checking
    cleaner.close()
    rejects.close()
    aside_rows = list(read_rejects(aside)) if rejects.rows else []
    poison = sum(POISON in row.row for row in aside_rows)
    return {
        "rows": seen,
        "wrong": wrong,
        "quarantined": rejects.rows,
        "retry": rejects.retry_rows,
        "poison": poison,
        "seconds": seconds,
        "began": time.time() - seconds,
        "cpu": spent,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "requests": sum(u.requests for u in cleaner.usage),
        "tokens": sum(u.prompt_tokens + u.completion_tokens for u in cleaner.usage),
        "cached": sum(u.cached_rows for u in cleaner.usage),
        "error": error,
    }


def plain(job: dict[str, Any]) -> dict[str, Any]:
    """Do what people write by hand: the openai client, a semaphore, its own retries."""
    import asyncio

    import openai
    import pyarrow.parquet as pq

    texts = pq.read_table(job["rows"]).column("text").to_pylist()
    packs = [texts[at : at + 20] for at in range(0, len(texts), 20)]
    answers: list[dict[str, str] | None] = [None] * len(packs)

    async def ask(client: openai.AsyncOpenAI, gate: asyncio.Semaphore, at: int) -> None:
        """Ask for one pack, trusting the answer's order."""
        rows = {str(n): text for n, text in enumerate(packs[at], 1)}
        prompt = f"Correct the rows.\n{json.dumps(rows, ensure_ascii=False)}\n"
        async with gate:
            try:
                done = await client.chat.completions.create(
                    model="bench-model", messages=[{"role": "user", "content": prompt}]
                )
                found = json.loads(done.choices[0].message.content or "")
                answers[at] = found if isinstance(found, dict) else None
            except (openai.OpenAIError, ValueError):
                answers[at] = None

    async def all_of_them() -> None:
        """Ask for everything at once, thirty at a time."""
        gate = asyncio.Semaphore(30)
        async with openai.AsyncOpenAI(api_key="none", base_url=job["url"], timeout=60) as client:
            await asyncio.gather(*(ask(client, gate, at) for at in range(len(packs))))

    began, cpu = time.monotonic(), time.process_time()
    asyncio.run(all_of_them())
    seconds = time.monotonic() - began
    lost = wrong = 0
    for pack, found in zip(packs, answers, strict=True):
        texts_back = list((found or {}).values())
        for at, text in enumerate(pack):
            if at >= len(texts_back):
                lost += 1
            else:
                wrong += texts_back[at] != corrected(text)
    return {
        "rows": len(texts) - lost,
        "lost": lost,
        "wrong": wrong,
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def estimated(job: dict[str, Any]) -> dict[str, Any]:
    """Count what cleaning the file would take."""
    from resources.llm.estimate import estimate

    table = parquet_table([Path(job["rows"])], job["count"])
    found = estimate(task_of(job), table, settings_of(job), environment=environment_of(job))
    return {
        "requests": found.requests,
        "tokens": found.prompt_tokens + found.completion_tokens,
        "seconds": found.seconds,
    }


if __name__ == "__main__":
    os.umask(0o027)
    work = json.loads(sys.stdin.read())
    print(json.dumps({"clean": clean, "plain": plain, "estimate": estimated}[work["do"]](work)))
