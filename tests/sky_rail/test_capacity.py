"""The capacity tier takes a sky-rail's times from the rail, the drive and the hoist."""

from __future__ import annotations

import msgspec
import pytest

from twin import site
from twin.capacity import SizingError, plan_for, simulate, times_of
from twin.capacity.demand import Key
from twin.capacity.sky_times import drop_s, pick_s, sky_times_of
from twin.devices.sky_rail_words import SkyRailParameters

SITE = site.load("bac-luan-2")


def test_a_trip_by_rail_takes_what_the_run_over_wires_showed() -> None:
    """2.5 to 3.2 km at 30 km/h with slower curves, and the hoist's times."""
    times, p = sky_times_of(SITE), SkyRailParameters()
    for side in (0, 1):
        driving_s = times.empty.driving_s(side)
        assert 2_500 < times.empty.metres < 3_200
        assert times.empty.metres / 8.34 < driving_s < times.empty.metres / 5.0
        handling_s = times.loaded.driving_s(side) - driving_s
        assert handling_s == pytest.approx(pick_s(p) + drop_s(p), abs=0.5)
    assert times.empty.bridge_s == pytest.approx(618 / 8.33, rel=0.3)
    assert times.empty.to_gate_s[0] == pytest.approx(times.empty.to_gate_s[1], rel=0.02)


def test_the_same_boxes_are_carried_by_as_many_carriers_as_vehicles() -> None:
    """Two rails, no battery, against vehicles on two lanes: nobody is left, and times are alike."""
    landed_s = []
    for times, battery in ((sky_times_of(SITE), "none"), (times_of(SITE), "charge")):
        plan = plan_for(SITE, 200, lanes=2, days=1.0, battery=battery, igvs=16, cranes=2)  # type: ignore[arg-type]
        run = simulate(plan, times, Key(1, 0, 0))
        assert run.unserved == 0
        assert sum(run.delivered) > 60
        landed_s.append(sum(run.ready_to_landed_s) / len(run.ready_to_landed_s))
    rail_s, lane_s = landed_s
    assert 0.5 * lane_s < rail_s < 1.5 * lane_s


def test_a_site_without_a_rail_is_refused() -> None:
    """The error says what is missing."""
    bare = msgspec.structs.replace(
        SITE, bridge=msgspec.structs.replace(SITE.bridge, sky_rail=None)
    )  # fmt: skip
    with pytest.raises(SizingError, match="no sky-rail is known"):
        sky_times_of(bare)
