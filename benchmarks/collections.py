"""Read public collections of awkward files, and print how they came out: right, loud or silent.

Nothing is downloaded: name a folder that holds some of Pollock, csv-spectrum, JSONTestSuite,
parquet-testing and calamine, as their repositories are.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.awkward import (
    LOUD,
    SILENT,
    Outcome,
    Reader,
    delimited_readers,
    judge,
    our_outcome,
)
from benchmarks.awkward.truth import clean_table, json_table, loaded, parquet_rows, spectrum_table

Scores = dict[str, Counter[str]]


def main() -> None:
    """Print a table for each collection that is there; end with 1 where ours was ever silent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the collections, one folder each")
    parser.add_argument("--show", metavar="WORD", help="name the files with this outcome of ours")
    asked = parser.parse_args()
    silent, found = 0, False
    for name, score in COLLECTIONS:
        if not (asked.folder / name.partition(":")[0]).is_dir():
            continue
        found = True
        files: list[tuple[str, str]] = []
        scores = score(asked.folder / name.partition(":")[0], files)
        _print(name.replace(":", ", "), scores)
        if asked.show:
            print("".join(f"  {file}\n" for file, what in files if asked.show in what))
        silent += scores["DataOps"][SILENT + ": other rows"] + scores["DataOps"]["traceback"]
    if not found:
        parser.error(f"{asked.folder} holds none of {', '.join(n for n, _ in COLLECTIONS)}")
    sys.exit(1 if silent else 0)


def _print(name: str, scores: Scores) -> None:
    """Print one collection: a line for each reader."""
    kinds = sorted({kind for counts in scores.values() for kind in counts}, key=_ORDER.index)
    print(f"\n{name}\n{'':10}" + "".join(f"{kind:>24}" for kind in kinds))
    for reader, counts in scores.items():
        print(f"{reader:10}" + "".join(f"{counts[kind]:>24,}" for kind in kinds))


_ORDER = (
    "right",
    "right, other names",
    LOUD,
    SILENT + ": other values",
    SILENT + ": other rows",
    "traceback",
)


def _tables(
    pairs: Iterable[tuple[Path, Path]],
    truth: Callable[[Path], Outcome],
    files: list[tuple[str, str]],
) -> Scores:
    """Score every reader of delimited text over files and what they hold."""
    readers = delimited_readers()
    scores: Scores = {reader.name: Counter() for reader in readers}
    for file, right in pairs:
        wanted = truth(right)
        for reader in readers:
            what = _one(reader, file, wanted)
            scores[reader.name][what] += 1
            if reader is readers[0]:
                files.append((file.name, what))
    return scores


def _one(reader: Reader, file: Path, wanted: Outcome) -> str:
    """Judge one file read by one reader."""
    return judge(reader.read(file), wanted)


def _pollock(kind: str) -> Callable[[Path, list[tuple[str, str]]], Scores]:
    """Score one part of Pollock."""

    def score(folder: Path, files: list[tuple[str, str]]) -> Scores:
        """Compare with the part's clean versions."""
        part = folder / kind
        found = sorted((part / "csv").iterdir())
        return _tables(((f, part / "clean" / f.name) for f in found), clean_table, files)

    return score


def _spectrum(folder: Path, files: list[tuple[str, str]]) -> Scores:
    """Score csv-spectrum: its JSON files say what its CSV files hold."""
    found = sorted((folder / "csvs").glob("*.csv"))
    return _tables(
        ((f, folder / "json" / f.with_suffix(".json").name) for f in found), spectrum_table, files
    )


def _json(folder: Path, files: list[tuple[str, str]]) -> Scores:
    """Score JSONTestSuite: what is no JSON must never be read without a word."""
    counts: Counter[str] = Counter()
    for file in sorted((folder / "test_parsing").glob("*.json")):
        read = our_outcome(file, format="json")
        if read.trouble or read.said:
            what = "traceback" if read.broke else LOUD
        else:
            what = judge(loaded(read), loaded(json_table(file)))
        counts[what] += 1
        files.append((file.name, what))
    return {"DataOps": counts}


def _parquet(folder: Path, files: list[tuple[str, str]]) -> Scores:
    """Score parquet-testing: as many rows as the file says it has, or a word."""
    counts: Counter[str] = Counter()
    for file in sorted([*folder.glob("data/**/*.parquet"), *folder.glob("bad_data/*.parquet")]):
        read = our_outcome(file, format="parquet")
        rows = parquet_rows(file)
        what = "right" if len(read.rows) == rows else SILENT + ": other rows"
        if read.trouble or read.said:
            what = "traceback" if read.broke else LOUD
        counts[what] += 1
        files.append((file.name, what))
    return {"DataOps": counts}


def _workbooks(folder: Path, files: list[tuple[str, str]]) -> Scores:
    """Score calamine's workbooks: read, or refused with a sentence; nothing says what is right."""
    counts: Counter[str] = Counter()
    for file in sorted((folder / "tests").rglob("*")):
        if file.suffix.lower() not in (".xlsx", ".xlsm", ".xls"):
            continue
        read = our_outcome(file)
        what = "traceback" if read.broke else LOUD if read.trouble or read.said else "right"
        counts[what] += 1
        files.append((file.name, what))
    return {"DataOps": counts}


COLLECTIONS: tuple[tuple[str, Callable[[Path, list[tuple[str, str]]], Scores]], ...] = (
    ("Pollock:survey", _pollock("survey_sample")),
    ("Pollock:polluted", _pollock("polluted_files")),
    ("csv-spectrum", _spectrum),
    ("JSONTestSuite", _json),
    ("parquet-testing", _parquet),
    ("calamine", _workbooks),
)

if __name__ == "__main__":
    main()
