# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken barrier for each MUST; each must fail its own requirement and few others.

Wire mutants bend the answer (`respond`), the admission of connections (`admit`) or, through
`Meddler`, the bytes on their way. Device mutants bend the controller. Each reproduces a defect
that somebody's product has had.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from hil.emulated import Variant
from twin.devices.barrier import Barrier, BarrierError, GateStatus
from twin.profiles import Identification
from twin.wires.modbus import ModbusServer

from .meddler import Meddler

EXCEPTION = 0x80
NOISE = 40
"""More wrong requests in eight seconds than any case but the noisy one sends."""


# ---------------------------------------------------------------- wire: the answer


class ShortReads(ModbusServer):
    """Loses the last register of a read of more than six."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if answer and answer[0] in (3, 4) and answer[1] > 12:
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
        refused = answer is not None and bool(answer[0] & EXCEPTION)
        if refused and len(pdu) >= 5 and pdu[0] in (6, 16) and pdu[1] < 0x80 and any(pdu[1:5]):
            return pdu[:5]
        return answer


class AnonymousTruncated(ModbusServer):
    """A truncated request is answered under function 0x80."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if len(pdu) < 5 and answer and answer[0] & EXCEPTION and pdu[0] in (3, 4, 5, 6, 15, 16):
            return b"\x80\x03"
        return answer


class DiesOfNoise(ModbusServer):
    """Forty undecodable requests within eight seconds keep it busy with itself for ten."""

    _bad_s: tuple[float, ...] = ()
    _dead_until_s = 0.0

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        now_s = self.loop.time()
        answer = super().respond(pdu, unit, cause)
        if answer is not None and answer[0] & EXCEPTION:
            self._bad_s = (*(t for t in self._bad_s if t > now_s - 8.0), now_s)
            if len(self._bad_s) > NOISE:
                self._bad_s, self._dead_until_s = (), now_s + 10.0
        return None if now_s < self._dead_until_s else answer


class SlowAnswers(ModbusServer):
    """Every twentieth answer takes 0.4 s."""

    _answers = 0

    def delay_s(self) -> float:
        self._answers += 1
        return 0.4 if self._answers % 20 == 0 else 0.0


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


class LateFree(ModbusServer):
    """Once all places were taken, the dead ones stay taken for eight seconds."""

    _full_until_s = 0.0

    def admit(self, connection: Any) -> tuple[int, str]:
        if self.loop.time() < self._full_until_s:
            return -1, "all places are taken by dead connections"
        return super().admit(connection)

    def released(self, number: int, reason: str) -> None:
        if len(self.connections) >= self.profile.max_connections:
            self._full_until_s = self.loop.time() + 8.0
        super().released(number, reason)


# ---------------------------------------------------------------- wire: bytes


class ZeroTransaction(Meddler):
    """Loses the transaction identifier when both its bytes are set."""

    def outgoing(self, data: bytes) -> bytes:
        return b"\0\0" + data[2:] if data[:2] == b"\x12\x34" else data


class QueueOfFour(Meddler):
    """Has room for four requests; those that come while it is full are lost."""

    def incoming(self, data: bytes) -> bytes:
        return data[: 4 * 12] if len(data) >= 5 * 12 else data


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

    def _start(self, wish: GateStatus, cause: int, **how: Any) -> None:
        super()._start(wish, cause, **how)
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

    def _start(self, wish: GateStatus, cause: int, **how: Any) -> None:
        super()._start(wish, cause, **how)
        if wish is GateStatus.OPENING:
            self.clock.call_later(self.arm.parameters.open_s, self._believe)

    def _believe(self) -> None:
        if self.arm.jammed:
            self._become(GateStatus.OPEN, -1)


class LateStop(Barrier):
    """Takes 0.9 s to act on a stop command of the wire."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        if name == "stop" and via == "wire":
            self.clock.call_later(0.9, lambda: self._stop(cause))
        else:
            super().command(name, via=via, cause=cause)


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
        if self.status is GateStatus.CLOSED:
            self.command("open", via="memory")


class CountsStarts(Barrier):
    """Counts every command, carried out or not, and once more."""

    def _count(self) -> None:
        super()._count()
        self.operations += 1


class Scattering(Barrier):
    """Its motor needs longer and longer to start."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        if wish is GateStatus.OPENING and not self.arm.moving:
            late_s = 0.5 * (self.operations // 2 % 3)
            self.clock.call_later(late_s, lambda: super(Scattering, self)._order(wish, cause))
        else:
            super()._order(wish, cause)


class PartialIsFull(Barrier):
    """Has the partial opening in its papers only."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        partial = wish is GateStatus.PARTIAL_OPENING
        super()._order(GateStatus.OPENING if partial else wish, cause)


class StopsOnly(Barrier):
    """Stops on an obstacle instead of reversing, and lies on it."""

    def _drive_up(self, cause: int, **how: Any) -> None:
        if self.safety_input:
            super()._drive_up(cause, **how)
        else:
            self._fail(BarrierError.OBSTACLE, cause)


class IgnoresInputAtStart(Barrier):
    """Looks at the safety input during closing only."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        held, self.safety_input = self.safety_input, False
        super()._order(wish, cause)
        self.safety_input = held

    def _start(self, wish: GateStatus, cause: int, **how: Any) -> None:
        held, self.safety_input = self.safety_input, False
        super()._start(wish, cause, **how)
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
        was = self.online
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
        if on and not self.online:
            self.operations = 0
        super().power(on, cause=cause)


class NeedsService(Barrier):
    """After a power cut it takes no orders until somebody has come, 40 s later."""

    _locked_until_s = 0.0

    def power(self, on: bool, *, cause: int = -1) -> None:
        if on and not self.online:
            self._locked_until_s = self.clock.now_s() + 40.0
        super().power(on, cause=cause)

    def _order(self, wish: GateStatus, cause: int) -> None:
        if self.clock.now_s() >= self._locked_until_s:
            super()._order(wish, cause)


class RustyRelease(Barrier):
    """Its hand release does not let the arm go."""

    def release(self, on: bool, *, cause: int = -1) -> None:
        """Nothing."""


class ConnectionIsLife(ModbusServer):
    """When its last client goes while the arm moves, it serves nobody for ten seconds."""

    _locked_until_s = 0.0

    def released(self, number: int, reason: str) -> None:
        moving = self.device.arm.moving  # type: ignore[attr-defined]
        super().released(number, reason)
        if moving and not self.connections and "link_down" not in self.faults:
            self._locked_until_s = self.loop.time() + 15.0

    def admit(self, connection: Any) -> tuple[int, str]:
        if self.loop.time() < self._locked_until_s:
            return -1, "locked"
        return super().admit(connection)


def _wire(name: str, kills: str, server: type[ModbusServer]) -> Variant:
    return Variant(name, kills, (server.__doc__ or "").strip(), server=server)


def _controller(name: str, kills: str, barrier: type[Barrier]) -> Variant:
    return Variant(name, kills, (barrier.__doc__ or "").strip(), barrier=barrier)


_NAMELESS = Identification(vendor_name="", product_code="", revision="")

MUTANTS: list[Variant] = [
    _wire("zero-transaction", "BAR-WIR-01", ZeroTransaction),
    _wire("short-reads", "BAR-WIR-02", ShortReads),
    _wire("wrong-exception", "BAR-WIR-03", WrongExceptionForFunction),
    _wire("invents-zeros", "BAR-WIR-04", InventsZeros),
    _wire("anonymous-exceptions", "BAR-WIR-05", AnonymousExceptions),
    _wire("any-value-is-on", "BAR-WIR-06", AnyValueIsOn),
    _wire("accepts-every-write", "BAR-WIR-07", AcceptsEveryWrite),
    _wire("queue-of-four", "BAR-WIR-08", QueueOfFour),
    _wire("whole-segments-only", "BAR-WIR-09", WholeSegmentsOnly),
    _wire("one-frame-per-segment", "BAR-WIR-10", OneFramePerSegment),
    _wire("ignores-protocol", "BAR-WIR-11", IgnoresProtocol),
    _wire("ignores-length", "BAR-WIR-12", IgnoresLength),
    Variant("answers-every-unit", "BAR-WIR-13", "Thinks that every unit is its own.",
            profile={"unknown_unit": "answer"}),
    Variant("three-connections", "BAR-WIR-14", "Serves three clients, its papers say four.",
            profile={"max_connections": 3}),
    _wire("kicks-everybody", "BAR-WIR-15", KicksEverybody),
    _wire("late-free", "BAR-WIR-16", LateFree),
    _wire("anonymous-truncated", "BAR-WIR-17", AnonymousTruncated),
    _wire("dies-of-noise", "BAR-WIR-18", DiesOfNoise),
    _wire("slow-answers", "BAR-WIR-19", SlowAnswers),
    _wire("reads-act", "BAR-WIR-21", ReadsAct),
    Variant("opens-slowly", "BAR-MOT-01", "Opens in 4.6 s, its papers say 3.5 s.",
            arm={"open_s": 4.6}),
    Variant("closes-slowly", "BAR-MOT-02", "Closes in 4.6 s, its papers say 3.5 s.",
            arm={"close_s": 4.6}),
    _controller("skewed-position", "BAR-MOT-03", SkewedPosition),
    _controller("jumping-position", "BAR-MOT-04", JumpingPosition),
    _controller("says-stopped", "BAR-MOT-05", SaysStopped),
    _controller("open-too-early", "BAR-MOT-06", OpenTooEarly),
    _controller("believes-itself", "BAR-MOT-07", BelievesItself),
    _controller("late-stop", "BAR-MOT-08", LateStop),
    _controller("resumes", "BAR-MOT-09", Resumes),
    _controller("finishes-first", "BAR-MOT-10", FinishesFirst),
    _controller("toggles", "BAR-MOT-11", Toggles),
    _controller("opens-again", "BAR-MOT-12", OpensAgain),
    _controller("counts-starts", "BAR-MOT-13", CountsStarts),
    _controller("partial-is-full", "BAR-MOT-15", PartialIsFull),
    Variant("bare-edge", "BAR-SAF-01", "Has no soft edge under the boom.",
            arm={"edge_stiffness_n_m": None}),
    Variant("presses-on", "BAR-SAF-02", "A strong motor that reverses a second late.",
            arm={"motor_torque_nm": 900.0}, faults=(("reversal_late", {"delay_s": 1.0}),)),
    _controller("stops-only", "BAR-SAF-04", StopsOnly),
    _controller("ignores-input-at-start", "BAR-SAF-05", IgnoresInputAtStart),
    _controller("ignores-input-in-motion", "BAR-SAF-06", IgnoresInputInMotion),
    _controller("remembers-close", "BAR-SAF-07", RemembersClose),
    _controller("slow-emergency-stop", "BAR-SAF-08", SlowEmergencyStop),
    _controller("emergency-stop-once", "BAR-SAF-09", EmergencyStopOnce),
    _controller("restarts-on-release", "BAR-SAF-10", RestartsOnRelease),
    Variant("falls", "BAR-REC-01", "Badly balanced, and its brake needs power.",
            arm={"brake_holds": False, "balance_share": 0.6}),
    _controller("moves-on-power-return", "BAR-REC-02", MovesOnPowerReturn),
    Variant("starts-slowly", "BAR-REC-03", "Starts in 8 s, its papers say 3 s.", start_up_s=8.0),
    _controller("remembers-position", "BAR-REC-04", RemembersPosition),
    _controller("forgets-counter", "BAR-REC-05", ForgetsCounter),
    _controller("needs-service", "BAR-REC-06", NeedsService),
    _wire("connection-is-life", "BAR-REC-07", ConnectionIsLife),
    Variant("falls-back-down", "BAR-REC-08",
            "Its I/O module closes the arm when the master is silent.", base="remote-io",
            fallback=("barrier_close",)),
    _wire("denies-counter", "BAR-DOC-01", DeniesCounter),
    _controller("rusty-release", "BAR-DOC-03", RustyRelease),
    # What is only a SHOULD is shown to be testable, too.
    Variant("other-firmware", "BAR-DOC-02", "Runs another firmware than its papers say.",
            parameters={"firmware": (1, 3, 9)}),
    Variant("keeps-pressing", "BAR-SAF-03", "Stays on what it has hit for many seconds.",
            faults=(("reversal_late", {"delay_s": 20.0}),)),
    _controller("scattering", "BAR-MOT-14", Scattering),
    Variant("nameless", "BAR-WIR-20", "Has empty texts as its identification.", base="remote-io",
            profile={"identification": _NAMELESS}),
]
