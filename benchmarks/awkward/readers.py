"""Readers: ours, DuckDB's, pandas' and, where it is installed, polars'; all without options."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from resources.errors import SourceError
from resources.rejects import Rejects
from resources.sources import Source

Row = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file. trouble: why it was refused. said: a word was said about it.

    broke: it was refused by an exception that is no sentence of ours.
    """

    names: Row = ()
    rows: Sequence[Row] = ()
    trouble: str = ""
    said: bool = False
    broke: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of delimited text."""

    name: str
    read: Callable[[Path], Outcome]


def delimited_readers() -> list[Reader]:
    """Give the readers there are, ours first."""
    others = [("DuckDB", "duckdb", _duckdb), ("pandas", "pandas", _pandas)]
    others.append(("polars", "polars", _polars))
    return [
        Reader("DataOps", our_outcome),
        *(Reader(name, read) for name, lib, read in others if importlib.util.find_spec(lib)),
    ]


def our_outcome(file: Path, **options: Any) -> Outcome:
    """Read a file as a collector does, with every value as text."""
    with TemporaryDirectory(prefix="dataops-bench-") as folder:
        rejects = Rejects(Path(folder) / "rejects.parquet")
        try:
            source = Source((file,), name="file", columns=(), rejects=rejects)
            table = source.read(**options)
            names = list(table.schema.names)
            rows = [list(row.values()) for batch in table.batches() for row in batch.to_pylist()]
        except SourceError as error:
            return Outcome(trouble=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours, which is what is looked for
            return Outcome(trouble=repr(error), broke=True)
        finally:
            rejects.close()
        return Outcome(names, rows, said=bool(rejects.rows or rejects.warnings))


def _duckdb(file: Path) -> Outcome:
    """Read with DuckDB's sniffer."""
    import duckdb

    try:
        with duckdb.connect() as con:
            found = con.sql(f"FROM read_csv({str(file)!r}, all_varchar=true)")
            return Outcome(list(found.columns), found.fetchall())
    except Exception as error:  # noqa: BLE001 - whatever it says, it is loud
        return Outcome(trouble=str(error))


def _pandas(file: Path) -> Outcome:
    """Read with pandas as it stands."""
    import pandas as pd

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        except Exception as error:  # noqa: BLE001 - whatever it says, it is loud
            return Outcome(trouble=str(error))
        rows = frame.astype(object).where(frame.notna(), "").values.tolist()
        return Outcome([str(n) for n in frame.columns], rows, said=bool(caught))


def _polars(file: Path) -> Outcome:
    """Read with polars as it stands."""
    pl: Any = importlib.import_module("polars")
    try:
        frame = pl.read_csv(file, infer_schema=False)
        return Outcome(frame.columns, [list(row) for row in frame.rows()])
    except Exception as error:  # noqa: BLE001 - whatever it says, it is loud
        return Outcome(trouble=str(error))
