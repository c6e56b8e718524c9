"""A barrier's bench: which role is played by what, and how its drivers are made."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

import msgspec

from hil.bench import (
    OPERATOR,
    POWER,
    Address,
    BenchFile,
    Binder,
    ModbusDevice,
    RoleConfig,
    RoleRule,
)
from hil.drivers.raw import Endpoint
from hil.roles import Operator
from twin.clock import Clock
from twin.trace import Trace

from .emulation import load_profile
from .hands import BarrierManualHands, BarrierTwinHands
from .instruments import FeedbackAngle, RegisterInclinometer, RelayStimulus
from .papers import BarrierPics, BarrierPixit
from .session import BarrierRoles, BarrierSession
from .wire import BarrierWire


class BarrierRole(RoleConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role with an angle register, or with relays for the inputs."""

    table: Literal["holding", "input"] = "input"
    address: Address | None = None
    scale: float = 1.0
    offset_deg: float = 0.0
    uncertainty_deg: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.5
    coils: dict[Literal["safety", "emergency_stop"], Address] = msgspec.field(default_factory=dict)


class BarrierBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a barrier."""

    barrier: ModbusDevice
    inclinometer: BarrierRole | None = None
    stimulus: BarrierRole | None = None
    force_gauge: BarrierRole | None = None


RULES = {
    "inclinometer": RoleRule(
        ("twin", "modbus", "feedback"), {"modbus": ("host", "port", "address")}
    ),
    "stimulus": RoleRule(("twin", "modbus", "manual"), {"modbus": ("host", "port", "coils")}),
    "force_gauge": RoleRule(("twin", "manual")),
    "power": POWER,
    "operator": OPERATOR,
}


def bind(
    file: BarrierBench,
    pics: BarrierPics,
    pixit: BarrierPixit,
    clock: Clock,
    trace: Trace,
    stack: AsyncExitStack,
    *,
    operator: Operator | None = None,
) -> BarrierSession:
    """A session with the drivers of all roles; they are closed when `stack` is left."""
    endpoint = Endpoint(file.barrier.host, file.barrier.port, file.barrier.unit)
    profile = load_profile(pics.profile)
    wire = BarrierWire(endpoint, profile, clock, trace, limit_s=file.barrier.limit_s)
    stack.callback(wire.close)
    binder = Binder(clock, trace, stack, BarrierTwinHands, BarrierManualHands, operator=operator)
    person = binder.operator(file.operator)

    def played(role: str, config: BarrierRole | None) -> Any:
        if config is None:
            return None
        if config.driver == "twin":
            return binder.twin(config.url)
        if config.driver == "manual":
            return binder.manual()
        if config.driver == "feedback":
            return FeedbackAngle(wire)
        tool = binder.instrument(role, config)
        if role == "stimulus":
            return RelayStimulus(tool, config.coils, binder.manual())
        assert config.address is not None
        return RegisterInclinometer(
            tool,
            table=config.table,
            address=config.address,
            scale=config.scale,
            offset_deg=config.offset_deg,
            uncertainty_deg=config.uncertainty_deg,
        )

    roles = BarrierRoles(
        power=binder.power(file.power),
        operator=person,
        inclinometer=played("inclinometer", file.inclinometer),
        stimulus=played("stimulus", file.stimulus),
        force_gauge=played("force_gauge", file.force_gauge),
    )
    return BarrierSession(clock, trace, wire, roles, pics, pixit)
