"""Our MQTT broker as a child process: prints its port, ends when its standard input closes."""

from __future__ import annotations

import asyncio
import random
import sys

from twin.clock import Clock, run_real
from twin.trace import Trace
from twin.wires.mqtt import Limits, MqttServer


async def main(clock: Clock) -> None:
    trace = Trace(clock, keep=False)
    limits = Limits(queued_max=100_000)
    server = MqttServer(
        clock=clock, trace=trace, rng=random.Random(0), limits=limits, detail="connections"
    )
    print(await server.start(), flush=True)
    over = asyncio.Event()
    clock.loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()
    clock.loop.remove_reader(sys.stdin.fileno())
    await server.stop()


if __name__ == "__main__":
    run_real(main)
