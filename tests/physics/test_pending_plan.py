"""An arm whose engine answers later: when its plan is taken, and when it is not any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twin.clock import Clock, run_virtual
from twin.physics import ArmParameters, ArmState, EventKind, Move, Obstacle, load_engine
from twin.physics.engine import ArmPlan
from twin.physics.engine_process import PendingPlan
from twin.trace import Trace
from twin.world.arm import Arm

SLOWER = ArmParameters(open_s=3.2, close_s=3.2)
"""What the late engine says of the arm below: another time, so that one sees whose plan it is."""
P = ArmParameters()


class Late:
    """The closed form at once; the answer when the test says so."""

    name = "late"

    def __init__(self) -> None:
        self.asked: list[tuple[PendingPlan, Callable[[], ArmPlan]]] = []
        self._closed_form = load_engine("kinematic")

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> ArmPlan:
        pending = PendingPlan(self._closed_form.plan(p, start, move, obstacle))
        self.asked.append((pending, lambda: self._closed_form.plan(SLOWER, start, move, obstacle)))
        return pending

    def answer(self, number: int = -1) -> None:
        pending, plan = self.asked[number]
        pending.settle(plan())

    def close(self) -> None: ...


def play(
    *script: tuple[float, Callable[[Arm, Late], None]], angle_deg: float = 0.0
) -> tuple[list, list[str], float]:
    """Do each step at its time; the arm's events, the kinds in the trace, and its last angle."""

    async def main(clock: Clock) -> tuple[list, list[str], float]:
        engine, trace = Late(), Trace(clock)
        arm = Arm("a", clock, trace, engine, P, angle_deg=angle_deg)
        seen: list[tuple[EventKind, float]] = []
        arm.on_event(lambda event: seen.append((event.kind, round(clock.now_s(), 3))))
        for at_s, act in script:
            await clock.sleep(at_s - clock.now_s())
            act(arm, engine)
        await clock.sleep(10.0)
        return seen, [record.kind for record in trace.records()], arm.angle_deg()

    return run_virtual(main)


def up(arm: Arm, _: Late) -> None:
    arm.drive("up")


def answer(_: Arm, engine: Late) -> None:
    engine.answer()


def times(plan: ArmPlan) -> list[tuple[EventKind, float]]:
    return [(event.kind, round(event.at_s, 3)) for event in plan.events]


def closed_form(p: ArmParameters) -> list[tuple[EventKind, float]]:
    return times(load_engine("kinematic").plan(p, ArmState(0.0), Move("drive", P.travel_rad)))


def test_an_early_answer_is_the_plan() -> None:
    """From the answer on every event comes at the engine's instant."""
    seen, kinds, _ = play((0.0, up), (0.01, answer))
    assert seen == closed_form(SLOWER)
    assert kinds == ["arm.motion", "arm.rest"]


def test_without_an_answer_the_closed_form_is_the_plan_and_that_is_told() -> None:
    """An arm never waits; that the engine had no say is on record."""
    seen, kinds, _ = play((0.0, up))
    assert seen == closed_form(P)
    assert "arm.plan_late" in kinds


def test_an_answer_between_two_events_repeats_none() -> None:
    """What happened already stays; what comes next is the engine's."""
    seen, kinds, _ = play((0.0, up), (1.5, answer))
    assert seen == [closed_form(P)[0], *closed_form(SLOWER)[1:]]
    assert "arm.plan_late" not in kinds


def test_an_answer_after_the_end_changes_nothing() -> None:
    """The arm rests, once."""
    seen, kinds, _ = play((0.0, up), (5.0, answer))
    assert seen == closed_form(P)
    assert kinds.count("arm.plan_late") == 1


def test_an_answer_to_a_move_that_was_given_up_is_not_taken() -> None:
    """Whoever reversed the arm meanwhile is not overruled by the old plan."""

    def turn(arm: Arm, _: Late) -> None:
        arm.drive("down")

    def old(_: Arm, engine: Late) -> None:
        engine.answer(0)

    seen, _, angle_deg = play((0.0, up), (1.0, turn), (1.1, answer), (1.2, old))
    assert angle_deg == pytest.approx(0.0, abs=0.01)
    assert [kind for kind, _ in seen] == [
        EventKind.LEFT_CLOSED, EventKind.AT_CLOSED, EventKind.REST,
    ]  # fmt: skip


def test_an_answer_that_denies_what_happened_is_not_taken() -> None:
    """An event cannot be taken back: then the closed form goes on, and that is told."""

    def otherwise(_: Arm, engine: Late) -> None:
        pending, _plan = engine.asked[0]
        pending.settle(
            load_engine("kinematic").plan(SLOWER, ArmState(P.travel_rad), Move("drive", 0.0))
        )

    seen, kinds, angle_deg = play((0.0, up), (1.5, otherwise))
    assert seen == closed_form(P)
    assert angle_deg == pytest.approx(90.0)
    assert kinds.count("arm.plan_late") == 1


def test_an_answer_for_an_arm_that_stands_pressing_on_a_body_is_not_taken() -> None:
    """What is blocked stands still: no plan that comes afterwards moves it by a hair."""
    angles: list[float] = []

    def down(arm: Arm, _: Late) -> None:
        arm.set_obstacle(Obstacle("T1", height_m=2.5, near_m=1.0, far_m=3.0))
        arm.drive("down")

    def other(arm: Arm, engine: Late) -> None:
        angles.append(arm.angle_deg())
        pending, _plan = engine.asked[0]
        softer = ArmParameters(edge_stiffness_n_m=2_000.0)
        pending.settle(
            load_engine("ode").plan(
                softer, ArmState(P.travel_rad), Move("drive", 0.0), arm._obstacle
            )
        )
        angles.append(arm.angle_deg())

    seen, kinds, angle_deg = play((0.0, down), (8.0, other), angle_deg=90.0)
    assert seen[-1][0] is EventKind.BLOCKED
    assert angles == [angle_deg, angle_deg]
    assert kinds.count("arm.plan_late") == 1
