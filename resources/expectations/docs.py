"""Data Docs: tables validated by Great Expectations, shown as static pages."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.expectations.suite import Expectation
from resources.tables import Table

if TYPE_CHECKING:
    import pandas as pd

DOCS_ROWS: Final = 200_000
"""Rows that a page is made from at most: the first ones of a longer table. Before publishing, the
checks went over all rows; the pages show, they do not decide."""
_REMOTE = re.compile(
    r"<script\b[^>]*\bsrc=[\"']https?://[^>]*>\s*</script>|<link\b[^>]*\bhref=[\"']https?://[^>]*>"
    r"|<img\b[^>]*\bsrc=[\"']https?://[^>]*>"
)


@dataclass(frozen=True, slots=True)
class Validated:
    """What came of one table. page: its page, below the folder of the docs."""

    name: str
    version: int
    passed: bool
    failed: tuple[str, ...]
    expectations: int
    rows: int
    all_rows: int
    page: str


def build_docs(
    folder: Path, tables: Iterable[tuple[str, int, Table, Sequence[Expectation]]]
) -> list[Validated]:
    """Validate tables (name, version, rows, suite) and replace the docs in `folder` by new ones.

    Takes some seconds to import Great Expectations, and memory for at most DOCS_ROWS rows.
    """
    building = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    try:
        context = _context(building)
        found = [_validate(context, *table) for table in tables]
        context.build_data_docs()
        validated = [_with_page(one, building) for one in found]
        _offline(building, validated)
        old = folder.with_name(f".{folder.name}-old-{os.getpid()}")
        if folder.exists():
            folder.rename(old)
        building.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return validated
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _context(site: Path) -> Any:
    """Make a Great Expectations context that is quiet, offline, and writes to one folder."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for name in ("great_expectations", "great_expectations._docs_decorators", "py.warnings"):
        logging.getLogger(name).setLevel(logging.WARNING)
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    for name in list(context.get_site_names()):
        context.delete_data_docs_site(name)
    context.add_data_docs_site(
        site_name="dataops",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(site),
            },
        },
    )
    return context


def _validate(
    context: Any, name: str, version: int, table: Table, suite: Sequence[Expectation]
) -> Validated:
    """Validate one table."""
    import great_expectations as gx

    made = context.suites.add(gx.ExpectationSuite(name=name))
    for one in suite:
        made.add_expectation_configuration(_configuration(one))
    made.save()
    source = context.data_sources.add_pandas(name)
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("current")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=made)
    )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name=name, validation_definitions=[definition], result_format="BASIC")
    )
    frame = _first_rows(table)
    result = checkpoint.run(
        batch_parameters={"dataframe": frame},
        run_id=gx.RunIdentifier(run_name=f"version-{version}"),
    )
    (outcome,) = result.run_results.values()
    failed = tuple(
        " ".join(
            filter(None, (r.expectation_config.type, r.expectation_config.kwargs.get("column")))
        )
        for r in outcome.results
        if not r.success
    )
    rows = table.rows if table.rows is not None else len(frame)
    return Validated(name, version, not failed, failed, len(suite), len(frame), rows, "")


def _configuration(one: Expectation) -> Any:
    """Give an expectation as Great Expectations' configuration."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    return ExpectationConfiguration(
        type=one.name, kwargs=one.arguments, severity=FailureSeverity(one.severity)
    )


def _first_rows(table: Table) -> pd.DataFrame:
    """Read at most DOCS_ROWS rows."""
    import pyarrow as pa

    batches, count = [], 0
    for batch in table.batches(10_000):
        batches.append(batch.slice(0, DOCS_ROWS - count))
        count += batches[-1].num_rows
        if count >= DOCS_ROWS:
            break
    frame: pd.DataFrame = pa.Table.from_batches(batches, table.schema).to_pandas()
    return frame


def _with_page(one: Validated, site: Path) -> Validated:
    """Find a table's page."""
    from dataclasses import replace

    pages = sorted((site / "validations").glob(f"{one.name.replace('.', '/')}/**/*.html"))
    return replace(one, page=pages[-1].relative_to(site).as_posix() if pages else "")


def _offline(site: Path, validated: Sequence[Validated]) -> None:
    """Take what would be fetched off the pages, and give them a stylesheet and an index of ours."""
    style = (Path(__file__).with_name("docs.css")).read_text(encoding="utf-8")
    for page in site.rglob("*.html"):
        html = _REMOTE.sub("", page.read_text(encoding="utf-8"))
        html = html.replace("</head>", f"<style>{style}</style></head>", 1)
        page.write_text(html, encoding="utf-8")
    rows = "".join(_row(one) for one in validated)
    (site / "index.html").write_text(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Data Docs</title>"
        f"<style>{style}</style></head><body class='index'><h1>Data Docs</h1>"
        "<p>The current version of every asset with a schema.</p>"
        "<table><thead><tr><th>asset</th><th>version</th><th>rows</th><th>expectations</th>"
        f"<th>result</th></tr></thead><tbody>{rows}</tbody></table></body></html>",
        encoding="utf-8",
    )


def _row(one: Validated) -> str:
    """Give a table's line in the index."""
    rows = f"{one.all_rows:,}"
    if one.rows < one.all_rows:
        rows += f" (page: the first {one.rows:,})"
    result = "passed" if one.passed else "failed: " + escape(", ".join(one.failed))
    return (
        f"<tr><td><a href='{escape(one.page)}'>{escape(one.name)}</a></td><td>{one.version}</td>"
        f"<td>{rows}</td><td>{one.expectations}</td>"
        f"<td class='{'passed' if one.passed else 'failed'}'>{result}</td></tr>"
    )
