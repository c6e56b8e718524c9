"""The vehicle under anything, over MQTT in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from fixtures.igv_machine import IgvMachine
from tests.vda5050.rig import JUDGE

_SETTINGS = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Two(IgvMachine):
    """2.1, judged by its schemas."""

    JUDGE = JUDGE


class Three(IgvMachine):
    """3.0, judged by its schemas."""

    VERSION = "3.0"
    JUDGE = JUDGE


TestTwo = Two.TestCase
TestTwo.settings = _SETTINGS
TestThree = Three.TestCase
TestThree.settings = _SETTINGS
pytest.mark.slow(TestTwo)
pytest.mark.slow(TestThree)
