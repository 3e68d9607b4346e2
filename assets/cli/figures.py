"""Figures of cleaners: side by side as a table, and as facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resources.wording import counted

if TYPE_CHECKING:
    from assets.engine.experiments import Scored
    from resources.evaluation.metrics import Measured, Paired
    from resources.evaluation.page import Figures
    from resources.evaluation.running import Ran
    from resources.evaluation.statistics import Share

HEAD = ("rows", "needed a change", "exactly right", "95 % interval", "over-corrected")
_MORE = ("edit precision", "edit recall", "edit F0.5", "invariants broken", "quarantined")
_USED = ("answered by (rows)", "known already", "requests", "tokens", "cost", "a request took")


def figures(title: str, cleaners: Sequence[Scored]) -> Figures:
    """Put cleaners side by side, a measure a line."""
    from resources.evaluation.page import Figures

    columns = [(*cells(s.measured), *_more(s.measured), *_used(s.ran)) for s in cleaners]
    lines = list(zip(HEAD + _MORE + _USED, *columns, strict=True))
    return Figures(title, ("", *(each.name for each in cleaners)), lines)


def cells(m: Measured) -> tuple[object, ...]:
    """Give how much of its task a cleaner did, and what it spoiled."""
    return (
        m.rows,
        m.fixed.of,
        f"{percent(m.fixed.value)} ({m.fixed.count:,})",
        f"{m.fixed.low:.1%} .. {m.fixed.high:.1%}" if m.fixed.of else "-",
        f"{percent(m.spoiled.value)} ({m.spoiled.count:,} of {m.spoiled.of:,})",
    )


def _more(m: Measured) -> tuple[object, ...]:
    """Give a cleaner's other figures."""
    edits = (_two(m.edits.precision), _two(m.edits.recall), _two(m.edits.f_half))
    return *edits, m.broken, m.aside


def _used(ran: Ran | None) -> tuple[object, ...]:
    """Give who answered, and what that took."""
    if ran is None:
        return "-", 0, 0, 0, "-", "-"
    took = "-" if ran.latency is None else f"{ran.latency:.2f} s"
    return answered(ran), ran.known, ran.requests, ran.tokens, money(ran), took


def answered(ran: Ran) -> str:
    """Name who really answered, with the number of rows."""
    return ", ".join(f"{u.model} {u.rows:,}" for u in ran.usage if u.rows) or "nobody"


def money(ran: Ran) -> str:
    """Write what a run cost; ? where the price is not known."""
    if not ran.tokens:
        return "-"
    return f"${ran.cost:,.4f}" if ran.cost or not ran.paid else "?"


def percent(share: float | None) -> str:
    """Write a share; - where there is none."""
    return "-" if share is None else f"{share:.1%}"


def _two(value: float | None) -> str:
    """Write a value between 0 and 1; - where there is none."""
    return "-" if value is None else f"{value:.2f}"


def against(other: str, name: str, paired: Paired) -> str:
    """Say how two cleaners differ on the same rows."""
    return (
        f"Against {other}: {counted(paired.only_first)} only {name} got right, "
        f"{paired.only_second:,} only {other}; exact McNemar p = {paired.p:.3g}"
    )


def use_facts(ran: Ran) -> dict[str, Any]:
    """Give what a run used as facts."""
    return {
        "models": list(ran.models),
        "known_already": ran.known,
        "requests": ran.requests,
        "tokens": ran.tokens,
        "cost": ran.cost,
        "seconds_per_request": ran.latency,
    }


def share_facts(share: Share) -> dict[str, Any]:
    """Give a share as facts."""
    return {
        "rows": share.count,
        "of": share.of,
        "share": share.value,
        "low": share.low,
        "high": share.high,
    }


def measured_facts(m: Measured) -> dict[str, Any]:
    """Give a cleaner's figures as facts."""
    return {
        "rows": m.rows,
        "right": share_facts(m.right),
        "exactly_right": share_facts(m.fixed),
        "over_corrected": share_facts(m.spoiled),
        "edits": {
            "precision": m.edits.precision,
            "recall": m.edits.recall,
            "f_half": m.edits.f_half,
        },
        "invariants_broken": m.broken,
        "quarantined": m.aside,
    }
