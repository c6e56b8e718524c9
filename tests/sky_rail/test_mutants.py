"""Wrong carriers and lines on purpose: each is caught by the test that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sky_rail import test_carrier as tests
from twin.devices.igv import Igv
from twin.devices.rail_line import RailLine
from twin.devices.sky_rail import SkyCarrier
from twin.devices.sky_rail_jobs import HoistJobs

pytestmark = pytest.mark.no_cover

_current = SkyCarrier._current


def _restarts(car: SkyCarrier, on: bool, cause: int) -> None:
    """Goes on by itself when current is back."""
    _current(car, on, cause)
    car.needs_restart = car.needs_restart and not on


def _no_stop(_line: RailLine) -> None:
    """Has no anemometer."""


MUTANTS: dict[str, tuple[type, str, Callable[..., Any], Callable[[], None]]] = {
    "drives_with_its_hoist_down": (
        SkyCarrier, "_may_drive", Igv._may_drive,
        tests.test_a_cancelled_pick_brings_the_hoist_up_before_it_drives,
    ),
    "restarts_by_itself": (
        SkyCarrier, "_current", _restarts,
        tests.test_without_current_all_brakes_fall_in_and_nothing_starts_by_itself,
    ),
    "ignores_the_gale": (
        RailLine, "_look_at_wind", _no_stop,
        tests.test_a_gale_stops_it_until_it_has_been_calm_for_a_minute,
    ),
    "runs_over_any_switch": (
        RailLine, "switch_fails", lambda _line, _node: False,
        tests.test_a_switch_without_end_position_stops_it_before_it,
    ),
    "shows_clear_signals": (
        RailLine, "claim", lambda _line, _car, _node: True,
        tests.test_a_block_with_somebody_in_it_holds_the_next_carrier,
    ),
    "takes_what_stands_there": (
        HoistJobs, "_why_not", lambda _jobs, _job: "",
        tests.test_the_wrong_box_and_an_occupied_table_are_refused,
    ),
    "hoists_through_a_trip": (
        SkyCarrier, "stuck", property(lambda _car: False),  # type: ignore[dict-item]
        tests.test_a_tripped_hoist_stands_and_goes_on_after_its_reset,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A test that lets its mutant through is no test."""
    owner, method, wrong, test = MUTANTS[name]
    monkeypatch.setattr(owner, method, wrong)
    with pytest.raises(AssertionError):
        test()
