"""The kit of a map service: access, versions and their times, downloads, recovery, over HTTP."""

from __future__ import annotations

from typing import Literal, cast

from hil.bench import HANDS, HERE, OPERATOR, POWER, BenchFile, Device, Port, RoleConfig, RoleRule
from hil.bench_text import MANUAL, TWIN, BenchText
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import emulated_product
from hil.variant import Variant
from twin.clock import Clock
from twin.trace import Trace

from .emulation import MAP, START_UP_S, TOKEN, EmulatedMapService, MapServiceVariant
from .hands import MapServiceManualHands, MapServiceTwinHands
from .papers import MapServicePics, MapServicePixit
from .roles import MapServiceRoles
from .session import MapServiceSession
from .wire import MapWire

PROFILE = "maps-v1"
"""The paths of docs/devices/map-service.md; no standard names such a service."""


class MapDevice(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind HTTP."""

    driver: Literal["http"]
    port: Port = 80


class MapServiceBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a map service."""

    maps: MapDevice
    office: RoleConfig | None = None


class MapServiceKit(Kit):
    """Everything that certification has to know of a map service."""

    device = "map-service"
    help = "access, versions and their times, downloads, recovery, over HTTP."
    modules = ("map_service", "map_service_versions")
    good = (PROFILE,)
    health = ("open-door", "late-list", "corrupt")
    product = emulated_product("emulated map service", "GATETWIN00000004")
    pics_type = MapServicePics
    pixit_type = MapServicePixit
    bench_type = MapServiceBench
    rules = {  # noqa: RUF012 - never changed
        "office": RoleRule(HANDS, doc="who publishes maps, and the true time"),
        "power": POWER,
        "operator": OPERATOR,
    }
    text = BenchText(
        ("http (the service's own wire)", TWIN, MANUAL), device="the service under test"
    )
    table = "maps"
    here = MapDevice(driver="http", host=HERE, port=0)
    roles_type = MapServiceRoles
    session_type = MapServiceSession
    twin_hands = MapServiceTwinHands
    manual_hands = MapServiceManualHands

    def emulated_pics(self, profile: str) -> MapServicePics:
        """See `Kit`."""
        return MapServicePics(
            device=self.device,
            profile=profile,
            maps=[MAP],
            conditional=True,
            digest=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> MapServicePixit:
        """See `Kit`."""
        del profile
        return MapServicePixit(
            token=TOKEN, show_s=1.0, fleet_s=10.0, start_up_s=START_UP_S + 1.0, poll_s=0.2
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del profile, engine
        return EmulatedMapService(clock, cast("MapServiceVariant | None", variant), trace)

    def wire(
        self, at: MapDevice, pics: MapServicePics, pixit: MapServicePixit, clock: Clock,
        trace: Trace,
    ) -> MapWire:  # fmt: skip
        """See `Kit`."""
        del pics
        url = f"http://{at.host}:{at.port}"
        return MapWire(url, pixit.token, clock, trace, limit_s=at.patience_s(clock))


KIT = MapServiceKit()
