"""The crane's body: motions, sway and contact against theory."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crane.ground import NUMBERS, Site
from twin.clock import NS, Clock, run_virtual
from twin.trace import Trace
from twin.world import axis, pendulum
from twin.world.axis import AxisLimits, AxisMotion
from twin.world.crane import Axis
from twin.world.pendulum import Swing
from twin.world.sway import Sway
from twin.world.wind import PEAK, Wind
from twin.world.yard import Box, Place, PlaceKind, Yard, YardError

LIMITS = AxisLimits(0.0, 100.0, 2.0, 0.3, 0.8)
PLACES = st.floats(0.0, 100.0)
SPEEDS = st.floats(-2.0, 2.0)


@given(PLACES, SPEEDS, PLACES, st.floats(0.2, 2.0))
def test_a_move_is_smooth_within_its_limits_and_ends_where_it_should(
    from_m: float, speed: float, to_m: float, top: float
) -> None:
    """Place and speed have no jumps, no limit is passed, and the end is the goal at rest."""
    motion = axis.move(0, from_m, speed, to_m, LIMITS, top_m_s=top)
    place, rate = from_m, speed
    for piece in motion.pieces:
        assert piece.place_m == pytest.approx(place, abs=1e-6)
        assert piece.speed_m_s == pytest.approx(rate, abs=1e-6)
        assert abs(piece.acceleration_m_s2) <= LIMITS.acceleration_m_s2 + 1e-9
        place, rate, _ = piece.at(piece.until_s)
        assert abs(rate) <= max(abs(speed), top) + 1e-6
    assert rate == pytest.approx(0.0, abs=1e-6)
    assert place == pytest.approx(to_m, abs=1e-5)
    assert motion.at(motion.end_ns) == (to_m, 0.0, 0.0)


def test_a_move_takes_the_time_of_the_textbook() -> None:
    """From rest to rest over s: s/v + v/a with a cruise, 2√(s/a) without."""
    long = axis.move(0, 0.0, 0.0, 50.0, LIMITS)
    assert long.duration_s == pytest.approx(50.0 / 2.0 + 2.0 / 0.3)
    short = axis.move(0, 0.0, 0.0, 3.0, LIMITS)
    assert short.duration_s == pytest.approx(2 * math.sqrt(3.0 / 0.3))


@given(PLACES, PLACES, st.floats(0.0, 1.0))
def test_a_move_passes_each_place_when_it_says(from_m: float, to_m: float, share: float) -> None:
    """`passes` is the inverse of `at` on a move from rest to rest."""
    motion = axis.move(7, from_m, 0.0, to_m, LIMITS)
    where = from_m + share * (to_m - from_m)
    due = motion.passes(where, 7)
    assert due is not None
    assert motion.at(due)[0] == pytest.approx(where, abs=1e-6)
    assert motion.passes(max(from_m, to_m) + 1.0, 7) is None


def test_the_period_is_that_of_a_pendulum() -> None:
    """A free undamped swing returns after 2π√(l/g); 10 m: 6.345 s."""
    assert pendulum.period_s(10.0) == pytest.approx(6.3448, abs=1e-4)
    for length in (4.0, 10.0, 18.0):
        begin = Swing(0.05, 0.01)
        back = pendulum.after(begin, pendulum.period_s(length), length, 0.0, 0.0)
        assert back.angle_rad == pytest.approx(begin.angle_rad, abs=1e-12)
        assert back.rate_rad_s == pytest.approx(begin.rate_rad_s, abs=1e-12)
        half = pendulum.after(begin, pendulum.period_s(length) / 2, length, 0.0, 0.0)
        assert half.angle_rad == pytest.approx(-begin.angle_rad, abs=1e-12)


@given(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(4.0, 18.0), st.floats(-0.5, 0.5),
       st.floats(0.0, 0.05))  # fmt: skip
@settings(max_examples=50)
def test_the_integration_agrees_with_the_closed_form(
    angle: float, rate: float, length: float, gain: float, damping: float
) -> None:
    """With a rope of constant length, ten seconds of steps give the closed form to 1e-5 rad."""
    swing = closed = Swing(angle, rate)
    for _ in range(500):
        swing = pendulum.step(swing, pendulum.STEP_S, length, 0.0, 0.0, gain, damping)
    closed = pendulum.after(closed, 10.0, length, gain, damping)
    assert swing.angle_rad == pytest.approx(closed.angle_rad, abs=1e-5)
    assert swing.rate_rad_s == pytest.approx(closed.rate_rad_s, abs=1e-5)


def test_slow_hoisting_keeps_the_adiabatic_invariant() -> None:
    """The amplitude grows as l^(-3/4) when the rope shortens slowly (16 m to 8 m in 400 s)."""
    swing, length, speed = Swing(0.02, 0.0), 16.0, -0.02
    for _ in range(20_000):
        swing = pendulum.step(swing, 0.02, length, speed, 0.0, 0.0, 0.0)
        length += speed * 0.02
    assert length == pytest.approx(8.0)
    grown = pendulum.amplitude_rad(swing, 8.0) / 0.02
    assert grown == pytest.approx(2**0.75, rel=0.005)


def _rest_swing(shaped: bool, length: float, distance: float, damping: float = 0.0) -> float:
    period = pendulum.period_s(length) if shaped else 0.0
    motion = axis.move(0, 0.0, 0.0, distance, LIMITS, period_s=period)
    hoist = AxisMotion(0, 19.0 - length)
    swing = Sway(19.0, damping, 0).at(motion.end_ns, motion, hoist)
    return pendulum.amplitude_rad(swing, length)


@given(st.floats(4.0, 18.0), st.floats(0.5, 90.0))
def test_a_shaped_move_leaves_no_swing(length: float, distance: float) -> None:
    """Ramps of whole periods leave an undamped load at rest."""
    assert _rest_swing(True, length, distance) < 1e-8


def test_an_unshaped_move_leaves_the_swing_of_theory() -> None:
    """Two ramps leave (4a/g)·|sin(ωr/2)·sin(ω(T-r)/2)|, for ramps r of a move of T."""
    length, distance = 10.0, 40.0
    ramp, total = 2.0 / 0.3, 40.0 / 2.0 + 2.0 / 0.3
    omega = math.sqrt(pendulum.GRAVITY_M_S2 / length)
    want = 4 * 0.3 / pendulum.GRAVITY_M_S2 * abs(
        math.sin(omega * ramp / 2) * math.sin(omega * (total - ramp) / 2)
    )  # fmt: skip
    assert want > 0.005
    assert _rest_swing(False, length, distance) == pytest.approx(want, rel=1e-6)


def test_damping_takes_the_swing_away_at_its_rate() -> None:
    """After n periods the amplitude is exp(-2πζn) of the first, nearly."""
    begin = Swing(0.05, 0.0)
    later = pendulum.after(begin, 10 * pendulum.period_s(10.0), 10.0, 0.0, 0.01)
    assert pendulum.amplitude_rad(later, 10.0) == pytest.approx(
        0.05 * math.exp(-2 * math.pi * 0.01 * 10), rel=0.01
    )


def test_what_is_asked_does_not_change_what_is_answered() -> None:
    """The sway of an instant does not depend on how often it was looked at before."""

    async def main(clock: Clock, looks: int) -> float:
        site = Site(clock)
        site.body.move(Axis.TROLLEY, 28.0)
        site.body.move(Axis.HOIST, 6.0)
        for _ in range(looks):
            await clock.sleep(12.0 / looks)
            site.body.sway_m(Axis.TROLLEY)
        return site.body.sway_m(Axis.TROLLEY)

    seldom = run_virtual(lambda clock: main(clock, 1))
    often = run_virtual(lambda clock: main(clock, 120))
    assert seldom == pytest.approx(often, abs=1e-9)
    assert abs(seldom) > 1e-3


def _lower(site: Site, place: str, *, offset: float = 0.0) -> Place:
    found = site.yard.place(place)
    site.body.move(Axis.GANTRY, found.gantry_m + offset)
    site.body.move(Axis.TROLLEY, found.trolley_m)
    return found


def test_the_spreader_lands_on_what_stands_there() -> None:
    """Lowered over a box it stops on its roof, the ropes go slack, and four pins are pressed."""

    async def main(clock: Clock) -> None:
        site = Site(clock)
        place = _lower(site, "truck-1")
        await clock.sleep(120)
        site.body.move(Axis.HOIST, 3.7, top_m_s=0.2)
        await clock.sleep(60)
        assert site.body.state(Axis.HOIST)[0] == pytest.approx(place.top_m)
        assert site.body.slack_m == pytest.approx(place.top_m - 3.7)
        assert site.body.landed == (True, True, True, True)
        assert site.body.load_kg == pytest.approx(0.0)

    run_virtual(main)


@pytest.mark.parametrize(("offset", "pins"), [(0.04, 4), (0.08, 2)])
def test_a_spreader_beside_the_castings_sits_on_two_pins(offset: float, pins: int) -> None:
    """The docking limit of 5 cm decides whether the spreader sits."""

    async def main(clock: Clock) -> None:
        site = Site(clock)
        _lower(site, "truck-1", offset=offset)
        await clock.sleep(300)
        site.body.move(Axis.HOIST, 3.0, top_m_s=0.2)
        await clock.sleep(60)
        assert sum(site.body.landed) == pins

    run_virtual(main)


def _hang(site: Site) -> None:
    """A box in the air, by force: all four locks closed and up."""
    for corner in range(4):
        site.body.set_lock(corner, True)
    site.body.move(Axis.HOIST, 8.0)


@pytest.mark.parametrize("locks", [1, 2, 3])
def test_hoisting_on_fewer_than_four_locks_is_a_hazard(locks: int) -> None:
    """The body does what it is told and says what happened: lifted askew."""

    async def main(clock: Clock) -> None:
        site = Site(clock)
        _lower(site, "truck-1")
        await clock.sleep(300)
        site.body.move(Axis.HOIST, 3.0, top_m_s=0.2)
        await clock.sleep(60)
        for corner in range(locks):
            site.body.set_lock(corner, True)
        site.body.move(Axis.HOIST, 8.0)
        await clock.sleep(30)
        assert [h["kind"] for h in site.kinds("crane.hazard")] == ["lifted_askew"]

    run_virtual(main)


def test_unlocking_in_the_air_drops_the_box() -> None:
    """One open lock under load is a fallen box, and the box is on no carrier any more."""

    async def main(clock: Clock) -> None:
        site = Site(clock)
        place = _lower(site, "truck-1")
        await clock.sleep(300)
        site.body.move(Axis.HOIST, 3.0, top_m_s=0.2)
        await clock.sleep(60)
        _hang(site)
        await clock.sleep(30)
        assert site.body.held is not None
        assert place.boxes == []
        assert site.body.load_kg == pytest.approx(24_000.0)
        site.body.set_lock(2, False)
        assert site.body.held is None
        assert [h["kind"] for h in site.kinds("crane.hazard")] == ["dropped"]

    run_virtual(main)


def test_power_loss_leaves_the_load_where_it_is() -> None:
    """The brakes stop the hoist within v²/2a and hold it for good; no order moves it."""

    async def main(clock: Clock) -> None:
        site = Site(clock)
        _lower(site, "truck-1")
        await clock.sleep(300)
        site.body.move(Axis.HOIST, 3.0, top_m_s=0.2)
        await clock.sleep(60)
        _hang(site)
        await clock.sleep(6)
        height, speed, _ = site.body.state(Axis.HOIST)
        assert speed == pytest.approx(0.5)
        site.body.power(False)
        await clock.sleep(3600)
        assert site.body.state(Axis.HOIST)[0] == pytest.approx(height + 0.5**2 / 2, abs=1e-4)
        site.body.move(Axis.HOIST, 0.0)
        await clock.sleep(60)
        assert site.body.state(Axis.HOIST)[1] == 0.0
        assert site.body.held is not None

    run_virtual(main)


def test_a_truck_that_drives_off_with_locks_closed_is_a_hazard() -> None:
    """What hangs together is dragged, and the spreader is in the air again."""

    async def main(clock: Clock) -> None:
        site = Site(clock)
        place = _lower(site, "truck-1")
        await clock.sleep(300)
        site.body.move(Axis.HOIST, 3.0, top_m_s=0.2)
        await clock.sleep(60)
        site.body.set_lock(0, True)
        site.yard.depart(place)
        assert [h["kind"] for h in site.kinds("crane.hazard")] == ["dragged"]
        assert not any(site.body.landed)

    run_virtual(main)


def test_a_yard_keeps_each_box_once() -> None:
    """A box cannot be placed twice, set on nothing, or taken from an empty place."""
    box = Box(NUMBERS[0], 1000.0)
    place = Place("a", PlaceKind.STACK, 0, 0, boxes=[box])
    yard = Yard(Trace(), [place])
    with pytest.raises(Exception, match="is on a and on b"):
        yard.add(Place("b", PlaceKind.STACK, 5, 5, boxes=[box]))
    with pytest.raises(YardError, match="all 1 tiers are taken"):
        yard.put(place, Box(NUMBERS[1], 1.0), "crane")
    taken = yard.take(place, "crane")
    assert taken is box
    with pytest.raises(YardError, match="no box stands on a"):
        yard.take(place, "crane")
    place.present = False
    with pytest.raises(YardError, match="no stack stands there"):
        yard.put(place, box, "crane")


def test_gusts_have_the_mean_and_the_bound_that_they_claim() -> None:
    """Over a day of 3 s gusts the mean is the mean, and none is above the peak factor."""

    async def main(clock: Clock) -> None:
        wind = Wind(clock, 99, 10.0)
        speeds = []
        for _ in range(2000):
            await clock.sleep(3)
            speeds.append(wind.speed_m_s())
        assert sum(speeds) / len(speeds) == pytest.approx(10.0, rel=0.02)
        spread = math.sqrt(sum((s - 10) ** 2 for s in speeds) / len(speeds))
        assert spread == pytest.approx(1.5, rel=0.1)
        assert max(speeds) <= 10 * PEAK

    run_virtual(main)


def test_an_hour_of_hoisting_costs_no_periodic_work() -> None:
    """A crane at rest sets no timer: an hour passes in one jump."""

    async def main(clock: Clock) -> None:
        Site(clock)
        await clock.sleep(3600)
        assert clock.now_ns() == 3600 * NS
        assert clock.env.peek() == float("inf")

    run_virtual(main)
