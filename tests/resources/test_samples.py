"""The sample sources: the same bytes on every machine, with the dirt of real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resources.rejects import Rejects
from resources.samples.__main__ import main, write_samples
from resources.sources import Source

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"


def test_the_generator_writes_the_committed_files_again_byte_for_byte(tmp_path: Path) -> None:
    for path in write_samples(tmp_path):
        assert path.read_bytes() == (SAMPLES / path.name).read_bytes()


def test_another_seed_and_number_of_rows_give_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path), "--rows", "50", "--seed", "8"])
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(read(path)) for path in paths] == [50, 50]
    assert paths[1].read_text() not in (SAMPLES / paths[1].name).read_text()


def read(path: Path) -> list[dict[str, Any]]:
    """Read one file."""
    rejects = Rejects(path.parent / "rejects.parquet")
    source = Source((path,), name="x", columns=None, rejects=rejects)
    rows: list[dict[str, Any]] = source.read().to_arrow().to_pylist()
    assert rejects.rows == 0
    return rows


@pytest.fixture(params=[("reviews_ko.csv", "번호", "리뷰"), ("reviews_en.jsonl", "id", "text")])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[Any], list[str]]:
    """Give the ids and the texts of one sample."""
    name, number, text = request.param
    copy = tmp_path / name
    copy.write_bytes((SAMPLES / name).read_bytes())
    rows = read(copy)
    return [row[number] for row in rows], [row[text] or "" for row in rows]


def test_some_reviews_are_sent_twice_exactly_as_they_were(
    sample: tuple[list[Any], list[str]],
) -> None:
    ids, texts = sample
    assert 5 < len(ids) - len(set(ids)) < 50
    assert len(set(zip(ids, texts, strict=True))) == len(set(ids))


@pytest.mark.parametrize(
    "dirt",
    ["<", "&nbsp;", "<br/>", "\u200b", "\n", "\u00a0", "  ", "\u00ad", "ì", "！", "@"],
)
def test_every_kind_of_dirt_is_there(dirt: str) -> None:
    korean = (SAMPLES / "reviews_ko.csv").read_text(encoding="utf-8-sig")
    english = [json.loads(line)["text"] or "" for line in (SAMPLES / "reviews_en.jsonl").open()]
    assert dirt in korean + "".join(english)


def test_some_texts_and_stars_are_missing_and_titles_are_there(
    sample: tuple[list[Any], list[str]],
) -> None:
    _, texts = sample
    assert 0 < texts.count("") < 40
    assert sum("<" in text and ">" in text for text in texts) > 50
    assert sum(text.lstrip()[:1] in set("=+-@＝") for text in texts if text) > 3
