"""The crane's points in the address space: which are sampled when, and what is written of them.

All of them at every change; those that a client monitors every `sampling_s` while something moves
or swings, and every `idle_sampling_s` otherwise, on one grid for all clients; those that are read,
when they are read. A value is written with the instant at which it was sampled and only when it
changed; a point whose sensor fails is written with a bad status.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from typing import Any

from asyncua import Server, ua

from twin.clock import Clock
from twin.devices.base import Faulty
from twin.devices.crane import Crane
from twin.errors import UnknownName
from twin.profiles.opcua import OpcUaProfile
from twin.trace import Trace
from twin.wires.opcua import clockwork
from twin.wires.opcua.events import EventFeed
from twin.wires.opcua.model import Bound, Space


class Sampling(Faulty):
    """What keeps the address space at what the crane shows; `OpcUaServer` is built on it."""

    _space: Space
    _events: EventFeed

    def __init__(
        self, device: Crane, profile: OpcUaProfile, quirks: Mapping[str, bool], *, clock: Clock,
        trace: Trace,
    ) -> None:  # fmt: skip
        """`quirks` switches those of the profile by id."""
        super().__init__(f"{device.id}.opcua", trace)
        self.device, self.clock, self.profile = device, clock, profile
        self.quirks: dict[str, bool] = {quirk.id: quirk.on for quirk in profile.quirks}
        for name, on in quirks.items():
            if name not in self.quirks:
                raise UnknownName(f"quirk of profile {profile.name}", name, self.quirks)
            self.quirks[name] = on
        self._server: Server | None = None
        self._shown: dict[ua.NodeId, Any] = {}
        self._open: set[int] = set()
        """Sessions that may monitor something."""
        self._woken = asyncio.Event()
        self._all_changed = False
        device.on_change(self._changed)

    def _changed(self, what: str) -> None:
        if self._server is None:
            return
        if what in ("mission", "protection"):
            self._events.queue(what, clockwork.civil(self.clock))
        self._wake()

    def _wake(self) -> None:
        """Have everything sampled, not only what is monitored."""
        self._all_changed = True
        self._woken.set()

    async def _run(self) -> None:
        try:
            while True:
                timer = self._arm()
                await self._woken.wait()
                if timer is not None:
                    timer.cancel()
                self._woken.clear()
                everything, self._all_changed = self._all_changed, False
                await self._sample(None if everything else self._monitored())
                await self._events.send()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the run
            self.clock.fail(error)

    def _arm(self) -> asyncio.TimerHandle | None:
        """Sample again when it is time to; never without a client that monitors something."""
        if not (self._open and self._monitored()):
            return None
        busy = self.device.busy
        wait_s = self.profile.sampling_s if busy else self.profile.idle_sampling_s
        # on a grid, so that what one client does never moves the samples of another
        step = math.floor(self.clock.now_s() / wait_s + 1e-9) + 1
        return self.clock.loop.call_at(
            self.clock.loop_time_of(round(step * wait_s * 1e9)), self._woken.set
        )

    def _monitored(self) -> list[Bound]:
        return [bound for bound in self._space.bound if bound.cell.datachange_callbacks]

    async def refresh(self, nodes: Iterable[ua.NodeId]) -> None:
        """Sample those of `nodes` that show a point: a client is about to look at them."""
        by_node = self._space.by_node
        await self._sample([by_node[node] for node in nodes if node in by_node])

    def watched(self) -> None:
        """A client has begun to monitor something."""
        self._woken.set()

    async def _sample(self, some: Iterable[Bound] | None = None) -> None:
        """Bring `some` points, or all, into the address space where they have changed."""
        if "stale" in self.faults or self._server is None:
            return
        now = clockwork.civil(self.clock)
        stamp = now
        if self.quirks.get("local-time", False):
            offset = self.clock.day_start.utcoffset()
            stamp = now + offset if offset is not None else now
        bad = self.faults.get("bad_quality")
        restamp = self.quirks.get("restamp", False)
        for bound in self._space.bound if some is None else some:
            status = ""
            if bad is not None and bad["point"] == bound.row.point:
                status = str(bad["status"])
            value = bound.point.read()
            shown = (value, status)
            before = self._shown.get(bound.node)
            if not restamp and _same(before, shown, bound.row.deadband):
                continue
            self._shown[bound.node] = shown
            await self._write(bound, value, status, stamp, now)

    async def _write(self, bound: Bound, value: Any, status: str, stamp: Any, now: Any) -> None:
        assert self._server is not None
        code = ua.StatusCode(getattr(ua.StatusCodes, status)) if status else ua.StatusCode()
        data = ua.DataValue(
            ua.Variant(_coded(value, bound.variant), bound.variant), code,
            SourceTimestamp=stamp, ServerTimestamp=now,
        )  # fmt: skip
        await self._server.iserver.aspace.write_attribute_value(
            bound.node, ua.AttributeIds.Value, data
        )


def _same(before: Any, now: tuple[Any, str], deadband: float) -> bool:
    if before is None or before[1] != now[1]:
        return False
    old, new = before[0], now[0]
    if deadband and isinstance(new, float):
        # the end of a move is always shown: a deadband never hides that something stands
        return abs(new - old) < deadband and (new != 0.0 or old == 0.0)
    return bool(old == new)


def _coded(value: Any, variant: ua.VariantType) -> Any:
    if variant is ua.VariantType.Double:
        return float(value)
    if variant is ua.VariantType.Boolean:
        return bool(value)
    return value
