"""Write the sample sources again: `python -m resources.samples [folder] [--rows N] [--seed S]`.

Or a gold set to measure cleaning with: `python -m resources.samples gold --out FILE`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from resources.samples import gold
from resources.samples.english import ENGLISH
from resources.samples.korean import KOREAN
from resources.samples.reviews import Review, make_reviews

ROWS = 600
GOLD_ROWS = 2_000
SEED = 7


def write_korean(path: Path, reviews: Iterable[Review]) -> None:
    """Write reviews as a Korean shop exports them: CSV with BOM, headers in Korean."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("번호", "상품", "별점", "리뷰", "채널", "작성일시"))
        for r in reviews:
            when = f"{r.written_at:%Y-%m-%d %H:%M:%S}"
            writer.writerow((r.id, r.product, r.stars, r.text, r.channel, when))


def write_english(path: Path, reviews: Iterable[Review]) -> None:
    """Write reviews as an API hands them out: one JSON object per line, some of it nested."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for r in reviews:
            record = {
                "id": r.id,
                "posted_at": f"{r.written_at:%Y-%m-%dT%H:%M:%SZ}",
                "channel": r.channel,
                "stars": r.stars,
                "text": r.text,
                "item": {"name": r.product, "helpful": r.helpful},
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_samples(folder: Path, *, rows: int = ROWS, seed: int = SEED) -> tuple[Path, Path]:
    """Write both sample sources into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    korean, english = folder / "reviews_ko.csv", folder / "reviews_en.jsonl"
    write_korean(korean, make_reviews(KOREAN, rows=rows, seed=seed, first_id=100_000_001))
    write_english(english, make_reviews(ENGLISH, rows=rows, seed=seed + 1, first_id=200_000_001))
    return korean, english


def main(arguments: list[str] | None = None) -> None:
    """Write the samples, or a gold set, where the command line says."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["gold"]:
        _gold(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="python -m resources.samples", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows per file ({ROWS})")
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"another seed, other texts ({SEED})"
    )
    options = parser.parse_args(arguments)
    for path in write_samples(options.folder, rows=options.rows, seed=options.seed):
        sys.stdout.write(f"{path}\n")


def _gold(arguments: list[str]) -> None:
    """Write a gold set."""
    parser = argparse.ArgumentParser(
        prog="python -m resources.samples gold", description=gold.__doc__
    )
    parser.add_argument("--rows", type=int, default=GOLD_ROWS, help=f"rows ({GOLD_ROWS})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed, other rows ({SEED})")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    options = parser.parse_args(arguments)
    sys.stdout.write(f"{gold.write_gold(options.out, rows=options.rows, seed=options.seed)}\n")


if __name__ == "__main__":
    main()
