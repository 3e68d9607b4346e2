"""What the LLM measures stand on: rows, a server and cleaners, each in a process of its own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from benchmarks.llm_worker import POISON

ROOT = Path(__file__).resolve().parent.parent
WORDS = [
    "영화",
    "조아요",
    "정말",
    "teh",
    "best",
    "film",
    "배우",
    "연기",
    "최고",
    "음악",
    "good",
    "bad",
    "plot",
    "별로",
    "감동",
    "<올드보이>",
    "명작",
    "scene",
    "대사",
    "촬영",
    "ending",
    "반전",
    "twice",
    "again",
    "가족",
    "friend",
    "추천",
    "recommend",
    "지루",
    "boring",
]


def texts(count: int, *, distinct: int = 0, poison: int = 0, seed: int = 5) -> list[str]:
    """Give reviews, Korean and English mixed: `distinct` of them (0 = all) differ."""
    draw = random.Random(seed)
    kinds = distinct or count
    made = [f"{' '.join(draw.choices(WORDS, k=draw.randint(6, 16)))} {n}" for n in range(kinds)]
    made += draw.choices(made, k=count - kinds)
    for at in draw.sample(range(kinds), poison):
        made[at] = f"{POISON} {made[at]}"
    return made


@dataclass
class Stage:
    """A folder, a server that behaves as told, and rows; use it as a context manager."""

    behaviour: dict[str, Any]
    rate: float = 40.0

    def __enter__(self) -> Stage:
        """Start the server."""
        self._folder = tempfile.TemporaryDirectory(prefix="dataops-bench-")
        self.folder = Path(self._folder.name)
        how = {"rate": self.rate, "burst": max(self.rate / 10, 1), **self.behaviour}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.llm_server", json.dumps(how)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._server.stdout is not None
        self.url = json.loads(self._server.stdout.readline())["url"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and remove the folder."""
        self._server.kill()
        self._server.wait()
        self._folder.cleanup()

    def write(self, name: str, rows: list[str]) -> Path:
        """Write rows as a table to clean; `raw` keeps each as it was."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{name}.parquet"
        columns = {"id": range(len(rows)), "raw": rows, "text": rows}
        pq.write_table(pa.table(columns), path)
        return path

    def start(self, do: str, rows: Path, count: int, **more: Any) -> subprocess.Popen[str]:
        """Start a worker."""
        job = {"do": do, "name": rows.stem, "rows": str(rows), "count": count, **more}
        job |= {"url": self.url, "rate": self.rate, "folder": str(self.folder)}
        worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.llm_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        stdin: IO[str] | None = worker.stdin
        assert stdin is not None
        stdin.write(json.dumps(job))
        stdin.close()
        worker.stdin = None
        return worker

    def run(self, do: str, rows: Path, count: int, **more: Any) -> dict[str, Any]:
        """Run a worker to its end; give its figures."""
        return figures(self.start(do, rows, count, **more))

    def stats(self) -> dict[str, Any]:
        """Ask the server what it counted."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats") as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def reset(self, behaviour: dict[str, Any]) -> None:
        """Let the server behave otherwise, and count anew."""
        url = self.url.removesuffix("/v1") + "/reset"
        body = json.dumps(behaviour).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, method="POST")):
            pass

    def wait_for(self, requests: int, seconds: float = 60) -> None:
        """Wait until the server has seen so many requests."""
        until = time.monotonic() + seconds
        while self.stats()["requests"] < requests and time.monotonic() < until:
            time.sleep(0.02)


def figures(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a worker's figures."""
    said, problems = worker.communicate()
    if worker.returncode:
        raise RuntimeError(problems[-2_000:])
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found
