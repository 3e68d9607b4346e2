"""Keys that were met before, in memory that does not grow."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from resources.llm.seen import Seen


def key(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


@given(st.lists(st.integers(0, 200), max_size=100))
def test_a_key_is_new_exactly_once(numbers: list[int]) -> None:
    seen, known = Seen(), set()
    for number in numbers:
        assert (key(number) in seen) == (number in known)
        assert seen.add(key(number)) == (number not in known)
        known.add(number)


def test_hardly_a_key_is_taken_for_another() -> None:
    seen = Seen()
    new = sum(seen.add(key(number)) for number in range(100_000))
    assert new >= 99_998
    assert sum(key(-number) in seen for number in range(1, 20_000)) <= 1
