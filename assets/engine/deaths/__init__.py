"""Deaths: attempts and runs whose process died are counted by whoever looks next."""

from assets.engine.deaths.doing import begin_run, doing, end_run, interrupted
from assets.engine.deaths.settle import settle_dead

__all__ = ["begin_run", "doing", "end_run", "interrupted", "settle_dead"]
