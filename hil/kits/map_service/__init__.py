"""The kit of a map service: access, versions and their times, downloads, recovery, over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal, cast

import msgspec

from hil.bench import OPERATOR, POWER, BenchFile, Binder, Port, RoleConfig, RoleRule
from hil.emulation import EmulatedBench
from hil.emulator import Where
from hil.kit import Kit
from hil.papers import Pics, Pixit, Product, Text
from hil.roles import Operator
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


class MapDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind HTTP: always its own wire."""

    driver: Literal["http"]
    host: Text
    port: Port = 80
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    """How long a single answer may take before the wire counts as dead."""


class MapServiceBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a map service."""

    maps: MapDevice
    office: RoleConfig | None = None


_BENCH = """\
# A bench: which role is played by what. Limits do not stand here but in the requirements.
# Drivers: http (the service's own wire), twin (an emulated device in another process), manual (a
# person who answers prompts).

[bench]
id = "{id}"
site = "laboratory"
speed = {speed}

[maps]                        # the service under test
driver = "http"
host = "127.0.0.1"
port = {port}

[office]                      # who publishes maps, and the true time
driver = "twin"
url = "{control}"

[power]
driver = "twin"
url = "{control}"
"""


class MapServiceKit(Kit):
    """Everything that certification has to know of a map service."""

    device = "map-service"
    help = "access, versions and their times, downloads, recovery, over HTTP."
    modules = ("map_service", "map_service_versions")
    good = (PROFILE,)
    health = ("open-door", "late-list", "corrupt")
    product = Product(
        vendor="gatetwin",
        model="emulated map service",
        hardware="none",
        firmware="1.0",
        serial="GATETWIN00000004",
    )
    pics_type = MapServicePics
    pixit_type = MapServicePixit
    bench_type = MapServiceBench
    rules = {  # noqa: RUF012 - never changed
        "office": RoleRule(("twin", "manual")),
        "power": POWER,
        "operator": OPERATOR,
    }

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

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> MapServiceSession:
        """See `Kit`."""
        assert isinstance(bench, EmulatedMapService)
        assert isinstance(pics, MapServicePics)
        assert isinstance(pixit, MapServicePixit)
        wire = MapWire(f"http://127.0.0.1:{port}", pixit.token, clock, trace, limit_s=5.0)
        roles = MapServiceRoles(power=bench, office=bench)
        return MapServiceSession(clock, trace, wire, roles, pics, pixit)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:
        """See `Kit`."""
        del profile
        return _BENCH.format(id=id, port=where.port, control=where.control, speed=where.speed)

    def bind(
        self,
        file: MapServiceBench,
        pics: MapServicePics,
        pixit: MapServicePixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> MapServiceSession:
        """See `Kit`."""
        device = file.maps
        wire = MapWire(
            f"http://{device.host}:{device.port}", pixit.token, clock, trace,
            limit_s=device.limit_s * max(1.0, clock.speed),
        )  # fmt: skip
        stack.push_async_callback(wire.drop)
        binder = Binder(
            clock, trace, stack, MapServiceTwinHands, MapServiceManualHands, operator=operator
        )
        person = binder.operator(file.operator)
        office: Any = None
        if file.office is not None:
            by_twin = file.office.driver == "twin"
            office = binder.twin(file.office.url) if by_twin else binder.manual()
        roles = MapServiceRoles(power=binder.power(file.power), operator=person, office=office)
        return MapServiceSession(clock, trace, wire, roles, pics, pixit)


KIT = MapServiceKit()
