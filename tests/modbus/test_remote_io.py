"""Remote I/O: contacts in, relays out, pulses, watchdog, faults."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.modbus.bench import Raw, adu
from twin.clock import Clock, run_virtual
from twin.devices.base import Device
from twin.devices.remote_io import INPUTS, OUTPUTS, RemoteIO, RemoteIoParameters
from twin.errors import GateTwinError, UnknownName
from twin.profiles import load, wire_points
from twin.trace import Trace
from twin.wires.modbus import ModbusServer


class Field(Device):
    """What hangs on the module: a loop that can be set, a lamp, a barrier terminal."""

    def __init__(self, clock: Clock, trace: Trace) -> None:
        super().__init__("field", clock, trace, random.Random(1))
        self.metal = False
        self.seen: list[tuple[float, str, bool, int]] = []
        self.add_point("loop", lambda: self.metal)
        for name in ("lamp", "terminal"):
            self.add_point(name, lambda: False, self._writer(name))

    def _writer(self, name: str) -> Callable[..., None]:
        def write(value: bool | float, cause: int = -1, /) -> None:
            self.seen.append((round(self.clock.now_s(), 6), name, bool(value), cause))

        return write

    def set_metal(self, metal: bool) -> None:
        self.metal = metal
        self.changed("loop")


class Module:
    """A module with its field, in virtual time."""

    def __init__(self, clock: Clock, **parameters: Any) -> None:
        self.clock = clock
        self.trace = Trace(clock)
        self.field = Field(clock, self.trace)
        self.io = RemoteIO(
            "in-1.io",
            clock,
            self.trace,
            random.Random(2),
            inputs={"loop_arm_a": (self.field, "loop")},
            outputs={"lamp_green": (self.field, "lamp"), "barrier_open": (self.field, "terminal")},
            parameters=RemoteIoParameters(**parameters),
        )

    def write(self, name: str, value: bool, cause: int = -1) -> None:
        write = self.io.points[name].write
        assert write is not None
        write(value, cause)

    def read(self, name: str) -> Any:
        return self.io.points[name].read()

    @property
    def moves(self) -> list[tuple[float, str, bool]]:
        return [seen[:3] for seen in self.field.seen]


def with_module(test: Callable[[Module], Any], **parameters: Any) -> None:
    async def main(clock: Clock) -> None:
        await test(Module(clock, **parameters))

    run_virtual(main)


def test_a_lamp_relay_follows_its_coil() -> None:
    """A level output moves after the relay's time and stays until it is written off."""

    async def check(m: Module) -> None:
        m.write("lamp_green", True)
        assert m.read("lamp_green") is True
        assert m.moves == []
        await m.clock.sleep(5)
        m.write("lamp_green", False)
        await m.clock.sleep(5)
        assert m.moves == [(0.01, "lamp", True), (5.01, "lamp", False)]

    with_module(check)


def test_a_pulse_is_one_edge_and_ends_by_itself() -> None:
    """One write gives one contact of the pulse's length; the coil reads 0 afterwards."""

    async def check(m: Module) -> None:
        m.write("barrier_open", True)
        assert m.read("pulsing_barrier_open") is True
        await m.clock.sleep(1)
        assert m.moves == [(0.21, "terminal", True), (0.51, "terminal", False)]
        assert m.read("barrier_open") is False
        assert m.read("pulsing_barrier_open") is False

    with_module(check)


@pytest.mark.parametrize(("pulse_s", "seen"), [(0.1, 0), (0.19, 0), (0.21, 2), (1.0, 2)])
def test_a_contact_shorter_than_the_terminal_needs_is_not_seen(pulse_s: float, seen: int) -> None:
    """Only contacts of at least `contact_min_s` reach the barrier."""

    async def check(m: Module) -> None:
        m.write("barrier_open", True)
        await m.clock.sleep(3)
        assert len(m.moves) == seen

    with_module(check, pulse_s=pulse_s)


def test_a_level_held_contact_stays_until_released() -> None:
    """Without pulse mode the contact holds (hold-open) until the coil is written off."""

    async def check(m: Module) -> None:
        m.write("barrier_open", True)
        await m.clock.sleep(60)
        assert m.moves == [(0.21, "terminal", True)]
        m.write("barrier_open", False)
        await m.clock.sleep(1)
        assert m.moves[1:] == [(60.01, "terminal", False)]

    with_module(check, pulse_s=0.0)


def test_a_pulse_can_be_cut_short_and_started_again() -> None:
    """Writing 0 ends a pulse at once; writing 1 within a pulse makes it longer, not two."""

    async def check(m: Module) -> None:
        m.write("barrier_open", True)
        await m.clock.sleep(0.1)
        m.write("barrier_open", False)
        await m.clock.sleep(1)
        assert m.moves == []
        m.write("barrier_open", True)
        await m.clock.sleep(0.4)
        m.write("barrier_open", True)
        await m.clock.sleep(2)
        assert m.moves == [(1.31, "terminal", True), (2.01, "terminal", False)]

    with_module(check)


def test_the_chain_of_causes_reaches_the_field() -> None:
    """From the frame over command and relay to the terminal each record names the one before."""

    async def check(m: Module) -> None:
        m.write("barrier_open", True, 17)
        await m.clock.sleep(0.3)
        records = {r.id: r for r in m.trace.records()}
        relay = records[m.field.seen[0][3]]
        assert (relay.kind, relay.payload["output"]) == ("device.state", "barrier_open")
        command = records[relay.cause]
        assert (command.kind, command.payload["point"]) == ("device.command", "barrier_open")
        assert command.cause == 17

    with_module(check)


def test_inputs_show_and_count_contacts() -> None:
    """An input reads its contact now and counts rising edges until cleared."""

    async def check(m: Module) -> None:
        heard: list[str] = []
        m.io.on_change(heard.append)
        for metal in (True, True, False, True):
            m.field.set_metal(metal)
        assert m.read("loop_arm_a") is True
        assert m.read("count_loop_arm_a") == 2
        m.write("clear_count_loop_arm_a", True)
        assert m.read("count_loop_arm_a") == 0
        assert heard == ["loop_arm_a"] * 3
        assert m.read("limit_open") is False

    with_module(check)


def test_the_watchdog_falls_back_and_waits_for_a_new_order() -> None:
    """Silence moves outputs to fallback; a returning master ends the alarm, not the fallback."""

    async def check(m: Module) -> None:
        m.io.host_seen()
        m.write("lamp_green", True)
        for _ in range(4):
            await m.clock.sleep(1.5)
            m.io.host_seen()
        assert m.read("lamp_green") is True
        await m.clock.sleep(1.9)
        assert m.read("watchdog_tripped") is False
        await m.clock.sleep(0.2)
        assert m.read("watchdog_tripped") is True
        assert (m.read("lamp_green"), m.read("lamp_red")) == (False, True)
        m.io.host_seen()
        assert m.read("watchdog_tripped") is False
        assert m.read("lamp_green") is False
        await m.clock.sleep(2.1)
        assert m.read("watchdog_tripped") is True

    with_module(check, watchdog_s=2.0)


def test_no_watchdog_by_default() -> None:
    """With 0 s nothing ever falls back, and nothing is scheduled."""

    async def check(m: Module) -> None:
        m.write("lamp_green", True)
        m.io.host_seen()
        await m.clock.sleep(3600)
        assert m.read("lamp_green") is True

    with_module(check)


def test_a_welded_relay_answers_as_ordered() -> None:
    """A stuck contact never moves while its coil says otherwise; healing lets it follow."""

    async def check(m: Module) -> None:
        m.io.inject("output_stuck", channel="lamp_green", closed=False)
        m.write("lamp_green", True)
        await m.clock.sleep(1)
        assert m.read("lamp_green") is True
        assert m.moves == []
        m.io.heal("output_stuck")
        assert m.moves == [(1.0, "lamp", True)]

    with_module(check)


def test_faults_of_inputs_pulses_and_watchdog() -> None:
    """A stuck input reads its constant; pulses get too short; outputs fall back for nothing."""

    async def check(m: Module) -> None:
        m.field.set_metal(True)
        m.io.inject("input_stuck", channel="loop_arm_a", value=False)
        assert m.read("loop_arm_a") is False
        m.io.heal("input_stuck")
        assert m.read("loop_arm_a") is True
        m.io.inject("short_pulse")
        m.write("barrier_open", True)
        await m.clock.sleep(1)
        assert m.moves == []
        m.write("lamp_green", True)
        m.io.inject("watchdog_trips")
        m.io.host_seen()
        assert (m.read("watchdog_tripped"), m.read("lamp_green")) == (True, False)

    with_module(check)


def test_a_power_cut_drops_relays_and_forgets_coils() -> None:
    """Without power every contact opens at once; afterwards all coils are 0."""

    async def check(m: Module) -> None:
        m.write("lamp_green", True)
        m.write("barrier_open", True)
        await m.clock.sleep(0.3)
        m.io.inject("power_cut")
        assert not m.io.online
        assert m.moves[-2:] == [(0.3, "lamp", False), (0.3, "terminal", False)]
        await m.clock.sleep(1)
        m.io.heal("power_cut")
        assert m.io.online
        assert m.read("lamp_green") is False
        await m.clock.sleep(1)
        assert len(m.moves) == 4

    with_module(check)


def test_wrong_wiring_is_refused() -> None:
    """Unknown channels, unknown points, read-only targets and bad times are named."""

    async def check(m: Module) -> None:
        def build(**wiring: Any) -> RemoteIO:
            return RemoteIO("x.io", m.clock, m.trace, random.Random(1), **wiring)

        with pytest.raises(UnknownName, match="loop_arm"):
            build(inputs={"loop_arm": (m.field, "loop")})
        with pytest.raises(UnknownName, match="lamp_red"):
            build(outputs={"lamp_rad": (m.field, "lamp")})
        with pytest.raises(UnknownName, match="point of field"):
            build(inputs={"loop_exit": (m.field, "lop")})
        with pytest.raises(UnknownName, match="point of field"):
            build(outputs={"lamp_red": (m.field, "lop")})
        with pytest.raises(GateTwinError, match="can only be read"):
            build(outputs={"lamp_red": (m.field, "loop")})
        with pytest.raises(GateTwinError, match="pulse_s is -1"):
            RemoteIoParameters(pulse_s=-1)
        with pytest.raises(UnknownName, match="output of a remote"):
            RemoteIoParameters(fallback={"lamp_blue": True})

    with_module(check)


def test_over_its_wire_with_its_profile() -> None:
    """The module answers its map over TCP, its watchdog hears the master, power ends it."""

    async def check(m: Module) -> None:
        server = ModbusServer(m.io, load("remote-io"), clock=m.clock, trace=m.trace)
        port = await server.start()
        client = Raw(*await asyncio.open_connection("127.0.0.1", port))
        try:
            m.field.set_metal(True)
            assert (await client.ask(adu(bytes([2, 0, 0, 0, 6]))))[7:] == b"\2\1\2"
            assert (await client.ask(adu(bytes([4, 0, 48, 0, 1]))))[7:] == b"\4\2\0\2"
            assert (await client.ask(adu(bytes([4, 0, 18, 0, 2]))))[7:] == b"\4\4\0\0\0\1"
            await client.ask(adu(bytes([15, 0, 0, 0, 3, 1, 0b010])))
            assert (await client.ask(adu(bytes([1, 0, 0, 0, 6]))))[7:] == b"\1\1\2"
            assert (await client.ask(adu(bytes([3, 0, 32, 0, 1]))))[7:] == b"\3\2\0\2"
            assert (await client.ask(adu(bytes([5, 1, 17, 0, 0]))))[7:] == b"\x85\3"
            await m.clock.sleep(3)
            assert m.read("watchdog_tripped") is True
            assert (await client.ask(adu(bytes([1, 0, 0, 0, 6]))))[7:] == b"\1\1\1"
            assert m.read("watchdog_tripped") is False
            m.io.inject("power_cut")
            client.send(adu(bytes([1, 0, 0, 0, 6])))
            assert await client.silent()
            late = Raw(*await asyncio.open_connection("127.0.0.1", port))
            assert await late.closed()
            await late.close()
        finally:
            await server.stop()
            await client.close()

    with_module(check, watchdog_s=2.0)


def test_the_profile_names_every_channel() -> None:
    """Inputs and relays stand in the wire list at their channel number."""
    points = wire_points(load("remote-io"))
    assert [points[name]["address"] for name in INPUTS] == list(range(6))
    assert [points[name]["address"] for name in OUTPUTS] == list(range(6))
