"""The DAG file of the pipeline: every DAG of the project, made from what is declared under assets/.

Airflow reads this file again for every task, so it reads project files only, never data.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG
from dataops_dags.factory import build_dags

ROOT = Path(__file__).resolve().parent.parent

for _dag in build_dags(ROOT):
    globals()[_dag.dag_id] = _dag

__all__ = ["DAG"]  # Airflow looks for this word in files it should read
