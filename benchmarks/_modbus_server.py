"""Our server in a process of its own, for `benchmarks.modbus`.

Prints the port that it listens on and serves until its standard input ends. Ten holding
registers are points of a device, every frame is traced: what a gate does, without a gate.
"""

from __future__ import annotations

import asyncio
import random
import sys

from twin.clock import Clock, run_real
from twin.devices.base import Device
from twin.profiles import loads
from twin.trace import Trace
from twin.wires.modbus import ModbusServer

REGISTERS = 10

_HEAD = """
device = "bench"
name = "bench"
title = "ten registers"
protocol = "modbus-tcp"
source = "made for the benchmark"
public_table = false
function_codes = [3]
unit_ids = [1]
max_connections = 64
"""
_ROW = '[[rows]]\ntable="holding"\naddress={n}\nencoding="u16"\npoint="r{n}"\ndoc="register {n}"\n'


async def serve(clock: Clock) -> None:
    """Serve until standard input ends."""
    trace = Trace(clock, keep=False)  # as a gate that is served for weeks
    device = Device("bench", clock, trace, random.Random(1))
    for n in range(REGISTERS):
        device.add_point(f"r{n}", lambda n=n: n * 257)
    profile = loads(_HEAD + "".join(_ROW.format(n=n) for n in range(REGISTERS)))
    server = ModbusServer(device, profile, clock=clock, trace=trace)
    print(await server.start(), flush=True)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()
    loop.remove_reader(sys.stdin.fileno())
    await server.stop()


if __name__ == "__main__":
    run_real(serve)
