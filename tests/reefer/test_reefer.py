"""Reefers: thermal model against theory, plugs, alarms, Modbus rack, TIC 4.0 messages."""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient

from twin import profiles
from twin.clock import Clock, run_virtual
from twin.devices.reefer import NO_READING, ReeferRack
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.wires.mqtt.client import MqttClient, Settings
from twin.wires.mqtt.server import MqttServer
from twin.wires.tic40 import ReeferMonitor
from twin.world.reefer import ReeferParameters, ReeferUnit
from twin.world.yard import Box, Place, PlaceKind, Yard

FROZEN = Box("MCKU1000006", 24_000.0, reefer=True)
FRUIT = Box("VNTU2000000", 20_000.0, reefer=True, perishable=True)


@dataclass
class Terminal:
    clock: Clock
    attended: bool = True
    sent: list[tuple[str, dict[str, Any], int, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trace = Trace(self.clock)
        places = [Place(f"rack-{n}", PlaceKind.REEFER_RACK, n, 0.0) for n in range(4)]
        self.yard = Yard(self.trace, places)
        self.units = {
            FROZEN.number: ReeferUnit(FROZEN, self.clock, -18.0, 30.0),
            FRUIT.number: ReeferUnit(FRUIT, self.clock, 13.0, 30.0),
        }
        self.rack = ReeferRack("rack", self.clock, self.trace, random.Random(1), self.yard, places,
                               self.units, attended=self.attended)  # fmt: skip
        self.monitor = ReeferMonitor(self.rack, self._publish, clock=self.clock, trace=self.trace)

    def _publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        self.sent.append((topic, json.loads(payload), qos, retain))

    def set(self, box: Box, number: int) -> None:
        self.yard.put(self.rack.places[number], box, "crane")

    def lift(self, number: int) -> Box:
        return self.yard.take(self.rack.places[number], "crane")

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [r.payload for r in self.trace.records() if r.kind == kind]


def play(test: Callable[[Terminal], Awaitable[None]], **more: Any) -> Terminal:
    kept: list[Terminal] = []

    async def main(clock: Clock) -> None:
        kept.append(Terminal(clock, **more))
        await test(kept[0])

    run_virtual(main)
    return kept[0]


def test_without_power_the_air_warms_as_newton_says() -> None:
    """After one time constant 63.2 % of the way to the ambient is made."""

    async def test(t: Terminal) -> None:
        unit = t.units[FROZEN.number]
        begin = unit.return_c()
        await t.clock.sleep(12 * 3600)
        assert unit.return_c() == pytest.approx(begin + (30 - begin) * (1 - math.exp(-1)))
        assert unit.supply_c() == unit.return_c()

    play(test)


@given(st.floats(0.1, 20), st.lists(st.booleans(), min_size=1, max_size=6))
def test_excursion_time_agrees_with_counting(hours: float, plugs: list[bool]) -> None:
    """The closed form of the time too warm is what a count at every ten seconds gives."""

    async def test(t: Terminal) -> None:
        unit = t.units[FROZEN.number]
        counted = 0.0
        step_s = hours * 3600 / 360
        for plug in plugs:
            unit.change("plugged", plug)
            for _ in range(60):
                await t.clock.sleep(step_s)
                counted += step_s * (unit.return_c() > unit.limit_c)
        assert unit.excursion_s() == pytest.approx(counted, abs=step_s * (len(plugs) + 1))

    play(test)


@given(st.floats(-25, 15), st.booleans(), st.floats(0, 8))
def test_the_margin_is_when_the_alarm_comes(setpoint: float, plugged: bool, hours: float) -> None:
    """After the margin the excursion is exactly at its limit, and not before."""

    async def test(t: Terminal) -> None:
        unit = ReeferUnit(FRUIT, t.clock, setpoint, 35.0)
        await t.clock.sleep(hours * 3600)
        unit.change("plugged", plugged)
        margin = unit.margin_s()
        limit = ReeferParameters().excursion_limit_s
        if margin == math.inf:
            await t.clock.sleep(50 * 3600)
            assert unit.excursion_s() < limit + 1
        elif margin > 0:
            await t.clock.sleep(margin)
            assert unit.excursion_s() == pytest.approx(limit, abs=0.01)

    play(test)


def test_a_box_is_plugged_in_cooled_and_torn_when_lifted_plugged() -> None:
    """A hand comes after five minutes; a box that is lifted with its plug in is recorded."""

    async def test(t: Terminal) -> None:
        t.set(FROZEN, 0)
        await t.clock.sleep(299)
        assert not t.rack.points["plugged_1"].read()
        await t.clock.sleep(2)
        assert t.rack.points["powered_1"].read()
        t.lift(0)
        assert t.kinds("reefer.torn") == [{"box": FROZEN.number, "socket": 1}]
        t.set(FROZEN, 1)
        await t.clock.sleep(301)
        write = t.rack.points["plugged_2"].write
        assert write is not None
        write(False)
        await t.clock.sleep(301)
        t.lift(1)
        assert len(t.kinds("reefer.torn")) == 1

    play(test)


def test_the_alarm_comes_after_half_an_hour_too_warm_and_once() -> None:
    """A rack without mains raises one alarm for each box, at the instant that theory gives."""

    async def test(t: Terminal) -> None:
        t.set(FROZEN, 0)
        t.set(FRUIT, 1)
        await t.clock.sleep(3600)
        t.rack.inject("power")
        began = t.clock.now_s()
        due = {n: began + t.units[n].margin_s() for n in (FROZEN.number, FRUIT.number)}
        assert t.rack.urgent()[0] == min(due, key=lambda n: due[n])
        await t.clock.sleep(24 * 3600)
        t.rack.heal("power")
        await t.clock.sleep(24 * 3600)
        alarms = [r for r in t.trace.records() if r.kind == "reefer.alarm"]
        assert len(alarms) == 2
        for alarm in alarms:
            assert alarm.t_s == pytest.approx(due[alarm.payload["box"]], abs=0.01)
        assert t.rack.points["alarm_1"].read()

    play(test)


def test_a_gap_shorter_than_the_limit_raises_nothing() -> None:
    """Twenty minutes without mains are no excursion."""

    async def test(t: Terminal) -> None:
        t.set(FROZEN, 0)
        await t.clock.sleep(3600)
        t.rack.inject("power")
        await t.clock.sleep(1200)
        t.rack.heal("power")
        await t.clock.sleep(24 * 3600)
        assert t.kinds("reefer.alarm") == []

    play(test)


@pytest.mark.parametrize("fault", ["socket_dead", "unit_broken", "sensor_missing"])
def test_faults_of_one_socket_hit_only_it(fault: str) -> None:
    """The other box goes on."""

    async def test(t: Terminal) -> None:
        t.set(FROZEN, 0)
        t.set(FRUIT, 1)
        await t.clock.sleep(3600)
        t.rack.inject(fault, socket="1")
        await t.clock.sleep(2 * 3600)
        shown = t.rack.reading(0, "return")
        if fault == "unit_broken":
            assert shown > -16.0
        else:
            assert shown == NO_READING
        assert t.rack.reading(1, "return") == pytest.approx(13.4, abs=0.2)

    play(test)


def test_the_modbus_rack_shows_the_readings_to_a_foreign_client() -> None:
    """pymodbus reads temperatures in tenths, writes a set point and orders a plug out."""

    async def test(t: Terminal) -> None:
        server = ModbusServer(t.rack, profiles.load("reefer-rack"), clock=t.clock, trace=t.trace)
        port = await server.start()
        client = AsyncModbusTcpClient("127.0.0.1", port=port)
        await client.connect()
        t.set(FROZEN, 1)
        await t.clock.sleep(3600)

        def signed(words: list[int]) -> list[int]:
            return [word - 65_536 if word > 32_767 else word for word in words]

        got = await client.read_input_registers(10, count=4, device_id=1)
        assert signed(got.registers)[:3] == [-180, -175, 0]
        empty = await client.read_input_registers(0, count=2, device_id=1)
        assert signed(empty.registers) == [-32_768, -32_768]
        bits = await client.read_discrete_inputs(10, count=3, device_id=1)
        assert bits.bits[:3] == [True, True, False]
        await client.write_register(1, 65_536 - 200, device_id=1)
        assert t.units[FROZEN.number].setpoint_c == pytest.approx(-20.0)
        await client.write_coil(1, False, device_id=1)
        await t.clock.sleep(301)
        assert not t.units[FROZEN.number].plugged
        t.rack.inject("offline")
        client.close()
        await server.stop()

    play(test)


def test_messages_have_the_published_names_and_nulls_for_what_is_not_read() -> None:
    """One retained message at QoS 1 a box, at events and each quarter of an hour."""

    async def test(t: Terminal) -> None:
        t.monitor.start()
        t.set(FRUIT, 2)
        await t.clock.sleep(3600)
        topic, last, qos, retain = t.sent[-1]
        assert (topic, qos, retain) == (f"terminal/cargo/{FRUIT.number}/rms", 1, True)
        assert list(last) == ["ContainerID", "Events", "MonitoringData", "SetpointData"]
        assert last["Events"][0]["ContainerConnected"] is True
        sensors = last["MonitoringData"][0]["SensorData"][0]
        assert sensors["ReturnTemperature"] == pytest.approx(13.4, abs=0.1)
        assert sensors["USDA3"] == sensors["USDA1"] is not None
        assert sensors["CO2"] is None
        connected = [m["Events"][0]["ContainerConnected"] for _, m, _, _ in t.sent]
        assert connected.count(False) >= 1
        assert len(t.sent) == 6  # set down, plugged in, and four quarters of an hour
        t.monitor.inject("usda_fail")
        t.rack.inject("sensor_missing", socket="3", sensor="return")
        await t.clock.sleep(900)
        sensors = t.sent[-1][1]["MonitoringData"][0]["SensorData"][0]
        assert (sensors["USDA1"], sensors["ReturnTemperature"]) == (None, None)
        assert sensors["SupplyTemperature"] is not None
        t.monitor.inject("silent")
        count = len(t.sent)
        await t.clock.sleep(3600)
        assert len(t.sent) == count
        t.monitor.stop()

    play(test)


def test_a_stale_monitor_repeats_measurements_with_new_times() -> None:
    """The time moves on, the temperatures do not."""

    async def test(t: Terminal) -> None:
        t.set(FROZEN, 0)
        await t.clock.sleep(3600)
        t.monitor.start()
        t.monitor.inject("stale")
        t.rack.inject("unit_broken", socket="1")
        await t.clock.sleep(7200)
        first, last = t.sent[0][1], t.sent[-1][1]
        assert first["MonitoringData"][0]["SensorData"] == last["MonitoringData"][0]["SensorData"]
        assert last["MonitoringData"][0]["MonitoringTime"] - (
            first["MonitoringData"][0]["MonitoringTime"]
        ) == pytest.approx(7_200_000, abs=900_000)

    play(test)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"{", "not a TOS message"),
        (b'{"ContainerData": [], "SetpointData": [{"TemperatureSetpoint": 2}]}', "0 containers"),
        (b'{"ContainerData": [{"ContainerID": "X"}], "SetpointData": [{"TemperatureSetpoint": 2}]}',
         "container X on topic"),
        (json.dumps({"ContainerData": [{"ContainerID": FRUIT.number}],
                     "SetpointData": [{"TemperatureSetpoint": 99}]}).encode(), "outside -40 to 30"),
        (b'{"ContainerData": [], "SetpointData": [{"TemperatureSetpoint": "2"}]}', "not a TOS"),
    ],
)  # fmt: skip
def test_wrong_orders_change_nothing(payload: bytes, words: str) -> None:
    """The reason is told and traced; the set point stays."""

    async def test(t: Terminal) -> None:
        t.set(FRUIT, 0)
        assert words in t.monitor.receive(f"terminal/cargo/{FRUIT.number}/tos", payload)
        assert t.units[FRUIT.number].setpoint_c == 13.0
        assert t.kinds("tic40.refused")

    play(test)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_monitor(payload: bytes) -> None:
    """Whatever comes is refused in words."""

    async def test(t: Terminal) -> None:
        assert t.monitor.receive("terminal/cargo/x/tos", payload)

    play(test)


def test_orders_and_messages_go_through_a_broker_with_paho() -> None:
    """A foreign MQTT client gets the retained message and sends a set point that is taken."""

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        broker = MqttServer(clock=clock, trace=trace, rng=random.Random(1))
        port = await broker.start()
        seen: list[tuple[str, bytes]] = []
        terminal = Terminal(clock)
        rms = MqttClient(
            Settings("127.0.0.1", port, "rms"), loop=clock.loop, rng=random.Random(2),
            on_message=lambda topic, payload, *_: monitor.receive(topic, payload),
        )  # fmt: skip
        tos = MqttClient(
            Settings("127.0.0.1", port, "tos"), loop=clock.loop, rng=random.Random(3),
            on_message=lambda topic, payload, *_: seen.append((topic, payload)),
        )  # fmt: skip
        monitor = ReeferMonitor(terminal.rack, rms.publish, clock=clock, trace=trace)
        for client in (rms, tos):
            client.start()
            await client.wait_connected()
        rms.subscribe("terminal/cargo/+/tos", 1)
        terminal.set(FRUIT, 0)
        monitor.start()
        await clock.sleep(400)
        tos.subscribe("terminal/cargo/+/rms", 1)
        await clock.sleep(1)
        assert json.loads(seen[-1][1])["ContainerID"] == FRUIT.number
        order = {"ContainerData": [{"ContainerID": FRUIT.number}],
                 "SetpointData": [{"TemperatureSetpoint": 8.5}]}  # fmt: skip
        tos.publish(f"terminal/cargo/{FRUIT.number}/tos", json.dumps(order).encode(), 1)
        await clock.sleep(1)
        assert terminal.units[FRUIT.number].setpoint_c == 8.5
        assert json.loads(seen[-1][1])["SetpointData"] == [{"TemperatureSetpoint": 8.5}]
        monitor.stop()
        for client in (rms, tos):
            await client.stop()
        await broker.stop()

    run_virtual(main)


def test_one_seed_gives_one_trace() -> None:
    """Two runs are the same."""

    async def test(t: Terminal) -> None:
        t.monitor.start()
        t.set(FROZEN, 0)
        await t.clock.sleep(7200)
        t.rack.inject("power")
        await asyncio.sleep(7200)

    assert play(test).trace.sha256() == play(test).trace.sha256()
