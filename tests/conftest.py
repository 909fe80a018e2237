"""Fixtures that every test may use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("gradprod", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gradprod")


@pytest.fixture
def rng() -> np.random.Generator:
    """The one source of randomness."""
    return np.random.default_rng(20240607)
