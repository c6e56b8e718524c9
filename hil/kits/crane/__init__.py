"""The kit of a container crane: OPC UA after OPC 40020-1, the move cycle, interlocks, recovery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from markupsafe import Markup

from hil.bench import HANDS, HERE, OPERATOR, POWER, BenchFile, Device, RoleConfig, RoleRule
from hil.bench_text import MANUAL, TWIN, BenchText
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.errors import BenchError
from hil.kit import Kit
from hil.papers import emulated_product
from hil.variant import Variant
from twin.clock import Clock
from twin.profiles import opcua as profiles
from twin.trace import Record, Trace

from . import curves, site
from .hands import CraneManualHands, CraneTwinHands
from .papers import CranePics, CranePixit, Policy
from .roles import CraneRoles
from .session import CraneSession

if TYPE_CHECKING:  # asyncua is an extra
    from .emulation import CraneVariant
    from .wire import CraneWire


class OpcUaDevice(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind OPC UA."""

    driver: Literal["opcua"]
    policy: Policy = "None"
    """By which the main client comes."""


class CraneBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a crane."""

    crane: OpcUaDevice
    ground: RoleConfig | None = None
    attendant: RoleConfig | None = None


class CraneKit(Kit):
    """Everything that certification has to know of a container crane."""

    device = "crane"
    help = "OPC UA after OPC 40020-1: nodes, methods, the move cycle, interlocks, recovery."
    modules = ("crane", "crane_wire", "crane_orders", "crane_moves", "crane_safety", "crane_access")
    good = ("crane",)
    health = ("renames-rope", "drifting-stamps", "trusts-the-paper", "resumes-by-itself")
    product = emulated_product("emulated container crane", "GATETWIN00000003")
    pics_type = CranePics
    pixit_type = CranePixit
    bench_type = CraneBench
    rules = {  # noqa: RUF012 - never changed
        "ground": RoleRule(HANDS, doc="boxes under the crane, and the truth about them"),
        "attendant": RoleRule(
            HANDS, doc="emergency stop, a blocked lock, covered cameras, wind, restart"
        ),
        "power": replace(POWER, doc="the drives' supply"),
        "operator": OPERATOR,
    }
    text = BenchText(
        ("opcua (the crane's own wire)", TWIN, MANUAL, "modbus (a relay that plays the mains)"),
        keys=('policy = "None"               # or Basic256Sha256, with sign and encrypt',),
    )
    table = "crane"
    here = OpcUaDevice(driver="opcua", host=HERE, port=0)
    roles_type = CraneRoles
    session_type = CraneSession
    twin_hands = CraneTwinHands
    manual_hands = CraneManualHands

    def emulated_pics(self, profile: str) -> CranePics:
        """See `Kit`."""
        loaded = profiles.load(profile)
        return CranePics(
            device=self.device,
            profile=profile,
            policies=["None", "Basic256Sha256"],
            anonymous=False,
            observer=True,
            max_connections=loaded.max_connections,
            sampling_s=loaded.sampling_s,
            keeps_state=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> CranePixit:
        """See `Kit`."""
        del profile
        return CranePixit(
            crane=site.CRANE,
            user=site.USER,
            password=site.PASSWORD,
            observer=site.OBSERVER,
            observer_password=site.OBSERVER_PASSWORD,
            box=site.BOX,
            other_box=site.OTHER_BOX,
            from_place=site.FROM,
            to_place=site.TO,
            mass_kg=site.MASS_KG,
            heavy_kg=site.HEAVY_KG,
            latency_s=0.3,
            mission_s=240.0,
            stop_s=3.5,
            start_up_s=4.0,
            dead_man_s=2.5,
            gust_m_s=25.0,
            gust_release_s=66.0,
            travel_m=7.9,
            sway_m=0.031,
            place_m=0.02,
            load_share=0.02,
            garbage_s=11.0,
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del engine  # its body moves in closed form
        _need_asyncua()
        from .emulation import EmulatedCrane

        return EmulatedCrane(clock, profile, cast("CraneVariant | None", variant), trace)

    def wire(
        self, at: OpcUaDevice, pics: CranePics, pixit: CranePixit, clock: Clock, trace: Trace
    ) -> CraneWire:
        """See `Kit`."""
        _need_asyncua()
        from .wire import CraneWire, Login

        return CraneWire(
            Endpoint(at.host, at.port), profiles.load(pics.profile), pixit.crane,
            Login(pixit.user, pixit.password, at.policy), clock, trace,
            limit_s=at.patience_s(clock),
        )  # fmt: skip

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: the way of the spreader in a mission, the speed at the emergency stop."""
        return curves.curves(self.view(records, "move"), self.view(records, "stop_in_motion"))


def _need_asyncua() -> None:
    try:
        import asyncua  # noqa: F401
    except ModuleNotFoundError as error:
        raise BenchError(
            "the kit of a crane needs asyncua; pip install 'gatetwin[cranes]'"
        ) from error


KIT = CraneKit()
