"""Run the benchmarks and print each figure beside its target and a peer or limit."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.projects import write_history, write_pipelines, write_project

ROOT = Path(__file__).resolve().parent.parent
DAGSTER = "Dagster 1.13.29, CPU s on 2 cores"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: what, how, and what it should be. unit: s, ms or MB."""

    name: str
    script: str
    target: float
    unit: str
    beside: str
    project: str = ""


IMPORT = "import assets, assets.schemas"
LOAD = "from assets.model.discover import discover; from pathlib import Path"
OPEN = (
    "from assets.engine import open_project, make_plan\nimport catalog.store, msgspec\n"
    "project = open_project(ROOT)"
)
MEASURES = (
    Measure("import of declarations", f"@{IMPORT}", 0.1, "s", f"{DAGSTER}: 2.4-3.9"),
    Measure(
        "load of 1,000 one-file assets",
        f"{LOAD}\n@graph = discover(Path(ROOT))\nassert len(graph.assets) == 1000",
        0.4,
        "s",
        f"{DAGSTER}: 0.8-1.2, from one module",
        "1000",
    ),
    Measure(
        "load of 200 pipelines in YAML",
        f"{LOAD}\n@graph = discover(Path(ROOT))\nassert len(graph.assets) == 600",
        0.2,
        "s",
        "600 assets; without the C loader: 0.3",
        "pipelines",
    ),
    Measure(
        "plan of 5,000, 100,000 events, fresh",
        f"{OPEN}\n@plan = make_plan(project)\n"
        "assert {line.state for line in plan.lines} == {'fresh'}",
        0.2,
        "s",
        f"{DAGSTER}: 1.8 batched, 17.7 one at a time",
        "5000",
    ),
    Measure(
        "plan of 5,000, root changed",
        f"{OPEN}\n@plan = make_plan(project)\n"
        "assert sum(bool(line.reasons) or line.state == 'waiting' for line in plan.lines) == 5000",
        0.3,
        "s",
        f"{DAGSTER}: 0.2-0.4 for 1,000, and 1 of 1,000 named",
        "changed",
    ),
    Measure(
        "peak memory of that plan",
        f"{OPEN}\nplan = make_plan(project)\nPEAK",
        200,
        "MB",
        "Dagster 1.13.29: 374",
        "changed",
    ),
    Measure(
        "no-op materialize, an asset",
        f"{OPEN}\nfrom assets.engine.runs import materialize_all\n"
        "todo = make_plan(project, asked=project.graph.order).to_make()\n"
        "from assets.engine import materialize\n"
        "materialize(project, 'raw.a0', run='warm', force=True)\n"
        "for key in todo[:1]: materialize(project, key, run='warm', force=True)\n"
        "@failed = materialize_all(project, todo, run='bench', by='', forced=frozenset(todo))\n"
        "assert not failed\nSCALE(1000 / len(todo))",
        10,
        "ms",
        "Dagster 1.13.29: 64-93 on SQLite, 13-23 in memory",
        "100",
    ),
    Measure(
        "publishing the catalog after those",
        f"{OPEN}\n@project.catalog.fold()",
        1.0,
        "s",
        "coalesced: at most once a second",
        "100",
    ),
)


def main() -> int:
    """Make the projects, run each measure in fresh processes, print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--runs", type=int, default=5, help="fresh processes a figure")
    parser.add_argument("--only", default="", help="part of a measure's name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        homes = _projects(Path(folder))
        print(f"{'':42} {'median':>8} {'min':>8} {'max':>8} {'target':>8}")
        missed = 0
        for measure in MEASURES:
            if options.only not in measure.name:
                continue
            figures = [_once(measure, homes.get(measure.project)) for _ in range(options.runs)]
            middle = statistics.median(figures)
            missed += middle > measure.target
            verdict = "ok" if middle <= measure.target else "MISSED"
            print(
                f"{measure.name:42} {middle:8.3f} {min(figures):8.3f} {max(figures):8.3f} "
                f"{measure.target:8g} {measure.unit:2} {verdict:6} ({measure.beside})",
                flush=True,
            )
    print("CPU seconds of a fresh process; imports before the measured line are not counted.")
    return 1 if missed else 0


def _projects(folder: Path) -> dict[str, Path]:
    """Make the projects that the measures work on."""
    homes = {name: folder / name for name in ("100", "1000", "5000", "changed", "pipelines")}
    write_pipelines(homes["pipelines"], 200)
    write_project(homes["100"], 100)
    write_project(homes["1000"], 1000)
    for name in ("5000", "changed"):
        write_project(homes[name], 5000)
        write_history(homes[name], 20)
        _run(
            "from assets.engine import open_project\nopen_project(ROOT).catalog.fold()", homes[name]
        )
    root = homes["changed"] / "assets/raw/a0.py"
    root.write_text(root.read_text().replace("[1, 2, 3]", "[1, 2, 4]"))
    return homes


def _once(measure: Measure, home: Path | None) -> float:
    """Run a measure's script once and give its figure."""
    lines = []
    for line in measure.script.splitlines():
        if line.startswith("@"):
            lines += ["_start = _time.process_time()", line[1:]]
            lines += ["_spent = _time.process_time() - _start"]
        elif line.startswith("SCALE"):
            lines.append(f"_spent *= {line[5:]}")
        elif line == "PEAK":
            lines.append("_spent = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss / 1024")
        else:
            lines.append(line)
    script = "import time as _time, resource as _resource\n" + "\n".join(lines) + "\nprint(_spent)"
    return float(_run(script, home).splitlines()[-1])


def _run(script: str, home: Path | None) -> str:
    """Run a script in a fresh process."""
    text = f"ROOT = {json.dumps(str(home))}\n{script}"
    answer = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return answer.stdout


if __name__ == "__main__":
    sys.exit(main())
