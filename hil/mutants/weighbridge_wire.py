# ruff: noqa: D102 - overrides; each class says how it is broken
"""Weighbridges whose wire is broken in a way that only a weighbridge's can be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from twin.devices.weighbridge import Weighbridge
from twin.wires.modbus import ModbusServer
from twin.wires.toledo import ToledoServer

from . import streams

# ---------------------------------------------------------------- Modbus


class ReadsAct(ModbusServer):
    """Reading the net weight alone takes a tare."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu == b"\x04\x00\x02\x00\x02":
            take = cast("Weighbridge", self.device).points["cmd_tare"].write
            assert take is not None
            take(True)
        return super().respond(pdu, unit, cause)


class TakesEveryOrder(ModbusServer):
    """Acknowledges orders that it does not know."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        answer = super().respond(pdu, unit, cause)
        if answer in (b"\x86\x03", b"\x90\x03") and len(pdu) >= 5 and pdu[1:3] == b"\0\0":
            return pdu[:5]
        return answer


class NoSixteen(ModbusServer):
    """Does not know function 16, which its papers promise."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        return b"\x90\x01" if pdu[:1] == b"\x10" else super().respond(pdu, unit, cause)


class ConnectionIsLife(ModbusServer):
    """When its last client goes while the weight moves, it serves nobody for twenty seconds."""

    _locked_until_s = 0.0

    def released(self, number: int, reason: str) -> None:
        super().released(number, reason)
        moving = cast("Weighbridge", self.device).read().motion
        if moving and not self.connections and "link_down" not in self.faults:
            self._locked_until_s = self.loop.time() + 20.0

    def admit(self, connection: Any) -> tuple[int, str]:
        if self.loop.time() < self._locked_until_s:
            return -1, "locked"
        return super().admit(connection)


# ---------------------------------------------------------------- Toledo: frames


class _NowAndThen(ToledoServer, ABC):
    """Breaks one frame in five."""

    _made = 0

    @abstractmethod
    def broken(self, frame: bytes) -> bytes: ...

    def frame(self) -> bytes:
        self._made += 1
        right = super().frame()
        return right if self._made % 5 else self.broken(right)


class LosesAByte(_NowAndThen):
    """One frame in five lacks a byte."""

    def broken(self, frame: bytes) -> bytes:
        return frame[:7] + frame[8:]


class LeadingZeros(_NowAndThen):
    """One frame in five has zeros where blanks belong."""

    def broken(self, frame: bytes) -> bytes:
        return frame[:4] + frame[4:16].replace(b" ", b"0") + frame[16:]


class WrongCheck(_NowAndThen):
    """One frame in five has a check character that does not fit."""

    def broken(self, frame: bytes) -> bytes:
        return frame[:-1] + bytes((frame[-1] ^ 0x15,))


class OtherStep(ToledoServer):
    """Status word A says steps of five."""

    def frame(self) -> bytes:
        frame = super().frame()
        return frame[:1] + bytes((frame[1] | 0b11 << 3,)) + frame[2:]


class SaysPounds(ToledoServer):
    """Status word B says pounds."""

    def frame(self) -> bytes:
        frame = super().frame()
        return frame[:2] + bytes((frame[2] & ~0x10,)) + frame[3:]


class EmptyTareField(ToledoServer):
    """The tare field is always 0."""

    def frame(self) -> bytes:
        frame = super().frame()
        return frame[:10] + b"     0" + frame[16:]


class NeverMarksPrint(ToledoServer):
    """A print request is not marked."""

    def frame(self) -> bytes:
        frame = super().frame()
        return frame[:3] + bytes((frame[3] & ~0x08,)) + frame[4:]


# ---------------------------------------------------------------- Toledo: commands and clients


class HastyClear(ToledoServer):
    """Does not take C within three seconds after T."""

    _tared_s = -10.0

    def received(self, number: int, data: bytes) -> None:
        now_s = self.clock.now_s()
        if b"T" in data:
            self._tared_s = now_s
        if now_s - self._tared_s < 3.0:
            data = data.replace(b"C", b"")
        super().received(number, data)


class TakesControlCodes(ToledoServer):
    """Looks at six bits of a letter: control codes and others are commands, too."""

    def received(self, number: int, data: bytes) -> None:
        super().received(number, bytes(b & 0x3F | 0x40 for b in data))


class KicksEverybody(streams.KicksEverybody, ToledoServer):
    """When one client too many comes, drops all that are served."""


class LateFree(streams.LateFree, ToledoServer):
    """Once all places were taken, the dead ones stay taken for eight seconds."""
