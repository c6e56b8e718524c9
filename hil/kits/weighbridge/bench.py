"""A weighbridge's bench: which role is played by what, and how its drivers are made."""

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
    Port,
    RoleConfig,
    RoleRule,
    Text,
    Unit,
)
from hil.drivers.instruments import ModbusInstrument
from hil.drivers.raw import Endpoint
from hil.errors import BenchError
from hil.roles import Operator
from twin.clock import Clock
from twin.profiles.toledo import ToledoProfile
from twin.trace import Trace

from .emulation import load_profile
from .hands import WeighbridgeManualHands, WeighbridgeTwinHands, Weight
from .papers import WeighbridgePics, WeighbridgePixit
from .session import ModbusWeighbridgeSession, WeighbridgeRoles, WeighbridgeSession
from .wire import ModbusScaleWire, ToledoWire


class ScaleDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The device under test: always its own wire; the profile in pics.toml says which."""

    driver: Literal["wire"]
    host: Text
    port: Port
    unit: Unit = 1
    """Modbus alone."""
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    """How long a single answer or frame may take before the wire counts as dead."""


class WeightsRole(RoleConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The weights; a person needs to be told which there are."""

    set: list[Weight] = msgspec.field(default_factory=list)


class ThermometerRole(RoleConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A thermometer with a register: degrees = register × scale + offset."""

    table: Literal["holding", "input"] = "input"
    address: Address | None = None
    scale: float = 0.1
    offset_c: float = 0.0


class WeighbridgeBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a weighbridge."""

    weighbridge: ScaleDevice
    weights: WeightsRole | None = None
    thermometer: ThermometerRole | None = None


RULES = {
    "weights": RoleRule(("twin", "manual"), {"manual": ("set",)}),
    "thermometer": RoleRule(("twin", "modbus", "manual"), {"modbus": ("host", "port", "address")}),
    "power": POWER,
    "operator": OPERATOR,
}


class RegisterThermometer:
    """A thermometer behind Modbus."""

    def __init__(self, instrument: ModbusInstrument, config: ThermometerRole) -> None:
        self._instrument, self._config = instrument, config

    async def temperature_c(self) -> float:
        """See `Thermometer`."""
        assert self._config.address is not None
        word = await self._instrument.read_register(self._config.table, self._config.address)
        return round(word * self._config.scale + self._config.offset_c, 3)


def session(
    endpoint: Endpoint,
    pics: WeighbridgePics,
    pixit: WeighbridgePixit,
    roles: WeighbridgeRoles,
    clock: Clock,
    trace: Trace,
    *,
    limit_s: float = 1.0,
) -> WeighbridgeSession:
    """A session on the wire that the profile of the PICS belongs to."""
    profile = load_profile(pics.profile)
    if profile.protocol != pics.protocol:
        raise BenchError(
            f"pics.toml: profile {pics.profile!r} is of {profile.protocol}, not of {pics.protocol}"
        )
    if isinstance(profile, ToledoProfile):
        toledo = ToledoWire(endpoint, profile, clock, trace, limit_s=limit_s)
        return WeighbridgeSession(clock, trace, toledo, roles, pics, pixit)
    wire = ModbusScaleWire(endpoint, profile, clock, trace, limit_s=limit_s)
    return ModbusWeighbridgeSession(clock, trace, wire, roles, pics, pixit)


def bind(
    file: WeighbridgeBench,
    pics: WeighbridgePics,
    pixit: WeighbridgePixit,
    clock: Clock,
    trace: Trace,
    stack: AsyncExitStack,
    *,
    operator: Operator | None = None,
) -> WeighbridgeSession:
    """A session with the drivers of all roles; they are closed when `stack` is left."""
    weights = file.weights.set if file.weights is not None else []

    def person(operator: Operator, clock: Clock) -> WeighbridgeManualHands:
        return WeighbridgeManualHands(operator, clock, weights)

    binder = Binder(clock, trace, stack, WeighbridgeTwinHands, person, operator=operator)
    asked = binder.operator(file.operator)

    def played(role: str, config: WeightsRole | ThermometerRole | None) -> Any:
        if config is None:
            return None
        if config.driver == "twin":
            return binder.twin(config.url)
        if isinstance(config, ThermometerRole) and config.driver == "modbus":
            return RegisterThermometer(binder.instrument(role, config), config)
        return binder.manual()

    roles = WeighbridgeRoles(
        power=binder.power(file.power),
        operator=asked,
        weights=played("weights", file.weights),
        thermometer=played("thermometer", file.thermometer),
    )
    device = file.weighbridge
    endpoint = Endpoint(device.host, device.port, device.unit)
    made = session(endpoint, pics, pixit, roles, clock, trace, limit_s=device.limit_s)
    stack.callback(made.disconnect)
    return made
