"""A state machine that drives the server over TCP, with time as a rule."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from tests.modbus.bench import MemoryDevice, Raw, adu, model_of, profile
from tests.modbus.frames import pdus
from twin.clock import Session
from twin.trace import Trace
from twin.wires.modbus import ModbusServer

IDLE_S = 30.0


class ModbusMachine(RuleBasedStateMachine):
    """Clients come, ask, pipeline, dribble, wait and go; answers are the model's throughout."""

    clients = Bundle("clients")

    @initialize(seed=st.integers(0, 100))
    def begin(self, seed: int) -> None:
        self.session = Session.virtual(seed).__enter__()
        self.trace = Trace(self.session.clock)
        self.device = MemoryDevice(self.session.clock, self.trace)
        self.model = model_of(self.device)
        self.server = ModbusServer(
            self.device, profile(), clock=self.session.clock, trace=self.trace
        )
        self.port = self.run(self.server.start())
        self.raw: dict[int, Raw] = {}
        self.last_s: dict[int, float] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.session.run(work)

    def now_s(self) -> float:
        return self.session.clock.now_s()

    @rule(target=clients)
    def connect(self) -> int:
        async def work() -> Raw:
            return Raw(*await asyncio.open_connection("127.0.0.1", self.port))

        number = len(self.raw)
        full = len(self.server.connections) >= profile().max_connections
        self.raw[number] = self.run(work())
        self.run(asyncio.sleep(0.001))
        if full:
            assert self.run(self.raw[number].closed())
            self.last_s[number] = -IDLE_S
        else:
            self.last_s[number] = self.now_s()
        return number

    def alive(self, client: int) -> bool:
        return self.now_s() - self.last_s[client] < IDLE_S - 1e-6

    @rule(client=clients, requests=st.lists(pdus, min_size=1, max_size=20))
    def ask(self, client: int, requests: list[bytes]) -> None:
        """Pipelined requests get their answers, unless the client was idle for too long."""
        data = b"".join(adu(pdu, n) for n, pdu in enumerate(requests))
        raw = self.raw[client]

        async def work() -> None:
            if not self.alive(client):
                assert await raw.closed()
                return
            raw.send(data)
            expected, _, _ = self.model.stream(data)
            assert [await raw.answer() for _ in expected] == expected

        self.run(work())
        if self.alive(client):
            self.last_s[client] = self.now_s()

    @rule(client=clients, pdu=pdus, pause_s=st.floats(0.0, 0.1))
    def dribble(self, client: int, pdu: bytes, pause_s: float) -> None:
        """A request in two parts with a pause between is one request."""
        if not self.alive(client):
            return
        raw, data = self.raw[client], adu(pdu, 5)

        async def work() -> None:
            raw.send(data[:5])
            await asyncio.sleep(pause_s)
            raw.send(data[5:])
            (expected,), _, _ = self.model.stream(data)
            assert await raw.answer() == expected

        self.run(work())
        self.last_s[client] = self.now_s()

    @rule(client=consumes(clients), length=st.sampled_from([0, 1, 255, 65535]))
    def break_off(self, client: int, length: int) -> None:
        """An impossible length ends this client and nobody else."""
        raw = self.raw[client]

        async def work() -> None:
            if self.alive(client):
                raw.send(bytes(4) + length.to_bytes(2))
            assert await raw.closed()
            await raw.close()

        self.run(work())
        self.last_s[client] = -IDLE_S

    @rule(client=consumes(clients))
    def leave(self, client: int) -> None:
        self.run(self.raw[client].close())
        self.last_s[client] = -IDLE_S

    @rule(wait_s=st.sampled_from([0.5, 5.0, 29.0, 31.0]))
    def wait(self, wait_s: float) -> None:
        self.run(asyncio.sleep(wait_s))

    @rule(name=st.sampled_from(["c1", "d1", "h1", "i1"]), value=st.integers(0, 1))
    def device_moves(self, name: str, value: int) -> None:
        """The device changes by itself; the next read shows it."""
        self.device.memory[name] = value
        self.model = model_of(self.device)

    @invariant()
    def memory_is_the_models(self) -> None:
        if hasattr(self, "device"):
            assert model_of(self.device) == self.model

    @invariant()
    def a_new_client_is_always_served(self) -> None:
        if not hasattr(self, "server"):
            return
        if len(self.server.connections) < profile().max_connections:
            assert self.run(self._fresh_read())

    async def _fresh_read(self) -> bool:
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.port))
        answer = await raw.ask(adu(bytes([3, 0, 0, 0, 1])))
        await raw.close()
        await asyncio.sleep(0.001)
        return answer[7] == 3

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        self.run(self.server.stop())
        for raw in self.raw.values():
            self.run(raw.close())
        self.session.__exit__()


TestModbusMachine = pytest.mark.slow(ModbusMachine.TestCase)
TestModbusMachine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
