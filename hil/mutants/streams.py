# ruff: noqa: D102 - overrides; each class says how it is broken
"""Servers that send by themselves and are bad to their clients, whatever they send."""

from __future__ import annotations

import socket
from typing import Any

from twin.wires.stream import StreamServer


class KicksEverybody(StreamServer):
    """When one client too many comes, drops all that are served."""

    def admit(self, connection: Any) -> tuple[int, str]:
        number, refused = super().admit(connection)
        if refused and self._online:
            self._drop_all("made room")
        return number, refused


class LateFree(StreamServer):
    """Once all places were taken, the dead ones stay taken for eight seconds."""

    _full_until_s = 0.0

    def admit(self, connection: Any) -> tuple[int, str]:
        if self.clock.now_s() < self._full_until_s:
            return -1, "all places are taken by dead connections"
        return super().admit(connection)

    def released(self, number: int, reason: str) -> None:
        if len(self._connections) >= self._limit:
            self._full_until_s = self.clock.now_s() + 8.0
        super().released(number, reason)


class WaitsForTheSlow(StreamServer):
    """Sends to nobody while one client has not taken what it was sent."""

    def admit(self, connection: Any) -> tuple[int, str]:
        # as small as in a device: otherwise the kernel would take minutes of a stream
        made = connection._transport.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        return super().admit(connection)

    def _broadcast(self, data: bytes) -> None:
        waiting = [one._transport.get_write_buffer_size() for one in self._connections.values()]
        if not any(waiting):
            super()._broadcast(data)
