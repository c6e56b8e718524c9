"""Modbus TCP server of one device: framing, connections, limits.

What happens to a broken frame is a choice, documented here and traced:

* protocol id not 0, length lawful: the frame is skipped without an answer and the stream stays
  in step (profile key `foreign_protocol = "close"` closes instead);
* length field below 2 or above 254: nobody can tell where the next frame starts, so the
  connection is closed;
* an incomplete frame is waited for `frame_timeout_s`, an idle connection `idle_timeout_s`, then
  closed. The next client is always served.

Answers go out in the order of the requests. When a client does not read, the server stops
reading from it, and its idle timeout ends the connection.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Mapping
from struct import Struct
from typing import ClassVar, Literal, cast

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.errors import CannotListen, HarnessError, UnknownName
from twin.profiles import Profile
from twin.trace import Trace
from twin.wires.modbus.pdu import Application, exception
from twin.wires.modbus.standard import HEADER, LENGTH_MAX, LENGTH_MIN, Fail
from twin.wires.modbus.table import Served

_HEAD = Struct(">HHHB")
_TAIL = Struct(">HB")
_WRITE_BUFFER_MAX = 64 * 1024
"""Bytes of unread or delayed answers after which a client is not read any more."""

_LINGER_S = 1.0
"""How long a connection that we ended is still drained."""

_STOP_TIMEOUT_S = 5.0


class ModbusServer(Faulty):
    """Serves one device under one profile.

    `quirks` switches quirks of the profile by id. Connections are traced by ordinal, never by
    port, so that one seed gives one trace.
    """

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "link_down": FaultKind("link_down", "The cable is out: connections die, none is taken."),
        "silent": FaultKind("silent", "Requests are taken and never answered nor carried out."),
        "slow": FaultKind(
            "slow",
            "Answers leave late, in order; orders are carried out at once.",
            {"delay_s": Parameter(0.5, "s", 0.0, 60.0, doc="Delay of every answer.")},
        ),
        "busy": FaultKind("busy", "Every request is answered with exception 0x06."),
    }

    def __init__(
        self,
        device: Served,
        profile: Profile,
        *,
        clock: Clock,
        trace: Trace,
        quirks: Mapping[str, bool] | None = None,
        response_s: float = 0.0,
    ) -> None:
        """Bind every row of `profile` to a point of `device`; `response_s` delays each answer."""
        super().__init__(f"{device.id}.modbus", trace)
        self.device = device
        self.profile = profile
        self.quirks: dict[str, bool] = {quirk.id: quirk.on for quirk in profile.quirks}
        for name, on in (quirks or {}).items():
            if name not in self.quirks:
                raise UnknownName(f"quirk of profile {profile.id}", name, self.quirks)
            self.quirks[name] = on
        self.application = Application(device, profile, self.quirks)
        self.loop = clock.loop
        self.response_s = response_s
        self.connections: dict[int, _Connection] = {}
        self.alive: dict[_Connection, None] = {}
        """All sockets in order of arrival, also those being refused or drained."""
        self.own_units = frozenset(profile.unit_ids)
        # A remote I/O module watches over its master by the requests it gets.
        self.host_seen: Callable[[], None] | None = getattr(device, "host_seen", None)
        # A device that can lose its power says so; then its wire answers nothing.
        self._has_power = hasattr(device, "online")
        self._accepted = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; port 0 takes a free one."""
        if self._server is not None:
            raise HarnessError(f"{self.id} is already started; stop it first")
        try:
            self._server = await self.loop.create_server(
                lambda: _Connection(self), host, port, backlog=512
            )
        except OSError as error:
            raise CannotListen(self.id, host, port, error) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in [*self.alive]:
            connection.end("server stopped")
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await self._server.wait_closed()
            await asyncio.sleep(0)  # transports go one loop turn after they were told to
        self._server = None

    def admit(self, connection: _Connection) -> tuple[int, str]:
        """Ordinal of a new connection, and why it is refused (empty: it is not)."""
        number = self._accepted
        self._accepted += 1
        limit = self.profile.max_connections
        reason = ""
        if "link_down" in self.faults or not self._powered():
            reason = "link down"
        elif len(self.connections) >= limit:
            reason = f"all {limit} connections are taken"
        if reason:
            self.trace(self.device.id, "modbus.conn", conn=number, event="refused", reason=reason)
        else:
            self.connections[number] = connection
            self.trace(self.device.id, "modbus.conn", conn=number, event="open", reason="")
        return number, reason

    def released(self, number: int, reason: str) -> None:
        """A connection is gone."""
        if self.connections.pop(number, None) is not None:
            self.trace(self.device.id, "modbus.conn", conn=number, event="close", reason=reason)

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        """The answer PDU; None stands for silence."""
        if self._has_power and not self._powered():
            return None
        if unit not in self.own_units:
            manners = self.profile.unknown_unit
            if manners == "silent":
                return None
            if manners == "gateway":
                return exception(pdu[0], Fail.GATEWAY_TARGET)
        if self.faults:
            if "silent" in self.faults:
                return None
            if "busy" in self.faults:
                return exception(pdu[0], Fail.BUSY)
        if self.host_seen is not None:
            self.host_seen()
        return self.application.answer(pdu, cause)

    def _powered(self) -> bool:
        return bool(getattr(self.device, "online", True))

    def delay_s(self) -> float:
        """Seconds that an answer waits now."""
        slow = self.faults.get("slow")
        return self.response_s if slow is None else self.response_s + float(slow["delay_s"])

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        if kind == "link_down" and kind in self.faults:
            for connection in list(self.connections.values()):
                connection.end("link down")


class _Connection(asyncio.Protocol):
    """One client: a buffer of less than one frame, and answers on their way out."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._record = server.trace.record
        self._source = server.device.id
        self._loop = server.loop
        self._buffer = b""
        self._number = -1
        self._active_s = 0.0
        self._reason = "closed by the client"
        self._leaving = False
        self._writes_full = False
        self._late_full = False
        self._idle: asyncio.TimerHandle | None = None
        self._half_frame: asyncio.TimerHandle | None = None
        self._late: deque[tuple[float, bytes]] = deque()
        self._late_bytes = 0
        self._late_timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport, not its type.
        self._transport = cast("asyncio.Transport", transport)
        self._server.alive[self] = None
        self._number, refused = self._server.admit(self)
        if refused:
            self._leaving = True
            self._transport.abort()
            return
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Left alone, the kernel would buffer megabytes for a client that does not read.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WRITE_BUFFER_MAX)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_MAX)
        self._active_s = self._loop.time()
        self._idle = self._loop.call_later(self._server.profile.idle_timeout_s, self._idle_check)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio
        self._server.released(self._number, self._reason)
        self._server.alive.pop(self, None)
        for timer in (self._idle, self._half_frame, self._late_timer):
            if timer is not None:
                timer.cancel()

    def end(self, reason: str) -> None:
        """Drop the connection at once."""
        self._leaving = True
        self._reason = reason
        self._server.released(self._number, reason)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        self._active_s = self._loop.time()
        self._consume(self._buffer + data if self._buffer else data)

    def pause_writing(self) -> None:
        self._writes_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writes_full = False
        self._active_s = self._loop.time()
        self._go_on()

    @property
    def _held(self) -> bool:
        """Whether no further request may be taken now."""
        return self._writes_full or self._late_full or self._leaving

    def _go_on(self) -> None:
        """Read again, beginning with what is already here."""
        if self._held or self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._buffer:
            self._consume(self._buffer)

    def _consume(self, data: bytes) -> None:
        """Answer every whole frame in `data`; keep the rest."""
        respond, record, source, number = (
            self._server.respond,
            self._record,
            self._source,
            self._number,
        )
        answers: list[bytes] = []
        position, size = 0, len(data)
        ending = ""
        while size - position > HEADER and not self._held:
            _, protocol, length, unit = _HEAD.unpack_from(data, position)
            if not LENGTH_MIN <= length <= LENGTH_MAX:
                ending = f"length field {length} is outside {LENGTH_MIN} to {LENGTH_MAX}"
                break
            end = position + 6 + length
            if end > size:
                break
            frame = data[position:end]
            position = end
            cause = record(source, "modbus.rx", conn=number, frame=frame)
            if protocol:
                if self._server.profile.foreign_protocol == "close":
                    ending = f"protocol id {protocol} is not 0"
                    break
                continue
            answer = respond(frame[HEADER:], unit, cause)
            if answer is None:
                continue
            reply = frame[:4] + _TAIL.pack(len(answer) + 1, unit) + answer
            record(source, "modbus.tx", cause, conn=number, frame=reply)
            answers.append(reply)
            if len(answers) == 64:  # a long run of requests must not outgrow the write buffer
                self._send(b"".join(answers))
                answers.clear()
        if not ending and 6 <= size - position <= HEADER:
            ending = _early_verdict(data, position)
        self._buffer = data[position:]
        if answers:
            self._send(b"".join(answers))
        if ending:
            self._buffer = b""
            self._close_broken(ending)
        self._watch_half_frame()

    def _send(self, reply: bytes) -> None:
        if self._leaving:
            return
        delay_s = self._server.delay_s()
        if delay_s == 0.0 and not self._late:
            self._transport.write(reply)
            return
        due = self._loop.time() + delay_s
        self._late.append((due, reply))
        self._late_bytes += len(reply)
        if self._late_bytes > _WRITE_BUFFER_MAX and not self._late_full:
            self._late_full = True
            self._transport.pause_reading()
        if self._late_timer is None:
            self._late_timer = self._loop.call_at(due, self._send_late)

    def _send_late(self) -> None:
        """Send what is due; a later answer with an earlier due time waits for its turn."""
        self._late_timer = None
        while self._late and self._late[0][0] <= self._loop.time() + 1e-9:
            reply = self._late.popleft()[1]
            self._late_bytes -= len(reply)
            self._transport.write(reply)
        if self._late:
            self._late_timer = self._loop.call_at(self._late[0][0], self._send_late)
        if self._late_full and self._late_bytes < _WRITE_BUFFER_MAX // 2:
            self._late_full = False
            self._go_on()

    def _close_broken(self, reason: str) -> None:
        """Let the answers to earlier frames out, then close.

        A socket closed with unread bytes resets the connection, and answers that the client has
        not yet read are lost. So our side ends first, and what still comes is thrown away.
        """
        self._reason = f"broken frame: {reason}"
        self._leaving = True
        self._late.clear()
        self._server.released(self._number, self._reason)
        self._transport.write_eof()
        if self._idle is not None:
            self._idle.cancel()
        self._idle = self._loop.call_later(_LINGER_S, self._transport.abort)

    def _watch_half_frame(self) -> None:
        waiting = bool(self._buffer) and not self._held
        if self._half_frame is not None and (not waiting):
            self._half_frame.cancel()
            self._half_frame = None
        elif waiting and self._half_frame is None:
            self._half_frame = self._loop.call_later(
                self._server.profile.frame_timeout_s, self.end, "incomplete frame timed out"
            )

    def _idle_check(self) -> None:
        limit_s = self._server.profile.idle_timeout_s
        left_s = self._active_s + limit_s - self._loop.time()
        if left_s <= 1e-6:
            what: Literal["idle", "answers not read"]
            what = "answers not read" if self._writes_full else "idle"
            self.end(f"{what} for {limit_s:g} s")
        else:
            self._idle = self._loop.call_later(left_s, self._idle_check)


def _early_verdict(data: bytes, position: int) -> str:
    """Judge a length field as soon as it is whole, before the unit id is there."""
    length = int.from_bytes(data[position + 4 : position + 6])
    if LENGTH_MIN <= length <= LENGTH_MAX:
        return ""
    return f"length field {length} is outside {LENGTH_MIN} to {LENGTH_MAX}"
