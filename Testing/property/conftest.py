"""How many random inputs a test gets: a hundred, always the same, or by ``make nightly`` ten thousand."""

import os

from cases.geometries import FEW, MANY
from hypothesis import HealthCheck, settings

SAME_FOR_BOTH = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("quick", max_examples=FEW, derandomize=True, **SAME_FOR_BOTH)
settings.register_profile("nightly", max_examples=MANY, print_blob=True, **SAME_FOR_BOTH)
settings.load_profile("nightly" if os.environ.get("SAMREGISTRATION_NIGHTLY") else "quick")
