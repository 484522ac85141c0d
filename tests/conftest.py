"""What all tests share."""

from hypothesis import settings

# The same examples in every run, however slow the machine is.
settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")
