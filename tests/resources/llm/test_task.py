"""Cleaning tasks: their fields, their errors, and what counts as a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.llm import CleaningTask, TaskError, find_task, load_task

WITH_MODEL = """\
task_name: Reviews
description: first words
system_message: You correct reviews.
prompt: "Correct: {text}"
model: some-model
temperature: 0.2
max_tokens: 500
"""


def written(folder: Path, text: str, name: str = "clean.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_task_with_the_prd_fields_loads(tmp_path: Path) -> None:
    task = load_task(written(tmp_path, WITH_MODEL))
    assert (task.name, task.task_name, task.model) == ("clean.yaml", "Reviews", "some-model")
    assert (task.temperature, task.max_tokens, task.rows_per_request) == (0.2, 500, 0)


def test_json_says_the_same_as_yaml(tmp_path: Path) -> None:
    text = '{\n\t"prompt": "Fix {text}",\n\t"model": "m",\n\t"rows_per_request": 5\n}'
    task = load_task(written(tmp_path, text, "clean.json"))
    assert (task.prompt, task.model, task.rows_per_request) == ("Fix {text}", "m", 5)


@pytest.mark.parametrize("model", ["", "model: rules\n"])
def test_no_model_or_rules_means_the_rules_engine(tmp_path: Path, model: str) -> None:
    task = load_task(written(tmp_path, f"task_name: x\n{model}"))
    assert task.model == ""
    assert task.config()["engine"] == "rules/3"


def test_rewording_description_and_name_changes_nothing(tmp_path: Path) -> None:
    before = load_task(written(tmp_path, WITH_MODEL)).config()
    text = WITH_MODEL.replace("first words", "other words").replace("Reviews", "Rezensionen")
    assert load_task(written(tmp_path, text)).config() == before


@pytest.mark.parametrize(
    "line",
    [
        "model: other",
        "temperature: 0.3",
        "max_tokens: 501",
        "prompt: 'Repair: {text}'",
        "system_message: You repair.",
        "rows_per_request: 3",
        "columns: [title]",
        "fallback_models: [other]",
        "rules: [encoding]",
        "invariants: {digits: false}",
    ],
)
def test_every_other_field_changes_the_config(tmp_path: Path, line: str) -> None:
    before = load_task(written(tmp_path, WITH_MODEL)).config()
    field = line.split(":", maxsplit=1)[0]
    rest = [kept for kept in WITH_MODEL.splitlines() if not kept.startswith(f"{field}:")]
    after = load_task(written(tmp_path, "\n".join([*rest, line]))).config()
    assert after != before


def test_long_values_are_told_by_digest(tmp_path: Path) -> None:
    facts = load_task(written(tmp_path, f"model: m\nprompt: {'correct ' * 40}\n")).config()
    assert facts["prompt"].startswith("sha256:")
    assert facts["prompt"].endswith("(319 chars)")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("prompt: x\nmodle: m\n", 2, "did you mean 'model'"),
        ("model: m\nprompt: x\ntemperature: hot\n", 3, "from 0 to 2"),
        ("model: m\nprompt: x\ntemperature: true\n", 3, "from 0 to 2"),
        ("model: m\nprompt: x\nmax_tokens: 0\n", 3, "whole number"),
        ("model: m\nprompt: x\nrows_per_request: many\n", 3, "whole number"),
        ("model: m\nprompt: 'Fix {txet}'\n", 2, "did you mean 'text'"),
        ("model: m\n\n# no prompt\n", 1, "prompt"),
        ("rules: [entites]\n", 1, "did you mean 'entities'"),
        ("model: m\nprompt: x\ninvariants:\n  digits: true\n  digit: true\n", 5, "'digits'"),
        ("model: m\nprompt: x\ninvariants:\n  length_ratio: [2]\n", 4, "[0.5, 2.0]"),
        ("model: m\nprompt: x\ninvariants:\n  overlap: 3\n", 4, "from 0 to 1"),
        ("model: on\n", 1, "quotes"),
        ("task_name: x\ntask_name: y\n", 2, "twice"),
        ("task_name: [x\n", 2, "not YAML"),
        ("- one\n- two\n", 1, "does not hold fields"),
        ("", 1, "no fields"),
        ("model: !!python/object/apply:os.system [ls]\n", 1, "not YAML"),
        ("task_name: x\nfallback_models: [m]\n", 2, "no model"),
        ("? [a]\n: b\n", 1, "plain text"),
    ],
)
def test_an_error_names_file_line_and_fix(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TaskError) as told:
        load_task(path)
    assert f"{path}, line {line}" in str(told.value)
    assert said in str(told.value)
    assert told.value.facts["line"] == line


@pytest.mark.parametrize(
    ("text", "line"),
    [('{\n"model": "m",\n}', 2), ('{"a":1}', 1), ('{\n"model": "m",\n"model": "n"}', 3), ("[]", 1)],
)
def test_an_error_in_json_names_the_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(TaskError) as told:
        load_task(written(tmp_path, text, "clean.json"))
    assert abs(int(str(told.value.facts["line"])) - line) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5_000,
        "a: &x [1]\nb: [" + "*x, " * 30 + "]",
        "task_name: " + "x" * (1 << 20),
    ],
)
def test_a_file_made_to_exhaust_the_reader_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TaskError):
        load_task(written(tmp_path, text))


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clean.yaml"
    path.write_bytes("task_name: 정제".encode("cp949"))
    with pytest.raises(TaskError, match="UTF-8"):
        load_task(path)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "resources" / "tasks").mkdir(parents=True)
    written(tmp_path / "resources" / "tasks", "task_name: x", "clean_reviews.yaml")
    written(tmp_path / "resources", '{"task_name": "y"}', "old_task.json")
    written(tmp_path, "task_name: z", "outside.yaml")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["clean_reviews", "clean_reviews.yaml", "resources/tasks/clean_reviews.yaml"]
)
def test_a_task_is_found_by_name_file_or_path(project: Path, name: str) -> None:
    assert find_task(project, name).name == "clean_reviews.yaml"


def test_a_task_directly_in_resources_is_found(project: Path) -> None:
    assert find_task(project, "old_task").name == "old_task.json"


@pytest.mark.parametrize("name", ["../outside.yaml", "outside", "/etc/passwd"])
def test_a_task_outside_resources_is_not_found(project: Path, name: str) -> None:
    with pytest.raises(TaskError):
        find_task(project, name)


def test_a_typo_is_answered_with_the_nearest_task(project: Path) -> None:
    with pytest.raises(TaskError, match="did you mean 'clean_reviews'"):
        find_task(project, "clean_revews")


def test_only_cleaning_tasks_are_suggested(project: Path) -> None:
    written(project / "resources", "gpt-4.1: {input: 2}", "prices.yaml")
    written(project / "resources", "ops: {when: [failed]}", "alerts.yaml")
    with pytest.raises(TaskError) as said:
        find_task(project, "price")
    assert "did you mean" not in str(said.value)
    assert "or use one of clean_reviews, old_task" in str(said.value)


def test_two_files_of_one_name_are_not_chosen_between(project: Path) -> None:
    written(project / "resources" / "tasks", "{}", "clean_reviews.json")
    with pytest.raises(TaskError, match=r"clean_reviews\.json"):
        find_task(project, "clean_reviews")


def test_the_tasks_that_come_with_the_product_load() -> None:
    root = Path(__file__).parents[3]
    rules = load_task(find_task(root, "clean_reviews"))
    paid = load_task(find_task(root, "clean_reviews_llm"))
    assert rules.config() == CleaningTask(name="").config()
    assert paid.model
