"""The kit of a fleet manager: two vehicles of ours judge any VDA 5050 master over MQTT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import msgspec
from markupsafe import Markup

from hil.bench import HANDS, HERE, OPERATOR, POWER, BenchFile, Binder, Device, Port, RoleRule
from hil.bench_text import MANUAL, BenchText
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import emulated_product
from hil.variant import Variant
from twin.clock import Clock
from twin.profiles.vda5050 import load
from twin.trace import Record, Trace

from .curves import curves
from .emulation import MANUFACTURER, SERIALS, START_UP_S, EmulatedFleet, FleetVariant
from .hands import FleetManualHands, FleetTwinHands, HttpJobs
from .layout import BENCH
from .papers import FleetPics, FleetPixit
from .roles import FleetRoles
from .session import FleetSession
from .wire import FleetWire


class FleetBroker(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The broker that the master under test is connected to."""

    driver: Literal["mqtt"]
    port: Port = 1883
    limit_s: float = 10.0
    """How long the broker may take to answer before the wire counts as dead."""


class JobsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who gives jobs; the URLs of driver `http` know {vehicle}, {start} and {goal}."""

    driver: Literal["twin", "manual", "http"]
    url: str = ""
    bring: str = ""
    abandon: str = ""
    pause: str = ""
    resume: str = ""


class FleetBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a fleet manager."""

    broker: FleetBroker
    jobs: JobsConfig | None = None


class FleetKit(Kit):
    """Everything that certification has to know of a fleet manager."""

    device = "fleet"
    help = "a VDA 5050 fleet manager over MQTT: orders, releases, resends, silence, recovery."
    modules = ("fleet", "fleet_orders", "fleet_faults", "fleet_recovery", "fleet_leases")
    good = ("2.1", "3.0")
    health = ("never-resends", "releases-the-occupied-zone", "stitches-at-the-horizon")
    product = emulated_product("small test master", "master-01")
    pics_type = FleetPics
    pixit_type = FleetPixit
    bench_type = FleetBench
    rules = {  # noqa: RUF012 - never changed
        "jobs": RoleRule(
            (*HANDS, "http"),
            {"http": ("bring", "abandon")},
            "how transport jobs reach the fleet manager",
        ),
        "power": replace(POWER, doc="the fleet manager's"),
        "operator": OPERATOR,
    }
    text = BenchText(
        (
            "mqtt (a broker)",
            "twin (an emulated fleet manager in another process, which brings its broker)",
            "http (POST to bring, abandon, pause, resume)",
            MANUAL,
        ),
        about="The vehicles are gatetwin's own; they and the fleet manager under test meet at the "
        "broker.",
        device="",
    )
    table = "broker"
    here = FleetBroker(driver="mqtt", host=HERE, port=0, limit_s=5.0)
    roles_type = FleetRoles
    session_type = FleetSession
    twin_hands = FleetTwinHands
    manual_hands = FleetManualHands

    def emulated_pics(self, profile: str) -> FleetPics:
        """See `Kit`."""
        return FleetPics(
            device=self.device,
            profile=profile,
            version=cast("Any", profile),
            horizon=True,
            cancels=True,
            pauses=True,
            watches_charge=True,
            exclusive_zone=True,
            leases=load(profile).instant_states,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> FleetPixit:
        """See `Kit`."""
        dialect = load(profile)
        return FleetPixit(
            prefix=f"{dialect.interface}/{dialect.major}",
            manufacturer=MANUFACTURER,
            vehicles=SERIALS,
            map_id=BENCH.map_id,
            node_ids=["W1", "W2", "L1", "L2", "L3", "L4", "E1", "E2"],
            node_x_m=[0.0, 0.0, 30.0, 60.0, 90.0, 120.0, 150.0, 150.0],
            node_y_m=[12.0, -12.0, 0.0, 0.0, 0.0, 0.0, 12.0, -12.0],
            edges=list(BENCH.edges),
            zone=sorted(BENCH.zone),
            drive_s=180.0,
            react_s=3.0,
            resend_s=4.0,
            state_age_s=45.0,
            start_up_s=START_UP_S + 2.0,
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del engine  # the device under test does not move
        return EmulatedFleet(clock, profile, cast("FleetVariant | None", variant), trace)

    def wire(
        self, at: FleetBroker, pics: FleetPics, pixit: FleetPixit, clock: Clock, trace: Trace
    ) -> FleetWire:
        """See `Kit`."""
        return FleetWire(at.host, at.port, pics, pixit, clock, trace, limit_s=at.patience_s(clock))

    def play(self, role: str, config: Any, binder: Binder[Any, Any], wire: Any) -> Any:
        """See `Kit`; jobs can also be posted to the fleet manager."""
        if config.driver == "http":
            verbs = ("bring", "abandon", "pause", "resume")
            return HttpJobs({verb: getattr(config, verb) for verb in verbs})
        return super().play(role, config, binder, wire)

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`."""
        start = next((r.payload for r in records if r.kind == "certify.start"), None)
        return curves(records, start["pixit"]) if start else []


KIT = FleetKit()
