"""The test LLM server with a Batch API: files, batches and their answers, with faults by script."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.llm_server import Behaviour, LlmServer
from tests.llm_server.server import Dropped, Response


@dataclass
class Plan:
    """What becomes of batches.

    faults: of the first batches, in order ("" = none): missing, torn, duplicates, backwards,
    expired, nothing, errors (500 for each third line), cancelled, lost, or a code with which the
    whole batch fails. looks: how often a batch is looked at until it has ended; None: never ends.
    stumbles: what else goes wrong once, by path: a status, or `reset` after the work is done.
    """

    faults: list[str] = field(default_factory=list)
    looks: int | None = 2
    stumbles: dict[str, list[str]] = field(default_factory=dict)
    most_requests: int = 0


class BatchServer(LlmServer):
    """The server; batches are answered by the same transformation as single requests."""

    def __init__(self, plan: Plan | None = None, behaviour: Behaviour | None = None) -> None:
        """Start with a plan."""
        super().__init__(behaviour)
        self.plan = plan or Plan()
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: list[list[dict[str, Any]]] = []
        self._looked: dict[str, int] = {}

    async def _respond(self, line: str, headers: dict[str, str], body: bytes) -> Response:
        """Answer what is about files and batches; the rest as always."""
        method, path, _ = line.split(" ")
        parts = path.partition("?")[0].removeprefix("/v1/").split("/")
        if parts[0] not in ("files", "batches"):
            return await super()._respond(line, headers, body)
        stumbles = self.plan.stumbles.get(f"{method} {parts[0]}", [])
        stumble = stumbles.pop(0) if stumbles else ""
        if stumble.isdigit():
            return int(stumble), {}, {"error": {"message": "stumbled"}}
        said = self._files(method, parts, headers, body)
        if said is None:
            said = await self._batches(method, parts, headers, body)
        if stumble == "reset":
            raise Dropped
        return said

    def _files(
        self, method: str, parts: list[str], headers: dict[str, str], body: bytes
    ) -> Response | None:
        """Take a file, or give one."""
        if parts[0] != "files":
            return None
        if method == "POST":
            border = headers["content-type"].partition("boundary=")[2].encode()
            fields = [part.partition(b"\r\n\r\n") for part in body.split(b"--" + border)]
            content = next(value for head, _, value in fields if b"filename=" in head)
            name = f"file-{len(self.files)}"
            self.files[name] = content.removesuffix(b"\r\n")
            return 200, {}, {"id": name, "object": "file", "bytes": len(content)}
        if parts[1] not in self.files:
            return 404, {}, {"error": {"message": "no such file"}}
        return 200, {"x-raw": "1"}, self.files[parts[1]].decode()

    async def _batches(
        self, method: str, parts: list[str], headers: dict[str, str], body: bytes
    ) -> Response:
        """Begin a batch, list them, or tell how one stands."""
        if method == "POST":
            return 200, {}, await self._begin_batch(headers, json.loads(body))
        if len(parts) == 1:
            newest = list(reversed(self.batches.values()))
            return 200, {}, {"object": "list", "data": newest, "has_more": False}
        batch = self.batches.get(parts[1])
        if batch is None or batch["fault"] == "lost":
            return 404, {}, {"error": {"message": "no such batch"}}
        self._looked[parts[1]] = self._looked.get(parts[1], 0) + 1
        if self.plan.looks is None or self._looked[parts[1]] <= self.plan.looks:
            return 200, {}, {**batch, "status": "in_progress", "output_file_id": None}
        return 200, {}, batch

    async def _begin_batch(self, headers: dict[str, str], asked: dict[str, Any]) -> dict[str, Any]:
        """Begin a batch; what it will bring is decided now."""
        number = len(self.batches)
        fault = self.plan.faults[number] if number < len(self.plan.faults) else ""
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        assert asked["endpoint"] == "/v1/chat/completions"
        assert len({line["body"]["model"] for line in lines}) == 1
        self.asked.append(lines)
        if self.plan.most_requests and len(lines) > self.plan.most_requests:
            fault = "token_limit_exceeded"
        batch: dict[str, Any] = {
            "id": f"batch-{number}",
            "object": "batch",
            "status": "completed",
            "metadata": asked["metadata"],
            "fault": fault,
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
        }
        self.batches[batch["id"]] = batch
        if fault.count("_") and fault not in ("", "lost"):
            problem = {"code": fault, "message": "cannot be done", "line": None, "param": None}
            batch |= {"status": "failed", "errors": {"object": "list", "data": [problem]}}
            return {**batch, "status": "validating", "errors": None}
        if fault in ("expired", "cancelled"):
            batch["status"] = fault
        good, bad = await self._answers(headers, lines, fault)
        for name, answers in (("output_file_id", good), ("error_file_id", bad)):
            if answers:
                batch[name] = f"file-{len(self.files)}"
                text = "\n".join(json.dumps(one, ensure_ascii=False) for one in answers)
                self.files[batch[name]] = text.encode()
        return {**batch, "status": "validating"}

    async def _answers(
        self, headers: dict[str, str], lines: list[dict[str, Any]], fault: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Answer every line, then spoil what came of it."""
        good: deque[dict[str, Any]] = deque()
        bad = []
        for number, line in enumerate(lines):
            if fault == "nothing" or (fault == "missing" and number % 3 == 0):
                continue
            if fault in ("expired", "cancelled") and number % 2:
                why = {"code": f"batch_{fault}", "message": "it took too long"}
                bad.append({"custom_id": line["custom_id"], "response": None, "error": why})
                continue
            status, _, said = await self._chat(number + 1, headers, line["body"])
            if fault == "errors" and number % 3 == 0:
                status, said = 500, {"error": {"message": "broken"}}
            response = {"status_code": status, "request_id": "r", "body": said}
            answer = {"custom_id": line["custom_id"], "response": response, "error": None}
            (good if status == 200 else bad).append(answer)
        if fault == "backwards":
            good.reverse()
        if fault == "duplicates":
            good.extendleft(list(good)[::2])
        if fault == "torn":
            names = [one["custom_id"] for one in good]
            swapped = [
                {**one, "custom_id": name} for one, name in zip(good, names[1:], strict=False)
            ]
            good.extendleft(swapped)
        return list(good), bad
