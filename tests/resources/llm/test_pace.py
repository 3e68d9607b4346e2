"""Pace, limits, pack sizes and breakers: when the next request may go, and how much it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.llm.breaker import Breaker
from resources.llm.latency import Latencies
from resources.llm.limits import allowances, seconds_of
from resources.llm.pacer import Pacer
from resources.llm.pack_size import MOST_AUTO_ROWS, PackSize
from resources.llm.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Give a state of its own."""
    opened = State(tmp_path / "llm.sqlite")
    yield opened
    opened.close()


def sent_at(count: int, make: Callable[[], Pacer], *, tokens: float = 0) -> list[float]:
    """Give the moments at which so many turns are given, from the first one on."""

    async def go() -> list[float]:
        pacer, loop = make(), asyncio.get_running_loop()
        moments = []
        for left in range(count, 0, -1):
            await pacer.turn(left)
            moments.append(loop.time())
            pacer.sent(tokens)
            pacer.ended(0.01)
        return [moment - moments[0] for moment in moments]

    return asyncio.run(go())


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end."""
    asyncio.run(work)


def test_turns_are_never_more_than_the_rate_and_a_little_allow(state: State) -> None:
    moments = sent_at(40, lambda: Pacer(state, "x", 100, 0))
    for number, moment in enumerate(moments):
        assert number <= moment * 100 + 3.5


def test_tokens_per_minute_slow_requests_down(state: State) -> None:
    moments = sent_at(6, lambda: Pacer(state, "x", 1_000, 60_000), tokens=50)
    assert moments[-1] >= 0.2  # 50 tokens take 50 ms of 1,000 a second


def test_two_processes_share_one_rate(state: State) -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        moments: list[float] = []

        async def send() -> None:
            pacer = Pacer(state, "x", 50, 0)
            for left in range(20, 0, -1):
                await pacer.turn(left)
                moments.append(loop.time())
                pacer.sent(0)
                pacer.ended(0.01)

        await asyncio.gather(send(), send())
        moments.sort()
        for number, moment in enumerate(moments):
            assert number <= (moment - moments[0]) * 50 + 6

    run(go())


def test_a_refusal_pauses_every_process(state: State) -> None:
    async def go() -> None:
        one, other = Pacer(state, "x", 1_000, 0), Pacer(state, "x", 1_000, 0)
        loop = asyncio.get_running_loop()
        await one.turn(1)
        started = loop.time()
        assert one.refused(0.2) == 0.2
        await other.turn(1)
        assert loop.time() - started >= 0.19

    run(go())


def test_refusals_without_a_figure_pause_longer_and_longer(state: State) -> None:
    async def go() -> None:
        pacer = Pacer(state, "x", 1_000, 0)
        first = pacer.refused(None)
        assert 0.5 <= first <= 1
        assert pacer.refused(None) == 0.0  # sent before the pause: it does not lengthen it

    run(go())


def test_many_refusals_slow_down_for_good_a_few_do_not(state: State) -> None:
    async def go() -> None:
        pacer = Pacer(state, "x", 100, 0)
        pacer.refused(0.0)
        assert pacer._gap(0) == pytest.approx(0.01)
        for _ in range(4):
            await asyncio.sleep(0.002)
            pacer.refused(0.001)
        assert pacer._gap(0) > 0.0101

    run(go())


def test_in_flight_follows_the_latency(state: State) -> None:
    async def go() -> None:
        pacer = Pacer(state, "x", 10, 0)
        for _ in range(200):
            pacer.sent(0)
            pacer.ended(20.0)
        assert pacer.most_in_flight == 256
        for _ in range(200):
            pacer.sent(0)
            pacer.ended(0.1)
        assert pacer.most_in_flight == 4

    run(go())


def test_near_the_end_of_an_allowance_only_what_comes_back_is_used(state: State) -> None:
    async def go() -> None:
        pacer = Pacer(state, "x", 100, 0)
        told = {"x-ratelimit-limit-requests": "500", "x-ratelimit-reset-requests": "60s"}
        pacer.answered({**told, "x-ratelimit-remaining-requests": "400"})
        assert pacer._gap(0) == pytest.approx(0.01)
        pacer.answered({**told, "x-ratelimit-remaining-requests": "2"})
        assert pacer._gap(0) == pytest.approx(60 / 498)

    run(go())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5s", 1.5),
        ("20ms", 0.02),
        ("6m0s", 360),
        ("1h2m3s", 3723),
        ("7", 7),
        ("", None),
        ("soon", None),
        ("5x", None),
    ],
)
def test_times_are_read_as_servers_write_them(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ]
        ),
        st.text(max_size=12),
    )
)
def test_headers_of_any_kind_are_no_trouble(headers: dict[str, str]) -> None:
    for allowed in allowances(headers, 0.0).values():
        assert allowed.refill > 0


def test_auto_starts_with_twenty_rows_and_follows_the_latency(state: State) -> None:
    size = PackSize(0, state, "x")
    assert size.rows == 20
    for _ in range(200):
        size.answered(size.rows, 0, 9.0)
    slow = size.rows
    assert slow < 10
    for _ in range(400):
        size.answered(size.rows, 0, 0.5)
    assert size.rows == MOST_AUTO_ROWS
    size.close()
    assert PackSize(0, state, "x").rows == MOST_AUTO_ROWS
    assert PackSize(0, state, "y").rows == 20


def test_auto_settles_where_answers_take_about_three_seconds(state: State) -> None:
    size = PackSize(0, state, "x")
    for _ in range(300):
        size.answered(size.rows, 0, 1.0 + 0.25 * size.rows)
    assert 2.0 <= 1.0 + 0.25 * size.rows <= 3.2


def test_a_number_of_rows_stays_that_number(state: State) -> None:
    size = PackSize(7, state, "x")
    for _ in range(100):
        size.answered(7, 0, 30.0)
    assert size.rows == 7


def test_half_of_twenty_calls_failing_opens_and_an_answer_closes() -> None:
    breaker, states = Breaker(), []
    for number in range(19):
        breaker.called(number * 0.1, ok=number % 2 == 0)
    states.append(breaker.is_open)
    breaker.called(2.0, ok=False)
    states.append(breaker.is_open)
    # One probe at a time, the first after a second.
    assert [breaker.probe_is_due(at) for at in (2.5, 3.1, 99.0)] == [False, True, False]
    breaker.probe_failed(5.0)
    assert breaker.next_probe == pytest.approx(6.5)
    breaker.answered()
    breaker.called(100.0, ok=False)
    states.append(breaker.is_open)
    assert states == [False, True, False]


def test_old_failures_are_forgotten() -> None:
    breaker = Breaker()
    for number in range(19):
        breaker.called(number * 0.1, ok=False)
    breaker.called(100.0, ok=False)
    assert not breaker.is_open


def test_what_hangs_is_told_by_what_is_usual() -> None:
    latencies = Latencies()
    assert latencies.too_long(100) is None
    for number in range(100):
        latencies.add(100, 1.0 + number % 10 / 10)
    usual = latencies.too_long(100)
    assert usual is not None
    assert 2.5 < usual < 5
    larger = latencies.too_long(300)
    assert larger is not None
    assert larger > 2 * usual
