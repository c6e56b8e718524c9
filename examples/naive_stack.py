"""The smallest stack there is, and wrong on purpose: it opens for whoever comes.

Shows what a stack is: a factory that takes the wire list, and an object with start and stop.
"""

import asyncio

from pymodbus.client import AsyncModbusTcpClient


class NaiveStack:
    """One lane: a vehicle on the approach loop, barrier up, green; red and down behind it."""

    def __init__(self, wire_list):
        self.lane = wire_list["lanes"][0]

    async def start(self):
        lane = self.lane
        self.io = AsyncModbusTcpClient(lane["io"]["host"], port=lane["io"]["port"])
        self.barrier = AsyncModbusTcpClient(lane["barrier"]["host"], port=lane["barrier"]["port"])
        await self.io.connect()
        await self.barrier.connect()
        self.task = asyncio.create_task(self.control())

    async def control(self):
        while True:
            await self.until("loop_approach", True)
            await self.barrier.write_coil(self.lane["barrier"]["points"]["open"]["address"], True)
            await asyncio.sleep(15)  # it should have looked at the position
            await self.lamps(red=False, green=True)
            await self.until("loop_exit", True)
            await self.until("loop_exit", False)
            await self.lamps(red=True, green=False)
            await self.barrier.write_coil(self.lane["barrier"]["points"]["close"]["address"], True)

    async def until(self, point, state):
        address = self.lane["io"]["points"][point]["address"]
        while (await self.io.read_discrete_inputs(address)).bits[0] != state:
            await asyncio.sleep(0.2)

    async def lamps(self, red, green):
        points = self.lane["io"]["points"]
        await self.io.write_coil(points["lamp_red"]["address"], red)
        await self.io.write_coil(points["lamp_green"]["address"], green)

    async def stop(self):
        self.task.cancel()
        self.io.close()
        self.barrier.close()


def create(wire_list, options):
    """What `--gate-stack examples.naive_stack:create` calls."""
    return NaiveStack(wire_list)
