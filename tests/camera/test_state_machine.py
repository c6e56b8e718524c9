"""A state machine drives the camera over its wire: trucks, clients, faults and time as rules."""

from __future__ import annotations

import asyncio
import contextlib
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from fixtures.strategies_documents import plates
from tests.camera.rig import NAMESPACE, Rig, text, truck
from twin.clock import Session
from twin.devices.camera import UNKNOWN

FAULTS = ["blind", "slow", "misread", "unreadable", "resend_last_plate", "frozen", "offline"]
STREAMS_MAX = 3
PATIENCE_S = 5.0
"""Beyond the longest latency and the injected delay of `slow`."""


class Listener:
    """A client that holds the stream open and notes the events."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.uuids = rig, list[str]()
        self.since = 0
        self.ready = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            async with self.rig.stream() as stream:
                await stream.alert()  # the first heartbeat: the stream is open
                self.since = len(self.rig.readings)
                self.ready.set()
                while (part := await stream.part(100_000)) is not None:
                    if "xml" in part[0]:
                        alert = ET.fromstring(part[1])
                        if text(alert, "eventType") == "ANPR":
                            self.uuids.append(text(alert, "UUID"))


class CameraMachine(RuleBasedStateMachine):
    """Whatever happens, each open stream has each event once and in order."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.session = self.stack.enter_context(Session.virtual(seed=7))
        self.rig = Rig(self.session.clock)
        self.session.run(self.rig.serve())
        self.listeners: list[Listener] = []
        self.trucks = 0

    @property
    def faults(self) -> set[str]:
        return set(self.rig.camera.faults)

    @rule(plate=plates(trailer=False))
    def a_truck_passes(self, plate: str) -> None:
        if not self.listeners and not self.faults & {"offline", "frozen"}:
            self.a_client_opens_a_stream()  # a stack that lost its stream opens it again
        self.trucks += 1
        before = len(self.rig.readings)

        async def go() -> None:
            mover = self.rig.drive(truck(plate, id=f"v{self.trucks}"))
            await self.rig.clock.sleep(20)
            self.rig.lane.remove(mover)

        self.session.run(go())
        new = [reading for reading in self.rig.readings[before:] if not reading.repeat]
        dead = self.faults & {"blind", "frozen", "offline"}
        assert len(new) == (0 if dead else 1)
        if new and "unreadable" in self.faults:
            assert new[0].plate == UNKNOWN

    @rule(kind=st.sampled_from(FAULTS), plate=plates(trailer=False))
    def a_truck_passes_during_a_fault(self, kind: str, plate: str) -> None:
        healthy = kind not in self.faults
        if healthy:
            self.a_fault_begins(kind)
        self.a_truck_passes(plate)
        if healthy:
            self.rig.camera.heal(kind)
            self.session.run(self.rig.clock.sleep(0.1))

    @rule(seconds=st.sampled_from([0.1, 11.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.session.run(self.rig.clock.sleep(seconds))

    # Few at a time: a camera with five faults says nothing, and nothing is then learnt.
    @precondition(lambda self: len(self.faults) < 2)
    @rule(kind=st.sampled_from(FAULTS))
    def a_fault_begins(self, kind: str) -> None:
        self.rig.camera.inject(kind)
        if kind == "offline":
            self.session.run(self.rig.clock.sleep(0.1))
            assert all(listener.task.done() for listener in self.listeners)
            self.listeners.clear()

    @precondition(lambda self: self.faults)
    @rule(data=st.data())
    def a_fault_is_healed(self, data: st.DataObject) -> None:
        self.rig.camera.heal(data.draw(st.sampled_from(sorted(self.faults))))
        self.session.run(self.rig.clock.sleep(0.1))

    @initialize()
    def the_gate_opens(self) -> None:
        self.a_client_opens_a_stream()

    @precondition(
        lambda self: not self.faults & {"offline", "frozen"} and len(self.listeners) < STREAMS_MAX
    )
    @rule()
    def a_client_opens_a_stream(self) -> None:
        async def go() -> None:
            listener = Listener(self.rig)
            self.listeners.append(listener)
            async with asyncio.timeout(5):
                await listener.ready.wait()

        self.session.run(go())

    @precondition(lambda self: self.listeners)
    @rule()
    def a_client_goes_away(self) -> None:
        async def go() -> None:
            task = self.listeners.pop(0).task
            task.cancel()
            await asyncio.wait([task])

        self.session.run(go())

    @precondition(lambda self: not self.faults & {"offline", "frozen"})
    @rule()
    def a_client_triggers(self) -> None:
        before = len(self.rig.readings)

        async def go() -> None:
            async with (
                self.rig.client() as client,
                client.put("/ISAPI/ITC/manualTrigger") as answer,
            ):
                assert answer.status == 200
            await self.rig.clock.sleep(PATIENCE_S)

        self.session.run(go())
        assert any(reading.manual for reading in self.rig.readings[before:])

    @precondition(lambda self: not self.faults & {"offline", "frozen"})
    @rule()
    def a_client_polls(self) -> None:
        async def go() -> list[str]:
            path = "/ISAPI/Traffic/channels/1/vehicleDetect/plates"
            body = "<AfterTime><picTime>0</picTime></AfterTime>"
            async with self.rig.client() as client, client.post(path, data=body) as answer:
                found = ET.fromstring(await answer.read()).findall(f"{NAMESPACE}Plate")
                return [text(plate, "plateNumber") for plate in found]

        kept = [reading.plate for reading in self.rig.camera.readings]
        assert self.session.run(go()) == kept

    @invariant()
    def streams_have_everything_once_in_order(self) -> None:
        self.session.run(asyncio.sleep(0.01))
        for listener in self.listeners:
            due = [reading.uuid for reading in self.rig.readings[listener.since :]]
            assert listener.uuids == due

    def teardown(self) -> None:
        assert self.rig.server is not None
        self.session.run(self.rig.server.stop())
        self.stack.close()


TestCameraMachine = CameraMachine.TestCase
TestCameraMachine.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, derandomize=True
)
TestCameraMachine = pytest.mark.slow(TestCameraMachine)
