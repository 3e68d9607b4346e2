"""What all tests have in common."""

from hypothesis import HealthCheck, settings

# How fast a machine is says nothing about what is right: a busy one must not fail the suite.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
