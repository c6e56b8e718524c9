"""How late a 10 ms device tick comes on the wall clock while arms move by a rigid-body engine.

Ours: the engine in its own process, as `serve --fidelity physics` has it. Reference: the same
engine in the loop. Four arms are turned round every half second, so that one tick in twelve meets
a plan: far more than the busiest hour of a gate, but what a few minutes at `--speed 60` give.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections.abc import Generator, Iterable
from typing import Any

from benchmarks import Ratio, Skipped
from benchmarks.clock_tick import PERIOD_S, p99
from twin.clock import Clock, run_real
from twin.physics import ArmEngine, ArmParameters, load_engine
from twin.physics.engine_process import EngineProcess
from twin.trace import Trace
from twin.world.arm import Arm

USUAL_S, LIMIT_S = 22.0, 90.0
ARMS = 4
TURN_S = 0.5


def lateness_s(name: str, ticks: int, *, apart: bool) -> list[float]:
    """Lateness of each tick; `apart` puts the engine into a process of its own."""

    async def main(clock: Clock) -> list[float]:
        late: list[float] = []
        done = asyncio.Event()
        engine: ArmEngine = load_engine(name) if not apart else EngineProcess(name, clock)
        if isinstance(engine, EngineProcess):
            await engine.start()
        trace = Trace(clock, keep=False)
        arms = [Arm(f"arm-{n}", clock, trace, engine, ArmParameters()) for n in range(ARMS)]

        def turn(arm: Arm, first_s: float) -> Generator[Any, Any, None]:
            yield clock.timeout(first_s)
            while not done.is_set():
                arm.drive("up")
                yield clock.timeout(TURN_S)
                arm.drive("down")
                yield clock.timeout(TURN_S)

        def device() -> Generator[Any, Any, None]:
            began_ns = clock.env.now
            # This event may itself have come late; the ticks are due by the world's time.
            began_s = time.perf_counter() - (clock.now_ns() - began_ns) / 1e9
            for tick in range(1, ticks + 1):
                yield clock.timeout(tick * PERIOD_S - (clock.env.now - began_ns) / 1e9)
                late.append(time.perf_counter() - began_s - tick * PERIOD_S)
            done.set()

        for place, arm in enumerate(arms):
            clock.env.process(turn(arm, place * TURN_S / ARMS))
        clock.env.process(device())
        try:
            async with asyncio.timeout(ticks * PERIOD_S + 20):
                await done.wait()
        finally:
            engine.close()
        return late

    return run_real(main)


def run(quick: bool) -> Iterable[Ratio]:
    """The better of two rounds each, taken in turn: a busy neighbour spoils single rounds."""
    found = [name for name in ("pybullet", "mujoco") if importlib.util.find_spec(name)]
    if not found:
        raise Skipped("neither pybullet nor mujoco is installed: pip install 'gatetwin[physics]'")
    ticks, rounds = (100, 1) if quick else (250, 2)
    for name in found:
        pairs = [
            (p99(lateness_s(name, ticks, apart=True)), p99(lateness_s(name, ticks, apart=False)))
            for _ in range(rounds)
        ]
        yield Ratio(
            name=f"10 ms device tick beside arms of {name}, p99 lateness",
            ours=min(ours for ours, _ in pairs) * 1000,
            reference=min(other for _, other in pairs) * 1000,
            unit="ms",
            reference_name="the engine in the loop instead of its own process",
            better="lower",
            limit=1.5,
        )
