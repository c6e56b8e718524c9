"""One barrier on its arm in virtual time, for the tests of both."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.physics.engines import engine
from twin.clock import Clock, run_virtual
from twin.devices.barrier import Barrier, BarrierParameters
from twin.physics import ArmParameters, Obstacle
from twin.trace import Record, Trace
from twin.world.arm import Arm, ArmEvent

TRUCK = Obstacle("truck-1", height_m=2.5, near_m=1.5, far_m=4.0, stiffness_n_m=100_000.0)
"""Met at about 46 degrees by the arm."""


@dataclass
class Bench:
    """Everything a script of a test works with."""

    clock: Clock
    trace: Trace
    arm: Arm
    barrier: Barrier
    events: list[ArmEvent]

    async def wait(self, seconds: float) -> None:
        """Let `seconds` pass."""
        await self.clock.sleep(seconds)

    async def to(self, command: str, seconds: float = 6.0) -> str:
        """Give a command, wait, and say what the controller then believes."""
        self.barrier.command(command)
        await self.clock.sleep(seconds)
        return str(self.read("gate_status"))

    def read(self, point: str) -> Any:
        """The value of a point."""
        return self.barrier.points[point].read()

    def write(self, point: str, value: bool) -> None:
        """Write a point as a wire does."""
        write = self.barrier.points[point].write
        assert write is not None
        write(value, -1)

    def records(self, *kinds: str) -> list[Record]:
        """The trace, or the records of some kinds."""
        return [record for record in self.trace.records() if not kinds or record.kind in kinds]

    def states(self) -> list[str]:
        """What the controller believed, in order."""
        return [str(record.payload["state"]) for record in self.records("device.state")]


Script = Callable[[Bench], Awaitable[None]]


def play(
    script: Script,
    *,
    name: str = "kinematic",
    arm: ArmParameters | None = None,
    angle_deg: float = 0.0,
    parameters: BarrierParameters | None = None,
    seed: int = 0,
) -> Bench:
    """Run `script` against a barrier of its own to its end."""
    built: list[Bench] = []

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        body = Arm(
            "in-1.arm", clock, trace, engine(name), arm or ArmParameters(), angle_deg=angle_deg
        )
        barrier = Barrier(
            "in-1.barrier", clock, trace, random.Random(seed), arm=body, parameters=parameters
        )
        bench = Bench(clock, trace, body, barrier, [])
        body.on_event(bench.events.append)
        built.append(bench)
        await script(bench)

    run_virtual(main, seed=seed)
    return built[0]
