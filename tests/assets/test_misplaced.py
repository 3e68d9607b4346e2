"""Declarations that lie where nobody looks for them are named, never passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.assets.conftest import Home

PIPELINE = "source: a.csv\n"
PYTHON = """
from assets import asset

@asset
def orders():
    return []
"""


def said(home: Home) -> dict[str, str]:
    """Give what is wrong, by key."""
    return {key: broken.error for key, broken in home.open().graph.broken.items()}


@pytest.mark.parametrize(
    ("path", "key", "advice"),
    [
        ("assets/raw/orders.yaml", "raw.orders", "move it to resources/pipelines/orders.yaml"),
        ("assets/orders.yml", "raw.orders", "move it to resources/pipelines/orders.yml"),
        ("resources/orders.yaml", "raw.orders", "move it to resources/pipelines/orders.yaml"),
        (
            "resources/pipelines/shop/orders.yaml",
            "raw.orders",
            "move it to resources/pipelines/orders.yaml",
        ),
    ],
)
def test_a_pipeline_outside_its_folder_is_broken_with_the_way_there(
    home: Home, path: str, key: str, advice: str
) -> None:
    home.write(path, PIPELINE)
    assert advice in said(home)[key]


@pytest.mark.parametrize("path", ["assets/raw/shop/orders.py", "assets/orders.py"])
def test_an_asset_outside_its_layer_is_broken_with_the_way_there(home: Home, path: str) -> None:
    home.write(path, PYTHON)
    assert "move it to assets/raw/orders.py" in said(home)["raw.orders"]


def test_a_link_out_of_the_project_is_not_followed(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside" / "deep"
    outside.mkdir(parents=True)
    (outside / "orders.py").write_text(PYTHON)
    (outside / "orders.yaml").write_text(PIPELINE)
    for folder in ("assets/raw", "resources/pipelines"):
        (home.root / folder).mkdir(parents=True, exist_ok=True)
        (home.root / folder / "link").symlink_to(outside.parent)
    assert said(home) == {}


@pytest.mark.timeout(30)
def test_what_cannot_be_read_holds_nothing_up(home: Home) -> None:
    (home.root / "assets/raw/shop").mkdir()
    os.mkfifo(home.root / "assets/raw/shop/orders.py")
    os.mkfifo(home.root / "assets/raw/orders.yaml")
    (home.root / "assets/raw/shop/gone.yaml").symlink_to(home.root / "nowhere")
    assert said(home) == {}


def test_other_assets_are_made_as_ever(home: Home) -> None:
    home.write("resources/pipelines/good.yaml", "source: good.csv\n")
    home.write("good.csv", "id,t\n1,a\n")
    home.write("assets/raw/orders.yaml", PIPELINE)
    assert {"raw.good", "output.good"} <= set(home.run())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("assets/raw/rates.yaml", "usd: 1300\n"),
        ("assets/raw/helpers/shop.py", "def price():\n    return 1\n"),
        ("resources/sources/rates.yaml", PIPELINE),
        ("resources/tasks/rates.yaml", PIPELINE),
        ("docker-compose.yaml", "services: {}\n"),
        ("assets/raw/_old/orders.py", PYTHON),
        ("assets/raw/.old.yaml", PIPELINE),
    ],
)
def test_what_is_no_declaration_or_is_put_aside_is_left_alone(
    home: Home, path: str, text: str
) -> None:
    home.write(path, text)
    assert said(home) == {}


def test_a_file_of_values_beside_the_asset_that_reads_it_is_left_alone(home: Home) -> None:
    home.write("assets/raw/orders.py", PYTHON)
    home.write("assets/raw/orders.yaml", "source: shop.db\nlimit: 5\n")
    assert said(home) == {}
