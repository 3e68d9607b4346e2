"""Which edits of users' code make an asset stale, and which do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.model.code import CodeVersions, code_version
from tests.assets.code.changes import ASSET, HARMLESS, STALE, Change


def version(root: Path, change: Change, text: str) -> str:
    """Give the code version of the asset in a project with this text in the edited file."""
    for name, content in {ASSET: change.asset, **change.beside, change.file: text}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode())
    return code_version(CodeVersions(root).of(root / ASSET, "f"))


def named(change: Change) -> str:
    return change.name


@pytest.mark.parametrize("change", STALE, ids=named)
def test_an_edit_that_can_change_what_a_used_name_holds_is_seen(
    tmp_path: Path, change: Change
) -> None:
    before = version(tmp_path, change, change.before)
    assert version(tmp_path, change, change.after) != before
    assert version(tmp_path, change, change.before) == before


@pytest.mark.parametrize("change", HARMLESS, ids=named)
def test_an_edit_that_changes_nothing_of_use_is_not(tmp_path: Path, change: Change) -> None:
    assert version(tmp_path, change, change.before) == version(tmp_path, change, change.after)
