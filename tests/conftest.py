"""What all tests share."""

from hypothesis import HealthCheck, settings

# The same examples in every run, however slow the machine is.
settings.register_profile(
    "deterministic",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("deterministic")
