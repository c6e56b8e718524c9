"""Every engine moves the arm in the same way: the closed form, Bullet, MuJoCo and the plain ODE."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.physics.engines import RIGID, engine, every_engine, every_rigid_engine
from twin.errors import HarnessError, UnknownName
from twin.physics import (
    ArmParameters,
    ArmPlan,
    ArmState,
    EventKind,
    Move,
    Obstacle,
    load_engine,
)
from twin.physics.engine import ENGINE_NAMES, SampledPlan
from twin.physics.simulate import contact_force_n

LENGTHS_M = (3.0, 4.0, 6.0)
TIMES_S = (1.5, 3.0, 6.0)
SIZES = list(itertools.product(LENGTHS_M, TIMES_S))
CLOSE = Move("drive", 0.0)
OPEN = Move("drive", math.pi / 2)
UP = ArmState(math.pi / 2)
DOWN = ArmState(0.0)


def arm(length_m: float = 4.0, travel_s: float = 3.0, **rest: object) -> ArmParameters:
    return ArmParameters(length_m=length_m, open_s=travel_s, close_s=travel_s, **rest)


def time_of(plan: ArmPlan, kind: EventKind) -> float:
    return next(event.at_s for event in plan.events if event.kind is kind)


def kinds(plan: ArmPlan) -> list[EventKind]:
    return [event.kind for event in plan.events]


def stop_deg(plan: ArmPlan) -> float:
    return math.degrees(plan.at(plan.duration_s + 1).angle_rad)


@every_rigid_engine
@pytest.mark.parametrize(("length_m", "travel_s"), SIZES)
def test_a_rigid_arm_closes_and_opens_as_the_closed_form_says(name, length_m, travel_s):
    """Travel time within 2 % and stop angle within 1 degree, for every length and speed."""
    p = arm(length_m, travel_s)
    for start, move in ((UP, CLOSE), (DOWN, OPEN)):
        exact = engine("kinematic").plan(p, start, move)
        body = engine(name).plan(p, start, move)
        assert not body.blocked
        assert time_of(body, EventKind.REST) == pytest.approx(
            time_of(exact, EventKind.REST), rel=0.02
        )
        assert stop_deg(body) == pytest.approx(stop_deg(exact), abs=1.0)
        assert kinds(body) == kinds(exact)


@pytest.mark.parametrize(("length_m", "travel_s"), SIZES)
def test_bullet_and_mujoco_agree_along_the_whole_way(length_m, travel_s):
    """The two engines are never more than half a degree apart, and stop together within 2 %."""
    p = arm(length_m, travel_s, profile="trapezoid")
    bullet, mujoco = (engine(name).plan(p, UP, CLOSE) for name in ("pybullet", "mujoco"))
    assert bullet.duration_s == pytest.approx(mujoco.duration_s, rel=0.02)
    for index in range(21):
        t_s = travel_s * index / 20
        apart = bullet.at(t_s).angle_rad - mujoco.at(t_s).angle_rad
        assert abs(math.degrees(apart)) < 0.5


@every_rigid_engine
def test_a_weak_motor_misses_its_time(name):
    """The agreement is not built in: a motor at a third of its need is blocked or late."""
    p = arm(6.0, 1.5, motor_torque_nm=120.0)
    plan = engine(name).plan(p, UP, CLOSE)
    late = plan.blocked or time_of(plan, EventKind.REST) > 1.02 * 1.5
    overshot = abs(stop_deg(plan)) > 1.0
    assert late or overshot


@every_rigid_engine
def test_an_unbalanced_arm_loads_the_motor_beyond_its_limit(name):
    """Without its spring a 6 m boom cannot be lifted by a motor sized for the balanced one."""
    p = arm(6.0, 6.0, motor_torque_nm=120.0, balance_share=0.0)
    plan = engine(name).plan(p, DOWN, OPEN)
    assert plan.blocked
    assert stop_deg(plan) < 45


@every_engine
def test_a_brake_stops_the_arm_between_its_ends(name):
    """Stopping at full speed takes some way, ends at rest, and the same for all within 1 degree."""
    p = arm()
    moving = engine("kinematic").plan(p, UP, CLOSE).at(1.5)
    plan = engine(name).plan(p, moving, Move("brake"))
    exact = engine("kinematic").plan(p, moving, Move("brake"))
    assert 0.05 < time_of(plan, EventKind.REST) < 1.0
    assert stop_deg(plan) == pytest.approx(stop_deg(exact), abs=1.0)
    assert math.degrees(moving.angle_rad) - stop_deg(plan) > 1
    assert plan.at(9).speed_rad_s == 0


@every_engine
@pytest.mark.parametrize(("share", "end_deg"), [(0.6, 0.0), (1.4, 90.0)])
def test_a_free_arm_goes_where_its_spring_lets_it(name, share, end_deg):
    """Under-balanced it falls onto its rest, over-balanced it rises: no motor, no brake."""
    p = arm(balance_share=share)
    plan = engine(name).plan(p, ArmState(math.radians(45)), Move("coast"))
    assert stop_deg(plan) == pytest.approx(end_deg, abs=1.0)
    assert kinds(plan)[-1] is EventKind.REST


@every_engine
def test_a_balanced_free_arm_stays_where_it_is(name):
    """Friction holds what the spring leaves."""
    p = arm(balance_share=1.0)
    plan = engine(name).plan(p, ArmState(math.radians(45)), Move("coast"))
    assert stop_deg(plan) == pytest.approx(45.0, abs=0.5)


TRUCK = Obstacle("truck", height_m=2.5, near_m=1.5, far_m=4.0)


@every_engine
def test_an_arm_meets_a_vehicle_at_its_near_corner(name):
    """Contact at atan((height - pivot) / near), then the overload, then it stands pressing."""
    p = arm()
    plan = engine(name).plan(p, UP, CLOSE, TRUCK)
    assert plan.blocked
    assert EventKind.REST not in kinds(plan)
    touch_s = time_of(plan, EventKind.CONTACT)
    corner_deg = math.degrees(math.atan2(2.5 - p.pivot_height_m, 1.5))
    assert math.degrees(plan.at(touch_s).angle_rad) == pytest.approx(corner_deg, abs=0.5)
    assert p.overload_s <= time_of(plan, EventKind.OVERLOAD) - touch_s < 0.1
    # A soft edge gives way by centimetres, so the arm stands a few degrees into the corner.
    assert corner_deg - 5 < stop_deg(plan) <= corner_deg + 0.1


@every_engine
def test_an_opening_arm_passes_a_vehicle_freely(name):
    """An obstacle matters on the way down only."""
    p = arm()
    plan = engine(name).plan(p, DOWN, OPEN, TRUCK)
    assert kinds(plan) == [EventKind.LEFT_CLOSED, EventKind.AT_OPEN, EventKind.REST]


@every_engine
def test_a_reversal_from_full_speed_brakes_first(name):
    """A closing arm told to open goes on a little, turns, and opens without a jump."""
    p = arm()
    state = engine("kinematic").plan(p, UP, CLOSE).at(1.5)
    plan = engine(name).plan(p, state, OPEN)
    lowest = min(plan.at(i / 100).angle_rad for i in range(400))
    assert lowest < state.angle_rad - math.radians(2)
    assert stop_deg(plan) == pytest.approx(90, abs=1)
    steps = [plan.at(i / 240).angle_rad for i in range(960)]
    assert max(abs(b - a) for a, b in itertools.pairwise(steps)) < 0.01


@every_engine
def test_a_move_goes_on_where_it_was_interrupted(name):
    """Handing over reference and elapsed time continues the same motion within half a degree."""
    p = arm()
    whole = engine(name).plan(p, UP, CLOSE)
    rest = engine(name).plan(p, whole.at(1.0), Move("drive", 0.0, 1.0, whole.reference, 1.0))
    for index in range(20):
        apart = whole.at(1 + index / 10).angle_rad - rest.at(index / 10).angle_rad
        assert abs(math.degrees(apart)) < 0.5
    for kind in (EventKind.AT_CLOSED, EventKind.REST):
        assert time_of(rest, kind) == pytest.approx(time_of(whole, kind) - 1.0, abs=0.02)


def test_a_body_that_comes_when_the_arm_is_rising_again_is_not_hit():
    """What the reference passed downwards before the body came does not count."""
    p = arm()
    sinking = ArmState(math.radians(50), -1.0)
    whole = engine("kinematic").plan(p, sinking, OPEN)
    low = Obstacle("truck", height_m=p.pivot_height_m + 1.6, near_m=1.5, far_m=4.0)
    point = p.contact_with(low)
    assert point is not None
    down_s, up_s = whole.reference.crossing_s(point.angle_rad)
    assert down_s < up_s
    later = up_s + 0.1
    rest = engine("kinematic").plan(
        p, whole.at(later), Move("drive", math.pi / 2, 1.0, whole.reference, later), low
    )
    assert EventKind.CONTACT not in kinds(rest)
    assert stop_deg(rest) == pytest.approx(90)


@given(angle=st.floats(0.49, 0.505), speed=st.floats(-3, 3))
def test_the_edge_pushes_and_never_pulls(angle, speed):
    """Contact force is never below 0, and is 0 without touch."""
    point = arm().contact_at(0.5, 2.0)
    force_n = contact_force_n(point, angle, speed)
    assert force_n >= 0
    if angle >= 0.5:
        assert force_n == 0


@every_rigid_engine
def test_a_plan_depends_on_its_arguments_only(name):
    """Other moves of other arms in between leave no trace: every bit is the same."""
    p = arm()

    def digest() -> str:
        plan = engine(name).plan(p, UP, CLOSE, TRUCK)
        assert isinstance(plan, SampledPlan)
        return plan.sha256()

    first = digest()
    engine(name).plan(p, DOWN, OPEN)
    engine(name).plan(arm(3.0, 1.5), ArmState(0.7, -1.0), Move("brake"))
    engine(name).plan(p, ArmState(0.3, 0.4), Move("coast"))
    assert digest() == first


_CHILD = """
import math, sys
from twin.physics import ArmParameters, ArmState, Move, Obstacle, load_engine
truck = Obstacle("truck", height_m=2.5, near_m=1.5, far_m=4.0)
engine = load_engine(sys.argv[1])
print(engine.plan(ArmParameters(), ArmState(math.pi / 2), Move("drive", 0.0), truck).sha256())
"""


@pytest.mark.slow
@every_rigid_engine
def test_the_same_bits_in_two_other_processes(name):
    """The state hash is one in processes with different hash seeds."""
    engine(name)
    hashes = {
        subprocess.run(
            [sys.executable, "-c", _CHILD, name],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(p for p in sys.path if p)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    plan = engine(name).plan(ArmParameters(), UP, CLOSE, TRUCK)
    assert isinstance(plan, SampledPlan)
    assert hashes == {plan.sha256() + "\n"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pybullet", "mujoco"])
def test_arms_of_any_number_of_kinds_share_one_engine(name):
    """Forty kinds of arm, twice round, give the same plans both times."""
    engine(name)
    fresh = load_engine(name)
    kinds_of_arm = [arm(3 + index / 20, 1.5) for index in range(40)]

    def round_trip() -> list[float]:
        return [fresh.plan(p, UP, Move("brake")).duration_s for p in kinds_of_arm]

    assert round_trip() == round_trip()
    fresh.close()


@every_engine
def test_a_plan_answers_before_its_begin_and_after_its_end(name):
    """Earlier it is the start, later the end: a late reader is never wrong."""
    plan = engine(name).plan(arm(), DOWN, OPEN)
    assert plan.at(-1.0).angle_rad == 0.0
    assert plan.at(1e6).angle_rad == pytest.approx(math.pi / 2, abs=0.01)
    assert plan.at(1e6).speed_rad_s == 0.0


@every_engine
def test_a_brake_that_comes_too_late_still_ends_in_a_hit(name):
    """Power that fails a hair above a vehicle does not save it: contact, then rest on it."""
    p = arm()
    point = p.contact_with(TRUCK)
    assert point is not None
    above = ArmState(point.angle_rad + math.radians(1), -1.0)
    plan = engine(name).plan(p, above, Move("brake"), TRUCK)
    assert kinds(plan) == [EventKind.CONTACT, EventKind.REST]
    assert stop_deg(plan) == pytest.approx(math.degrees(point.angle_rad), abs=6)


def test_every_engine_is_found_by_its_name():
    """`load_engine` gives the engine that says it is the one asked for."""
    assert {engine(name).name for name in ENGINE_NAMES} == set(ENGINE_NAMES)


def test_an_unknown_engine_names_the_nearest():
    """A typing error is answered with the right spelling."""
    with pytest.raises(UnknownName, match="pybullet"):
        load_engine("pybulet")


@pytest.mark.parametrize("name", ["pybullet", "mujoco"])
def test_an_absent_package_says_what_to_do(monkeypatch, name):
    """Without the extra, the error names the package, the extra and the way round it."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(HarnessError, match=r"gatetwin\[physics\].*kinematic") as error:
        load_engine(name)
    assert name in str(error.value)


@pytest.mark.parametrize("name", RIGID)
def test_an_engine_can_be_closed_and_loaded_again(name):
    """Closing gives back what is held; a new engine works as before."""
    engine(name)
    fresh = load_engine(name)
    before = fresh.plan(arm(), UP, CLOSE).duration_s
    fresh.close()
    assert load_engine(name).plan(arm(), UP, CLOSE).duration_s == before
