"""A barrier's bench: which role is played by what, and how its drivers are made."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec

from hil.bench import (
    HANDS,
    OPERATOR,
    POWER,
    Address,
    BenchFile,
    Binder,
    ModbusDevice,
    RoleConfig,
    RoleRule,
)

from .hands import BarrierTwinHands
from .instruments import FeedbackAngle, RegisterInclinometer, RelayStimulus
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
        ("twin", "modbus", "feedback"),
        {"modbus": ("host", "port", "address")},
        "the true angle of the arm",
    ),
    "stimulus": RoleRule(
        ("twin", "modbus", "manual"),
        {"modbus": ("host", "port", "coils")},
        "obstacles and inputs",
    ),
    "force_gauge": RoleRule(HANDS, doc="500 N/mm spring, 5 s record"),
    "power": POWER,
    "operator": replace(OPERATOR, doc="somebody who can be asked"),
}


def play(
    role: str, config: BarrierRole, binder: Binder[BarrierTwinHands, Any], wire: BarrierWire
) -> Any:
    """Who plays a role: hands, an instrument with registers, or the device's own position."""
    if config.driver in HANDS:
        return binder.hands(config)
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
