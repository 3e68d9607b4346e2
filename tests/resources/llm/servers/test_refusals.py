"""The reason that an error's body tells, whichever vendor wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.llm.servers import error_of, told_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["error", "detail", "message", "loc", "msg", "code", "errors", "x"]), inner
    ),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no such model"}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        ({"message": "no such model"}, "no such model"),
        ({"detail": "no such model"}, "no such model"),
        ({"detail": [{"loc": ["body", "model"], "msg": "is wrong"}]}, "model: is wrong"),
        ({"detail": {"message": "no such model"}}, "no such model"),
        ({"errors": [{"message": "no such model"}]}, "no such model"),
        ([{"error": {"code": 400, "message": "no such model"}}], "no such model"),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "no such model"}}},
         "Provider returned error; no such model"),
        ({"error": '{"message": "no such model"}'}, "no such model"),
        ('{"error": {"message": "no such model"}}', "no such model"),
        ("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
         "502 Bad Gateway"),
        ("<html><body><p>No &amp; such</p></body></html>", "No & such"),
        ("upstream timed out", "upstream timed out"),
        ({"Message": "no such model"}, "no such model"),
        ({"error": {"type": "overloaded"}}, "overloaded"),
        ({}, "otherwise"),
        (None, "otherwise"),
    ],
)  # fmt: skip
def test_the_reason_is_found(body: Any, said: str) -> None:
    assert told_in(body, "otherwise")["message"] == said


def test_code_type_and_parameter_are_found() -> None:
    told = told_in({"error": {"message": "m", "type": "t", "code": 429, "param": "p"}})
    assert told == {"message": "m", "type": "t", "code": "429", "param": "p"}


def test_an_error_in_a_200_is_one() -> None:
    assert error_of({"error": {"message": "model is loading"}}, {}) is not None
    assert error_of({"object": "error", "message": "m"}, {}) is not None
    assert error_of({}, {"error": {"code": 502}}) == {"code": 502}
    assert error_of({"detail": "m"}, {}) is not None
    assert error_of({"error": None, "choices": []}, {}) is None


@given(JSON)
def test_any_body_can_be_read(body: Any) -> None:
    told = told_in(body)
    assert all(isinstance(value, str) for value in told.values())
