"""A vehicle's engine in a process of its own: motions are the engine's, and vehicles never wait."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.physics.engines import installed
from twin.clock import Clock, run_real, run_virtual
from twin.physics import (
    BrakeKind,
    DriveState,
    EnergyParameters,
    Leg,
    Path,
    Pose,
    VehicleParameters,
    load_drive,
)
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.drive_process import DriveProcess, PendingMotion, drive_for
from twin.physics.drive_simulate import SampledMotion
from twin.trace import Trace
from twin.world.carrier import Carrier

START = Pose(0.0, 0.0, 0.0)
PATH = Path.straight(START, 40.0)
LEG = Leg(VehicleParameters(), PATH)


def carrier(clock: Clock, trace: Trace, engine: Any) -> Carrier:
    found = Carrier("c", clock, trace, engine, VehicleParameters(), EnergyParameters(), pose=START)
    found.lay(PATH)
    return found


def on_the_clock(
    main: Callable[[Clock, DriveProcess, list[str]], Awaitable[Any]],
    *,
    name: str = "ode",
    speed: float = 1.0,
) -> Any:
    told: list[str] = []

    async def run(clock: Clock) -> Any:
        engine = DriveProcess(name, clock, lambda event, _: told.append(event))
        await engine.start()
        try:
            return await main(clock, engine, told)
        finally:
            engine.close()
            assert engine.worker.pid is None

    return run_real(run, speed=speed)


async def until(holds: Callable[[], bool], clock: Clock, limit_s: float = 60.0) -> None:
    async with asyncio.timeout(limit_s * clock.speed):
        while not holds():
            await asyncio.sleep(0.02 * clock.speed)


@pytest.mark.covers
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ode", "pybullet", "mujoco"])
def test_a_motion_is_the_engines_own(name: str) -> None:
    """Plans and brakings from the process are, to the last bit, those of the engine in the loop."""
    installed(name)
    here, moving = load_drive(name), DriveState(5.0, 3.0)

    async def main(clock: Clock, engine: DriveProcess, _: list[str]) -> list[str]:
        hashes = []
        for motion in (
            engine.plan(LEG, DriveState(0.0), 12.0),
            engine.brake(LEG, moving, BrakeKind.PROTECTIVE),
        ):
            assert isinstance(motion, PendingMotion)
            assert motion.end.at_m == pytest.approx(12.0 if not hashes else 8.0, abs=2.5)
            found: asyncio.Future[Any] = clock.loop.create_future()
            motion.on_ready(found.set_result)
            hashes.append((await asyncio.wait_for(found, 60)).sha256())
        return hashes

    assert on_the_clock(main, name=name) == [
        here.plan(LEG, DriveState(0.0), 12.0).sha256(),  # type: ignore[attr-defined]
        here.brake(LEG, moving, BrakeKind.PROTECTIVE).sha256(),  # type: ignore[attr-defined]
    ]


@pytest.mark.slow
def test_a_killed_process_is_replaced_and_the_vehicle_arrives() -> None:
    """The way under way ends in closed form and says so; the next one is the engine's."""

    async def main(clock: Clock, engine: DriveProcess, told: list[str]) -> None:
        trace = Trace(clock)
        one = carrier(clock, trace, engine)
        first = engine.worker.pid
        assert first is not None
        os.kill(first, signal.SIGTERM)
        one.run(20.0)
        await until(lambda: not one.moving, clock)
        await until(lambda: told == ["lost", "back"], clock)
        assert one.way_m == pytest.approx(20.0, abs=1e-6)
        one.run(40.0)
        await until(lambda: not one.moving, clock)
        assert one.way_m == pytest.approx(40.0, abs=0.05)
        kinds = [record.kind for record in trace.records()]
        assert kinds == [
            "igv.move",
            "igv.plan_late",
            "igv.rest",
            "igv.move",
            "igv.plan",
            "igv.rest",
        ]

    on_the_clock(main, speed=4.0)


class Late:
    """The closed form at once; the motion of another engine when the test says so."""

    name = "late"

    def __init__(self, offset_m: float = 0.0) -> None:
        self.asked: list[tuple[Callable[[Any], None], Any]] = []
        self._exact, self._offset_m = KinematicDrive(), offset_m

    def plan(self, leg: Leg, start: DriveState, stop_at_m: float, limits: Any = ()) -> Any:
        begin = DriveState(start.at_m + self._offset_m, start.speed_m_s, start.acceleration_m_s2)
        better = load_drive("ode").plan(leg, begin, stop_at_m, limits)
        return self._pending(self._exact.plan(leg, start, stop_at_m, limits), better)

    def brake(self, leg: Leg, start: DriveState, kind: BrakeKind) -> Any:
        better = load_drive("ode").brake(leg, start, kind)
        return self._pending(self._exact.brake(leg, start, kind), better)

    def _pending(self, closed_form: Any, better: Any) -> PendingMotion:
        def ask(take: Callable[[Any], None]) -> None:
            self.asked.append((take, better))

        return PendingMotion(closed_form, ask)

    def answer(self, number: int = -1) -> None:
        take, better = self.asked[number]
        take(better)

    def close(self) -> None: ...


def play(
    *script: tuple[float, Callable[[Carrier, Late], None]], offset_m: float = 0.0
) -> tuple[Carrier, Late, list[str]]:
    """Begin a way of 40 m, do each step at its time, and wait for the end."""

    async def main(clock: Clock) -> tuple[Carrier, Late, list[str]]:
        engine, trace = Late(offset_m), Trace(clock)
        one = carrier(clock, trace, engine)
        one.run(40.0)
        for at_s, act in script:
            await clock.sleep(at_s - clock.now_s())
            before = one.way_m
            act(one, engine)
            assert abs(one.way_m - before) < 0.5
        await clock.sleep(60.0)
        assert not one.moving
        return one, engine, [record.kind for record in trace.records()]

    return run_virtual(main)


def test_the_engines_motion_takes_over_where_the_vehicle_is() -> None:
    """From the answer on it is the engine's: its end, its energy; the way does not jump."""
    one, _, kinds = play((2.0, lambda _, engine: engine.answer()))
    assert kinds == ["igv.move", "igv.plan", "igv.rest"]
    assert one.way_m == pytest.approx(40.0, abs=0.05)
    assert one.way_m != 40.0, "the closed form has ended it"
    body = load_drive("ode").plan(LEG, DriveState(0.0), 40.0)
    used = body.energy_kwh(body.duration_s) + one.energy.consumed_kwh(0.0, 62.0 - body.duration_s)
    assert one.throughput_kwh < used
    one.drain(one.charge)  # counts what it has used standing
    assert one.throughput_kwh == pytest.approx(used, rel=0.1)


def test_an_answer_that_never_comes_is_recorded() -> None:
    """The closed form drives to the end, exactly, and the trace says that it was that."""
    one, _, kinds = play()
    assert kinds == ["igv.move", "igv.plan_late", "igv.rest"]
    assert one.way_m == pytest.approx(40.0, abs=1e-9)


def test_an_answer_to_a_motion_that_is_over_is_not_taken() -> None:
    """Braked meanwhile: what comes for the old way is nobody's; the braking has its own answer."""
    one, engine, kinds = play(
        (3.0, lambda one, _: one.brake(BrakeKind.SERVICE)),
        (3.1, lambda _, engine: engine.answer(0)),
    )
    assert kinds == ["igv.move", "igv.move", "igv.plan_late", "igv.rest"]
    assert len(engine.asked) == 2
    assert one.way_m < 10.0


def test_a_motion_that_lies_elsewhere_is_not_taken() -> None:
    """Nothing jumps by more than half a metre; the closed form goes on."""
    one, _, kinds = play((2.0, lambda _, engine: engine.answer()), offset_m=2.0)
    assert kinds == ["igv.move", "igv.plan_late", "igv.rest"]
    assert one.way_m == pytest.approx(40.0, abs=1e-9)


def test_a_look_ahead_asks_nobody() -> None:
    """How far it would go on, were it braked, is the closed form's: no question is put for it."""
    _, engine, _ = play((3.0, lambda one, _: one.braking_m() > 0 or pytest.fail("it stands")))
    assert len(engine.asked) == 1


def test_only_the_wall_clock_needs_a_process() -> None:
    """In virtual time and in closed form the engine stays in the loop."""

    async def main(clock: Clock) -> list[type]:
        return [type(drive_for(name, clock)) for name in ("kinematic", "ode")]

    assert run_virtual(main) == [KinematicDrive, type(load_drive("ode"))]
    assert run_real(main) == [KinematicDrive, DriveProcess]
    assert isinstance(load_drive("ode").plan(LEG, DriveState(0.0), 1.0), SampledMotion)
