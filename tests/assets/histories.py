"""Random histories of a source, held against a plain model: nothing lost, nothing there twice.

A history is a source that grows, changes and loses rows, with many equal cursor values, late rows
and missing ones; it is collected now and then, and some collections die at a chosen point.
As a script: histories.py KIND COUNT SEED [URL]; KIND is sqlite, server, files or web.
"""

from __future__ import annotations

import copy
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pyarrow.parquet as pq

from assets.engine import materialize, open_project
from assets.engine.project import Project
from resources.settings import load_settings

Row = tuple[int, Any, str]
NAMES = ("id", "cur", "v")
FAULTS = (
    "assets.engine.make.stage",
    "assets.engine.make.join",
    "assets.engine.publish._final_file",
    "assets.engine.publish.keep_boundary",
    "assets.engine.publish._put",
)
MODES = ("append", "append keyed", "upsert", "upsert overlap", "upsert deleted", "upsert full")


COLUMNS = "columns: {id: int64, cur: {type: int64, optional: true}, v: string}"


class Died(KeyboardInterrupt):
    """A process that ends at a chosen point."""


class Sqlite:
    """A table in an SQLite file."""

    source, place = "shop.sqlite", "table: ev"
    modes = MODES
    settings: ClassVar[dict[str, str]] = {}

    def __init__(self, root: Path) -> None:
        """Make the file."""
        self.file = root / self.source

    def set(self, rows: list[Row]) -> None:
        """Let the table hold these rows."""
        with closing(sqlite3.connect(self.file)) as con, con:
            con.execute("CREATE TABLE IF NOT EXISTS ev (id INTEGER, cur INTEGER, v TEXT)")
            con.execute("DELETE FROM ev")
            con.executemany("INSERT INTO ev VALUES (?, ?, ?)", rows)


class Server:
    """A table of a PostgreSQL or MariaDB server."""

    source, place = "sql:shop", "table: ev"
    modes = MODES
    url = ""

    def __init__(self, root: Path) -> None:  # noqa: ARG002 - as all worlds
        """Make the table."""
        import os

        import sqlalchemy as sa

        os.environ["DATAOPS_CONNECTION_SHOP"] = self.url
        url = sa.make_url(self.url)
        driver = "postgresql+psycopg2" if url.drivername.startswith("post") else "mysql+pymysql"
        self.engine = sa.create_engine(url.set(drivername=driver))
        with self.engine.begin() as con:
            con.execute(sa.text("DROP TABLE IF EXISTS ev"))
            kind = "timestamp(0) without time zone" if "post" in driver else "datetime"
            con.execute(sa.text(f"CREATE TABLE ev (id int, cur {kind} NULL, v varchar(20))"))

    settings: ClassVar[dict[str, str]] = {}

    def set(self, rows: list[Row]) -> None:
        """Let the table hold these rows; its cursor is a time in whole seconds."""
        import sqlalchemy as sa

        with self.engine.begin() as con:
            con.execute(sa.text("DELETE FROM ev"))
            for n, cur, v in rows:
                at = None if cur is None else f"2024-01-01 00:00:{cur + 20:02}"
                con.execute(
                    sa.text("INSERT INTO ev VALUES (:n, :at, :v)"), {"n": n, "at": at, "v": v}
                )


class Web:
    """An API that gives rows at a value and after it, in no order."""

    place = 'records: items, rate: 1000, params: {after: "{since}"}'
    modes = ("append", "append keyed", "upsert", "upsert deleted", "upsert full")

    def __init__(self, root: Path) -> None:  # noqa: ARG002
        """Begin to serve."""
        from tests.web_server import WebServer

        self.server = WebServer().__enter__()
        self.rows: list[Row] = []
        self.server.on("/ev", self.answer)
        self.source = f"{self.server.url}/ev"
        self.settings: dict[str, str] = {"DATAOPS_HTTP_ALLOW": f"127.0.0.1:{self.server.port}"}

    def answer(self, request: Any) -> dict[str, Any]:
        """Give what is asked for; rows without a value always."""
        after = request.params.get("after")
        found = [r for r in self.rows if after is None or r[1] is None or r[1] >= int(after)]
        return {"items": [dict(zip(NAMES, row, strict=True)) for row in found[::-1]]}

    def set(self, rows: list[Row]) -> None:
        """Serve these rows."""
        self.rows = list(rows)


class Files:
    """A folder of CSV files, a row each: new ones, changed ones, some taken away and put back."""

    source, place = "in/*.csv", "delimiter: ','"
    modes = ("append", "append keyed", "upsert", "upsert deleted", "upsert full")
    settings: ClassVar[dict[str, str]] = {}

    def __init__(self, root: Path) -> None:
        """Make the folder."""
        self.folder = root / "in"
        self.folder.mkdir()

    def set(self, rows: list[Row]) -> None:
        """Let the folder hold these rows: the nth of equal ones is a file of its own."""
        names: Counter[Row] = Counter()
        wanted: dict[str, str] = {}
        for n, cur, v in rows:
            names[n, cur, v] += 1
            text = f"id,cur,v\n{n},{'' if cur is None else cur},{v}\n"
            name = f"{n}_{cur}_{v}_{names[n, cur, v]}.csv"
            wanted[name] = text + "\n" * (names[n, cur, v] - 1)
        for path in self.folder.iterdir():
            if path.name not in wanted:
                path.unlink()
        for name, text in wanted.items():
            if not (self.folder / name).exists():
                (self.folder / name).write_text(text)


class Case:
    """One project that collects one kind of source in one way."""

    def __init__(self, root: Path, world: Any, mode: str) -> None:
        """Declare it."""
        self.world, self.mode, self.root = world, mode, root
        (root / "resources/pipelines").mkdir(parents=True)
        keyed = mode != "append"
        whole = mode == "upsert full"
        place = world.place if not (whole and "since" in world.place) else "records: items"
        overlap = ", overlap: 3" if mode == "upsert overlap" else ""
        overlap = overlap if world.source != "sql:shop" else overlap.replace("3", "3 seconds")
        said = [
            f"source: {world.source}\nread: {{{place}{overlap}}}",
            f"mode: {mode.split(maxsplit=1)[0]}\nclean: false\noutput: false\nmax_quarantine: 1.0",
            COLUMNS if world.source != "sql:shop" else "",
            "on: [id]" if keyed else "",
            "" if whole or isinstance(world, Files) else "cursor: cur",
            "full: {missing: delete}" if whole else "",
            "deleted: \"v = 'gone'\"" if mode == "upsert deleted" else "",
        ]
        (root / "resources/pipelines/ev.yaml").write_text("\n".join(said) + "\n")
        settings = load_settings(root, {"DATAOPS_RETRY_SECONDS": "0", **world.settings})
        self.project: Project = open_project(settings=settings)

    def collect(self, *, full: bool, fault: str, late: bool) -> bool:
        """Collect; die at `fault`, before it or right after it. Tell whether it was published."""
        if not fault:
            materialize(self.project, "raw.ev", run="h", force=True, full=full)
            return True
        module, _, name = fault.rpartition(".")
        real = getattr(sys.modules[module], name)

        def die(*args: Any, **options: Any) -> Any:
            """End here."""
            if late:
                real(*args, **options)
            raise Died

        with patch(fault, die):
            try:
                materialize(self.project, "raw.ev", run="h", force=True, full=full)
            except Died:
                return late and name == "_put"
            return True

    def rows(self) -> Counter[Row]:
        """Give the published rows."""
        current = self.project.catalog.heads(["raw.ev"])["raw.ev"].current
        found: Counter[Row] = Counter()
        for file in current.files if current is not None else ():
            for row in pq.read_table(self.project.data / file.path).to_pylist():
                cur = row["cur"]
                at = cur.second - 20 if hasattr(cur, "second") else cur
                found[row["id"], at, row["v"]] += 1
        return found


class Model:
    """What must be published, told plainly."""

    def __init__(self, mode: str) -> None:
        """Begin with nothing."""
        self.mode, self.at = mode, None
        self.files = False
        self.rows: Counter[Row] = Counter()
        self.by_id: dict[int, Row] = {}
        self.read: set[str] = set()

    def collect(self, world: list[Row]) -> None:
        """Take in what a collection must take in."""
        if self.mode == "upsert full":
            self.by_id = {row[0]: row for row in world}
            return
        if self.files:
            self._take_files(world)
            return
        at: Any = self.at
        reach = 3 if self.mode == "upsert overlap" else 0
        valued = [row for row in world if row[1] is not None]
        seen = [row for row in valued if at is None or row[1] >= at - reach]
        if self.mode == "append":
            for row, count in Counter(seen).items():
                before = self.rows[row] if at is not None and row[1] == at else 0
                self.rows[row] = max(before, count) if row[1] == at else self.rows[row] + count
        elif self.mode == "append keyed":
            for row in seen:
                self.by_id.setdefault(row[0], row)
        else:
            for row in [*seen, *(row for row in world if row[1] is None)]:
                if self.mode == "upsert deleted" and row[2] == "gone":
                    self.by_id.pop(row[0], None)
                else:
                    self.by_id[row[0]] = row
        if seen:
            self.at = max([row[1] for row in seen] + ([at] if at is not None else []))

    def _take_files(self, world: list[Row]) -> None:
        """Take in what files say: each one once, in the order of their names."""
        there: Counter[Row] = Counter(world)
        named = {
            f"{r[0]}_{r[1]}_{r[2]}_{n}.csv": r for r, c in there.items() for n in range(1, c + 1)
        }
        for name in sorted(set(named) - self.read):
            row = named[name]
            if self.mode == "append":
                self.rows[row] += 1
            elif self.mode == "append keyed":
                self.by_id.setdefault(row[0], row)
            elif self.mode == "upsert deleted" and row[2] == "gone":
                self.by_id.pop(row[0], None)
            else:
                self.by_id[row[0]] = row
        self.read = (self.read if not self.mode.startswith("upsert") else set()) | set(named)

    def expected(self) -> Counter[Row]:
        """Give the rows that must be there."""
        return +self.rows if self.mode == "append" else Counter(self.by_id.values())


def change(chance: random.Random, world: list[Row], mode: str, top: int, ids: Iterator[int]) -> int:
    """Change the source in one way; give the greatest value that it ever had."""
    kind = chance.choices(
        ("tie", "further", "late", "none", "twin", "edit", "value", "delete", "mark"),
        (6, 2, 1, 1, 2, 2, 2, 2, 2),
    )[0]
    keyed = mode != "append"
    at = chance.randrange(len(world)) if world else None
    if kind == "further":
        top += chance.randrange(1, 3)
    if kind in ("tie", "further", "late", "none"):
        cur = {"late": top - chance.randrange(1, 5), "none": None}.get(kind, top)
        world.append((next(ids), cur, chance.choice("ab")))
    elif at is None:
        return top
    elif kind == "twin" and not keyed:
        world.append(world[at])
    elif kind == "delete":
        del world[at]
    elif kind == "value" and world[at][1] is None:
        world[at] = (world[at][0], top, world[at][2])
    elif kind == "edit" and mode.startswith("upsert"):
        world[at] = (world[at][0], top, chance.choice("abc"))
    elif kind == "mark" and mode == "upsert deleted":
        world[at] = (world[at][0], top, "gone")
    return top


def one_history(case: Case, chance: random.Random, collections: int = 3) -> tuple[int, int]:
    """Live through one history; give how many rows were lost, and how many were there twice."""
    model, world, top = Model(case.mode), list[Row](), chance.choice((-4, 0, 5))
    model.files = isinstance(case.world, Files)
    ids = iter(range(1, 1_000))
    world.append((next(ids), top, "a"))
    full = True
    for number in range(collections):
        for _ in range(chance.randrange(0, 6)):
            top = change(chance, world, case.mode, top, ids)
        if case.mode == "upsert full" and not world:
            world.append((next(ids), top, "a"))
        if case.mode == "upsert deleted" and all(row[2] == "gone" for row in world):
            world.append((next(ids), top, "a"))
        if full and all(row[1] is None for row in world):
            world.append((next(ids), top, "a"))
        if not any(row[2] != "gone" for row in world if not full or row[1] is not None):
            world.append((next(ids), top, "a"))
        after = copy.deepcopy(model)
        after.collect(world)
        if not after.expected():  # nothing at all is published of nothing
            world.append((next(ids), top, "a"))
        chance.shuffle(world)
        case.world.set(world)
        dies = number and chance.random() < 0.25
        fault = chance.choice(FAULTS) if dies else ""
        if case.collect(full=full, fault=fault, late=chance.random() < 0.5):
            model.collect(world)
            full = False
        expected, found = model.expected(), case.rows()
        if expected != found:
            return (expected - found).total(), (found - expected).total()
    return 0, 0


@contextmanager
def a_case(kind: type[Any], mode: str) -> Iterator[Case]:
    """Give a project of its own for some histories."""
    with tempfile.TemporaryDirectory() as folder:
        world = kind(Path(folder))
        try:
            yield Case(Path(folder), world, mode)
        finally:
            if isinstance(world, Web):
                world.server.__exit__()


def histories(kind: type[Any], count: int, seed: int, share: int = 20) -> dict[str, Any]:
    """Live through many; `share` of them, each from the beginning, in one project."""
    lost = doubled = done = 0
    failing: list[int] = []
    while done < count:
        mode = kind.modes[(done // share) % len(kind.modes)]
        with a_case(kind, mode) as case:
            for number in range(done, min(done + share, count)):
                gone, twice = one_history(case, random.Random(seed + number))
                lost, doubled = lost + gone, doubled + twice
                failing += [seed + number] if gone or twice else []
        done += share
    return {"histories": count, "lost": lost, "doubled": doubled, "failing": failing[:20]}


KINDS: dict[str, type[Any]] = {"sqlite": Sqlite, "files": Files, "server": Server, "web": Web}


def main() -> None:
    """Live through as many histories as are asked for, and print what came of them."""
    import logging

    logging.disable(logging.CRITICAL)
    kind, count, seed = KINDS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
    if len(sys.argv) > 4:
        Server.url = sys.argv[4]
    started = time.monotonic()
    found = histories(kind, count, seed)
    print(json.dumps({"kind": sys.argv[1], **found, "seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
