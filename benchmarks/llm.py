"""LLM cleaning against a strict server: how near the limit, what is lost, what it takes.

    make bench-llm                          every measure but the longest
    python -m benchmarks.llm clean faults   some of them
    python -m benchmarks.llm --long         with 1,000,000 rows and a 60 s outage

The server takes 40 requests a second with a burst of 4 and answers after 0.75 s (log-normal,
sigma 0.3): as many in flight as with 10 a second at 3 s, on a clock four times as fast.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.llm_stage import ROOT, Stage, figures, texts
from tests.llm_server import FAULT_MIX

RATE, ROWS, PACK = 40.0, 20_000, 20
SERVER: dict[str, Any] = {"latency": 0.75, "sigma": 0.3, "hang_seconds": 30.0, "told": True}

Line = tuple[str, str, str, bool]
"""What was measured, what must be, what it was, and whether that is enough."""


def _line(what: str, must: str, was: str, good: bool) -> Line:
    """Give a line of the table."""
    return what, must, was, good


def _share(seconds: float, rows: int = ROWS) -> float:
    """Give the share of the limit that so many seconds mean."""
    return rows / PACK / RATE / seconds


def _told(found: dict[str, Any]) -> str:
    """Say what a run was like."""
    return f"{found['seconds']:.1f} s, {found['cpu']:.1f} s CPU, peak {found['peak_mb']:.0f} MB"


def _books(found: dict[str, Any], rows: int, poison: int = 0) -> Line:
    """Hold every row to its own answer."""
    lost = rows - found["rows"] - found["quarantined"]
    was = f"{lost} / {found['wrong']}, {found['quarantined']} in quarantine {found['error']}"
    good = lost == found["wrong"] == 0 and found["quarantined"] == found["poison"] == poison
    return _line(f"  rows lost / wrong ({poison} poison rows)", "0 / 0", was, good)


def clean() -> list[Line]:
    """Measure a run without faults."""
    with Stage(SERVER, RATE) as stage:
        found = stage.run("clean", stage.write("rows", texts(ROWS)), ROWS)
        seen = stage.stats()
    refused = seen["statuses"].get("429", 0)
    share = _share(found["seconds"])
    return [
        _line(
            "clean: share of the limit", ">= 0.95", f"{share:.3f} ({_told(found)})", share >= 0.95
        ),
        _line(
            "  429s",
            "<= 1 %",
            f"{refused} of {seen['requests']}",
            refused <= seen["requests"] / 100,
        ),
        _books(found, ROWS),
    ]


def faults() -> list[Line]:
    """Measure a run under the fault mix."""
    with Stage({**SERVER, "shares": FAULT_MIX}, RATE) as stage:
        found = stage.run("clean", stage.write("rows", texts(ROWS)), ROWS)
        seen = stage.stats()
    share, extra = _share(found["seconds"]), seen["requests"] / (ROWS / PACK) - 1
    refused = seen["statuses"].get("429", 0)
    return [
        _line(
            "faults: share of the limit", ">= 0.85", f"{share:.3f} ({_told(found)})", share >= 0.85
        ),
        _line(
            "  extra requests",
            "<= 15 %",
            f"{extra:.1%} ({sum(seen['faults'].values())} faults)",
            extra <= 0.15,
        ),
        _line(
            "  429s",
            "<= 1 %",
            f"{refused} of {seen['requests']}",
            refused <= seen["requests"] / 100,
        ),
        _books(found, ROWS),
    ]


def poison() -> list[Line]:
    """Measure rows that no request with them gets an answer for."""
    rows = 4_000
    lines = []
    for how in ("400", "malformed"):
        with Stage({**SERVER, "poison": "poison", "poison_as": how}, RATE) as stage:
            found = stage.run("clean", stage.write("rows", texts(rows, poison=12)), rows)
            requests = stage.stats()["requests"]
        lines.append(_line(f"poison as {how}", "-", f"{requests} requests for 200 packs", True))
        lines.append(_books(found, rows, 12))
    return lines


def duplicates() -> list[Line]:
    """Measure what equal rows save."""
    with Stage(SERVER, RATE) as stage:
        plain = stage.run("clean", stage.write("distinct", texts(ROWS, seed=6)), ROWS)
        found = stage.run("clean", stage.write("rows", texts(ROWS, distinct=int(0.6 * ROWS))), ROWS)
    faster = plain["seconds"] / found["seconds"]
    return [
        _line(
            "40 % duplicates: speed-up", ">= 1.6", f"{faster:.2f} ({_told(found)})", faster >= 1.6
        ),
        _books(found, ROWS),
    ]


def processes() -> list[Line]:
    """Measure four processes that share a key."""
    part = ROWS // 4
    every = texts(ROWS)
    with Stage(SERVER, RATE) as stage:
        parts = [stage.write(f"part{n}", every[n * part : (n + 1) * part]) for n in range(4)]
        workers = [stage.start("clean", path, part) for path in parts]
        found = [figures(worker) for worker in workers]
        seen = stage.stats()
    seconds = max(f["began"] + f["seconds"] for f in found) - min(f["began"] for f in found)
    share, refused = _share(seconds), seen["statuses"].get("429", 0)
    books = {k: sum(f[k] for f in found) for k in ("rows", "wrong", "quarantined", "poison")}
    return [
        _line(
            "4 processes, one key: share", ">= 0.90", f"{share:.3f} ({seconds:.1f} s)", share >= 0.9
        ),
        _line(
            "  429s",
            "<= 1 %",
            f"{refused} of {seen['requests']}",
            refused <= seen["requests"] / 100,
        ),
        _books({**books, "error": "".join(f["error"] for f in found)}, ROWS),
    ]


def cost() -> list[Line]:
    """Measure the estimate against the run that follows it."""
    rows = 6_000
    with Stage(SERVER, RATE) as stage:
        path = stage.write("rows", texts(rows, distinct=5_000))
        said = stage.run("estimate", path, rows)
        found = stage.run("clean", path, rows)
    off = {k: said[k] / found[k] - 1 for k in ("requests", "tokens")}
    was = ", ".join(f"{k} {said[k]:,} for {found[k]:,} ({off[k]:+.1%})" for k in off)
    return [
        _line(
            "estimate against the run", "within 10 %", was, all(abs(o) <= 0.1 for o in off.values())
        )
    ]


def warm() -> list[Line]:
    """Measure a rerun whose answers are all known."""
    rows = 200_000
    with Stage({}, 0) as stage:
        stage.reset({})
        stage.rate = 1_000
        path = stage.write("rows", texts(rows))
        stage.run("clean", path, rows)
        before = stage.stats()["requests"]
        found = stage.run("clean", path, rows)
        sent = stage.stats()["requests"] - before
    speed = rows / found["seconds"]
    return [
        _line("warm cache: requests", "0", str(sent), sent == 0),
        _line("  rows a second", ">= 20,000", f"{speed:,.0f} ({_told(found)})", speed >= 20_000),
        _books(found, rows),
    ]


def outage(seconds: float = 6.0) -> list[Line]:
    """Measure an outage in mid-run."""
    rows = 8_000
    with Stage({**SERVER, "outage_at": 3.0, "outage_seconds": seconds}, RATE) as stage:
        found = stage.run("clean", stage.write("rows", texts(rows)), rows)
        requests = stage.stats()["requests"]
    over = found["seconds"] - rows / PACK / RATE - seconds
    was = f"done {over:.1f} s after outage and ideal time, {requests} requests for {rows // PACK}"
    return [
        _line(f"outage of {seconds:g} s", "completes", was, not found["error"]),
        _books(found, rows),
    ]


def kills() -> list[Line]:
    """Measure kill -9 at twenty random instants, each followed by a rerun."""
    rows, draw = 12_000, random.Random(11)
    with Stage(SERVER, RATE) as stage:
        path = stage.write("rows", texts(rows))
        in_flight = done = 0
        for _ in range(20):
            before = stage.stats()["requests"]
            worker = stage.start("clean", path, rows)
            stage.wait_for(before + draw.randint(1, 30))
            time.sleep(draw.uniform(0, 0.3))
            worker.kill()
            seen = stage.stats()  # the server goes on with what it was sent
            in_flight += seen["at_once"] + seen["just_answered"]
            worker.communicate()
            done += 1
            time.sleep(1.0)
        found = stage.run("clean", path, rows)
        requests = stage.stats()["requests"]
    most = rows // PACK + in_flight
    was = f"{requests} (600 packs + {in_flight} in flight at {done} kills)"
    return [_line("kill -9: requests", f"<= {most}", was, requests <= most), _books(found, rows)]


def quota() -> list[Line]:
    """Measure the end of an account's quota, and of a budget."""
    rows = 4_000
    lines = []
    for what, how, job in (
        ("quota", {"quota": 100}, {}),
        ("budget", {}, {"budget": {"tokens_per_run": 60_000}}),
    ):
        with Stage({**SERVER, **how}, RATE) as stage:
            path = stage.write("rows", texts(rows))
            first = stage.run("clean", path, rows, **job)
            sent = stage.stats()["requests"]
            stage.reset({**SERVER, "rate": RATE, "burst": 4})
            second = stage.run("clean", path, rows)
            more = stage.stats()["requests"]
        waits = first["retry"] == rows - first["rows"] > 0
        was = f"{first['rows']} rows done, {first['retry']} to retry, {sent} requests; then {more}"
        whole = second["cached"] >= first["rows"] and sent + more <= rows / PACK + 40
        lines.append(_line(f"end of the {what}", "resumes", was, waits and whole))
        lines.append(_books(second, rows))
    return lines


def by_hand() -> list[Line]:
    """Measure the plain client with a semaphore on the same server, with and without faults."""
    lines = []
    for what, how in (("clean", {}), ("faults", {"shares": FAULT_MIX})):
        with Stage({**SERVER, **how}, RATE) as stage:
            found = stage.run("plain", stage.write("rows", texts(ROWS)), ROWS)
            seen = stage.stats()
        refused = seen["statuses"].get("429", 0)
        was = (
            f"{found['lost']:,} lost / {found['wrong']:,} wrong of {ROWS:,}; {refused} of "
            f"{seen['requests']} refused; {_told(found)}"
        )
        lines.append(_line(f"(openai client, semaphore 30, {what})", "-", was, True))
    return lines


def million(scale: float = 8.0) -> list[Line]:
    """Measure 1,000,000 rows at 10 requests/s and 3 s, on a clock `scale` times as fast."""
    rows = 1_000_000
    behaviour = {**SERVER, "latency": 3 / scale, "burst": 10 * scale / 10, "told": False}
    with Stage(behaviour, 10 * scale) as stage:
        found = stage.run("clean", stage.write("rows", texts(rows)), rows)
    minutes = found["seconds"] * scale / 60
    return [
        _line(
            "1,000,000 rows, 10/s at 3 s",
            "<= 90 min",
            f"{minutes:.1f} min (measured {found['seconds'] / 60:.1f} min, clock x{scale:g})",
            minutes <= 90,
        ),
        _line("  CPU", "<= 5 min", f"{found['cpu'] / 60:.1f} min", found["cpu"] <= 300),
        _line(
            "  peak memory", "< 1,000 MB", f"{found['peak_mb']:.0f} MB", found["peak_mb"] < 1_000
        ),
        _books(found, rows),
    ]


MEASURES: dict[str, Callable[[], list[Line]]] = {
    "clean": clean,
    "faults": faults,
    "poison": poison,
    "duplicates": duplicates,
    "processes": processes,
    "cost": cost,
    "warm": warm,
    "outage": outage,
    "kills": kills,
    "quota": quota,
    "by_hand": by_hand,
}


def main() -> None:
    """Run the measures that were asked for, print them, and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MEASURES, "million", []])
    parser.add_argument("--long", action="store_true", help="also what takes ten minutes")
    asked = parser.parse_args()
    chosen: dict[str, Callable[[], list[Line]]] = dict(MEASURES)
    if asked.long:
        chosen |= {"outage": lambda: outage(60.0), "million": million}
    if asked.names:
        every = {**MEASURES, **chosen, "million": million}
        chosen = {name: every[name] for name in asked.names}
    lines: list[Line] = []
    for measure in chosen.values():
        for line in measure():
            lines.append(line)
            print(
                f"{line[0]:<44} {line[1]:>12}  {'' if line[3] else 'MISSED '}{line[2]}", flush=True
            )
    target = ROOT / "benchmarks" / "results" / "llm.json"
    target.parent.mkdir(exist_ok=True)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    target.write_text(json.dumps({"at": when, "lines": lines}, indent=1), encoding="utf-8")
    if not all(line[3] for line in lines):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
