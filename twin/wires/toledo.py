"""Mettler-Toledo continuous output of a weighbridge over TCP, as through a serial server.

One frame (17 bytes, 18 with the check character)::

    STX  SWA SWB SWC  wwwwww  tttttt  CR  [CHK]

Weight (net when a tare is in use) and tare are six digits with leading blanks, without point or
sign; status word A says how many fixed zeros follow and what the step is, B carries net, sign,
range, motion, kilograms and a lost zero, C a print request. CHK makes the sum of the low seven
bits of all characters a multiple of 128. A client may send P (print), T (tare), Z (zero) and C
(clear the tare); nothing is answered, the next frame shows the effect.

Frames are made only while somebody is connected, on a fixed grid of instants, so that a client
that comes and goes does not change what another one gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import FaultKind, Parameter
from twin.devices.weighbridge import Reading, Weighbridge
from twin.errors import HarnessError, UnknownName
from twin.profiles.toledo import ToledoProfile, load
from twin.trace import Trace
from twin.wires.stream import StreamServer

_STX, _CR = 0x02, 0x0D
_BASE = 0x20
"""Bit 5 is always set in a status word: it stays printable."""

_STEPS = {1: 0b01 << 3, 2: 0b10 << 3, 5: 0b11 << 3}
"""Bits 3-4 of status word A by the leading digit of the division."""

_COMMANDS = {0x54: "cmd_tare", 0x5A: "cmd_zero", 0x43: "cmd_clear"}
_PRINT = 0x50

_LINE_BUFFER = 64
"""Bytes of one received segment that reach the terminal; its serial line is slow."""


def status_a(division_kg: int) -> int:
    """Status word A for a division of 1, 2 or 5 times 1, 10 or 100 kg."""
    for zeros, code in ((0, 0b010), (1, 0b001), (2, 0b000)):
        step, rest = divmod(division_kg, 10**zeros)
        if rest == 0 and step in _STEPS:
            return _BASE | _STEPS[step] | code
    raise HarnessError(
        f"a division of {division_kg} kg cannot be sent; lawful are 1, 2 and 5 times 1, 10 and 100"
    )


def encode(
    reading: Reading, division_kg: int, *, checksum: bool = False, printing: bool = False,
    zero_lost: bool = False, parity: bool = False,
) -> bytes:  # fmt: skip
    """The frame that shows `reading`."""
    a = status_a(division_kg)
    unit_kg = (100, 10, 1)[a & 0b111]
    shown_kg = reading.net_kg
    b = (
        _BASE | (reading.tare_kg != 0) | (shown_kg < 0) << 1 | reading.out_of_range << 2
        | reading.motion << 3 | 1 << 4 | zero_lost << 6
    )  # fmt: skip
    c = _BASE | printing << 3
    digits = f"{abs(shown_kg) // unit_kg:6d}{reading.tare_kg // unit_kg:6d}".encode("ascii")
    frame = bytes((_STX, a, b, c)) + digits + bytes((_CR,))
    if checksum:
        frame += bytes((-sum(byte & 0x7F for byte in frame) & 0x7F,))
    if parity:
        frame = bytes(byte | (byte.bit_count() & 1) << 7 for byte in frame)
    return frame


class ToledoServer(StreamServer):
    """Serves one weighbridge; `quirks` switches those of the profile by id."""

    WORD = "toledo"
    UNSENT_MAX = 4096  # half a minute of frames

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "link_down": FaultKind("link_down", "the cable is out: connections die, none is taken"),
        "silent": FaultKind("silent", "the line is open and nothing comes; commands are lost"),
        "garbled": FaultKind(
            "garbled",
            "one bit of a frame is turned over on the serial line",
            {"share": Parameter(0.1, "", 0.0, 1.0, doc="share of the frames that are hit")},
        ),
    }

    def __init__(
        self, device: Weighbridge, profile: ToledoProfile | None = None, *,
        clock: Clock, trace: Trace, quirks: Mapping[str, bool] | None = None,
    ) -> None:  # fmt: skip
        self.device, self.profile = device, profile or load()
        super().__init__(
            device, clock=clock, trace=trace, rate_hz=self.profile.frames_per_s,
            max_connections=self.profile.max_connections,
        )  # fmt: skip
        self.quirks: dict[str, bool] = {quirk.id: quirk.on for quirk in self.profile.quirks}
        for name, on in (quirks or {}).items():
            if name not in self.quirks:
                raise UnknownName(f"quirk of profile {self.profile.name}", name, self.quirks)
            self.quirks[name] = on
        status_a(device.parameters.division_kg)  # a scale that cannot be sent fails here
        self._printing = False
        self._demanded = 0
        self._garbling = 0.0
        self._rest = b""

    def received(self, number: int, data: bytes) -> None:
        """Carry out the commands in `data`; what is no command is passed over, as terminals do."""
        data = data[:_LINE_BUFFER]
        cause = self.trace.record(self.device.id, "toledo.rx", conn=number, frame=data)
        if "silent" in self.faults:
            return
        for byte in data:
            letter = byte & 0x7F
            if letter == _PRINT:
                self._printing = True
            elif letter in _COMMANDS:
                write = self.device.points[_COMMANDS[letter]].write
                assert write is not None
                write(True, cause)
        if self._printing and self.profile.mode == "demand":
            self._demanded += 1
            self._send_frame(self._demanded)

    def _streams(self) -> bool:
        return self.profile.mode == "continuous"

    def _instant(self, number: int) -> None:
        self._send_frame(number)

    def frame(self) -> bytes:
        """The frame that shows the device now."""
        return encode(
            self.device.read(), self.device.parameters.division_kg,
            checksum=self.profile.checksum, printing=self._printing,
            zero_lost=self.device.zero_lost, parity=self.quirks.get("even-parity", False),
        )  # fmt: skip

    def _send_frame(self, number: int) -> None:
        if "silent" in self.faults or not self.device.online:
            return
        frame = self.frame()
        self._printing = False
        if "garbled" in self.faults:
            frame = self._garble(frame, number)
        if self.quirks.get("torn", False):
            cut = 1 + number * 7 % (len(frame) - 1)
            self._rest, frame = frame[cut:], self._rest + frame[:cut]
        self._broadcast(frame)

    def _garble(self, frame: bytes, number: int) -> bytes:
        # An even spread needs no random stream: every 1/share-th frame is hit.
        self._garbling += float(self.faults["garbled"]["share"])
        if self._garbling < 1.0:
            return frame
        self._garbling -= 1.0
        place = number * 5 % len(frame)
        return frame[:place] + bytes((frame[place] ^ 1 << number % 7,)) + frame[place + 1 :]
