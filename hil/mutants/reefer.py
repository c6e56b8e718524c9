# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken rack for each MUST; each must fail its own requirement and few others.

Rack mutants bend what is known of sockets and units, monitor mutants the messages, wire mutants
the registers. Each reproduces a defect that somebody's product has had, or easily could.
"""

from __future__ import annotations

from hil.kits.reefer.emulation import ReeferVariant
from hil.variant import Maker
from twin.devices.reefer import ReeferRack
from twin.wires.modbus import ModbusServer
from twin.wires.tic40 import ReeferMonitor

from . import modbus
from . import reefer_alarm as alarm
from . import reefer_messages as messages
from . import reefer_rack as rack

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


_rack = Maker(ReeferVariant, "RFR-", ReeferRack)
_server = Maker(ReeferVariant, "RFR-", ModbusServer)
_monitor = Maker(ReeferVariant, "RFR-", ReeferMonitor)


MUTANTS: list[ReeferVariant] = [
    *modbus.mutants(ReeferVariant, "RFR", connections=4, without=("WIR-02",)),
    _server("short-reads", "WIR-02", ShortReads),
    _server("reads-act", "WIR-21", ReadsAct),
    _rack("shows-boxes-late", "SOC-01", rack.ShowsBoxesLate),
    _rack("shows-free-late", "SOC-02", rack.ShowsFreeLate),
    _rack("sees-neighbours", "SOC-03", rack.SeesNeighbours),
    _rack("shows-plugs-late", "SOC-04", rack.ShowsPlugsLate),
    _rack("shows-power-late", "SOC-05", rack.ShowsPowerLate),
    _rack("plug-by-current", "SOC-06", rack.PlugByCurrent),
    _rack("loses-orders", "SOC-07", rack.LosesOrders),
    _rack("first-order-counts", "SOC-08", rack.FirstOrderCounts),
    _rack("finds-another", "SOC-09", rack.FindsAnother),
    _rack("loses-the-sign", "TMP-01", rack.LosesTheSign),
    _rack("mixes-airs", "TMP-02", rack.MixesAirs),
    _rack("keeps-readings", "TMP-03", rack.KeepsReadings),
    _rack("blind-after-dark", "TMP-04", rack.BlindAfterDark),
    _rack("other-set-point", "SPT-01", rack.OtherSetpoint),
    _rack("whole-degrees", "SPT-02", rack.WholeDegrees),
    ReeferVariant(
        "takes-every-set-point", "RFR-SPT-03", "Takes set points of any height.", unlimited=True
    ),
    _rack("sets-all", "SPT-04", rack.SetsAll),
    _rack("no-alarm", "ALM-01", alarm.NoAlarm),
    _rack("alarm-at-once", "ALM-02", alarm.AlarmAtOnce),
    _rack("tighter-limit", "ALM-03", alarm.TighterLimit),
    _rack("counts-seconds", "ALM-04", alarm.CountsSeconds),
    _rack("margin-from-the-start", "ALM-05", alarm.MarginFromTheStart),
    _rack("alarm-of-the-socket", "ALM-06", alarm.AlarmOfTheSocket),
    _rack("forgets-the-first", "ALM-07", alarm.ForgetsTheFirst),
    _monitor("numbers-as-texts", "MSG-01", messages.NumbersAsTexts),
    _monitor("one-topic", "MSG-02", messages.OneTopic),
    ReeferVariant("sends-at-qos-0", "RFR-MSG-03", "Sends at QoS 0.", qos=0),
    ReeferVariant("retains-nothing", "RFR-MSG-04", "Its messages are not retained.", retain=False),
    _monitor("no-events", "MSG-05", messages.NoEvents),
    ReeferVariant(
        "lazy-monitor", "RFR-MSG-06", "Sends every half hour, its papers say every 15 minutes.",
        every_s=1800.0,
    ),
    _monitor("zeros-for-nothing", "MSG-07", messages.ZerosForNothing),
    _monitor("local-time", "MSG-08", messages.LocalTime),
    _monitor("deaf-to-the-terminal", "MSG-09", messages.DeafToTheTerminal),
    _monitor("takes-any-message", "MSG-10", messages.TakesEverySetpoint),
    ReeferVariant(
        "starts-slowly", "RFR-REC-01", "Starts in 6 s, its papers say 3 s.", start_up_s=6.0
    ),
    _rack("finds-the-old-boxes", "REC-02", alarm.FindsTheOldBoxes),
    _rack("forgets-minutes", "REC-03", alarm.ForgetsMinutes),
    _server("no-sixteen", "DOC-01", NoMultiple),
]  # fmt: skip
