"""An emulated map service on a bench, and hands that publish."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hil.emulation import PoweredBench, Verb
from hil.variant import Variant
from twin.clock import Clock
from twin.devices.hdmap import MapService
from twin.trace import Trace
from twin.wires.hdmap import MapServer

from .roles import Published

TOKEN = "emulated-Maps-1"  # noqa: S105 - of the emulator alone
MAP = "bridge"
START_UP_S = 2.0
"""From the start to the first answer (estimate)."""
LANES = 200
"""Of the emulated map, some 10 kB."""


@dataclass(frozen=True)
class MapServiceVariant(Variant):
    """How an emulated map service differs from the good one."""

    service: type[MapService] = MapService
    server: type[MapServer] = MapServer
    faults: tuple[str, ...] = ()
    """Of the service, from its start on."""
    start_up_s: float = START_UP_S


class EmulatedMapService(PoweredBench[MapServiceVariant, MapServer]):
    """One service and everything that hands can do with it: office and power."""

    def __init__(self, clock: Clock, variant: MapServiceVariant | None, trace: Trace) -> None:
        self.variant, self.clock = variant or MapServiceVariant(), clock
        self.service = self.variant.service("bench.maps", clock, trace, random.Random(5))
        self.server = self.variant.server(self.service, clock=clock, trace=trace, token=TOKEN)
        self._number = 0
        self._publish(-3600.0)
        self._publish(-60.0)
        for kind in self.variant.faults:
            self.service.inject(kind)

    def _publish(self, in_s: float) -> Published:
        self._number += 1
        lanes = [
            {"id": f"l{n}", "from": [4.0 * n, 0.0], "to": [4.0 * n + 4.0, 0.1 * self._number]}
            for n in range(LANES)
        ]
        made = self.service.publish(
            MAP, str(self._number), {"lanes": lanes}, active_from_s=self.clock.now_s() + in_s
        )
        return Published(made.version, made.sha256)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `MapServiceTwinHands`."""

        async def publish(body: dict[str, Any]) -> Any:
            return (await self.publish(str(body["map_id"]), float(body["in_s"])))._asdict()

        return {
            "publish": publish,
            "time": self.tell_time,
            "power": lambda body: self.switch(bool(body["on"])),
        }

    async def publish(self, map_id: str, in_s: float) -> Published:
        """See `Office`; there is one map."""
        del map_id
        return self._publish(in_s)

    def power_fails(self) -> None:
        """See `PoweredBench`; it is stopped."""
        self.service.inject("offline")

    def is_up(self) -> None:
        """See `PoweredBench`."""
        self.service.heal("offline")
