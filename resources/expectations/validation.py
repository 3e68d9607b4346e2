"""Validating staged files by Great Expectations, pushed down into DuckDB: all rows, little memory.

The one file that knows Great Expectations' Python interface. It uses public names only; what it
relies on beside them (how offending rows are selected, how results are worded) is held by tests.
"""

from __future__ import annotations

import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.expectations.core import core
from resources.expectations.found import Example, Found, shorten
from resources.expectations.suite import Expectation, named

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from resources.expectations.dialect import Session

VIEW: Final = "batch"
"""What the rows are called in SQL; `{batch}` in a query means it."""
_SUMMARY: Final = {"result_format": "SUMMARY"}
_ROWS: Final = {**_SUMMARY, "include_unexpected_rows": True, "partial_unexpected_count": 1}
_LIMIT: Final = re.compile(r"\s+LIMIT\s+\?\s*$")
_PLACE: Final = re.compile(r"\$(\w+)")
_UNSAID: Final = ("quantile_ranges", "partition_object", "value_pairs_set")
"""Arguments that Great Expectations shows as a table or a graph, not in its sentence."""
_SAID_BY_SQL: Final = re.compile(r"^\([\w.]+\)\s*")


class Batch:
    """The rows of staged files, ready to be validated. columns: their names."""

    def __init__(
        self, session: Session, source: Any, columns: Sequence[str], hide: Callable[[str], str]
    ) -> None:
        """Validate what `source`, Great Expectations' batch, reads. hide: masks examples."""
        self._session = session
        self._source = source
        self._hide = hide
        self.columns = tuple(columns)

    def validate(self, suite: Sequence[Expectation]) -> list[Found]:
        """Validate all rows; give what was found, in the suite's order.

        Aggregates are computed together, in one pass. Where that fails, those that failed are
        computed one by one: an expectation that cannot be computed spoils no other.
        """
        from great_expectations import ExpectationSuite

        together = ExpectationSuite(name=VIEW)
        refused: dict[int, Found] = {}
        for position, one in enumerate(suite):
            try:
                together.add_expectation(_native(one, position))
            except (TypeError, ValueError) as error:  # what Great Expectations says of arguments
                refused[position] = _refused(one, error)
        if len(refused) == len(suite):
            return list(refused.values())
        with _quiet():
            report = self._source.validate(together, result_format=_SUMMARY)
            results = {int(r.expectation_config.meta["position"]): r for r in report.results}
            for position, one in enumerate(suite):
                if position in results and _error(results[position]):
                    alone = self._source.validate(_native(one, position), result_format=_SUMMARY)
                    results[position] = alone
            return [
                refused[position] if position in refused else self._found(one, results[position])
                for position, one in enumerate(suite)
            ]

    def offending(self, one: Expectation, sentence: str) -> Iterator[pa.RecordBatch]:
        """Stream the rows that do not meet a row-level expectation: `row` (JSON) and `reason`."""
        sql, values = self._select_offending(one)
        said = "?"
        columns = [name for name in one.columns if name in self.columns]
        if len(columns) == 1:
            name = columns[0].replace('"', '""')
            shown = f'left(CAST("{name}" AS VARCHAR), 80)'
            said = f"? || ' is ' || coalesce('''' || {shown} || '''', 'missing') || ': ' || ?"
        relation = self._session.con.cursor().sql(
            f"SELECT CAST(to_json({VIEW}_rows) AS VARCHAR) AS row, {said} AS reason "  # noqa: S608
            f"FROM ({sql}) AS {VIEW}_rows",
            params=[*columns[: said.count("?") - 1], sentence, *values],
        )
        reader: pa.RecordBatchReader = relation.to_arrow_reader(10_000)
        yield from reader

    def _select_offending(self, one: Expectation) -> tuple[str, Sequence[Any]]:
        """Give the SQL of the rows that do not meet an expectation, and its values.

        Great Expectations selects the first ones, all columns of them; without its LIMIT the same
        statement gives all.
        """
        if core()[one.name].level == "query":
            return (
                str(one.arguments["unexpected_rows_query"]).replace("{batch}", VIEW).rstrip("; \n"),
                (),
            )
        self._session.statements.clear()
        with _quiet():
            self._source.validate(_native(one, 0), result_format=_ROWS)
        for statement in reversed(self._session.statements):
            if statement.columns == self.columns and _LIMIT.search(statement.sql):
                return _LIMIT.sub("", statement.sql), statement.values[:-1]
        raise LookupError(f"{one.name} selects no rows that could be set aside")

    def _found(self, one: Expectation, result: Any) -> Found:
        """Put one result into our words."""
        facts = result.result or {}
        observed: Any = facts.get("observed_value")
        unexpected = facts.get("unexpected_count")
        sentence, said = _sentences(result)
        number = isinstance(observed, int | float) and not isinstance(observed, bool)
        value = float(observed) if number else None
        rows, mostly = int(unexpected or 0), None
        if core()[one.name].level == "row" and unexpected is not None:
            mostly = float(one.arguments.get("mostly") or 1.0)
            value = round(1.0 - (facts.get("unexpected_percent") or 0.0) / 100, 12)
        elif core()[one.name].level == "query":
            rows = int(observed or 0)
        return Found(
            name=one.name,
            column=", ".join(one.columns),
            severity=one.severity,
            passed=bool(result.success) and not _error(result),
            sentence=sentence,
            observed=shorten(said, self._hide) if said else "",
            value=value,
            rows=rows,
            of=facts.get("element_count"),
            mostly=mostly,
            examples=self._examples(facts),
            error=shorten(_error(result), self._hide) if _error(result) else "",
            arguments=_plain(one),
            notes=one.notes,
        )

    def _examples(self, facts: dict[str, Any]) -> tuple[Example, ...]:
        """Give the first values that do not meet the expectation, each once."""
        counts: dict[str, int] = {}
        for value in facts.get("partial_unexpected_list") or ():
            shown: Any = value
            if isinstance(value, dict):
                shown = ", ".join(f"{name}={one}" for name, one in value.items())
            text = shorten(shown, self._hide)
            counts[text] = counts.get(text, 0) + 1
        return tuple(Example(text, count) for text, count in counts.items())


@contextmanager
def validating(
    files: Sequence[Path], *, memory_mb: int, spill: Path, hide: Callable[[str], str] = str
) -> Iterator[Batch]:
    """Open Parquet files for validating; the first time takes seconds, to import the library.

    memory_mb: what DuckDB may use; what needs more goes to files in `spill`.
    """
    from resources.expectations.dialect import session

    con = _open(files, memory_mb, spill)
    try:
        with _quiet(), session(con) as offered:
            import_module("resources.expectations.missing")  # puts metrics in others' place
            source = _context().data_sources.add_sql(VIEW, connection_string=offered.url)
            table = source.add_table_asset(VIEW, table_name=VIEW)
            batch = table.add_batch_definition_whole_table(VIEW).get_batch()
            columns = [row[0] for row in con.execute(f"DESCRIBE {VIEW}").fetchall()]
            yield Batch(offered, batch, columns, hide)
    finally:
        con.close()


def _open(files: Sequence[Path], memory_mb: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """Open a database that holds the view and can read nothing but these files."""
    import duckdb

    spill.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(
        config={
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(spill),
            "threads": 2,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    paths = [str(file.absolute()) for file in files]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    rows = f"read_parquet([{listed}], hive_partitioning = false)"
    con.execute(
        f"CREATE VIEW {VIEW} AS SELECT *{_without_nan(con, rows)} FROM {rows}"  # noqa: S608
    )
    con.execute(f"SET allowed_paths = [{listed}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def _without_nan(con: duckdb.DuckDBPyConnection, rows: str) -> str:
    """Give the SQL that takes NaN as missing: to DuckDB it is the greatest of all numbers."""
    found = con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()  # noqa: S608 - names of ours
    names = [
        '"' + str(row[0]).replace('"', '""') + '"' for row in found if row[1] in ("FLOAT", "DOUBLE")
    ]
    said = ", ".join(f"CASE WHEN NOT isnan({name}) THEN {name} END AS {name}" for name in names)
    return f" REPLACE ({said})" if said else ""


def _context() -> Any:
    """Give Great Expectations' context: nothing of it is kept, shown or sent anywhere."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
    )

    kept = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)  # or it leaves a folder behind
    config = DataContextConfig(
        store_backend_defaults=kept,
        progress_bars={"globally": False},  # type: ignore[arg-type]
        analytics_enabled=False,
    )
    return gx.get_context(project_config=config, mode="ephemeral")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Great Expectations' logging and warnings out of ours, and out of Airflow's."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    logger.setLevel(logging.CRITICAL)
    logger.propagate = False  # some of its modules set a level of their own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _plain(one: Expectation) -> dict[str, Any]:
    """Give an expectation's arguments as JSON has them."""
    plain: dict[str, Any] = json.loads(json.dumps(named(one.arguments), default=str))
    return plain


def _refused(one: Expectation, error: Exception) -> Found:
    """Say that an expectation's arguments cannot be used: it counts as not met."""
    errors = getattr(error, "errors", None)
    try:
        first = errors()[0] if errors is not None else {"msg": str(error)}
    except (LookupError, TypeError):
        first = {"msg": str(error)}
    place = ".".join(str(part) for part in first.get("loc", ()) if part != "__root__")
    said = (str(first.get("msg", "")).splitlines() or ["it cannot be used"])[0]
    return Found(
        name=one.name,
        column=", ".join(one.columns),
        severity=one.severity,
        passed=False,
        sentence=one.name.replace("_", " "),
        error=shorten(f"{place}: {said}" if place else said, str),
        arguments=_plain(one),
        notes=one.notes,
    )


def _native(one: Expectation, position: int) -> Any:
    """Give an expectation as Great Expectations' own object, with its place in the suite."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    arguments = dict(one.arguments)
    if "row_condition" in arguments:
        arguments.setdefault("condition_parser", "great_expectations")
    return ExpectationConfiguration(
        type=one.name, kwargs=arguments, meta={"position": position}
    ).to_domain_obj()


def _error(result: Any) -> str:
    """Give why an expectation could not be computed, "" where it was."""
    info = result.exception_info or {}
    for one in (info, *info.values()):
        if isinstance(one, dict) and one.get("raised_exception"):
            text = str(one.get("exception_message") or "").strip()
            return _SAID_BY_SQL.sub("", text.splitlines()[0] if text else "it raised an error")
    return ""


def _sentences(result: Any) -> tuple[str, str]:
    """Give Great Expectations' own words for what is expected and for what was observed."""
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    expected = observed = ""
    for content in InlineRenderer(render_object=result).get_rendered_content():
        value = content.value.to_json_dict()
        if content.name.startswith("atomic.prescriptive"):
            expected = _words(value)
        elif content.name == "atomic.diagnostic.observed_value":
            observed = _words(value)
    config, facts = result.expectation_config, result.result or {}
    if not expected.rstrip(":.") or expected.startswith("expect_"):
        expected = config.type.replace("_", " ")
    for name in _UNSAID:
        if name in config.kwargs:
            expected = f"{expected.rstrip('.')}: {config.kwargs[name]}."
    if not observed and facts.get("observed_value") is not None:
        observed = str(facts["observed_value"])
    if observed and config.type == "expect_column_distinct_values_to_contain_set":
        observed = f"without {observed}"
    return expected, "" if observed == "--" else observed


def _words(value: dict[str, Any]) -> str:
    """Put the parameters into a rendered template."""
    if "code_block" in value:
        query = value.get("params", {}).get("unexpected_rows_query", {}).get("value", "")
        return f"No rows may come from: {query}"
    if "template" not in value and "header" in value:
        return _words(value["header"].get("value") or {})
    params = value.get("params") or {}

    def put(place: re.Match[str]) -> str:
        """Give a parameter's value; a whole number without a point."""
        given = (params.get(place[1]) or {}).get("value", place[0])
        return f"{given:.0f}" if isinstance(given, float) and given.is_integer() else str(given)

    return _PLACE.sub(put, value.get("template") or "").replace(" %", "%")
