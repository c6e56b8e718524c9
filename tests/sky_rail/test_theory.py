"""Times and swings of a sky-rail's carrier against closed forms written down independently."""

from __future__ import annotations

import itertools
import math

import pytest

from twin.clock import Clock, run_virtual
from twin.devices.sky_rail_words import SkyRailParameters, travel_s
from twin.physics import (
    BrakeKind,
    DriveState,
    Leg,
    Path,
    PhysicsError,
    Pose,
    load_drive,
)
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.path import Piece
from twin.physics.rail_parameters import RAIL_ENERGY, RailCarrierParameters
from twin.trace import Trace
from twin.world import pendulum
from twin.world.rail_carrier import RailCarrier

G = 9.80665
P = RailCarrierParameters()


def straight_s(way_m: float) -> float:
    """Rest to rest with top speed reached: s/v + v/a + a/j, for equal acceleration and braking."""
    v, a, j = P.loaded_speed_m_s, P.loaded_acceleration_m_s2, P.jerk_m_s3
    assert v >= a * a / j, "the acceleration reaches its limit"
    assert way_m >= v * (v / a + a / j), "and the speed its own"
    return way_m / v + v / a + a / j


@pytest.mark.parametrize("way_m", [200.0, 618.0, 2000.0])
@pytest.mark.parametrize("load_kg", [0.0, 30_000.0])
def test_a_straight_takes_what_the_jerk_limited_profile_says(way_m: float, load_kg: float) -> None:
    """The crossing time is s/v + v/a + a/j."""
    leg = Leg(P, Path([Piece(0.0, 0.0, 0.0, way_m)]), load_kg)
    motion = KinematicDrive().plan(leg, DriveState(0.0), way_m)
    assert motion.duration_s == pytest.approx(straight_s(way_m), rel=1e-6)


def test_a_hoist_takes_what_a_trapezoid_says() -> None:
    """6 m at 0.25 m/s with 0.2 m/s²; a way too short for that speed is a triangle."""
    p = SkyRailParameters()
    assert travel_s(p.lift_m, p.hoist_m_s, p.hoist_m_s2) == pytest.approx(6 / 0.25 + 0.25 / 0.2)
    assert travel_s(0.05, 0.5, 0.2) == pytest.approx(2 * math.sqrt(0.05 / 0.2))


def hung(clock: Clock, damping: float) -> RailCarrier:
    """A carrier with an 800 m way laid."""
    parameters = RailCarrierParameters(sway_damping=damping)
    body = RailCarrier(
        "sky-01", clock, Trace(clock), load_drive("kinematic"), parameters, RAIL_ENERGY,
        pose=Pose(0.0, 0.0, 0.0),
    )  # fmt: skip
    body.lay(Path.straight(Pose(0.0, 0.0, 0.0), 800.0))
    return body


async def _after_stop(clock: Clock, damping: float) -> list[tuple[float, float]]:
    body = hung(clock, damping)
    body.run(800.0)
    await clock.sleep(40.0)
    body.brake(BrakeKind.EMERGENCY)
    while body.moving:
        await clock.sleep(0.1)
    found = []
    for _ in range(4000):
        found.append((clock.now_s(), body.swing.angle_rad))
        await clock.sleep(0.01)
    return found


def _crossings(samples: list[tuple[float, float]]) -> list[float]:
    return [
        t0 - x0 * (t1 - t0) / (x1 - x0)
        for (t0, x0), (t1, x1) in itertools.pairwise(samples)
        if x0 < 0 <= x1
    ]


def test_a_box_swings_with_the_frequency_of_a_pendulum() -> None:
    """After a stop it passes its rest once in 2π√(l/g), slower by √(1-ζ²) with dampers."""
    for damping in (1e-6, 0.1):
        samples = run_virtual(lambda clock, d=damping: _after_stop(clock, d))
        times = _crossings(samples)
        period_s = (times[-1] - times[0]) / (len(times) - 1)
        wanted = 2 * math.pi * math.sqrt(P.pivot_m / G) / math.sqrt(1 - damping**2)
        assert period_s == pytest.approx(wanted, rel=1e-3)
        peaks = [
            abs(b[1]) for a, b, c in zip(samples, samples[1:], samples[2:], strict=False)
            if abs(a[1]) < abs(b[1]) >= abs(c[1])
        ]  # fmt: skip
        ratio = math.exp(-damping * math.pi / math.sqrt(1 - damping**2))
        assert peaks[1] / peaks[0] == pytest.approx(ratio, rel=5e-3), "half a period's decrement"


def test_under_constant_acceleration_a_box_hangs_back_by_a_over_g() -> None:
    """With dampers it comes to rest at θ = -a/g; without, it swings about that as far again."""
    at_rest = pendulum.after(pendulum.Swing(), 200.0, P.pivot_m, 0.5, 0.1)
    assert at_rest.angle_rad == pytest.approx(-0.5 / G, rel=1e-6)
    half_s = math.pi * math.sqrt(P.pivot_m / G)
    farthest = pendulum.after(pendulum.Swing(), half_s, P.pivot_m, 0.5, 0.0)
    assert farthest.angle_rad == pytest.approx(-2 * 0.5 / G, rel=1e-6)


def test_a_soft_stop_swings_less_than_a_hard_one_and_both_calm_down_in_time() -> None:
    """`settle_s` is what the logarithm of the decrement says."""

    async def story(clock: Clock) -> None:
        sways = {}
        for kind in (BrakeKind.SERVICE, BrakeKind.EMERGENCY):
            body = hung(clock, P.sway_damping)
            body.run(800.0)
            await clock.sleep(40.0)
            body.brake(kind)
            while body.moving:
                await clock.sleep(0.1)
            sways[kind] = body.sway_m
            wait_s = body.settle_s(0.03)
            await clock.sleep(wait_s)
            assert body.sway_m == pytest.approx(0.03, rel=1e-6) or wait_s == 0 < 0.03 > body.sway_m
        assert 0 < sways[BrakeKind.SERVICE] < 0.3 < sways[BrakeKind.EMERGENCY] < 2.0

    run_virtual(story)


def test_parameters_that_cannot_be_are_refused() -> None:
    """Each is named with its value."""
    with pytest.raises(PhysicsError, match="pivot_m is 0"):
        RailCarrierParameters(pivot_m=0.0)
    with pytest.raises(PhysicsError, match="sway_damping is 1"):
        RailCarrierParameters(sway_damping=1.0)


def test_one_carrier_on_the_line_of_qingdao_carries_what_is_published_of_it() -> None:
    """620 m and about 60,000 TEU a year: the same order of magnitude from our figures.

    One carrier to and fro, laden one way, with 20 ft boxes, never waiting, day and night.
    """
    p = SkyRailParameters()
    table_s = travel_s(p.table_m, p.table_m_s, p.table_m_s2)
    hoists_s = travel_s(p.lift_m, p.hoist_m_s, p.hoist_m_s2) + travel_s(
        p.lift_m, p.hoist_empty_m_s, p.hoist_m_s2
    )
    pick_s, drop_s = table_s + hoists_s + p.lock_s, 2 * table_s + hoists_s + p.lock_s
    cycle_s = 2 * straight_s(620.0) + pick_s + drop_s
    teu_year = 365 * 86_400 / cycle_s
    assert 60_000 < teu_year < 3 * 60_000
