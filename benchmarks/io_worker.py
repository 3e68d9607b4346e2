"""One piece of input or output in a process of its own: by the product, pandas or plain DuckDB."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.llm_stage import WORDS

HEADER = "id,shop,text,written_at,rating\n"
_PIECE = 10_000
_ASSET = '''"""Rows to measure with."""

from assets import Source, Table, asset


@asset(source={source!r}, chain=False)
def big(source: Source) -> Table:
    """Read them as they are."""
    return source.read()
'''


def rows(start: int, stop: int, pool: list[str]) -> str:
    """Give CSV rows, numbered; `pool` holds texts as a CSV writes them."""
    return "".join(
        f"{n},shop{n % 7},{pool[n * 7919 % len(pool)]},"
        f"2026-0{n % 9 + 1}-1{n % 10} 09:{n % 60:02d}:{n % 59:02d},{n % 50 / 10}\n"
        for n in range(start, stop)
    )


def texts(count: int = 5_000) -> list[str]:
    """Give reviews as a CSV writes them: commas, quotation marks and line breaks in some."""
    draw = random.Random(5)
    made = []
    for n in range(count):
        text = " ".join(draw.choices(WORDS, k=draw.randint(8, 40)))
        text = text.replace(" ", ", ", 2) if n % 3 == 0 else text
        text = text.replace(" ", "\n", 1) if n % 10 == 0 else text
        text = text.replace("best", '"best"') if n % 15 == 0 else text
        quoted = '"' + text.replace('"', '""') + '"'
        made.append(quoted if set(text) & set(',"\n') else text)
    return made


def generate(job: dict[str, Any]) -> int:
    """Write a CSV of so many rows, or so many bytes."""
    pool, done = texts(), 0
    with Path(job["csv"]).open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        while done < job["rows"] or file.tell() < job["bytes"]:
            stop = done + _PIECE if job["bytes"] else min(done + _PIECE, job["rows"])
            file.write(rows(done, stop, pool))
            done = stop
    return done


def csv_product(job: dict[str, Any]) -> int:
    """CSV -> Parquet by a whole materialization: read twice, staged, hashed, checked, published."""
    from assets.engine import materialize, open_project

    root = Path(job["folder"], "project")
    (root / "assets/raw").mkdir(parents=True, exist_ok=True)
    (root / "resources").mkdir(exist_ok=True)
    (root / "assets/raw/big.py").write_text(_ASSET.format(source=job["csv"]), encoding="utf-8")
    os.environ["DATAOPS_SOURCES_ALLOW"] = str(Path(job["csv"]).resolve().parent)
    project = open_project(root)
    made = materialize(project, "raw.big", run="bench", force=True).materialized
    assert made is not None
    (project.data / made.files[0].path).replace(job["parquet"])
    return made.rows


def csv_pandas(job: dict[str, Any]) -> int:
    """CSV -> Parquet in chunks, as one would by hand."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    done, writer = 0, None
    for frame in pd.read_csv(job["csv"], chunksize=100_000, parse_dates=["written_at"]):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(job["aside"], table.schema)
        writer.write_table(table)
        done += len(frame)
    assert writer is not None
    writer.close()
    return done


def csv_duckdb(job: dict[str, Any]) -> int:
    """CSV -> Parquet by one COPY."""
    return _duckdb(f"COPY (FROM read_csv('{job['csv']}')) TO '{job['aside']}' (FORMAT parquet)")


def read_product(job: dict[str, Any]) -> int:
    """Stream a version's rows, as functions are handed them."""
    return sum(batch.num_rows for batch in _table(job).batches())


def read_pandas(job: dict[str, Any]) -> int:
    """Read all into one DataFrame."""
    import pandas as pd

    return len(pd.read_parquet(job["parquet"]))


def read_duckdb(job: dict[str, Any]) -> int:
    """Read all into one Arrow table."""
    import duckdb

    with duckdb.connect() as con:
        table: Any = con.execute(f"FROM '{job['parquet']}'").to_arrow_table()
    return int(table.num_rows)


def write_product(job: dict[str, Any]) -> int:
    """Stage rows as an attempt does: hashed as written, read back."""
    from assets.engine.stage import stage
    from resources.rejects import Rejects

    made = stage(
        _table(job),
        Path(job["aside"]),
        key="raw.big",
        columns=None,
        rejects=Rejects(Path(job["folder"], "rejects.parquet")),
        chunk_rows=10_000,
        compression="snappy",
    )
    return made.rows


def write_pandas(job: dict[str, Any]) -> int:
    """Write one DataFrame (reading it first counts too)."""
    import pandas as pd

    frame = pd.read_parquet(job["parquet"])
    frame.to_parquet(job["aside"])
    return len(frame)


def write_duckdb(job: dict[str, Any]) -> int:
    """Write Parquet by one COPY."""
    return _duckdb(f"COPY (FROM '{job['parquet']}') TO '{job['aside']}' (FORMAT parquet)")


def export_product(job: dict[str, Any]) -> int:
    """Write the CSV for people: with BOM, formulas neutralised, hashed and read back."""
    from resources.export import write_csv

    write_csv(_table(job), Path(job["aside"]))
    return _rows(job)


def export_pandas(job: dict[str, Any]) -> int:
    """Write CSV from one DataFrame."""
    import pandas as pd

    frame = pd.read_parquet(job["parquet"])
    frame.to_csv(job["aside"], index=False, encoding="utf-8-sig")
    return len(frame)


def export_duckdb(job: dict[str, Any]) -> int:
    """Write CSV by one COPY."""
    return _duckdb(f"COPY (FROM '{job['parquet']}') TO '{job['aside']}' (FORMAT csv, HEADER)")


def _duckdb(query: str) -> int:
    """Run a COPY on a connection of its own; give the rows."""
    import duckdb

    with duckdb.connect() as con:
        found = con.execute(query).fetchall()
    return int(found[0][0])


def _table(job: dict[str, Any]) -> Any:
    """Give the Parquet file as a table."""
    from resources.tables import parquet_table

    return parquet_table([Path(job["parquet"])])


def _rows(job: dict[str, Any]) -> int:
    """Count the rows of the Parquet file."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(job["parquet"]).num_rows)


JOBS: dict[str, Callable[[dict[str, Any]], int]] = {
    job.__name__: job
    for job in (
        generate,
        csv_product,
        csv_pandas,
        csv_duckdb,
        read_product,
        read_pandas,
        read_duckdb,
        write_product,
        write_pandas,
        write_duckdb,
        export_product,
        export_pandas,
        export_duckdb,
    )
}


def peak() -> float:
    """Give this process's peak memory in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    """Do one job; print rows, seconds, CPU seconds and peak memory as JSON."""
    job = json.loads(sys.argv[1])
    started, cpu = time.monotonic(), time.process_time()
    done = JOBS[job["what"]](job)
    figures = {"rows": done, "seconds": time.monotonic() - started}
    print(json.dumps({**figures, "cpu": time.process_time() - cpu, "peak_mb": peak()}))


if __name__ == "__main__":
    main()
