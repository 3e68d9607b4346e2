"""Schedules: what a cron line may be, and when it comes, in time zones that change their clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.model.errors import DeclarationError
from assets.model.schedules import check_zone, cron, next_tick
from resources.errors import SettingError
from resources.settings import load_settings
from tests.assets.conftest import Home

BERLIN, YORK, SEOUL, HOWE = "Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe"
YAML = "source: a.csv\nschedule: '0 9 * * *'\ntimezone: Asia/Seoul\n"


def ticks(line: str, zone: str, after: str, count: int) -> list[str]:
    """Give ticks as the zone's clocks show them."""
    moment, found = datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in range(count):
        moment = next_tick(line, moment, zone)
        found.append(f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M%z}")
    return found


@pytest.mark.parametrize(
    ("line", "zone", "after", "expected"),
    [
        ("0 9 * * *", SEOUL, "2026-01-31T00:00", ["01 09:00+0900", "02 09:00+0900"]),
        ("daily", SEOUL, "2026-01-31T00:00", ["01 00:00+0900", "02 00:00+0900"]),
        # 02:30 does not exist on the 31st: it comes an hour later, once.
        (
            "30 2 * * *",
            BERLIN,
            "2024-03-29T12:00",
            ["30 02:30+0100", "31 03:30+0200", "01 02:30+0200"],
        ),
        # 02:30 exists twice on the 27th: it comes at the second, once.
        (
            "30 2 * * *",
            BERLIN,
            "2024-10-25T12:00",
            ["26 02:30+0200", "27 02:30+0100", "28 02:30+0100"],
        ),
        ("0 2 * * *", YORK, "2024-03-09T12:00", ["10 03:00-0400", "11 02:00-0400"]),
        # Every half hour ticks through both.
        (
            "*/30 * * * *",
            BERLIN,
            "2024-03-31T00:20",
            ["31 01:30+0100", "31 03:00+0200", "31 03:30+0200"],
        ),
        (
            "*/30 * * * *",
            BERLIN,
            "2024-10-26T23:40",
            ["27 02:00+0200", "27 02:30+0200", "27 02:00+0100", "27 02:30+0100", "27 03:00+0100"],
        ),
    ],
)
def test_ticks_follow_the_clocks_of_their_zone(
    line: str, zone: str, after: str, expected: list[str]
) -> None:
    """Also when these go forward or back."""
    assert ticks(line, zone, after, len(expected)) == expected


def test_a_tick_moved_by_the_clocks_is_due_for_what_was_made_in_between() -> None:
    """Made at 03:10 of the day on which 02:30 came at 03:30."""
    made = datetime(2024, 3, 31, 1, 10, tzinfo=UTC)
    assert next_tick("30 2 * * *", made, BERLIN) == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


def refused(check: Callable[[], str]) -> tuple[str, DeclarationError | None]:
    """Give what a check gives, or the sentence it refuses with."""
    try:
        return check(), None
    except DeclarationError as error:
        return "", error


LINES = st.sampled_from(
    ["30 2 * * *", "0,30 1-4 * * *", "*/20 * * * *", "15 */2 * * 1-5", "0 0 1 * *", "5 3 * * 0"]
)


@given(
    LINES,
    st.sampled_from([BERLIN, YORK, SEOUL, "America/Sao_Paulo", "Pacific/Apia", "UTC"]),
    st.datetimes(datetime(2011, 6, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - UTC is added
)
def test_airflow_counts_the_same_ticks(line: str, zone: str, start: datetime) -> None:
    """Else a run would find nothing due, or be the second one for one tick."""
    mixin = pytest.importorskip("airflow.timetables._cron").CronMixin(line, zone)
    import pendulum

    ours = next_tick(line, start.replace(tzinfo=UTC), zone)
    for _ in range(5):
        theirs = mixin._get_next(pendulum.instance(ours))
        ours = next_tick(line, ours, zone)
        assert ours == theirs


@given(LINES, st.sampled_from([BERLIN, YORK, HOWE]), st.integers(0, 525_600))
def test_ticks_go_on_and_leave_none_out(line: str, zone: str, minute: int) -> None:
    """The tick after a moment is that after every moment in between."""
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    tick = next_tick(line, moment, zone)
    assert tick > moment
    if line != "*/20 * * * *":  # it counts on from where it stands
        assert next_tick(line, moment + (tick - moment) / 2, zone) == tick


@given(
    st.lists(
        st.sampled_from(
            [
                "*",
                "?",
                "L",
                "W",
                "#",
                "0",
                "1",
                "5",
                "7",
                "12",
                "23",
                "28",
                "29",
                "30",
                "31",
                "59",
                "60",
                "99",
                "1-5",
                "5-1",
                "*/5",
                "*/0",
                "1/2",
                "LW",
                "1W",
                "5L",
                "1#2",
                "mon",
                "MON-FRI",
                "jan",
                "feb",
                "2",
                "4,6",
                "H",
                "R",
                "@",
                "-1",
                "1-99",
                "1,,2",
                ",",
                "-",
                "/",
                "2",
                "٣",
                "00031",
            ]
        ),
        min_size=1,
        max_size=7,
    )
)
def test_a_line_is_refused_with_the_fix_or_comes(fields: list[str]) -> None:
    """Whatever it is made of; never anything else."""
    line = " ".join(fields)
    taken, said = refused(lambda: cron("raw.x", line))
    if said is not None:
        assert "raw.x has schedule=" in said.problem
        assert len(said.fix) > 10
        return
    assert len(fields) == 5
    after = datetime(2026, 1, 1, tzinfo=UTC)
    assert after < next_tick(taken, after, BERLIN) < after + timedelta(days=366 * 41)


@given(st.text(max_size=20) | st.none() | st.integers() | st.lists(st.text(max_size=3)))
def test_anything_else_is_refused_with_a_sentence(value: object) -> None:
    """As a schedule, and as a zone."""
    for check in (lambda: cron("raw.x", value), lambda: check_zone("raw.x", "daily", value)):
        _, said = refused(check)
        assert said is None or said.fix


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("asia/seoul", "did you mean 'Asia/Seoul'"),
        ("Seoul", "did you mean 'Asia/Seoul'"),
        ("Asia/Soul", "did you mean 'Asia/Seoul'"),
        ("KST", "write a place's name"),
        ("+09:00", "write a place's name"),
        ("localtime", "write a place's name"),
    ],
)
def test_a_zone_that_is_none_names_the_one_that_was_meant(zone: str, said: str) -> None:
    """Abbreviations and offsets are no zones: they know nothing of summer."""
    with pytest.raises(DeclarationError) as error:
        check_zone("raw.x", "daily", zone)
    assert said in f"{error.value.problem} {error.value.fix}"


def test_a_wrong_zone_of_the_project_is_told(home: Home) -> None:
    """By the name of its variable."""
    with pytest.raises(SettingError, match="DATAOPS_TIMEZONE.*did you mean 'Asia/Seoul'"):
        load_settings(home.root, {"DATAOPS_TIMEZONE": "Seoul"})


def due(home: Home, moment: datetime, zone: str = "UTC") -> list[str]:
    """Give the reasons of raw.a at a moment, in a project of that zone."""
    from assets.engine import make_plan

    line = make_plan(home.open(DATAOPS_TIMEZONE=zone), now=moment)["raw.a"]
    return [str(reason) for reason in line.reasons]


def test_it_is_due_at_nine_oclock_there(home: Home) -> None:
    """With its own zone, or the project's; plan, status and show say it in that zone's time."""
    home.write("resources/pipelines/a.yaml", YAML)
    home.write("a.csv", "id,t\n1,a\n")
    home.make("raw.a", as_of=datetime(2026, 1, 30, 10, tzinfo=UTC))
    before, after = datetime(2026, 1, 30, 23, 59, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC)
    assert due(home, before) == []
    assert due(home, after) == ["due: 0 9 * * *, since 2026-01-31 09:00 Asia/Seoul"]
    home.write("resources/pipelines/a.yaml", YAML.partition("timezone")[0])
    assert due(home, after) == []
    assert due(home, after, SEOUL) == ["due: 0 9 * * *, since 2026-01-31 09:00 Asia/Seoul"]


def test_local_time_is_shown(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In list, plan, status and show."""
    from assets.cli.app import main

    home.write("resources/pipelines/a.yaml", YAML)
    home.write("a.csv", "id,t\n1,a\n")
    home.make("raw.a", as_of=datetime(2026, 1, 30, 10, tzinfo=UTC))
    monkeypatch.setenv("DATAOPS_ROOT", str(home.root))
    for words, said in (
        (["list"], "0 9 * * * Asia/Seoul"),
        (["plan"], "since 2026-01-31 09:00 Asia/Seoul"),
        (["status"], "since 2026-01-31 09:00 Asia/Seoul"),
        (["show", "raw.a"], "since 2026-01-31 09:00 Asia/Seoul"),
    ):
        with pytest.raises(SystemExit):
            main(words)
        assert said in capsys.readouterr().out


def test_in_python_a_zone_is_an_option(home: Home) -> None:
    """With the same sentences."""
    text = "from assets import asset\n\n@asset(schedule='daily', timezone={!r})\ndef a(): ...\n"
    from assets.model.discover import discover

    home.write("assets/raw/a.py", text.format(SEOUL))
    assert discover(home.root).assets["raw.a"].timezone == SEOUL
    home.write("assets/raw/a.py", text.format("Soul"))
    assert "no time zone" in discover(home.root).broken["raw.a"].error
