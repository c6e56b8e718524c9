"""Versions of the lane-graph map: who publishes them, when they begin, and who may use which.

A map is a JSON document of lanes. A version is announced, begins at its activation time and ends
when a later one begins. `MapService` is the office that publishes; `MapStore` is what a vehicle
keeps of it, and how it knows that it may not drive on what it has.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from twin.clock import Clock
from twin.devices.base import Device, FaultKind
from twin.errors import HarnessError, UnknownName
from twin.trace import Trace


@dataclass(frozen=True, slots=True)
class MapVersion:
    """One version; `active_from_s` in seconds of the run's clock."""

    map_id: str
    version: str
    active_from_s: float
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def encode(graph: Mapping[str, Any]) -> bytes:
    """A map as bytes: sorted keys, no blanks, so that equal maps have equal hashes."""
    text = json.dumps(graph, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


class MapService(Device):
    """The versions of all maps."""

    kind = "map-service"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("stale", "the list stands still: versions published since are not shown"),
            FaultKind("corrupt", "one byte of every download is turned over; the hashes are right"),
            FaultKind("wrong_hash", "the list tells hashes of something else; contents are right"),
            FaultKind("unavailable", "every request is answered with 503"),
            FaultKind("offline", "the service is gone: nothing listens"),
        )
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, rng: random.Random) -> None:
        super().__init__(id, clock, trace, rng)
        self._versions: list[MapVersion] = []
        self._shown: list[MapVersion] | None = None
        self.add_point("versions", lambda: len(self._versions), doc="versions published so far")

    @property
    def online(self) -> bool:
        """Whether the service listens."""
        return "offline" not in self.faults

    def publish(
        self, map_id: str, version: str, graph: Mapping[str, Any], *, active_from_s: float
    ) -> MapVersion:
        """Announce a version; its name must be new, and it begins after all before it."""
        mine = [v for v in self._versions if v.map_id == map_id]
        if any(v.version == version for v in mine):
            raise HarnessError(f"{self.id}: map {map_id} has a version {version} already")
        if mine and active_from_s <= mine[-1].active_from_s:
            raise HarnessError(
                f"{self.id}: version {version} of {map_id} would begin at {active_from_s:g} s, "
                f"not after {mine[-1].version} ({mine[-1].active_from_s:g} s)"
            )
        content = encode({**graph, "mapId": map_id, "mapVersion": version})
        made = MapVersion(map_id, version, active_from_s, content)
        self._versions.append(made)
        self.trace(
            self.id, "map.published", map=map_id, version=version, sha256=made.sha256,
            active_from_s=active_from_s,
        )  # fmt: skip
        self.changed("versions")
        return made

    def versions(self) -> list[MapVersion]:
        """What is shown to the world, in the order of publication."""
        return list(self._versions if self._shown is None else self._shown)

    def find(self, map_id: str, version: str) -> MapVersion:
        """One version that is shown."""
        known = {f"{v.map_id}/{v.version}": v for v in self.versions()}
        name = f"{map_id}/{version}"
        if name not in known:
            raise UnknownName("map version", name, known)
        return known[name]

    def status(self, version: MapVersion) -> str:
        """`announced`, `active` or `retired` now, by what is shown."""
        begun = [
            v for v in self.versions()
            if v.map_id == version.map_id and v.active_from_s <= self.clock.now_s()
        ]  # fmt: skip
        if version not in begun:
            return "announced"
        return "active" if begun[-1] == version else "retired"

    def active(self, map_id: str) -> MapVersion | None:
        """The version that is truly in force now, whatever is shown."""
        begun = [
            v for v in self._versions
            if v.map_id == map_id and v.active_from_s <= self.clock.now_s()
        ]  # fmt: skip
        return begun[-1] if begun else None

    def _fault_changed(self, kind: str, cause: int) -> None:
        del cause
        if kind == "stale":
            self._shown = list(self._versions) if kind in self.faults else None
        self.changed(kind)


class MapStore:
    """The maps on board of a vehicle: downloaded, checked, and in force or not.

    A vehicle asks `refusal(map_id, version)` before it accepts an order, and again while it drives:
    a version that has ended ends the drive.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._maps: dict[tuple[str, str], MapVersion] = {}

    def offer(
        self, map_id: str, version: str, content: bytes, sha256: str, active_from_s: float
    ) -> str:
        """Take a download; returns why it is refused, empty if it is kept."""
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            return f"{map_id} {version}: SHA-256 is {found[:12]}…, announced is {sha256[:12]}…"
        try:
            head = json.loads(content)
        except ValueError as error:
            return f"{map_id} {version}: is not JSON: {error}"
        named = (head.get("mapId"), head.get("mapVersion")) if isinstance(head, dict) else None
        if named != (map_id, version):
            return f"{map_id} {version}: the content says that it is {named}"
        self._maps[map_id, version] = MapVersion(map_id, version, active_from_s, content)
        return ""

    def in_force(self, map_id: str) -> MapVersion | None:
        """The newest kept version that has begun."""
        begun = [
            kept for (kept_id, _), kept in self._maps.items()
            if kept_id == map_id and kept.active_from_s <= self._clock.now_s()
        ]  # fmt: skip
        return max(begun, key=lambda kept: kept.active_from_s, default=None)

    def refusal(self, map_id: str, version: str) -> str:
        """Why an order on this map is refused; empty if it may be driven."""
        if (map_id, version) not in self._maps:
            return f"map {map_id} {version} is not on board"
        active = self.in_force(map_id)
        if active is None or active.version != version:
            now = active.version if active is not None else "none"
            return f"map {map_id} {version} is not in force; {now} is"
        return ""
