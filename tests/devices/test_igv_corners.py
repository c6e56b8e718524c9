"""A corner that a vehicle learns of in time is driven as one that it knew from the beginning."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.clock import Clock, run_virtual
from twin.devices.igv import Igv, IgvParameters, Way
from twin.physics import Path, Pose
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.energy import IGV_ENERGY
from twin.trace import Trace
from twin.world.carrier import Carrier
from twin.world.docks import Docks

SPEED_M_S = 5.0
BEND = [(100.0, 0.0), (160.0, 15.0), (260.0, 15.0)]
"""Two corners of 14 degrees, rounded within a metre of their nodes."""


def ways(points: Sequence[tuple[float, float]], deviation_m: float = 1.0) -> list[Way]:
    return [
        Way(key, (point,), speed_m_s=SPEED_M_S, deviation_m=deviation_m)
        for key, point in enumerate(points, 1)
    ]


def drive(parts: Sequence[tuple[float, int]], laid: list[Way]) -> tuple[float, int, float]:
    """Arrival (s), rests, and the farthest from the polyline of nodes (m).

    `parts`: when (s) how many of the ways are known, and may be driven.
    """

    async def main(clock: Clock) -> tuple[float, int, float]:
        trace = Trace(clock)
        carrier = Carrier(
            "igv", clock, trace, KinematicDrive(), IgvParameters().vehicle, IGV_ENERGY,
            pose=Pose(0.0, 0.0, 0.0),
        )  # fmt: skip
        igv = Igv("igv", clock, trace, random.Random(1), carrier=carrier, handover=Docks(trace))
        passed: list[int] = []
        igv.on_reached(passed.append)
        for at_s, count in parts:
            await clock.sleep(at_s - clock.now_s())
            igv.set_ways(laid[len(passed) : count])
            igv.proceed(laid[count - 1].key)
        exact, far_m = Path.polyline([(0.0, 0.0), *(way.points[-1] for way in laid)]), 0.0
        while carrier.moving or len(passed) < len(laid):
            pose = carrier.pose
            near = exact.nearest_m(pose.x_m, pose.y_m, carrier.way_m, within_m=30.0)
            foot = exact.pose_at(near)
            far_m = max(far_m, math.hypot(foot.x_m - pose.x_m, foot.y_m - pose.y_m))
            assert clock.now_s() < 600
            await clock.sleep(0.05)
        assert passed == [way.key for way in laid]
        rests = [one for one in trace.records() if one.kind == "igv.rest"]
        return clock.now_s(), len(rests), far_m

    return run_virtual(main)


def test_a_base_that_grows_in_time_costs_nothing() -> None:
    """The same arrival as with the whole way at once, and one rest, at the end."""
    whole_s, rests, far_m = drive([(0.0, 3)], ways(BEND))
    assert rests == 1
    assert far_m == pytest.approx(0.3, abs=0.2)
    grown_s, rests, far_m = drive([(0.0, 1), (12.0, 2), (24.0, 3)], ways(BEND))
    assert rests == 1
    assert far_m == pytest.approx(0.3, abs=0.2)
    assert grown_s == pytest.approx(whole_s, abs=0.5)


def test_a_base_that_grows_too_late_costs_a_stop() -> None:
    """It stands at the corner, turns its wheels, and goes on."""
    whole_s, _, _ = drive([(0.0, 3)], ways(BEND))
    late_s, rests, _ = drive([(0.0, 1), (60.0, 3)], ways(BEND))
    assert rests == 2
    assert late_s > whole_s + 20


def test_a_corner_without_room_is_not_rounded() -> None:
    """With no deviation allowed it stands at each corner, however early it knows."""
    _, rests, far_m = drive([(0.0, 1), (5.0, 3)], ways(BEND, deviation_m=0.0))
    assert rests == 3
    assert far_m < 0.2  # which is how well the foot on a kinked line is found


@pytest.mark.slow
@settings(max_examples=30)
@given(first_s=st.floats(0.5, 40.0), more_s=st.floats(0.5, 40.0))
def test_whenever_the_base_grows_all_nodes_are_passed_on_the_way(
    first_s: float, more_s: float
) -> None:
    """In order, never a metre off, and never later than with a stop at each corner."""
    stopping_s, _, _ = drive([(0.0, 3)], ways(BEND, deviation_m=0.0))
    parts = [(0.0, 1), (first_s, 2), (first_s + more_s, 3)]
    arrived_s, _, far_m = drive(parts, ways(BEND))
    assert far_m < 1.0
    assert arrived_s < max(stopping_s, first_s + more_s + 45) + 1
