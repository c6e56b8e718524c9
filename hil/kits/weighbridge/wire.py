"""A weighbridge's own wire: what it shows and what it takes, by Modbus TCP or Toledo frames.

Both say the same words: `shown_kg` (net while a tare is in use, else gross), `motion`,
`out_of_range`, `net`, `at_zero` (None where the wire cannot say it).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Protocol

from hil.drivers.modbus import ModbusWire
from hil.drivers.raw import GONE, Endpoint, RawLink
from hil.errors import BenchError, Unreachable
from hil.toledo import decode, split
from twin.clock import Clock
from twin.profiles.toledo import ToledoProfile
from twin.trace import Trace

LETTERS = {"tare": b"T", "zero": b"Z", "clear": b"C", "print": b"P"}


class ScaleWire(Protocol):
    """A weighbridge as its client sees it; the only way to the device under test."""

    endpoint: Endpoint

    @property
    def connected(self) -> bool:
        """Whether the client believes in its connection."""

    async def connect(self, limit_s: float | None = None) -> None:
        """Connect within `limit_s`, or raise `Unreachable`."""

    def close(self) -> None:
        """Close the connection."""

    def abort(self) -> None:
        """Drop the connection as a cut cable does."""

    async def read_state(self) -> dict[str, Any]:
        """What is shown now, recorded as one `state`."""

    async def command(self, name: str) -> bool:
        """Order `zero`, `tare` or `clear`; True if it was sent, or acknowledged where there is
        an acknowledgement."""

    def can(self, name: str) -> bool:
        """Whether the wire has this command."""

    async def link(self, label: str) -> RawLink:
        """A fresh raw connection whose bytes are recorded."""


class ModbusScaleWire(ModbusWire):
    """Registers of a weight transmitter."""

    device = "weighbridge"
    points = (
        "gross_kg", "net_kg", "gross_negative", "net_negative", "motion", "overload", "underload",
        "at_zero", "tare_active",
    )  # fmt: skip
    before_command = ("", "cmd_")

    def shown(self, values: dict[str, Any]) -> dict[str, Any]:
        """Magnitude and sign as one number, gross or net."""
        net = bool(values.get("tare_active"))
        name = "net" if net else "gross"
        sign = -1 if values.get(f"{name}_negative") else 1
        return {
            "shown_kg": sign * values[f"{name}_kg"],
            "motion": values.get("motion"),
            "out_of_range": bool(values.get("overload") or values.get("underload")),
            "net": net,
            "at_zero": values.get("at_zero"),
        }


class ToledoWire:
    """Continuous frames; on a terminal that sends on demand only, P is sent for each."""

    def __init__(
        self,
        endpoint: Endpoint,
        profile: ToledoProfile,
        clock: Clock,
        trace: Trace,
        *,
        limit_s: float,
    ) -> None:
        self.endpoint, self.profile = endpoint, profile
        self._clock, self._trace, self._limit_s = clock, trace, limit_s
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._next: asyncio.Future[dict[str, Any]] | None = None
        self._links = 0

    @property
    def connected(self) -> bool:
        """See `ScaleWire`."""
        return self._transport is not None and not self._transport.is_closing()

    async def connect(self, limit_s: float | None = None) -> None:
        """See `ScaleWire`."""
        self.close()
        limit = limit_s or self._limit_s
        try:
            async with asyncio.timeout(limit):
                made, _ = await self._clock.loop.create_connection(
                    lambda: _Feed(self), self.endpoint.host, self.endpoint.port
                )
        except (OSError, TimeoutError):
            raise Unreachable(
                f"weighbridge wire: no connection to {self.endpoint.host}:{self.endpoint.port} "
                f"within {limit:g} s; check power, cable and the address in bench.toml"
            ) from None
        self._transport = made
        sock = made.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """See `ScaleWire`."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._buffer = b""

    def abort(self) -> None:
        """See `ScaleWire`."""
        if self._transport is not None:
            self._transport.abort()
        self.close()

    async def read_state(self) -> dict[str, Any]:
        """See `ScaleWire`: the next frame that comes."""
        if not self.connected:
            await self.connect()
        self._next = self._clock.loop.create_future()
        try:
            async with asyncio.timeout(self._limit_s):
                if self.profile.mode == "demand":
                    await self.command("print")
                values = await self._next
        except (TimeoutError, *GONE) as error:
            self.close()
            raise Unreachable(
                f"weighbridge wire: no lawful frame within {self._limit_s:g} s: "
                f"{str(error) or type(error).__name__}"
            ) from None
        finally:
            self._next = None
        self._trace("wire", "state", **values)
        return values

    async def command(self, name: str) -> bool:
        """See `ScaleWire`: nothing is answered, the next frames show the effect."""
        if name not in LETTERS:
            raise BenchError(f"profile {self.profile.name!r} has no command {name!r}")
        if not self.connected:
            await self.connect()
        assert self._transport is not None
        self._trace("wire", "wire.tx", frame=LETTERS[name])
        self._transport.write(LETTERS[name])
        self._trace("wire", "command", point=name, acknowledged=True)
        # An order has reached the terminal before the frame after the next one is made.
        await self._clock.sleep(2 / self.profile.frames_per_s)
        return True

    def can(self, name: str) -> bool:
        """See `ScaleWire`."""
        return name in LETTERS

    async def link(self, label: str) -> RawLink:
        """See `ScaleWire`."""
        number, self._links = self._links, self._links + 1
        return await RawLink.open(
            self.endpoint, number, label, self._clock, self._trace, count=self._whole
        )

    def _whole(self, stream: bytes) -> int:
        return len(split(stream, checked=self.profile.checksum)[0])

    def received(self, feed: _Feed, data: bytes) -> None:
        """Bytes have come; those of a connection that we have left are nobody's."""
        if self._transport is not feed.transport:
            return
        self._trace("wire", "wire.rx", frame=data)
        checked = self.profile.checksum
        pieces, self._buffer = split(self._buffer + data, checked=checked)
        for piece in pieces:
            shown = decode(piece, checked=checked)
            if shown is not None and self._next is not None and not self._next.done():
                self._next.set_result(
                    {
                        "shown_kg": shown.weight_kg,
                        "motion": shown.motion,
                        "out_of_range": shown.out_of_range,
                        "net": shown.net,
                        "at_zero": None,
                        "tare_kg": shown.tare_kg,
                        "zero_lost": shown.zero_lost,
                    }
                )

    def lost(self, feed: _Feed) -> None:
        """The device has ended the connection."""
        if self._transport is feed.transport:
            self._transport, self._buffer = None, b""
            if self._next is not None and not self._next.done():
                self._next.set_exception(ConnectionResetError("the device closed the connection"))


class _Feed(asyncio.Protocol):
    """The receiving end of one connection."""

    def __init__(self, wire: ToledoWire) -> None:
        self._wire = wire
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._wire.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        self._wire.lost(self)
