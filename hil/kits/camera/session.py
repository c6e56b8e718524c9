"""A session on a plate camera: vehicles before the lens, streams, pushes."""

from __future__ import annotations

import re

from hil.errors import BenchError
from hil.pace import stamp_s
from hil.session import Session
from twin.clock import Clock
from twin.trace import Trace

from .host import PushHost
from .papers import CameraPics, CameraPixit
from .roles import CameraRoles
from .wire import HOST, INFO, TIME, CameraWire

MAIN = "main"
_LOCAL_TIME = re.compile(r"<localTime>\s*([^<\s]+)\s*</localTime>")


class CameraSession(Session[CameraPics, CameraPixit]):
    """One run on one bench with a plate camera."""

    device = "camera"
    safe_text = "nothing is pushed any more"
    unsafe_text = "ATTENTION: the camera may still push to this computer; delete its host 1 by hand"
    hands_role = "scene"

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        wire: CameraWire,
        roles: CameraRoles,
        pics: CameraPics,
        pixit: CameraPixit,
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire, self.roles = wire, roles
        self.host = PushHost(trace, wire.shown)
        self._shown = 0

    async def device_time_s(self) -> float | None:
        """By the answer to a question for its time; whole seconds in most cameras."""
        status, text = await self.wire.get(TIME, "pace")
        found = _LOCAL_TIME.search(text) if status == 200 else None
        return stamp_s(found[1]) if found else None

    async def sample(self) -> None:
        """Ask who it is."""
        await self.wire.get(INFO, "sample")

    async def show(self, plate: str, *, covered: bool = False) -> None:
        """Let one vehicle pass, and say so in the record."""
        await self.require("scene").show(plate, covered=covered)
        self.trace("stimulus", "shown", number=self._shown, plate=plate, covered=covered)
        self._shown += 1

    async def ready(self, start: str, *, insist: bool = False) -> None:  # noqa: ARG002
        """Power on, streams closed, nothing pushed."""
        if self.roles.power is not None:
            await self.roles.power.switch(True)
        await self.wire.drop()
        await self.host.stop()
        limit_s = 2 * self.pixit.start_up_s + 5.0
        if not await self.reconnect(limit_s):
            raise BenchError(f"camera wire: no answer within {limit_s:g} s before the case")
        if self.pics.push:
            await self.wire.call("DELETE", HOST, "clear")

    async def leave(self) -> None:
        """See `Session`."""
        await self.host.stop()
        await self.wire.drop()
