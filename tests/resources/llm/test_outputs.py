"""Cleaning tasks that answer more than a text: labels, numbers, several columns; and their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.errors import DataOpsError
from resources.llm import TaskError, load_task
from resources.llm.fields import FIELDS
from resources.llm.groups import BUDGET_FIELDS, OUTPUT_FIELDS
from resources.llm.masking import KINDS as MASKS
from resources.llm.outputs import KINDS, Output, outputs_for
from resources.llm.task import CACHE_POLICIES, ENGINES, RULES, Budget, Example
from tests.llm_bench import Bench
from tests.llm_server import Behaviour, LlmServer, corrected, extracted, labelled

MOODS = ("good", "bad", "mixed")
FIELDS_OF_A_TASK = """\
prompt: "Correct: {text}"
model: m
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def task(tmp_path: Path, text: str) -> Any:
    """Load a task from its text."""
    path = tmp_path / "t.yaml"
    path.write_text(FIELDS_OF_A_TASK + text, encoding="utf-8")
    return load_task(path)


def test_a_label_and_a_number_come_beside_the_cleaned_text(bench: Bench) -> None:
    texts = [f"조아요 영화 {n} 점" if n % 3 else "teh film" * (n + 1) for n in range(60)]
    outputs = (
        Output("text"),
        Output("mood", "label", values=MOODS),
        Output("points", "integer", optional=True),
    )
    with LlmServer(Behaviour(shares={"drop": 0.2, "reorder": 0.3})) as server:
        result = bench.clean(server, texts, outputs=outputs)
    assert [row["text"] for row in result.rows] == [corrected(text) for text in texts]
    assert [row["mood"] for row in result.rows] == [labelled(text, list(MOODS)) for text in texts]
    assert [row["points"] for row in result.rows] == [extracted(text) for text in texts]
    assert list(result.rows[0]) == ["id", "text", "mood", "points"]


def test_the_prd_s_nine_columns_stay_and_outputs_follow(bench: Bench) -> None:
    raw = pa.table(
        {
            "id": [1, 2],
            "source": ["a", "a"],
            "raw_text": ["teh one", ""],
            "created_at": pa.array([0, 0], pa.timestamp("ns")),
            "metadata": ["{}", "{}"],
        }
    )
    outputs = (Output("cleaned_text"), Output("mood", "label", values=MOODS))
    with LlmServer() as server:
        rows = bench.clean(server, raw, outputs=outputs).rows
    assert list(rows[0])[:9] == [
        "id",
        "source",
        "raw_text",
        "cleaned_text",
        "llm_model",
        "cleaning_task",
        "created_at",
        "processed_at",
        "metadata",
    ]
    assert (rows[0]["cleaned_text"], rows[0]["mood"]) == (
        "the one.",
        labelled("teh one", list(MOODS)),
    )
    assert (rows[1]["cleaned_text"], rows[1]["mood"], rows[1]["llm_model"]) == ("", None, "rules/3")


def test_a_label_alone_leaves_the_text_to_the_rules(bench: Bench) -> None:
    with LlmServer() as server:
        rows = bench.clean(
            server, ["a &amp; b  c"], outputs=(Output("mood", "label", values=MOODS),)
        ).rows
    assert rows == [{"id": 0, "text": "a & b c", "mood": labelled("a & b c", list(MOODS))}]


def test_an_output_may_not_take_a_column_s_name(bench: Bench) -> None:
    with LlmServer() as server, pytest.raises(DataOpsError, match="has that column"):
        bench.clean(server, ["x"], outputs=(Output("id", "integer"),))


def test_another_label_or_description_is_another_question(bench: Bench) -> None:
    with LlmServer() as server:
        for values in (MOODS, (*MOODS, "none"), MOODS):
            asked = bench.clean(server, ["x"], outputs=(Output("mood", "label", values=values),))
    assert asked.requests == 0
    assert server.requests == 2


def test_examples_are_turns_before_the_rows(bench: Bench) -> None:
    with LlmServer() as server:
        bench.clean(server, ["teh"], examples=(Example("조아요", "좋아요"),))
    said = [(m["role"], m["content"]) for m in server.bodies[0]["messages"]]
    assert [role for role, _ in said] == ["system", "user", "assistant", "user"]
    assert '{"1": "조아요"}' in said[1][1]
    assert said[2][1] == '{"1": "좋아요"}'
    assert '{"1": "teh"}' in said[3][1]


@pytest.mark.parametrize(
    ("output", "value", "good"),
    [
        (Output("x"), "text", True),
        (Output("x"), None, False),
        (Output("x", optional=True), None, True),
        (Output("x", "label", values=("a", "b")), "a", True),
        (Output("x", "label", values=("a", "b")), "A", False),
        (Output("x", "integer"), 3.0, True),
        (Output("x", "integer"), 3.5, False),
        (Output("x", "integer"), True, False),
        (Output("x", "integer"), 2**70, False),
        (Output("x", "number"), 3.5, True),
        (Output("x", "number"), float("nan"), False),
        (Output("x", "number"), "3.5", False),
        (Output("x", "boolean"), False, True),
        (Output("x", "boolean"), 0, False),
    ],
)
def test_a_value_of_another_type_is_no_answer(output: Output, value: object, good: bool) -> None:
    assert (output.problem(value) == "") is good


@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())
    )
)
def test_whatever_is_accepted_fits_its_column(value: object) -> None:
    for kind in KINDS:
        output = Output("x", kind, values=("a", "b") if kind == "label" else (), optional=True)
        if not output.problem(value):
            pa.array([output.stored(value)], output.arrow())


def test_texts_are_tied_to_their_columns() -> None:
    declared = (Output("cleaned_text"), Output("note"), Output("t2", of="b"))
    assert [o.of for o in outputs_for(declared, ("a",))] == ["a", "", "b"]
    assert [o.of for o in outputs_for((Output("a"), Output("b")), ("a", "b"))] == ["a", "b"]
    assert [o.of for o in outputs_for((), ("a", "b"))] == ["a", "b"]


def test_a_file_with_everything_loads(tmp_path: Path) -> None:
    loaded = task(
        tmp_path,
        """\
columns: [title, body]
outputs:
  title: text
  body: {type: text, of: body}
  mood: {values: [good, bad], optional: true, description: how it sounds}
  stars: integer
mask: [email]
budget: {usd_per_day: 5, tokens_per_run: 100000}
cache: version
engine: openai-batch
examples:
  - raw: {title: a, body: b}
    cleaned: {title: A, body: B, mood: good, stars: 3}
""",
    )
    assert [o.kind for o in loaded.outputs] == ["text", "text", "label", "integer"]
    assert loaded.outputs[2].optional
    assert (loaded.mask, loaded.cache, loaded.engine) == (("email",), "version", "openai-batch")
    assert loaded.budget == Budget(usd_per_day=5, tokens_per_run=100_000)
    assert loaded.examples[0].cleaned == {"title": "A", "body": "B", "mood": "good", "stars": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("outputs: {mood: labels}", "did you mean 'label'"),
        ("outputs: {mood: {type: label}}", "at least two"),
        ("outputs: {mood: {type: label, values: [a, a]}}", "at least two"),
        ("outputs: {mood: {type: integer, values: [a, b]}}", "has no values"),
        ("outputs: {mood: {kind: label}}", "no field 'kind'"),
        ("outputs: {'': text}", "no column's name"),
        ("columns: [a]\noutputs: {x: {type: text, of: b}}", "no column 'b'"),
        ("mask: [emial]", "did you mean 'email'"),
        ("budget: {usd_per_dya: 3}", "did you mean 'usd_per_day'"),
        ("budget: {usd_per_day: -1}", "no limit"),
        ("budget: {tokens_per_day: 1.5}", "whole number"),
        ("cache: forever", "none of its values"),
        ("engine: openia", "did you mean 'openai'"),
        ("examples: [{raw: a}]", "example 1"),
        ("outputs: {mood: {values: [a, b]}}\nexamples: [{raw: a, cleaned: {moo: a}}]", "example 1"),
        ("outputs: {mood: {values: [a, b]}}\nfallback_models: [rules]", "no labels"),
    ],
)
def test_a_mistake_is_told_with_line_field_and_fix(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TaskError) as told:
        task(tmp_path, text + "\n")
    assert said in str(told.value)
    assert "t.yaml, line" in str(told.value)


def test_a_prompt_is_a_template_over_the_task_alone(tmp_path: Path) -> None:
    prompt = """\
prompt: |
  {% for o in outputs %}{{ o.name }}: {{ o.values | join('/') }}{% endfor %}
  {{ text }}
outputs: {mood: {values: [good, bad]}}
model: m
"""
    path = tmp_path / "t.yaml"
    path.write_text(prompt, encoding="utf-8")
    assert load_task(path).prompt == "mood: good/bad\n{text}"


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("{{ nosuch.x }} {text}", "cannot be filled in"),
        ("{% for x in %}", "cannot be filled in"),
        ("{{ ''.__class__.__mro__ }}", "cannot be filled in"),
        ("{% for a in range(99999) %}{{ 'xxxxxxxxxx' }}{% endfor %}", "too long"),
        ("{{ 1 // 0 }}", "cannot be filled in"),
    ],
)
def test_a_template_can_do_no_harm(tmp_path: Path, prompt: str, said: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(f"model: m\nprompt: {json.dumps(prompt)}\n", encoding="utf-8")
    with pytest.raises(TaskError, match=said):
        load_task(path)


def test_rows_are_never_read_as_a_template(bench: Bench) -> None:
    hostile = "{{ 7 * 7 }} {% raw %} {text} {nosuch}"
    with LlmServer() as server:
        result = bench.clean(server, [hostile], prompt="{text}")
    assert result.rows[0]["text"] == corrected(hostile)


def test_editors_are_told_the_same_fields() -> None:
    path = Path(__file__).parents[3] / "resources" / "llm" / "task.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    fields = schema["properties"]
    assert set(fields) == set(FIELDS)
    assert set(fields["engine"]["enum"]) == set(ENGINES)
    assert set(fields["cache"]["enum"]) == set(CACHE_POLICIES)
    assert set(fields["mask"]["anyOf"][1]["items"]["enum"]) == set(MASKS)
    assert set(fields["rules"]["items"]["enum"]) == set(RULES)
    assert set(fields["budget"]["properties"]) == set(BUDGET_FIELDS)
    assert set(schema["$defs"]["kind"]["enum"]) == set(KINDS)
    output = fields["outputs"]["additionalProperties"]["anyOf"][1]
    assert set(output["properties"]) == set(OUTPUT_FIELDS)
