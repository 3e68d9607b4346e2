"""The engine `llama`: a GGUF model on this machine, asked through llama.cpp's own server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, cast

from resources.errors import SettingError, did_you_mean
from resources.llm.endpoint import Endpoint, Provider, endpoint_of
from resources.llm.failures import Passing
from resources.llm.openai_chat import OpenAIChat
from resources.llm.task import CleaningTask
from resources.llm.transport import Ask, Reply

SLOTS: Final = 2
"""Requests that a model works on at a time: more would share the same cores."""
_TOKENS: Final = 8_192
_TIMEOUT: Final = "600"
_MAGIC: Final = b"GGUF"
_CHILD: Final = Path(__file__).with_name("llama_child.py")
_LOADING: Final = 600.0
_TOLD: Final = 20_000
_HERE: Final = Provider("http://127.0.0.1/v1", "")
_ELSEWHERE: Final = ("DATAOPS_LLM_BASE_URL", "DATAOPS_LLM_API_KEY")
_TIMEOUT_NAME: Final = "DATAOPS_LLM_TIMEOUT_SECONDS"
_ERROR: Final = re.compile(r"^[\d.]+ E \S+?:? +(.+)", re.M)


def local_endpoint(environment: Mapping[str, str]) -> Endpoint:
    """Read the settings for a model on this machine: no URL and no key; answers take their time."""
    own = {name: value for name, value in environment.items() if name not in _ELSEWHERE}
    if not own.get(_TIMEOUT_NAME, "").strip():
        own[_TIMEOUT_NAME] = _TIMEOUT
    # Only the name under which pace and experience are kept: the server has a port and a key.
    return replace(endpoint_of(own, _HERE), key="llama")


def model_file(task: CleaningTask, root: Path) -> Path:
    """Give the file that a task's model is; raises SettingError where it is none."""
    path = root / Path(task.model).expanduser()
    others = "or name another file in `model:`, relative to the project's folder or absolute"
    facts = {"task": task.name, "file": str(path)}
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        known = [each.name for each in path.parent.glob("*.gguf")]
        raise SettingError(
            f"{task.name} says `model: {task.model}`, and {path} cannot be read "
            f"({error.strerror}){did_you_mean(path.name, known)}",
            f"put the GGUF file there, {others}",
            **facts,
        ) from None
    if start != _MAGIC:
        raise SettingError(
            f"{task.name} says `model: {task.model}`, and {path} is no GGUF file",
            f"fetch it again (a pointer of Git LFS is not the file), {others}",
            **facts,
        )
    return path.resolve()


async def start_llama(task: CleaningTask, root: Path, endpoint: Endpoint) -> Llama:
    """Start a server for a task's model and wait until it answers; SettingError where it cannot."""
    path = model_file(task, root)
    server = _Server(path)
    try:
        url = await asyncio.to_thread(server.url)
    except BaseException:
        server.stop()
        raise
    if not url:
        said = server.said()
        server.stop()
        raise SettingError(
            f"{task.name} says `model: {task.model}`, and llama.cpp cannot load {path} ({said})",
            "fetch the file again, take a smaller one if memory is short, "
            "or upgrade xllamacpp if the model is newer than it",
            task=task.name,
            file=str(path),
        )
    here = replace(endpoint, url=f"{url}/v1", key=server.key)
    return Llama(here, Path(task.model).name, server)  # not what a link leads to


class Llama:
    """Asks the one model of a server that was started for it."""

    def __init__(self, endpoint: Endpoint, name: str, server: _Server) -> None:
        """Ask `server` at `endpoint`; answers bear the name of the model's file."""
        self._chat, self._name, self._server = OpenAIChat(endpoint), name, server
        self.warnings = self._chat.warnings

    @property
    def url(self) -> str:
        """Give where requests go, as it may be shown."""
        return self._chat.url

    async def send(self, ask: Ask) -> Reply:
        """Send one request; a server that ended will not come back, so nothing more is sent."""
        try:
            reply = await self._chat.send(replace(ask, model=self._name))
        except Passing:
            if not self._server.runs:
                why = f"llama.cpp's server ended ({self._server.said()}): is memory short?"
                raise Passing(why, stop=True) from None
            raise
        return replace(reply, model=self._name)

    async def close(self) -> None:
        """Close the connections, and end the server."""
        await self._chat.close()
        await asyncio.to_thread(self._server.stop)


class _Server:
    """The process that llama.cpp's server runs in."""

    def __init__(self, model: Path) -> None:
        """Start it; it loads the model meanwhile."""
        self.key = secrets.token_hex(16)
        self._told = TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, a file of ours
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            text=True,
            start_new_session=True,  # Ctrl-C is for the run, which ends this process itself
        )
        wanted = {"model": str(model), "key": self.key, "slots": SLOTS, "tokens": _TOKENS}
        with suppress(OSError):  # it ended at once: `url` tells
            stdin = cast("IO[str]", self._process.stdin)
            stdin.write(json.dumps(wanted) + "\n")
            stdin.flush()

    @property
    def runs(self) -> bool:
        """Tell whether it is there."""
        return self._process.poll() is None

    def url(self) -> str:
        """Wait until the model is loaded; give the address, "" where it ended instead."""
        limit = threading.Timer(_LOADING, self._process.kill)
        limit.daemon = True
        limit.start()
        try:
            line = cast("IO[str]", self._process.stdout).readline()
        finally:
            limit.cancel()
        if not line:
            self._process.wait()
            return ""
        return str(json.loads(line)["url"])

    def said(self) -> str:
        """Give what it said of the cause, which comes first, or how it ended."""
        size = os.fstat(self._told.fileno()).st_size
        end = os.pread(self._told.fileno(), _TOLD, max(size - _TOLD, 0))  # its place is not moved
        words = end.decode("utf-8", "replace")
        ended = self._process.poll()
        if ended is not None and ended < 0:
            return f"signal {-ended}"
        told = _ERROR.findall(words) or words.strip().splitlines()[-1:] or [f"exit status {ended}"]
        return " ".join(told[0].split())[:300]

    def stop(self) -> None:
        """End it at once: whoever waited for an answer is gone, and it keeps nothing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._told):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
