"""What all tests have in common."""

import os
import signal
import threading

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what is right: a busy one must not fail the suite.
_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The suite tries the same examples everywhere, so that it passes for a newcomer where it passed
# for whoever wrote it. New ones are looked for on purpose: --hypothesis-profile=search.
settings.register_profile("repeatable", _ANY_MACHINE, derandomize=True)
settings.register_profile("search", _ANY_MACHINE, derandomize=False)
settings.load_profile("repeatable")

# In the background of a shell Ctrl-C is ignored, and so it would be in whatever tests start.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int | None:
    """Give one worker more than there are cores: much of the suite waits for other processes."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # somebody said how many
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1
