"""The kit of a driverless vehicle: a VDA 5050 fleet control that judges one vehicle over MQTT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from markupsafe import Markup

from hil.bench import HANDS, HERE, OPERATOR, POWER, BenchFile, Device, Port, RoleConfig, RoleRule
from hil.bench_text import MANUAL, BenchText
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import emulated_product
from hil.session import Roles
from hil.variant import Variant
from twin.clock import Clock
from twin.profiles.vda5050 import load
from twin.trace import Record, Trace
from twin.wires.vda5050.abilities import offered
from twin.wires.vda5050.action_logic import LIMITS
from twin.wires.vda5050.factsheet import SUPPORTED_ZONES

from . import emulation_rail
from .curves import curves
from .emulation import BOOT_S, MANUFACTURER, MAP, SERIAL, TRACK, EmulatedIgv, IgvVariant
from .hands import IgvManualHands, IgvTwinHands
from .orders import Orders
from .papers import IgvPics, IgvPixit
from .roles import IgvRoles
from .session import IgvSession
from .wire import IgvWire


class Vda5050Device(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind an MQTT broker."""

    driver: Literal["vda5050"]
    port: Port = 1883
    limit_s: float = 10.0
    """How long broker and vehicle may take to answer before the wire counts as dead."""


class IgvBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a vehicle."""

    broker: Vda5050Device
    track: RoleConfig | None = None
    link: RoleConfig | None = None
    attendant: RoleConfig | None = None


class IgvKit(Kit):
    """Everything that certification has to know of a vehicle."""

    device = "igv"
    help = "a VDA 5050 vehicle over MQTT: connection, orders, actions, safety of motion, recovery."
    modules = (
        "igv",
        "igv_states",
        "igv_orders",
        "igv_wrong",
        "igv_updates",
        "igv_actions",
        "igv_instants",
        "igv_cancel",
        "igv_safety",
        "igv_maps",
        "igv_recovery",
    )
    good = ("2.1", "3.0", "2.0", emulation_rail.PROFILE)
    health = ("connection-at-qos-0", "passes-the-decision-point", "takes-what-is-not-released")
    engines = ("kinematic", "pybullet")
    product = emulated_product("emulated container IGV", SERIAL)
    pics_type = IgvPics
    pixit_type = IgvPixit
    bench_type = IgvBench
    rules = {  # noqa: RUF012 - never changed
        "track": RoleRule(HANDS, doc="who sees where the vehicle really is"),
        "link": RoleRule(HANDS, doc="the vehicle's radio"),
        "attendant": RoleRule(
            HANDS, doc="a person at the vehicle: emergency stop, field, key switch"
        ),
        "power": POWER,
        "operator": OPERATOR,
    }
    text = BenchText(
        (
            "vda5050 (the vehicle's own wire, over a broker)",
            "twin (an emulated vehicle in another process, which brings its broker)",
            MANUAL,
        ),
        device="where the vehicle under test is connected to",
    )
    table = "broker"
    here = Vda5050Device(driver="vda5050", host=HERE, port=0, limit_s=5.0)
    roles_type = IgvRoles
    session_type = IgvSession
    twin_hands = IgvTwinHands
    manual_hands = IgvManualHands

    def emulated_pics(self, profile: str) -> IgvPics:
        """See `Kit`."""
        rail = profile == emulation_rail.PROFILE
        version = emulation_rail.VERSION if rail else profile
        dialect = load(version)
        scopes = offered(dialect, emulation_rail.JOBS if rail else None)
        three = dialect.instant_states

        def of(scope: str) -> list[str]:
            return [kind for kind, where in scopes.items() if scope in where]

        return IgvPics(
            device=self.device,
            profile=profile,
            version=cast("Any", version),
            instant_actions=of("INSTANT"),
            node_actions=of("NODE"),
            edge_actions=of("EDGE"),
            on_edges=True,
            blocking=cast("Any", list(dialect.blocking)),
            cancellable=True,
            pausable=True,
            new_base_request=True,
            factsheet=True,
            visualization=True,
            maps=version != "2.0",
            zones=list(SUPPORTED_ZONES) if three else [],
            nodes_max=LIMITS["order.nodes"],
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> IgvPixit:
        """See `Kit`."""
        rail = profile == emulation_rail.PROFILE
        dialect = load(emulation_rail.VERSION if rail else profile)
        return IgvPixit(
            prefix=f"{dialect.interface}/{dialect.major}",
            manufacturer=MANUFACTURER,
            serial_number=SERIAL,
            map_id=MAP,
            map_version="1",
            track=TRACK,
            way_back=emulation_rail.WAY_BACK if rail else [],
            position_m=0.2,
            length_m=13.0 if rail else 15.0,
            speed_m_s=8.4 if rail else 6.95,
            slow_m_s=1.0,
            node_action="finePositioning",
            node_parameters={},
            edge_action="detectObject",
            action_s=10.0,
            leg_s=60.0 if rail else 30.0,
            settle_s=0.6,
            stop_s=20.0 if rail else 10.0,
            start_up_s=BOOT_S + 2.0,
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        bent = cast("IgvVariant | None", variant)
        if profile == emulation_rail.PROFILE:
            version = emulation_rail.VERSION
            return emulation_rail.EmulatedSkyRail(clock, version, bent, trace, engine=engine)
        return EmulatedIgv(clock, profile, bent, trace, engine=engine)

    def wire(
        self, at: Vda5050Device, pics: IgvPics, pixit: IgvPixit, clock: Clock, trace: Trace
    ) -> IgvWire:
        """See `Kit`."""
        orders = Orders(load(pics.version), pixit, clock)
        return IgvWire(at.host, at.port, pixit, orders, clock, trace, limit_s=at.patience_s(clock))

    def roles(self, bench: EmulatedIgv) -> Roles:
        """See `Kit`."""
        return super().roles(bench.hands)

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`."""
        return curves(records)


KIT = IgvKit()
