"""What all tests have in common."""

import signal
import threading

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what is right: a busy one must not fail the suite.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# In the background of a shell Ctrl-C is ignored, and so it would be in whatever tests start.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
