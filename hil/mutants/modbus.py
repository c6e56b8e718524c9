# ruff: noqa: D102 - overrides; each class says how it is broken
"""Devices whose Modbus wire is broken: the answer, the admission of connections, the bytes.

`SERVERS` lists those that any kit can take over; what bends a device's own points stays with it.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Any, TypeVar

from hil.variant import ModbusVariant, said
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


NAMELESS = Identification(vendor_name="", product_code="", revision="")

V = TypeVar("V", bound=ModbusVariant)

SERVERS: list[tuple[str, str, type[ModbusServer]]] = [
    ("zero-transaction", "WIR-01", ZeroTransaction),
    ("short-reads", "WIR-02", ShortReads),
    ("wrong-exception", "WIR-03", WrongExceptionForFunction),
    ("invents-zeros", "WIR-04", InventsZeros),
    ("anonymous-exceptions", "WIR-05", AnonymousExceptions),
    ("any-value-is-on", "WIR-06", AnyValueIsOn),
    ("accepts-every-write", "WIR-07", AcceptsEveryWrite),
    ("queue-of-four", "WIR-08", QueueOfFour),
    ("whole-segments-only", "WIR-09", WholeSegmentsOnly),
    ("one-frame-per-segment", "WIR-10", OneFramePerSegment),
    ("ignores-protocol", "WIR-11", IgnoresProtocol),
    ("ignores-length", "WIR-12", IgnoresLength),
    ("kicks-everybody", "WIR-15", KicksEverybody),
    ("late-free", "WIR-16", LateFree),
    ("anonymous-truncated", "WIR-17", AnonymousTruncated),
    ("dies-of-noise", "WIR-18", DiesOfNoise),
    ("slow-answers", "WIR-19", SlowAnswers),
]
"""Name, the end of the id that it kills, and the server. WIR-21 needs the device's own points."""


def mutants(
    kind: type[V],
    prefix: str,
    *,
    connections: int,
    without: Collection[str] = (),
    **common: Any,
) -> list[V]:
    """The shared mutants as variants of one kit; `connections` is what its papers promise.

    `without` are the ids that the kit does not take over.
    """
    made = [
        kind(name, f"{prefix}-{end}", said(server), server=server, **common)
        for name, end, server in SERVERS
        if end not in without
    ]
    few = connections - 1
    made += [
        kind(
            "answers-every-unit",
            f"{prefix}-WIR-13",
            "Thinks that every unit is its own.",
            profile={"unknown_unit": "answer"},
            **common,
        ),
        kind(
            "one-connection-less",
            f"{prefix}-WIR-14",
            f"Serves {few} clients, its papers say {connections}.",
            profile={"max_connections": few},
            **common,
        ),
    ]
    return made
