"""One broken barrier for each MUST; each must fail its own requirement and few others.

Wire mutants bend the answer (`respond`), the admission of connections (`admit`) or, through
`Meddler`, the bytes on their way. Device mutants bend the controller. Each reproduces a defect
that somebody's product has had.
"""

from __future__ import annotations

import math
import struct
from typing import Any, ClassVar

from hil.emulated import Variant
from twin.devices.barrier import Barrier, BarrierError, GateStatus
from twin.wires.modbus import ModbusServer

from .meddler import Meddler

EXCEPTION = 0x80


# ---------------------------------------------------------------- wire: the answer


class ShortReads(ModbusServer):
    """Loses the last register of a longer read."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if answer and answer[0] in (3, 4) and answer[1] > 2:
            return answer[:-2]
        return answer


class WrongExceptionForFunction(ModbusServer):
    """Answers an unknown function with 04 instead of 01."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        # Only what the PICS check does not probe, or that would refuse the whole run.
        if answer and answer[0] == pdu[0] | EXCEPTION and pdu[0] in (7, 8, 65, 100):
            return bytes([answer[0], 4])
        return answer


class InventsZeros(ModbusServer):
    """Reads outside the map give zeros."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if answer in (b"\x83\x02", b"\x84\x02") and len(pdu) == 5:
            count = struct.unpack(">H", pdu[3:5])[0]
            return bytes([pdu[0], 2 * count]) + bytes(2 * count)
        return answer


class AnonymousExceptions(ModbusServer):
    """Exceptions of undecodable requests carry function 0x80 (a known server defect)."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if answer in (b"\x83\x03", b"\x84\x03") and len(pdu) == 5 and pdu[3:5] != b"\0\0":
            return b"\x80\x03"
        return answer


class AnyValueIsOn(ModbusServer):
    """Takes every coil value but 0 as ON (a known server defect)."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if len(pdu) == 5 and pdu[0] == 5 and pdu[3:5] != b"\0\0" and pdu[1] < 0x80:
            pdu = pdu[:3] + b"\xff\x00"
        return super().respond(pdu, unit, cause)


class AcceptsEveryWrite(ModbusServer):
    """Confirms writes to registers that nobody can write."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if len(pdu) >= 5 and pdu[0] in (6, 16) and answer and answer[0] & EXCEPTION:
            if struct.unpack(">H", pdu[1:3])[0] < 0x8000 and pdu[1:5] != bytes(4):
                return pdu[:5]
        return answer


class OneAtATime(ModbusServer):
    """Keeps one request only: of those that come together, the first is answered."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        now_s, last_s = self.loop.time(), getattr(self, "_last_s", -1.0)
        self._last_s = now_s
        answer = super().respond(pdu, unit, cause)
        return None if now_s - last_s < 1e-4 and pdu[0] in (3, 4) else answer


class AnswersEveryUnit(ModbusServer):
    """Thinks that every unit is its own."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        return super().respond(pdu, self.profile.unit_ids[0], cause)


class AnonymousTruncated(ModbusServer):
    """A truncated request is answered under function 0x80."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if len(pdu) < 5 and answer and answer[0] & EXCEPTION and pdu[0] in (3, 4, 5, 6, 15, 16):
            return b"\x80\x03"
        return answer


class DiesOfNoise(ModbusServer):
    """After forty undecodable requests in a row of its life it answers nothing any more."""

    _bad = 0

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if answer is not None and answer[0] & EXCEPTION:
            self._bad += 1
        return None if self._bad > 40 and unit in self.profile.unit_ids else answer


class ReadsAct(ModbusServer):
    """Reading the firmware registers triggers the step command."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu[:3] == b"\x03\x00\x01" and pdu[3:5] == b"\x00\x01":
            self.device.command("step")  # type: ignore[attr-defined]
        return super().respond(pdu, unit, cause)


class DeniesCounter(ModbusServer):
    """Has no operation counter although its papers say so."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu == b"\x03\x00\x68\x00\x02":
            return b"\x83\x02"
        return super().respond(pdu, unit, cause)


# ---------------------------------------------------------------- wire: connections


class KicksEverybody(ModbusServer):
    """When one connection too many comes, drops all that are in use."""

    def admit(self, connection: Any) -> tuple[int, str]:
        number, refused = super().admit(connection)
        if refused:
            for other in list(self.connections.values()):
                other.end("made room")
        return number, refused


class NeverFrees(ModbusServer):
    """A connection that was reset keeps its place for ever."""

    _reset = 0

    def released(self, number: int, reason: str) -> None:
        connection = self.connections.get(number)
        super().released(number, reason)
        if connection is not None and len(self.connections) >= self.profile.max_connections - 1:
            self._reset += 1
        if self._reset and connection is not None:
            self.connections[number] = connection


# ---------------------------------------------------------------- wire: bytes


class ZeroTransaction(Meddler):
    """Answers under transaction 0 when the transaction has its high byte set."""

    def outgoing(self, data: bytes) -> bytes:
        return b"\0\0" + data[2:] if data[:1] in (b"\x12", b"\x13", b"\x14", b"\x15") else data


class WholeSegmentsOnly(Meddler):
    """Throws away a segment that is shorter than a frame."""

    def incoming(self, data: bytes) -> bytes:
        return b"" if len(data) < 8 else data


class OneFramePerSegment(Meddler):
    """Reads the first frame of a segment and forgets the rest."""

    def incoming(self, data: bytes) -> bytes:
        return data[: 6 + int.from_bytes(data[4:6])] if len(data) >= 6 else data


class IgnoresProtocol(Meddler):
    """Takes frames of every protocol for its own (libmodbus does)."""

    def incoming(self, data: bytes) -> bytes:
        return data[:2] + b"\0\0" + data[4:] if len(data) >= 8 else data


class IgnoresLength(Meddler):
    """Repairs the length field instead of refusing it (libmodbus ignores it, too)."""

    def incoming(self, data: bytes) -> bytes:
        if len(data) == 12 and data[7] in (3, 4):
            return data[:4] + b"\x00\x06" + data[6:]
        return data


# ---------------------------------------------------------------- the controller


class JumpingPosition(Barrier):
    """Shows the commanded end as its position at once: a copy of the command."""

    def position_percent(self) -> int | str:
        if self.status is GateStatus.OPENING:
            return 100
        return 0 if self.status is GateStatus.CLOSING else super().position_percent()


class SkewedPosition(Barrier):
    """Its encoder is not linear: up to 25 % wrong between the ends."""

    def position_percent(self) -> int | str:
        true = super().position_percent()
        return round(true + 25 * math.sin(math.pi * true / 100)) if isinstance(true, int) else true


class SaysStopped(Barrier):
    """Shows `stopped` for a moment before it shows the end."""

    def _become(self, status: GateStatus, cause: int) -> int:
        if status in (GateStatus.OPEN, GateStatus.CLOSED) and self.status is not status:
            number = super()._become(GateStatus.STOPPED, cause)
            self.clock.call_later(0.25, lambda: self._arrive_late(status, cause))
            return number
        return super()._become(status, cause)

    def _arrive_late(self, status: GateStatus, cause: int) -> None:
        if self.status is GateStatus.STOPPED:
            super()._become(status, cause)


class OpenTooEarly(Barrier):
    """Says open after half of the travel time, wherever the arm is."""

    _early = False

    def _start(self, wish: GateStatus, cause: int) -> None:
        super()._start(wish, cause)
        if wish is GateStatus.OPENING and self.arm.moving:
            self.clock.call_later(0.5 * self.arm.parameters.open_s, self._say_open)

    def _say_open(self) -> None:
        if self.status is GateStatus.OPENING and self.arm.moving:
            self._early = True

    def _shown(self) -> str:
        if self.status is not GateStatus.OPENING:
            self._early = False
        return "open" if self._early else self.status.value

    def _offer_points(self) -> None:
        super()._offer_points()
        self.add_point("gate_status", self._shown)


class BelievesItself(Barrier):
    """Says open when the travel time is over, without looking whether the arm moved."""

    def _start(self, wish: GateStatus, cause: int) -> None:
        super()._start(wish, cause)
        if wish is GateStatus.OPENING:
            self.clock.call_later(self.arm.parameters.open_s, self._believe)

    def _believe(self) -> None:
        if self.arm.jammed:
            self._become(GateStatus.OPEN, -1)


class CoastsOn(Barrier):
    """Stops at the end of the move only."""

    def _stop(self, cause: int) -> None:
        if self.status not in (GateStatus.OPENING, GateStatus.CLOSING):
            super()._stop(cause)


class LateStop(Barrier):
    """Stops 0.9 s after it was told to."""

    def _stop(self, cause: int) -> None:
        self.clock.call_later(0.9, lambda: super(LateStop, self)._stop(cause))


class Resumes(Barrier):
    """Goes on by itself some seconds after a stop command."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        super().command(name, via=via, cause=cause)
        if name == "stop" and via == "wire":
            self.clock.call_later(3.0, lambda: super(Resumes, self).command("open"))


class FinishesFirst(Barrier):
    """Does not take an open command while it is closing."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        if not (wish is GateStatus.OPENING and self.status is GateStatus.CLOSING):
            super()._order(wish, cause)


class Toggles(Barrier):
    """One button for both ways: open on an open barrier closes it."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        if name == "open" and self.status is GateStatus.OPEN:
            name = "close"
        super().command(name, via=via, cause=cause)


class OpensAgain(Barrier):
    """The open command is never taken back: some seconds after closing it opens again."""

    def _become(self, status: GateStatus, cause: int) -> int:
        closing = self.status is GateStatus.CLOSING
        number = super()._become(status, cause)
        if closing and status is GateStatus.CLOSED:
            self.clock.call_later(2.0, self._again)
        return number

    def _again(self) -> None:
        if self.status is GateStatus.CLOSED and self.powered:
            self.command("open", via="memory")


class CountsStarts(Barrier):
    """Counts every command, carried out or not, and once more."""

    def _count(self) -> None:
        super()._count()
        self.operations += 1


class PartialIsFull(Barrier):
    """Has the partial opening in its papers only."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        partial = wish is GateStatus.PARTIAL_OPENING
        super()._order(GateStatus.OPENING if partial else wish, cause)


class StopsOnly(Barrier):
    """Stops on an obstacle instead of reversing, and lies on it."""

    def _drive_up(self, cause: int) -> None:
        if self.safety_input:
            super()._drive_up(cause)
        else:
            self._fail(BarrierError.OBSTACLE, cause)


class IgnoresInputAtStart(Barrier):
    """Looks at the safety input during closing only."""

    blind: ClassVar[tuple[str, ...]] = ("start",)

    def _order(self, wish: GateStatus, cause: int) -> None:
        held, self.safety_input = self.safety_input, False
        super()._order(wish, cause)
        self.safety_input = held

    def _start(self, wish: GateStatus, cause: int) -> None:
        held, self.safety_input = self.safety_input, False
        super()._start(wish, cause)
        self.safety_input = held


class IgnoresInputInMotion(Barrier):
    """Looks at the safety input before closing only."""

    def _safety(self, cause: int) -> None:
        """Nothing."""


class RemembersClose(Barrier):
    """Closes as soon as the safety input lets go, if a close was interrupted."""

    _wish_close = False

    def _safety(self, cause: int) -> None:
        self._wish_close = self._wish_close or self.status is GateStatus.CLOSING
        super()._safety(cause)

    def set_safety_input(self, active: bool, *, cause: int = -1) -> None:
        super().set_safety_input(active, cause=cause)
        if not active and self._wish_close:
            self._wish_close = False
            self.command("close", via="memory")


class StopContact(Barrier):
    """Base: tells the stop contact from the stop command."""

    def contact(self, name: str, closed: bool, *, cause: int = -1) -> None:
        if name == "stop":
            self.stop_contact(closed, cause)
        else:
            super().contact(name, closed, cause=cause)

    def stop_contact(self, closed: bool, cause: int) -> None:
        """The stop chain opened or closed."""
        super().contact("stop", closed, cause=cause)


class SlowEmergencyStop(StopContact):
    """Takes 0.9 s to notice the stop chain."""

    def stop_contact(self, closed: bool, cause: int) -> None:
        if closed:
            late = super().stop_contact
            self.clock.call_later(0.9, lambda: late(True, cause))
        else:
            super().stop_contact(False, cause)


class EmergencyStopOnce(StopContact):
    """The stop chain stops, but does not hold: a command starts the arm again."""

    def stop_contact(self, closed: bool, cause: int) -> None:
        if closed:
            self.command("stop", via="contact", cause=cause)


class RestartsOnRelease(StopContact):
    """Goes on when the stop chain is closed again."""

    def stop_contact(self, closed: bool, cause: int) -> None:
        super().stop_contact(closed, cause)
        if not closed and self.status is GateStatus.STOPPED:
            self.clock.call_later(0.5, lambda: self.command("open", via="memory"))


class MovesOnPowerReturn(Barrier):
    """Opens by itself when power returns."""

    def power(self, on: bool, *, cause: int = -1) -> None:
        was = self.powered
        super().power(on, cause=cause)
        if on and not was:
            self.clock.call_later(1.0, lambda: self.command("open", via="memory"))


class RemembersPosition(Barrier):
    """Shows the position of its last rest after a power cut, as if it were known."""

    _lost = False

    def power(self, on: bool, *, cause: int = -1) -> None:
        super().power(on, cause=cause)
        self._lost = on and not self.limit("open") and not self.limit("closed")

    def position_percent(self) -> int | str:
        shown = super().position_percent()
        if isinstance(shown, int):
            self._lost = False
        return 100 if self._lost else shown


class ForgetsCounter(Barrier):
    """Keeps its counter in memory that needs power."""

    def power(self, on: bool, *, cause: int = -1) -> None:
        if on and not self.powered:
            self.operations = 0
        super().power(on, cause=cause)


class NeedsService(Barrier):
    """After a power cut it waits for a technician."""

    _locked = False

    def power(self, on: bool, *, cause: int = -1) -> None:
        self._locked = self._locked or not on
        super().power(on, cause=cause)

    def _order(self, wish: GateStatus, cause: int) -> None:
        if not self._locked:
            super()._order(wish, cause)


class ConnectionIsLife(ModbusServer):
    """Stops the arm where it is and refuses service when its last client goes."""

    _cut = False

    def released(self, number: int, reason: str) -> None:
        moving = self.device.arm.moving  # type: ignore[attr-defined]
        super().released(number, reason)
        if moving and not self.connections and "link_down" not in self.faults:
            self._cut = True

    def admit(self, connection: Any) -> tuple[int, str]:
        number, refused = super().admit(connection)
        if self._cut and not refused:
            connection.end("locked")
            refused = "locked"
        return number, refused


MUTANTS: list[Variant] = [
    Variant("zero-transaction", "BAR-WIR-01", ZeroTransaction.__doc__ or "", server=ZeroTransaction),
    Variant("short-reads", "BAR-WIR-02", ShortReads.__doc__ or "", server=ShortReads),
]
