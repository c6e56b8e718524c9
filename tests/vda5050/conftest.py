"""A vehicle's logic in each version of the standard, for the tests of orders and of actions."""

from __future__ import annotations

import pytest

from tests.vda5050.bench import Bench


@pytest.fixture(params=("2.0", "2.1", "3.0"))
def bench(request: pytest.FixtureRequest) -> Bench:
    """The logic of a vehicle that speaks this version."""
    return Bench(request.param)
