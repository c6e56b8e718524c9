# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken rack for each MUST; each must fail its own requirement and few others.

Rack mutants bend what is known of sockets and units, monitor mutants the messages, wire mutants
the registers. Each reproduces a defect that somebody's product has had, or easily could.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import msgspec

from hil.kits.reefer.emulation import ReeferVariant
from hil.variant import Maker
from twin.devices.base import Value, Writer
from twin.devices.reefer import NO_READING, ReeferRack
from twin.wires.modbus import ModbusServer
from twin.wires.tic40 import ReeferMonitor
from twin.world.reefer import ReeferUnit

from . import modbus

# ---------------------------------------------------------------- registers


class ShortReads(ModbusServer):
    """Loses the last register of a read of two."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        return answer[:-2] if answer and answer[0] in (3, 4) and answer[1] == 4 else answer


class ReadsAct(ModbusServer):
    """Reading the minutes until the alarm alone warms the set point by a degree."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu == b"\x04\x00\x03\x00\x01":
            point = self.device.points["setpoint_c_1"]
            assert point.write is not None
            point.write(float(point.read()) + 1.0)
        return super().respond(pdu, unit, cause)


class NoMultiple(ModbusServer):
    """Does not know function 16, which its papers promise."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        return b"\x90\x01" if pdu[:1] == b"\x10" else super().respond(pdu, unit, cause)


# ---------------------------------------------------------------- sockets


class _Points(ReeferRack, ABC):
    """Shows points otherwise than they are."""

    @abstractmethod
    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value: ...

    def add_point(self, name: str, read: Callable[[], Value], *rest: Any, **more: Any) -> None:
        kind, _, socket = name.rpartition("_")
        super().add_point(name, lambda: self.shown(kind, int(socket) - 1, read), *rest, **more)


class _Late(_Points):
    """Shows a change of some points three seconds late."""

    LATE: tuple[tuple[str, bool], ...] = ()

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        now = value()
        if not hasattr(self, "_since"):
            self._since: dict[tuple[str, int], tuple[Value, float]] = {}
        at = (name, number)
        known, since_s = self._since.setdefault(at, (now, -10.0))
        if now != known:
            self._since[at] = (now, self.clock.now_s())
            since_s = self.clock.now_s()
        late = self.clock.now_s() - since_s < 3.0
        return (not now) if late and (name, bool(now)) in self.LATE else now


class ShowsBoxesLate(_Late):
    """Shows a box three seconds after it has come."""

    LATE = (("occupied", True),)


class ShowsFreeLate(_Late):
    """Shows a free socket three seconds after the box has gone."""

    LATE = (("occupied", False),)


class ShowsPlugsLate(_Late):
    """Shows a plug three seconds late."""

    LATE = (("plugged", True), ("plugged", False))


class ShowsPowerLate(_Late):
    """Shows power three seconds late."""

    LATE = (("powered", True), ("powered", False))


class SeesNeighbours(_Points):
    """A box at socket 2 makes socket 3 occupied, too."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        if name == "occupied" and number == 2:
            return bool(value()) or self.unit(1) is not None
        return value()


class PlugByCurrent(_Points):
    """Takes a plug without current for a plug that is out."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        unit = self.unit(number)
        if name == "plugged":
            return unit is not None and unit.powered
        return value()


class LosesOrders(ReeferRack):
    """Acknowledges orders to pull a plug and sends nobody."""

    def _send_hand(self, number: int, plug: bool, cause: int) -> None:
        if plug:
            super()._send_hand(number, plug, cause)


class FirstOrderCounts(ReeferRack):
    """A hand that is under way cannot be called back."""

    def _send_hand(self, number: int, plug: bool, cause: int) -> None:
        hand = self._hands.get(number)
        if hand is None or hand.processed:
            super()._send_hand(number, plug, cause)


class FindsAnother(ReeferRack):
    """An order for an empty socket goes to the first one."""

    def _set(self, number: int) -> Writer:
        right, first = super()._set(number), super()._set(0)

        def write(value: bool | float, cause: int = -1, /) -> None:
            (right if self.unit(number) is not None else first)(value, cause)

        return write


# ---------------------------------------------------------------- temperatures


class LosesTheSign(ReeferRack):
    """Return air has no sign."""

    def reading(self, number: int, sensor: str) -> float:
        value = super().reading(number, sensor)
        return abs(value) if sensor == "return" and value != NO_READING else value


class MixesAirs(ReeferRack):
    """Shows the return air for the supply air."""

    def reading(self, number: int, sensor: str) -> float:
        return super().reading(number, "return" if sensor == "supply" else sensor)


class KeepsReadings(ReeferRack):
    """Without power it shows the last reading."""

    def reading(self, number: int, sensor: str) -> float:
        if not hasattr(self, "_last"):
            self._last: dict[tuple[int, str], float] = {}
        value = super().reading(number, sensor)
        if value != NO_READING:
            self._last[number, sensor] = value
        return self._last.get((number, sensor), value)


class BlindAfterDark(ReeferRack):
    """A unit that has lost its power once is never read again."""

    def reading(self, number: int, sensor: str) -> float:
        if not hasattr(self, "_dark"):
            self._dark: set[str] = set()
        unit = self.unit(number)
        if unit is not None and unit.plugged and not unit.powered:
            self._dark.add(unit.box.number)
        if unit is not None and unit.box.number in self._dark:
            return NO_READING
        return super().reading(number, sensor)


class OtherSetpoint(_Points):
    """Shows the set point of the first socket at the second one, too."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        first = self.unit(0)
        if name == "setpoint_c" and number == 1 and first is not None:
            return first.setpoint_c
        return value()


class WholeDegrees(ReeferRack):
    """Takes set points in whole degrees."""

    def _set(self, number: int) -> Writer:
        right = super()._set(number)

        def write(value: bool | float, cause: int = -1, /) -> None:
            right(float(int(value)), cause)

        return write


class SetsAll(ReeferRack):
    """A set point goes to every unit."""

    def _set(self, number: int) -> Writer:
        del number
        writers = [super(SetsAll, self)._set(n) for n in range(len(self.places))]

        def write(value: bool | float, cause: int = -1, /) -> None:
            for one in writers:
                one(value, cause)

        return write


# ---------------------------------------------------------------- alarms


class NoAlarm(ReeferRack):
    """Never raises an alarm."""

    def alarm(self, number: int) -> bool:
        del number
        return False


class AlarmAtOnce(ReeferRack):
    """Raises an alarm after a third of the time."""

    def alarm(self, number: int) -> bool:
        unit = self.unit(number)
        early = unit is not None and unit.excursion_s() > 600.0
        return early or super().alarm(number)


class TighterLimit(_Points):
    """Counts from 2 K on, its papers say 3 K."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        unit = self.unit(number)
        if name == "excursion_min" and unit is not None and value() == 0:
            return 2 if unit.return_c() > unit.setpoint_c + 2.0 else 0
        return value()


class CountsSeconds(_Points):
    """Counts a minute too warm for every fifty seconds."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        del number
        return int(float(value()) * 1.2) if name == "excursion_min" else value()


class MarginFromTheStart(_Points):
    """Until the alarm it always says half an hour."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        del number
        now = value()
        return 30 if name == "margin_min" and 0 < float(now) < 30 else now


class AlarmOfTheSocket(ReeferRack):
    """An alarm stays with its socket."""

    def alarm(self, number: int) -> bool:
        if not hasattr(self, "_stuck"):
            self._stuck: set[int] = set()
        if super().alarm(number):
            self._stuck.add(number)
        return number in self._stuck


class ForgetsTheFirst(ReeferRack):
    """Only an excursion without a break counts for the alarm."""

    def alarm(self, number: int) -> bool:
        unit = self.unit(number)
        if not hasattr(self, "_began_s"):
            self._began_s: dict[int, float] = {}
        if unit is None or unit.return_c() <= unit.limit_c:
            self._began_s.pop(number, None)
            return False
        began_s = self._began_s.setdefault(number, self.clock.now_s())
        return self.clock.now_s() - began_s >= unit.parameters.excursion_limit_s


# ---------------------------------------------------------------- messages


class _Bends(ReeferMonitor, ABC):
    """Changes every message before it leaves."""

    @abstractmethod
    def bend(self, message: dict[str, Any]) -> None: ...

    def message(self, socket: int) -> bytes | None:
        made = super().message(socket)
        if made is None:
            return None
        data = msgspec.json.decode(made)
        self.bend(data)
        return msgspec.json.encode(data)


class NumbersAsTexts(_Bends):
    """Readings are texts."""

    def bend(self, message: dict[str, Any]) -> None:
        sensors = message["MonitoringData"][0]["SensorData"][0]
        for name in ("ReturnTemperature", "SupplyTemperature"):
            if sensors[name] is not None:
                sensors[name] = str(sensors[name])


class ZerosForNothing(_Bends):
    """Says 0 °C where there is no reading."""

    def bend(self, message: dict[str, Any]) -> None:
        sensors = message["MonitoringData"][0]["SensorData"][0]
        for name in ("ReturnTemperature", "SupplyTemperature"):
            sensors[name] = sensors[name] or 0.0


class LocalTime(_Bends):
    """Its time is seven hours ahead: local time for UTC."""

    def bend(self, message: dict[str, Any]) -> None:
        message["Events"][0]["Time"] += 7 * 3_600_000
        message["MonitoringData"][0]["MonitoringTime"] += 7 * 3_600_000


class OneTopic(ReeferMonitor):
    """All boxes share a topic."""

    def topic(self, number: str, end: str = "rms") -> str:
        return super().topic("rack" if end == "rms" else number, end)


class NoEvents(ReeferMonitor):
    """Sends at its interval alone."""

    def _changed(self, what: str) -> None:
        """Nobody is told."""


class DeafToTheTerminal(ReeferMonitor):
    """Takes no message with a member that it does not know."""

    def _take(self, topic: str, payload: bytes, cause: int) -> str:
        return "unknown member" if b'"Note"' in payload else super()._take(topic, payload, cause)


class TakesEverySetpoint(ReeferMonitor):
    """Takes set points of any height."""

    def _take(self, topic: str, payload: bytes, cause: int) -> str:
        reason = super()._take(topic, payload, cause)
        if "outside" in reason:
            unit = self._rack.unit(0)
            if unit is not None:
                unit.change("setpoint_c", 50.0)
        return reason


# ---------------------------------------------------------------- recovery


class FindsTheOldBoxes(_Points):
    """Until something happens there it believes the boxes that were there before."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        if not hasattr(self, "_seen"):
            self._seen: dict[int, float] = {}
        now = value()
        if name != "occupied":
            return now
        if now:
            self._seen[number] = self.clock.now_s()
        # what changes while nobody asks is not noticed for five minutes
        gap_s = self.clock.now_s() - self._seen.get(number, -1e9)
        if not now and 30.0 < gap_s < 300.0:
            return True
        if not now:
            self._seen.pop(number, None)
        return now


class ForgetsMinutes(_Points):
    """The minutes of a box begin anew when nobody has asked for half a minute."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        if not hasattr(self, "_asked_s"):
            self._asked_s, self._lost = 0.0, dict[int, float]()
        if self.clock.now_s() - self._asked_s > 45.0:
            for n in range(len(self.places)):
                unit: ReeferUnit | None = self.unit(n)
                self._lost[n] = 0.0 if unit is None else unit.excursion_s() // 60
        self._asked_s = self.clock.now_s()
        if name != "excursion_min":
            return value()
        return max(0, float(value()) - self._lost.get(number, 0.0))


_rack = Maker(ReeferVariant, "RFR-", ReeferRack)
_server = Maker(ReeferVariant, "RFR-", ModbusServer)
_monitor = Maker(ReeferVariant, "RFR-", ReeferMonitor)


MUTANTS: list[ReeferVariant] = [
    *modbus.mutants(ReeferVariant, "RFR", connections=4, without=("WIR-02",)),
    _server("short-reads", "WIR-02", ShortReads),
    _server("reads-act", "WIR-21", ReadsAct),
    _rack("shows-boxes-late", "SOC-01", ShowsBoxesLate),
    _rack("shows-free-late", "SOC-02", ShowsFreeLate),
    _rack("sees-neighbours", "SOC-03", SeesNeighbours),
    _rack("shows-plugs-late", "SOC-04", ShowsPlugsLate),
    _rack("shows-power-late", "SOC-05", ShowsPowerLate),
    _rack("plug-by-current", "SOC-06", PlugByCurrent),
    _rack("loses-orders", "SOC-07", LosesOrders),
    _rack("first-order-counts", "SOC-08", FirstOrderCounts),
    _rack("finds-another", "SOC-09", FindsAnother),
    _rack("loses-the-sign", "TMP-01", LosesTheSign),
    _rack("mixes-airs", "TMP-02", MixesAirs),
    _rack("keeps-readings", "TMP-03", KeepsReadings),
    _rack("blind-after-dark", "TMP-04", BlindAfterDark),
    _rack("other-set-point", "SPT-01", OtherSetpoint),
    _rack("whole-degrees", "SPT-02", WholeDegrees),
    ReeferVariant(
        "takes-every-set-point", "RFR-SPT-03", "Takes set points of any height.", unlimited=True
    ),
    _rack("sets-all", "SPT-04", SetsAll),
    _rack("no-alarm", "ALM-01", NoAlarm),
    _rack("alarm-at-once", "ALM-02", AlarmAtOnce),
    _rack("tighter-limit", "ALM-03", TighterLimit),
    _rack("counts-seconds", "ALM-04", CountsSeconds),
    _rack("margin-from-the-start", "ALM-05", MarginFromTheStart),
    _rack("alarm-of-the-socket", "ALM-06", AlarmOfTheSocket),
    _rack("forgets-the-first", "ALM-07", ForgetsTheFirst),
    _monitor("numbers-as-texts", "MSG-01", NumbersAsTexts),
    _monitor("one-topic", "MSG-02", OneTopic),
    ReeferVariant("sends-at-qos-0", "RFR-MSG-03", "Sends at QoS 0.", qos=0),
    ReeferVariant("retains-nothing", "RFR-MSG-04", "Its messages are not retained.", retain=False),
    _monitor("no-events", "MSG-05", NoEvents),
    ReeferVariant(
        "lazy-monitor", "RFR-MSG-06", "Sends every half hour, its papers say every 15 minutes.",
        every_s=1800.0,
    ),
    _monitor("zeros-for-nothing", "MSG-07", ZerosForNothing),
    _monitor("local-time", "MSG-08", LocalTime),
    _monitor("deaf-to-the-terminal", "MSG-09", DeafToTheTerminal),
    _monitor("takes-any-message", "MSG-10", TakesEverySetpoint),
    ReeferVariant(
        "starts-slowly", "RFR-REC-01", "Starts in 6 s, its papers say 3 s.", start_up_s=6.0
    ),
    _rack("finds-the-old-boxes", "REC-02", FindsTheOldBoxes),
    _rack("forgets-minutes", "REC-03", ForgetsMinutes),
    _server("no-sixteen", "DOC-01", NoMultiple),
]  # fmt: skip
