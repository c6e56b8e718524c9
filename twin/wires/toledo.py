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

import asyncio
import socket
from collections.abc import Mapping
from typing import ClassVar, cast

from twin.clock import NS, Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.devices.weighbridge import Reading, Weighbridge
from twin.errors import HarnessError, UnknownName
from twin.profiles.toledo import ToledoProfile, load
from twin.trace import Trace

_STX, _CR = 0x02, 0x0D
_BASE = 0x20
"""Bit 5 is always set in a status word: it stays printable."""

_STEPS = {1: 0b01 << 3, 2: 0b10 << 3, 5: 0b11 << 3}
"""Bits 3-4 of status word A by the leading digit of the division."""

_COMMANDS = {0x54: "cmd_tare", 0x5A: "cmd_zero", 0x43: "cmd_clear"}
_PRINT = 0x50

_UNSENT_MAX = 4096
"""Bytes that a client may leave unread (half a minute of frames) before it is dropped."""

_LINE_BUFFER = 64
"""Bytes of one received segment that reach the terminal; its serial line is slow."""

_STOP_TIMEOUT_S = 5.0


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


class ToledoServer(Faulty):
    """Serves one weighbridge; `quirks` switches those of the profile by id."""

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
        super().__init__(f"{device.id}.toledo", trace)
        self.device = device
        self.profile = profile or load()
        self.clock = clock
        self.quirks: dict[str, bool] = {quirk.id: quirk.on for quirk in self.profile.quirks}
        for name, on in (quirks or {}).items():
            if name not in self.quirks:
                raise UnknownName(f"quirk of profile {self.profile.name}", name, self.quirks)
            self.quirks[name] = on
        status_a(device.parameters.division_kg)  # a scale that cannot be sent fails here
        self._connections: dict[int, _Connection] = {}
        self._accepted = 0
        self._printing = False
        self._demanded = 0
        self._garbling = 0.0
        self._rest = b""
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        device.on_change(self._device_changed)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; port 0 takes a free one."""
        if self._server is not None:
            raise HarnessError(f"{self.id} is already started; stop it first")
        try:
            self._server = await self.clock.loop.create_server(
                lambda: _Connection(self), host, port
            )
        except OSError as error:
            raise HarnessError(
                f"{self.id} cannot listen on {host} port {port}: {error.strerror}; choose "
                "another port, or 0 for a free one"
            ) from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is None:
            return
        self._server.close()
        self._drop_all("server stopped")
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await self._server.wait_closed()
        self._server = None

    # --- connections ------------------------------------------------------------------------

    def admit(self, connection: _Connection) -> tuple[int, str]:
        """Ordinal of a new connection, and why it is refused (empty: it is not)."""
        number = self._accepted
        self._accepted += 1
        limit = self.profile.max_connections
        reason = ""
        if "link_down" in self.faults or not self.device.online:
            reason = "link down"
        elif len(self._connections) >= limit:
            reason = f"all {limit} connections are taken"
        event = "refused" if reason else "open"
        self.trace(self.device.id, "toledo.conn", conn=number, event=event, reason=reason)
        if not reason:
            self._connections[number] = connection
            if self.profile.mode == "continuous" and self._timer is None:
                self._arm(0)
        return number, reason

    def released(self, number: int, reason: str) -> None:
        """A connection is gone; without clients no frame is made."""
        if self._connections.pop(number, None) is None:
            return
        self.trace(self.device.id, "toledo.conn", conn=number, event="close", reason=reason)
        if not self._connections and self._timer is not None:
            self._timer.cancel()
            self._timer = None

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

    def _drop_all(self, reason: str) -> None:
        for connection in list(self._connections.values()):
            connection.end(reason)

    def _device_changed(self, what: str) -> None:
        if what == "offline" and not self.device.online:
            self._drop_all("no power")

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        if kind == "link_down" and kind in self.faults:
            self._drop_all("link down")

    # --- frames -----------------------------------------------------------------------------

    def _arm(self, earliest: int) -> None:
        """Wait for the next instant of the grid, number `earliest` or later."""
        rate = self.profile.frames_per_s
        number = max(earliest, int(self.clock.now_ns() * rate / NS) + 1)
        at_s = self.clock.loop_time_of(round(number * NS / rate))
        self._timer = self.clock.loop.call_at(at_s, self._tick, number)

    def _tick(self, number: int) -> None:
        self._send_frame(number)
        self._timer = None
        if self._connections:  # a client that did not read may just have been dropped
            self._arm(number + 1)

    def _send_frame(self, number: int) -> None:
        if "silent" in self.faults or not self.device.online:
            return
        frame = encode(
            self.device.read(), self.device.parameters.division_kg,
            checksum=self.profile.checksum, printing=self._printing,
            zero_lost=self.device.zero_lost, parity=self.quirks.get("even-parity", False),
        )  # fmt: skip
        self._printing = False
        if "garbled" in self.faults:
            frame = self._garble(frame, number)
        if self.quirks.get("torn", False):
            cut = 1 + number * 7 % (len(frame) - 1)
            self._rest, frame = frame[cut:], self._rest + frame[:cut]
        for connection in list(self._connections.values()):
            self.trace.record(self.device.id, "toledo.tx", conn=connection.number, frame=frame)
            connection.send(frame)

    def _garble(self, frame: bytes, number: int) -> bytes:
        # An even spread needs no random stream: every 1/share-th frame is hit.
        self._garbling += float(self.faults["garbled"]["share"])
        if self._garbling < 1.0:
            return frame
        self._garbling -= 1.0
        place = number * 5 % len(frame)
        return frame[:place] + bytes((frame[place] ^ 1 << number % 7,)) + frame[place + 1 :]


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: ToledoServer) -> None:
        self._server = server
        self._reason = "closed by the client"
        self._transport: asyncio.Transport
        self.number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, not a check: uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self.number, refused = self._server.admit(self)
        if refused:
            self._transport.abort()
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._server.received(self.number, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        self._server.released(self.number, self._reason)

    def send(self, frame: bytes) -> None:
        """Send, or drop a client that has not read for long."""
        if self._transport.get_write_buffer_size() > _UNSENT_MAX:
            self.end("does not read")
        else:
            self._transport.write(frame)

    def end(self, reason: str) -> None:
        """Cut the connection."""
        self._reason = reason
        self._transport.abort()
        self._server.released(self.number, reason)
