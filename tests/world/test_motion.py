"""Motion in closed form: never backwards, within its limits, and its own inverse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.clock import NS
from twin.world.motion import Limits, Motion, drive_to, stop_at

LIMITS = st.builds(
    Limits, st.floats(0.5, 10), st.floats(0.2, 3), st.floats(0.3, 6)
)  # fmt: skip
MOVES = st.builds(
    lambda plan, begin, start, speed, far, limits: (
        plan(begin, start, min(speed, limits.speed_m_s), start + far, limits), start, far, limits
    ),
    st.sampled_from([stop_at, drive_to]), st.integers(0, 10**15), st.floats(-50, 50),
    st.floats(0, 5), st.floats(0.05, 200), LIMITS,
)  # fmt: skip


@given(MOVES)
def test_a_move_ends_where_it_should(move: tuple[Motion, float, float, Limits]) -> None:
    """The end of a move is its target, to a micrometre."""
    motion, start, far, _ = move
    assert motion.end_m == pytest.approx(start + far, abs=1e-6)


@given(MOVES, st.floats(0, 1))
def test_a_vehicle_never_goes_backwards_nor_too_fast(
    move: tuple[Motion, float, float, Limits], share: float
) -> None:
    """Position grows with time and speed stays between 0 and the limit."""
    motion, start, far, limits = move
    begin = motion.when(start) or 0
    at_ns = begin + round((motion.end_ns - begin) * share)
    place, speed = motion.at(at_ns)
    later, _ = motion.at(at_ns + NS // 10)
    assert start - 1e-6 <= place <= later + 1e-9 <= start + far + 1e-5
    assert -1e-6 <= speed <= limits.speed_m_s * (1 + 1e-9)


@given(MOVES, st.floats(0, 1))
def test_when_is_the_inverse_of_at(move: tuple[Motion, float, float, Limits], share: float) -> None:
    """At the instant that `when` names, the vehicle is there."""
    motion, start, far, limits = move
    place = start + far * share
    when = motion.when(place)
    assert when is not None
    there, _ = motion.at(when)
    assert there == pytest.approx(place, abs=1e-6 + limits.speed_m_s * 2 / NS)


def test_what_a_move_does_not_reach_has_no_time() -> None:
    """A place behind the end is never reached by this move."""
    motion = stop_at(0, 0.0, 0.0, 10.0, Limits(3.0, 0.8, 1.5))
    assert motion.when(10.5) is None


def test_a_trapezoid_takes_the_time_of_the_text_book() -> None:
    """24 m at 3 m/s, 0.8 m/s² up, 1.5 m/s² down: s/v + v/2a + v/2b."""
    motion = stop_at(0, 0.0, 0.0, 24.0, Limits(3.0, 0.8, 1.5))
    assert motion.end_ns / NS == pytest.approx(24 / 3 + 3 / 1.6 + 3 / 3.0, abs=1e-9)


def test_a_driver_who_must_brakes_harder() -> None:
    """Too near to stop gently, a vehicle still stops at the place and not behind it."""
    motion = stop_at(0, 0.0, 3.0, 1.0, Limits(3.0, 0.8, 1.5))
    assert motion.end_m == pytest.approx(1.0, abs=1e-9)
    assert motion.end_ns / NS == pytest.approx(2 * 1.0 / 3.0, abs=1e-6)
