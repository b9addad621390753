"""What all tests share."""

from hypothesis import HealthCheck, settings

# The machine's speed is no behaviour of ours.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
