"""Who is told of what: resources/alerts.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.alerts import KINDS, load_rules
from resources.alerts.rules import meant
from resources.errors import DataOpsError


def write(root: Path, text: str) -> None:
    (root / "resources").mkdir(exist_ok=True)
    (root / "resources" / "alerts.yaml").write_text(text, encoding="utf-8")


def test_without_a_file_the_connection_alerts_is_told_of_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_rules(tmp_path) == ()
    monkeypatch.setenv("DATAOPS_CONNECTION_ALERTS", "json://127.0.0.1")
    (rule,) = load_rules(tmp_path)
    assert (rule.to, rule.when, rule.assets) == ("alerts", KINDS, ("*",))


def test_rules_say_who_is_told_of_what(tmp_path: Path) -> None:
    write(tmp_path, "team:\nowner:\n  when: [blocked]\n  assets: ['processed.*', raw.orders]\n")
    rules = load_rules(tmp_path)
    assert meant(rules, "failed", "raw.orders") == ("team",)
    assert meant(rules, "blocked", "raw.orders") == ("team", "owner")
    assert meant(rules, "blocked", "raw.other") == ("team",)
    assert meant(rules, "budget", "") == ("team",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("team:\n  whn: [failed]\n", "line 2, field 'team.whn'.*did you mean 'when'"),
        ("team:\n  when: [fialed]\n", "line 2, field 'team.when'.*did you mean 'failed'"),
        ("team:\n  assets: 3\n", "line 2, field 'team.assets'"),
        ("Team A:\n  when: failed\n", "line 1.*no name of a connection"),
        ("team: yes\n", "line 1, field 'team'"),
        ("- team\n", "line 1"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, text)
    with pytest.raises(DataOpsError, match=rf"alerts\.yaml, {said}"):
        load_rules(tmp_path)
