"""The map of the lanes: who publishes its versions, and how vehicles fetch them.

A version is announced and comes into force later; from then on the lanes are as it says, and a
vehicle that still uses another one finds nothing where it should be and stands.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import aiohttp

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.devices.hdmap import MapService, MapStore
from twin.devices.igv import Igv
from twin.trace import Trace
from twin.wires.hdmap import MapServer

FETCH_S = 15.0
Done = Callable[[str], None]
"""Called when a map is on board, or with why it is not."""


class MapOffice(Faulty):
    """Publishes versions of one map; `new_version` is no fault, but comes as one by a schedule."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "new_version": FaultKind(
            "new_version",
            "the lanes have been surveyed anew: the next version is announced",
            {"lead_s": Parameter(600.0, "s", 0.0, 86_400.0, doc="until it is in force")},
        ),
    }

    def __init__(
        self, map_id: str, graph: Mapping[str, Any], clock: Clock, trace: Trace, *,
        rng: random.Random, igvs: Mapping[str, Igv], token: str,
    ) -> None:  # fmt: skip
        super().__init__("map-office", trace)
        self._map, self._graph, self._clock = map_id, graph, clock
        self._igvs, self._token, self._count = igvs, token, 1
        self.service = MapService("maps", clock, trace, rng)
        self._server = MapServer(self.service, clock=clock, trace=trace, token=token)
        self._base = ""
        self.stores = {name: MapStore(clock) for name in igvs}
        first = self.service.publish(map_id, "1", graph, active_from_s=0.0)
        for name, igv in igvs.items():
            self.stores[name].offer(map_id, "1", first.content, first.sha256, 0.0)
            igv.maps.fetch = self._fetch_for(name)

    def _fault_changed(self, kind: str, cause: int) -> None:
        if kind not in self.faults:
            return
        self._count += 1
        lead_s = float(self.faults[kind]["lead_s"])
        version = self.service.publish(
            self._map, str(self._count), {**self._graph, "survey": self._count},
            active_from_s=self._clock.now_s() + lead_s,
        ).version  # fmt: skip
        self._clock.call_later(lead_s, lambda: self._in_force(version, cause))

    def _in_force(self, version: str, cause: int) -> None:
        for igv in self._igvs.values():
            igv.maps.site_version[self._map] = version
            igv.maps_changed(cause=cause)

    # --- how a vehicle fetches -------------------------------------------------------------------

    def _fetch_for(self, name: str) -> Callable[[Mapping[str, Any], Done], None]:
        def fetch(values: Mapping[str, Any], done: Done) -> None:
            self._clock.loop.create_task(self._fetch(name, values, done), name=f"{name} map")

        return fetch

    async def _fetch(self, name: str, values: Mapping[str, Any], done: Done) -> None:
        map_id, version = str(values.get("mapId", "")), str(values.get("mapVersion", ""))
        try:
            done(await self._download(self.stores[name], map_id, version, values))
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            done(f"{map_id} {version} cannot be fetched: {type(error).__name__}")

    async def _download(
        self, store: MapStore, map_id: str, version: str, values: Mapping[str, Any]
    ) -> str:
        """Ask the service for the version's entry, fetch the content, and hold both together."""
        timeout = aiohttp.ClientTimeout(total=FETCH_S)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            async with session.get(f"{self._base}/v1/maps") as answer:
                answer.raise_for_status()
                listed = (await answer.json())["maps"]
            found = [m for m in listed if (m["mapId"], m["mapVersion"]) == (map_id, version)]
            if not found:
                return f"map {map_id} version {version} is not on the map server"
            wanted = str(values.get("mapHash") or found[0]["sha256"])
            async with session.get(f"{self._base}{found[0]['url']}") as answer:
                answer.raise_for_status()
                content = await answer.read()
        begins_s = next(
            (v.active_from_s for v in self.service.versions() if v.version == version), 0.0
        )
        return store.offer(map_id, version, content, wanted, begins_s)

    # --- assembly --------------------------------------------------------------------------------

    async def start(self, host: str, port: int = 0) -> None:
        """Serve the maps."""
        shown = f"[{host}]" if ":" in host else host
        self._base = f"http://{shown}:{await self._server.start(host, port)}"

    async def stop(self) -> None:
        """Close the wire."""
        await self._server.stop()

    @property
    def wire_list(self) -> dict[str, Any]:
        """Where a stack asks for versions."""
        return {
            "protocol": "rest", "url": f"{self._base}/v1", "token": self._token, "map": self._map
        }  # fmt: skip
