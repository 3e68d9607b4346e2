"""What runs and processes share, in one database: answers, figures (pace, spending), batches.

SQLite (written ahead) by default, PostgreSQL by URL; one schema for both.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import DataOpsError, SettingError
from resources.llm.packer import Item
from resources.llm.results import Answer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_AT_ONCE = 500
_TABLES = (
    """create table if not exists llm_answers (
    key varchar(32) primary key, model varchar not null, outputs varchar not null,
    made_at varchar not null)""",
    """create table if not exists llm_figures (
    name varchar(200) primary key, value double precision not null)""",
    """create table if not exists llm_batches (
    id varchar(200) primary key, task varchar not null, items varchar not null,
    made_at varchar not null)""",
    """create table if not exists llm_notes (
    name varchar(200) primary key, value varchar not null)""",
)
_KEEP = """insert into llm_answers (key, model, outputs, made_at)
    values ({}) on conflict (key) do nothing"""
_BEGIN_FIGURE = "insert into llm_figures (name, value) values (:name, 0) on conflict do nothing"


class State:
    """The database. Answers are written with every reply: kill -9 costs what was in flight."""

    def __init__(self, place: Path | str) -> None:
        """Open or create it: a path is a SQLite file, a text a SQLAlchemy URL."""
        self._place = place
        self._encode = json.JSONEncoder(ensure_ascii=False).encode
        with self._usable():
            self._engine = _open_file(place) if isinstance(place, Path) else _open_url(place)
            self._offset = self._clock_offset()

    @property
    def shown(self) -> str:
        """Give where it is, without a password."""
        if isinstance(self._place, Path):
            return str(self._place)
        return self._engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def now(self) -> float:
        """Give the time, in seconds, that all processes of this database agree on."""
        return time.time() + self._offset

    def answers(self, items: Iterable[Item]) -> dict[bytes, Answer]:
        """Give the answers that are known."""
        from sqlalchemy import bindparam, text

        query = text("select key, model, outputs from llm_answers where key in :keys").bindparams(
            bindparam("keys", expanding=True)
        )
        keys = [item.key.hex() for item in items]
        known: dict[bytes, Answer] = {}
        with self._reading() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                found = connection.execute(query, {"keys": keys[start : start + _AT_ONCE]})
                for key, model, outputs in found:
                    known[bytes.fromhex(key)] = Answer(tuple(json.loads(outputs)), model)
        return known

    def keep(self, answers: Iterable[tuple[Item, Answer]]) -> None:
        """Keep answers; they outlive this process from here on."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        encode = self._encode
        rows = [
            (item.key.hex(), answer.model, encode(answer.outputs), now) for item, answer in answers
        ]
        if rows:
            # Past the compiler: this is done for every reply.
            sign = "?" if self._engine.dialect.paramstyle == "qmark" else "%s"
            with self._writing() as connection:
                connection.exec_driver_sql(_KEEP.format(", ".join([sign] * 4)), rows)

    def figure(self, name: str) -> float:
        """Give a figure; 0 where it was never set."""
        from sqlalchemy import text

        query = text("select value from llm_figures where name = :name")
        with self._reading() as connection:
            found = connection.execute(query, {"name": name}).scalar()
        return float(found or 0.0)

    def set_figure(self, name: str, value: float) -> None:
        """Set a figure."""
        from sqlalchemy import text

        query = """insert into llm_figures (name, value) values (:name, :value)
            on conflict (name) do update set value = excluded.value"""
        with self._writing() as connection:
            connection.execute(text(query), {"name": name, "value": value})

    def note(self, name: str) -> str:
        """Give a note; "" where it was never written."""
        from sqlalchemy import text

        query = text("select value from llm_notes where name = :name")
        with self._reading() as connection:
            return str(connection.execute(query, {"name": name}).scalar() or "")

    def set_note(self, name: str, value: str) -> None:
        """Write a note."""
        from sqlalchemy import text

        query = """insert into llm_notes (name, value) values (:name, :value)
            on conflict (name) do update set value = excluded.value"""
        with self._writing() as connection:
            connection.execute(text(query), {"name": name, "value": value})

    def lease_time(self, name: str, earliest: float, seconds: float, extra: float) -> float:
        """Give when a stretch of time of one's own begins: nobody else is given any of it.

        extra: what an earlier stretch ran over, which this one and all others must wait for.
        """
        from sqlalchemy import text

        query = text("""update llm_figures set value =
            (case when value > :earliest then value else :earliest end) + :seconds
            where name = :name returning value""")
        values = {"name": name, "earliest": earliest, "seconds": seconds + extra}
        with self._writing() as connection:
            end = connection.execute(query, values).scalar()
            if end is None:
                connection.execute(text(_BEGIN_FIGURE), {"name": name})
                end = connection.execute(query, values).scalar()
        return float(end or earliest) - seconds

    def raise_figure(self, name: str, value: float) -> None:
        """Set a figure unless it is higher already."""
        from sqlalchemy import text

        query = """update llm_figures set value = :value where name = :name and value < :value"""
        with self._writing() as connection:
            connection.execute(text(_BEGIN_FIGURE), {"name": name})
            connection.execute(text(query), {"name": name, "value": value})

    def add(self, amounts: Mapping[str, float], limits: Mapping[str, float]) -> str:
        """Add amounts to figures, all or none; give the name of the first that a limit refuses."""
        from sqlalchemy import text

        query = "update llm_figures set value = value + :more where name = :name"
        with self._writing() as connection:
            for name, more in sorted(amounts.items()):
                values: dict[str, Any] = {"name": name, "more": more}
                connection.execute(text(_BEGIN_FIGURE), {"name": name})
                limit = ""
                if name in limits and more > 0:
                    limit, values["most"] = " and value + :more <= :most", limits[name]
                if not connection.execute(text(query + limit), values).rowcount:
                    connection.rollback()
                    return name
        return ""

    def batches(self, task: str) -> dict[str, list[list[str]]]:
        """Give the batches of a task that are under way: each one's requests, as kept."""
        from sqlalchemy import text

        query = text("select id, items from llm_batches where task = :task order by made_at")
        with self._reading() as connection:
            return {
                name: json.loads(items) for name, items in connection.execute(query, {"task": task})
            }

    def keep_batch(self, id: str, task: str, requests: list[list[str]]) -> None:  # noqa: A002
        """Remember a batch that is being started: for each of its requests, what it asks."""
        from sqlalchemy import text

        query = """insert into llm_batches (id, task, items, made_at)
            values (:id, :task, :items, :made_at) on conflict (id) do nothing"""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        values = {"id": id, "task": task, "items": json.dumps(requests), "made_at": now}
        with self._writing() as connection:
            connection.execute(text(query), values)

    def end_batch(self, id: str) -> None:  # noqa: A002
        """Forget a batch whose answers are kept, or that failed."""
        from sqlalchemy import text

        with self._writing() as connection:
            connection.execute(text("delete from llm_batches where id = :id"), {"id": id})

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Open a connection that only reads, and so waits for nobody."""
        with self._usable(), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction that ends with the block."""
        with self._usable(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn a database error into a sentence; the answers themselves stay out of it."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            cause = getattr(error, "orig", None) or error
            if isinstance(self._place, Path):
                raise DataOpsError(
                    f"the LLM row cache {self._place} cannot be used ({cause})",
                    "free disk space or correct its permissions; if it is damaged, delete it: "
                    "it holds only what can be asked again",
                    file=str(self._place),
                ) from None
            raise DataOpsError(
                f"the LLM row cache in the database cannot be used ({_plain(cause)})",
                "check DATAOPS_LLM_STATE_URL and the database",
                setting="DATAOPS_LLM_STATE_URL",
            ) from None

    def _clock_offset(self) -> float:
        """Give how far the database's clock is ahead, where several machines share it."""
        if self._engine.dialect.name == "sqlite":
            return 0.0
        from sqlalchemy import text

        with self._engine.connect() as connection:
            query = "select extract(epoch from clock_timestamp())"
            return float(connection.execute(text(query)).scalar() or 0) - time.time()


def _plain(cause: object) -> str:
    """Give the first line of a driver's message: the ones after it may quote a statement."""
    return (str(cause).strip().splitlines() or ["no reason given"])[0][:200]


def _open_file(path: Path) -> Engine:
    """Open the SQLite file: readable by its owner and group, several processes at a time."""
    from sqlalchemy import URL, create_engine, event

    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o640))
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        """Write ahead, so that readers and one writer do not wait for each other."""
        connection.isolation_level = None
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=normal")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        """Take the lock with the first word: two who upgrade a reader's lock refuse each other."""
        if not connection.get_execution_options().get("reading"):
            connection.exec_driver_sql("begin immediate")

    _create(engine)
    return engine


def _open_url(url: str) -> Engine:
    """Open a database by its SQLAlchemy URL."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise SettingError(
            "DATAOPS_LLM_STATE_URL is not a database URL",
            "write it like postgresql+psycopg2://user@host/database",
            setting="DATAOPS_LLM_STATE_URL",
        ) from None
    _create(engine)
    return engine


def _create(engine: Engine) -> None:
    """Create the tables; several processes may try at once."""
    from sqlalchemy import text
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    for table in _TABLES:
        try:
            with engine.begin() as connection:
                connection.execute(text(table))
        except (IntegrityError, ProgrammingError):  # PostgreSQL: another one was faster
            with engine.begin() as connection:
                connection.execute(text(table))
