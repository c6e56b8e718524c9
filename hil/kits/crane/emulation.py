"""An emulated crane on a bench: the twin's crane and wire, over two places, and the hands there."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from hil.emulation import Verb
from hil.variant import Variant
from twin.clock import Clock
from twin.devices.crane import Crane
from twin.devices.crane_words import CraneMode, CraneParameters, Protection
from twin.profiles import opcua as profiles
from twin.profiles.opcua import OpcUaProfile
from twin.trace import Trace
from twin.wires.opcua import clockwork
from twin.wires.opcua.security import Account, Identity, Role, make_identity
from twin.wires.opcua.server import OpcUaServer
from twin.world.crane import Axis, CraneBody
from twin.world.wind import Wind
from twin.world.yard import Box, Place, PlaceKind, Yard

from . import site

START_UP_S = 3.0
"""From the restart of the emulated controller to its first connection (estimate)."""

ACCOUNTS = {
    site.USER: Account(site.PASSWORD, Role.OPERATOR),
    site.OBSERVER: Account(site.OBSERVER_PASSWORD, Role.OBSERVER),
}


@dataclass(frozen=True)
class CraneVariant(Variant):
    """How an emulated crane differs from the good one."""

    profile: Callable[[OpcUaProfile], OpcUaProfile] = lambda profile: profile
    parameters: Mapping[str, Any] = field(default_factory=dict)
    crane: type[Crane] = Crane
    body: type[CraneBody] = CraneBody
    server: type[OpcUaServer] = OpcUaServer
    quirks: Mapping[str, bool] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the server."""
    start_up_s: float = START_UP_S


@cache
def _identity(uri: str, clock_start: str) -> Identity:
    """A key takes a third of a second: one for all servers of a process."""
    return make_identity(uri, dt.datetime.fromisoformat(clock_start))


class EmulatedCrane:
    """One crane and everything that hands at a bench can do with it."""

    instant = True

    def __init__(
        self, clock: Clock, profile: str, variant: CraneVariant | None, trace: Trace
    ) -> None:
        self.variant, self.clock = variant or CraneVariant(), clock
        loaded = self.variant.profile(profiles.load(profile))
        self.yard = Yard(trace, [
            Place(site.FROM, PlaceKind.TRUCK, 14.0, 6.0, 1.2, carrier_kg=15_000.0),
            Place(site.TO, PlaceKind.VEHICLE, 26.0, 12.0, 1.5),
        ])  # fmt: skip
        self.body = self.variant.body(
            "bench.crane.body", clock, trace, self.yard, at_m=(4.0, 9.0, 9.0)
        )
        self.crane = self.variant.crane(
            site.CRANE, clock, trace, random.Random(11), self.body, Wind(clock, 7),
            CraneParameters(**self.variant.parameters),
        )  # fmt: skip
        options: dict[str, Any] = {"accounts": ACCOUNTS, "secure": True}
        options |= dict(self.variant.options)
        uri = f"urn:gatetwin:{site.CRANE}"
        identity = _identity(uri, clockwork.civil(clock).date().isoformat() + "T00:00:00+00:00")
        self.server = self.variant.server(
            self.crane, loaded, clock=clock, trace=trace, identity=identity,
            quirks=self.variant.quirks, **options,
        )  # fmt: skip

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve OPC UA; returns the port."""
        await self.arrange("right")
        return await self.server.start(host, port)

    async def stop(self) -> None:
        """Serve no more."""
        await self.server.stop()

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `CraneTwinHands`."""

        async def stands(body: dict[str, Any]) -> Any:
            return {"stands": await self.stands(body["number"], body["place"])}

        return {
            "arrange": lambda body: self.arrange(body["box"]),
            "clear": lambda _: self.clear(),
            "look": lambda _: self.look(),
            "stands": stands,
            "estop": lambda body: self.estop(bool(body["on"])),
            "lock": lambda body: self.lock(bool(body["on"])),
            "camera": lambda body: self.camera(bool(body["on"])),
            "load_cell": lambda body: self.load_cell(bool(body["on"])),
            "wind": lambda body: self.wind(body["speed_m_s"]),
            "restart": lambda _: self.restart(),
            "power": lambda body: self.switch(bool(body["on"])),
        }

    # -- ground

    async def arrange(self, box: str) -> None:
        """See `Ground`."""
        number = site.OTHER_BOX if box == "other" else site.BOX
        mass_kg = site.HEAVY_KG if box == "heavy" else site.MASS_KG
        for name in [name for name in self.yard.places if name.startswith("ground-")]:
            del self.yard.places[name]  # where an interlock failed and a box came down
        source, target = self.yard.places[site.FROM], self.yard.places[site.TO]
        for place in (source, target):
            if place.present:
                self.yard.depart(place)
        self.yard.arrive(source, Box(number, mass_kg))
        self.yard.arrive(target)

    async def clear(self) -> None:
        """See `Ground`: a mobile crane comes and takes the box."""
        self.body.relieve()
        self.crane.protect(Protection.TWIST_LOCK, False)
        self.crane.mode = CraneMode.FULLAUTOMATIC
        self.crane.changed("cleared")

    async def look(self) -> dict[str, Any]:
        """See `Ground`."""
        source, target = self.yard.places[site.FROM].top, self.yard.places[site.TO].top
        held = self.body.held
        return {f"{axis.value}_m": round(self.body.state(axis)[0], 4) for axis in Axis} | {
            "load_kg": round(self.body.load_kg, 1),
            "locks": sum(self.body.locks),
            "held": held.number if held else "",
            "on_from": source.number if source else "",
            "on_to": target.number if target else "",
        }

    async def stands(self, number: str, place: str) -> bool:
        """See `Ground`."""
        top = self.yard.places[place].top
        return top is not None and top.number == number

    # -- attendant

    def _fault(self, kind: str, wanted: bool, **values: Any) -> None:
        if wanted and kind not in self.crane.faults:
            self.crane.inject(kind, **values)
        elif not wanted and kind in self.crane.faults:
            self.crane.heal(kind)

    async def estop(self, pressed: bool) -> None:
        """See `Attendant`."""
        self._fault("estop", pressed)

    async def lock(self, blocked: bool) -> None:
        """See `Attendant`."""
        self._fault("twistlock_stuck", blocked, corner="3")

    async def camera(self, covered: bool) -> None:
        """See `Attendant`."""
        self._fault("ocr_blind", covered)

    async def load_cell(self, unplugged: bool) -> None:
        """See `Attendant`."""
        if unplugged and "bad_quality" not in self.server.faults:
            self.server.inject("bad_quality", point="load_kg", status="BadSensorFailure")
        elif not unplugged and "bad_quality" in self.server.faults:
            self.server.heal("bad_quality")

    async def wind(self, speed_m_s: float | None) -> None:
        """See `Attendant`."""
        self._fault("anemometer_stuck", False)
        if speed_m_s is not None:
            self._fault("anemometer_stuck", True, value_m_s=float(speed_m_s))

    async def restart(self) -> None:
        """See `Attendant`: the controller's memory is kept by its battery."""
        if "link_down" not in self.server.faults:
            self.server.inject("link_down")
            self.clock.call_later(self.variant.start_up_s, self._started)

    def _started(self) -> None:
        self.server.heal("link_down")

    async def switch(self, on: bool) -> None:
        """The drives' supply; the controller hangs on a battery and goes on to answer."""
        self._fault("power", not on)


def edited(profile: OpcUaProfile, **rows: Mapping[str, Any]) -> OpcUaProfile:
    """The profile with fields of some rows replaced; a name says `__` for each point."""
    wanted = {name.replace("__", "."): values for name, values in rows.items()}
    new = [msgspec.structs.replace(row, **wanted.get(row.id, {})) for row in profile.instances.rows]
    return msgspec.structs.replace(profile, instances=profiles.InstanceRows(rows=new))
