"""The engine in a process of its own: its plans are the engine's, they come in time, and neither
its death nor its hanging stops an arm."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.physics.engines import engine
from twin.clock import Clock, run_real
from twin.errors import UnknownName
from twin.physics import ArmParameters, ArmState, EventKind, Move, load_engine
from twin.physics import worker as subject
from twin.physics.engine import SampledPlan
from twin.physics.engine_process import EngineProcess, PendingPlan
from twin.trace import Trace
from twin.world.arm import Arm

P = ArmParameters()
OPEN = Move("drive", P.travel_rad)
DOWN = ArmState(0.0)

pytestmark = pytest.mark.slow  # starting a process takes half a second


def on_the_clock(
    main: Callable[[Clock, EngineProcess, list[str]], Awaitable[Any]],
    *,
    name: str = "ode",
    speed: float = 1.0,
) -> Any:
    """Run `main` beside a started engine process; what it tells is in the list."""
    told: list[str] = []

    async def run(clock: Clock) -> Any:
        remote = EngineProcess(name, clock, lambda event, _: told.append(event))
        await remote.start()
        try:
            return await main(clock, remote, told)
        finally:
            remote.close()
            assert remote.worker.pid is None

    return run_real(run, speed=speed)


async def until(holds: Callable[[], bool], clock: Clock, limit_s: float = 60.0) -> None:
    async with asyncio.timeout(limit_s * clock.speed):
        while not holds():
            await asyncio.sleep(0.02 * clock.speed)


@pytest.mark.parametrize("name", ["ode", "pybullet", "mujoco"])
def test_a_plan_is_the_engines_own(name: str) -> None:
    """The plan that comes from the process is, to the last bit, that of the engine in the loop."""
    engine(name)  # skips where the package is absent

    async def main(clock: Clock, remote: EngineProcess, _: list[str]) -> SampledPlan:
        found: asyncio.Future[Any] = clock.loop.create_future()
        pending = remote.plan(P, DOWN, OPEN)
        assert isinstance(pending, PendingPlan)
        assert pending.at(1.5) == load_engine("kinematic").plan(P, DOWN, OPEN).at(1.5)
        pending.on_ready(found.set_result)
        return await asyncio.wait_for(found, 60)

    plan = on_the_clock(main, name=name)
    assert plan.sha256() == load_engine(name).plan(P, DOWN, OPEN).sha256()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("speed", "open_s"), [(1.0, 3.0), (4.0, 8.0)])
def test_the_plan_comes_before_it_is_needed(speed: float, open_s: float) -> None:
    """An arm moves as its engine says: its events come at the engine's instants, none is late."""
    parameters = ArmParameters(open_s=open_s)
    expected = {e.kind: e.at_s for e in load_engine("ode").plan(parameters, DOWN, OPEN).events}

    async def main(clock: Clock, remote: EngineProcess, _: list[str]) -> None:
        trace = Trace(clock)
        arm = Arm("a", clock, trace, remote, parameters)
        seen: list[tuple[EventKind, float]] = []
        arm.on_event(lambda event: seen.append((event.kind, clock.env.now / 1e9)))
        arm.drive("up")
        began_s = arm._began_ns / 1e9
        assert isinstance(arm._plan, PendingPlan)
        await until(lambda: isinstance(arm._plan, SampledPlan), clock)
        before_first = clock.now_s() - began_s
        await until(lambda: not arm.moving, clock)
        assert [record.kind for record in trace.records()] == ["arm.motion", "arm.rest"]
        assert before_first < min(expected.values()), "it came after its first event"
        assert [kind for kind, _ in seen] == list(expected)
        for kind, at_s in seen:
            assert at_s - began_s == pytest.approx(expected[kind], abs=0.02 * speed)
        assert (remote.worker.answers, arm.at_open) == (1, True)

    on_the_clock(main, speed=speed)


def test_a_killed_process_is_replaced_and_the_arm_arrives() -> None:
    """The move under way ends in closed form; what happened is told; the next is the engine's."""

    async def main(clock: Clock, remote: EngineProcess, told: list[str]) -> None:
        arm = Arm("a", clock, Trace(clock), remote, P)
        first = remote.worker.pid
        assert first is not None
        os.kill(first, signal.SIGTERM)
        arm.drive("up")
        await until(lambda: arm.at_open and not arm.moving, clock)
        await until(lambda: told == ["lost", "back"], clock)
        assert remote.worker.pid not in (None, first)
        answers = remote.worker.answers
        arm.drive("down")
        await until(lambda: arm.at_closed and not arm.moving, clock)
        assert remote.worker.answers == answers + 1

    on_the_clock(main, speed=2.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that does not come within its limit ends the process; the arm has long gone on."""
    monkeypatch.setattr(subject, "ANSWER_LIMIT_S", 0.3)

    async def main(clock: Clock, remote: EngineProcess, told: list[str]) -> None:
        trace = Trace(clock)
        arm = Arm("a", clock, trace, remote, P)
        assert remote.worker.pid is not None
        os.kill(remote.worker.pid, signal.SIGSTOP)
        arm.drive("up")
        await until(lambda: told[:1] == ["lost"], clock, 20)
        await until(lambda: not arm.moving, clock)
        assert arm.at_open
        assert "arm.plan_late" in [record.kind for record in trace.records()]

    on_the_clock(main)


@pytest.mark.covers
def test_one_that_dies_again_and_again_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last restart plans are the closed form; the gate lives on."""
    monkeypatch.setattr(subject, "RESTARTS", 1)

    async def main(clock: Clock, remote: EngineProcess, told: list[str]) -> None:
        for wanted in (["lost", "back"], ["lost", "back", "lost"]):
            assert remote.worker.pid is not None
            os.kill(remote.worker.pid, signal.SIGTERM)
            remote.plan(P, DOWN, OPEN)
            await until(lambda wanted=wanted: told == wanted, clock)  # type: ignore[misc]
        await asyncio.sleep(0.2)
        assert (told, remote.worker.pid) == (["lost", "back", "lost"], None)
        assert not isinstance(remote.plan(P, DOWN, OPEN), PendingPlan)

    on_the_clock(main)


def test_an_engine_that_cannot_be_loaded_there_is_refused() -> None:
    """The reason and the next step come back from the process, before anything is served."""
    done = _script(
        """
        import sys
        sys.modules["mujoco"] = None  # absent, in the child too: it imports this script again
        from twin.clock import run_real
        from twin.errors import HarnessError
        from twin.physics.engine_process import EngineProcess

        async def main(clock):
            try:
                await EngineProcess("mujoco", clock).start()
            except HarnessError as error:
                print(error)

        if __name__ == "__main__":
            run_real(main)
        """
    )
    assert "needs the package 'mujoco'" in done.stdout, done.stderr
    assert "pip install" in done.stdout


def test_a_script_without_a_guard_is_told_so() -> None:
    """A script that the child cannot import again gets the reason, not a hang."""
    done = _script(
        """
        from twin.clock import run_real
        from twin.physics.engine_process import EngineProcess

        async def main(clock):
            await EngineProcess("ode", clock).start()

        run_real(main)
        """
    )
    assert done.returncode != 0
    assert "if __name__ == '__main__':" in done.stderr


def _script(text: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.py"
        path.write_text(textwrap.dedent(text))
        return subprocess.run(
            [sys.executable, str(path)], capture_output=True, text=True, timeout=120
        )


def test_an_unknown_engine_is_refused_at_once() -> None:
    """No process is started for a name that nobody knows."""

    async def main(clock: Clock) -> None:
        with pytest.raises(UnknownName, match="pybullet"):
            EngineProcess("pybulet", clock)

    run_real(main)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_gate_takes_its_engine_with_it() -> None:
    """The child of a parent that was killed does not live on."""
    code = """
    import os, signal
    from twin.clock import run_real
    from twin.physics.engine_process import EngineProcess

    async def main(clock):
        remote = EngineProcess("ode", clock)
        await remote.start()
        print(remote.worker.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        run_real(main)
    """
    done = _script(code)
    pid = int(done.stdout)

    async def main(clock: Clock) -> None:
        await until(lambda: not _alive(pid), clock, 20)

    run_real(main)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # an orphan that nobody reaps is dead, too
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
