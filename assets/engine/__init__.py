"""The engine: what is stale and why, and making it so that readers only ever see whole versions."""

from assets.engine.attempt import Outcome, materialize
from assets.engine.errors import (
    AttemptFailed,
    BlockedError,
    CheckFailed,
    LeaseHeld,
    SchemaMismatch,
    Superseded,
    UpstreamMissing,
)
from assets.engine.plan import Plan, PlanLine, make_plan
from assets.engine.project import Project, open_project
from assets.engine.reasons import Reason

__all__ = [
    "AttemptFailed",
    "BlockedError",
    "CheckFailed",
    "LeaseHeld",
    "Outcome",
    "Plan",
    "PlanLine",
    "Project",
    "Reason",
    "SchemaMismatch",
    "Superseded",
    "UpstreamMissing",
    "make_plan",
    "materialize",
    "open_project",
]
