"""The kit of a container crane: OPC UA after OPC 40020-1, the move cycle, interlocks, recovery."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import msgspec
from markupsafe import Markup

from hil.bench import OPERATOR, POWER, BenchFile, Binder, Port, RoleConfig, RoleRule
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.emulator import Where
from hil.errors import BenchError
from hil.kit import Kit
from hil.papers import Pics, Pixit, Product, Text
from hil.roles import Operator
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


class OpcUaDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind OPC UA: always its own wire."""

    driver: Literal["opcua"]
    host: Text
    port: Port
    policy: Policy = "None"
    """By which the main client comes."""
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    """How long a single answer may take before the wire counts as dead."""


class CraneBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a crane."""

    crane: OpcUaDevice
    ground: RoleConfig | None = None
    attendant: RoleConfig | None = None


_BENCH = """\
# A bench: which role is played by what. Limits do not stand here but in the requirements.
# Drivers: opcua (the crane's own wire), twin (an emulated device in another process), manual (a
# person who answers prompts), modbus (a relay that plays the mains).

[bench]
id = "{id}"
site = "laboratory"
speed = {speed}

[crane]                       # the device under test
driver = "opcua"
host = "127.0.0.1"
port = {port}
policy = "None"               # or Basic256Sha256, with sign and encrypt

[ground]                      # boxes under the crane, and the truth about them
driver = "twin"
url = "{control}"

[attendant]                   # emergency stop, a blocked lock, covered cameras, wind, restart
driver = "twin"
url = "{control}"

[power]                       # the drives' supply
driver = "twin"
url = "{control}"
"""


class CraneKit(Kit):
    """Everything that certification has to know of a container crane."""

    device = "crane"
    help = "OPC UA after OPC 40020-1: nodes, methods, the move cycle, interlocks, recovery."
    modules = ("crane", "crane_wire", "crane_orders", "crane_moves", "crane_safety", "crane_access")
    good = ("crane",)
    health = ("renames-rope", "drifting-stamps", "trusts-the-paper", "resumes-by-itself")
    product = Product(
        vendor="gatetwin",
        model="emulated container crane",
        hardware="none",
        firmware="1.0",
        serial="GATETWIN00000003",
    )
    pics_type = CranePics
    pixit_type = CranePixit
    bench_type = CraneBench
    rules = {  # noqa: RUF012 - never changed
        "ground": RoleRule(("twin", "manual")),
        "attendant": RoleRule(("twin", "manual")),
        "power": POWER,
        "operator": OPERATOR,
    }

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

    def beside(
        self, clock: Clock, trace: Trace, bench: EmulatedBench, port: int, pics: Pics, pixit: Pixit
    ) -> CraneSession:
        """See `Kit`."""
        from .emulation import EmulatedCrane

        assert isinstance(bench, EmulatedCrane)
        assert isinstance(pics, CranePics)
        assert isinstance(pixit, CranePixit)
        wire = _wire(Endpoint("127.0.0.1", port), pics, pixit, clock, trace)
        roles = CraneRoles(power=bench, ground=bench, attendant=bench)
        return CraneSession(clock, trace, wire, roles, pics, pixit)

    def bench_toml(self, where: Where, id: str, profile: str) -> str:
        """See `Kit`."""
        del profile
        return _BENCH.format(id=id, port=where.port, control=where.control, speed=where.speed)

    def bind(
        self,
        file: CraneBench,
        pics: CranePics,
        pixit: CranePixit,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        *,
        operator: Operator | None = None,
    ) -> CraneSession:
        """See `Kit`."""
        _need_asyncua()
        device = file.crane
        wire = _wire(
            Endpoint(device.host, device.port), pics, pixit, clock, trace, policy=device.policy,
            limit_s=device.limit_s * max(1.0, clock.speed),
        )  # fmt: skip
        binder = Binder(clock, trace, stack, CraneTwinHands, CraneManualHands, operator=operator)
        person = binder.operator(file.operator)

        def plays(role: RoleConfig | None) -> Any:
            if role is None:
                return None
            return binder.twin(role.url) if role.driver == "twin" else binder.manual()

        roles = CraneRoles(
            power=binder.power(file.power), operator=person, ground=plays(file.ground),
            attendant=plays(file.attendant),
        )  # fmt: skip
        session = CraneSession(clock, trace, wire, roles, pics, pixit)
        stack.callback(session.disconnect)
        return session

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


def _wire(
    endpoint: Endpoint, pics: CranePics, pixit: CranePixit, clock: Clock, trace: Trace, *,
    policy: Policy = "None", limit_s: float = 5.0,
) -> CraneWire:  # fmt: skip
    from .wire import CraneWire, Login

    return CraneWire(
        endpoint, profiles.load(pics.profile), pixit.crane,
        Login(pixit.user, pixit.password, policy), clock, trace, limit_s=limit_s,
    )  # fmt: skip


KIT = CraneKit()
