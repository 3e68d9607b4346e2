"""The row cache: every accepted answer, by the row's content, so that nothing is paid twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import DataOpsError
from resources.llm.packer import Item
from resources.llm.results import Answer

if TYPE_CHECKING:
    from sqlalchemy import Engine

_AT_ONCE = 500
_TABLE = """create table if not exists llm_rows (
    key varchar(32) primary key, model varchar not null, texts varchar not null,
    made_at varchar not null)"""
_READ = "select key, model, texts from llm_rows where key in :keys"
_WRITE = """insert into llm_rows (key, model, texts, made_at)
    values (:key, :model, :texts, :made_at) on conflict (key) do nothing"""


class RowCache:
    """Answers in one SQLite file. Written with every reply: kill -9 costs what was in flight."""

    def __init__(self, path: Path) -> None:
        """Open or create the cache at `path`."""
        self.path = path
        with self._usable():
            self._engine = _open(path)

    def lookup(self, items: Iterable[Item]) -> dict[bytes, Answer]:
        """Give the answers that are known."""
        from sqlalchemy import bindparam, text

        query = text(_READ).bindparams(bindparam("keys", expanding=True))
        keys = [item.key.hex() for item in items]
        known: dict[bytes, Answer] = {}
        with self._usable(), self._engine.connect() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                for row in connection.execute(query, {"keys": keys[start : start + _AT_ONCE]}):
                    known[bytes.fromhex(row.key)] = Answer(tuple(json.loads(row.texts)), row.model)
        return known

    def keep(self, answers: Iterable[tuple[Item, Answer]]) -> None:
        """Keep answers; they outlive this process from here on."""
        from sqlalchemy import text

        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = [
            {
                "key": item.key.hex(),
                "model": answer.model,
                "texts": json.dumps(answer.texts, ensure_ascii=False),
                "made_at": now,
            }
            for item, answer in answers
        ]
        if rows:
            with self._usable(), self._engine.begin() as connection:
                connection.execute(text(_WRITE), rows)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn a database error into a sentence; the answers themselves stay out of it."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            raise DataOpsError(
                f"the LLM row cache {self.path} cannot be used ({cause})",
                "free disk space or correct its permissions; if it is damaged, delete it: "
                "it holds only what can be asked again",
                file=str(self.path),
            ) from None


def _open(path: Path) -> Engine:
    """Open the SQLite file: readable by its owner and group, several processes at a time."""
    from sqlalchemy import URL, create_engine, event, text

    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        """Write ahead, so that readers and one writer do not wait for each other."""
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")

    with engine.begin() as connection:
        connection.execute(text(_TABLE))
    return engine
