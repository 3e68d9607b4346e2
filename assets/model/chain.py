"""The default chain: `raw.x` alone brings `processed.x_clean` and `output.x`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assets.model.arguments import Argument
from assets.model.declare import Asset, Broken
from assets.schemas import ProcessedText, RawText

if TYPE_CHECKING:
    from resources.llm import Cleaner
    from resources.tables import Table

CHAIN_VERSION: Final = "chain/1"
"""Counts as the code of the chain's assets: raise it when what they make changes."""


def clean(table: Table, llm: Cleaner) -> Table:
    """Clean the text columns."""
    return llm.clean(table)


def export(table: Table) -> Table:
    """Hand the table over as it is."""
    return table


def default_chain(assets: Iterable[Asset], broken: Iterable[Broken]) -> list[Asset]:
    """Give the assets that raw assets bring along, except those that a file declares itself."""
    declared = list(assets)
    taken = {a.key for a in declared} | {b.key for b in broken}
    made: list[Asset] = []
    for raw in declared:
        if raw.layer != "raw" or not raw.chain:
            continue
        clean_key, last = f"processed.{raw.name}_clean", raw.key
        if raw.columns is None or any(c.is_text for c in raw.columns) or clean_key in taken:
            last = clean_key
            if clean_key not in taken:
                made.append(_cleaned(raw, clean_key))
        if f"output.{raw.name}" not in taken:
            made.append(_exported(raw, last))
    return made


def _cleaned(raw: Asset, key: str) -> Asset:
    """Declare the cleaned asset of a raw one: its text columns through the rules engine."""
    columns = raw.columns
    if columns is not None and [c.name for c in columns] == [c.name for c in RawText.columns()]:
        columns = ProcessedText.columns()
    elif columns is not None:  # what the raw asset read has its types already
        columns = tuple(replace(column, written=None) for column in columns)
    return Asset(
        key=key,
        layer="processed",
        name=key.partition(".")[2],
        function=clean,
        arguments=(Argument("table", "upstream", raw.key), Argument("llm", "cleaner")),
        description=f"{raw.description or raw.key} (cleaned by the default chain)",
        upstream=(raw.key,),
        columns=columns,
        tags=raw.tags,
        owner=raw.owner,
        ordered=raw.ordered,
        max_quarantine=raw.max_quarantine,
        mode="replace" if raw.mode == "replace" else "append",
        anomalies=raw.anomalies,
        file=raw.file,
        line=raw.line,
        engine_version=CHAIN_VERSION,
    )


def _exported(raw: Asset, upstream: str) -> Asset:
    """Declare the CSV of a raw asset's last step."""
    return Asset(
        key=f"output.{raw.name}",
        layer="output",
        name=raw.name,
        function=export,
        arguments=(Argument("table", "upstream", upstream),),
        description=f"{raw.description or raw.key} (CSV by the default chain)",
        upstream=(upstream,),
        tags=raw.tags,
        owner=raw.owner,
        ordered=raw.ordered,
        anomalies=raw.anomalies,
        file=raw.file,
        line=raw.line,
        engine_version=CHAIN_VERSION,
    )


def is_chained(asset: Asset) -> bool:
    """Tell whether the default chain declared this asset, not a file."""
    return asset.engine_version == CHAIN_VERSION and Path(asset.file).parent.name == "raw"
