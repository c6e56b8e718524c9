"""A weighbridge's bench: which role is played by what, and how its drivers are made."""

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
    Device,
    RoleConfig,
    RoleRule,
    Unit,
)
from hil.drivers.instruments import ModbusInstrument
from hil.drivers.raw import Endpoint
from hil.errors import BenchError
from twin.clock import Clock
from twin.profiles.toledo import ToledoProfile
from twin.trace import Trace

from .emulation import load_profile
from .hands import WeighbridgeTwinHands, Weight
from .papers import WeighbridgePics
from .wire import ModbusScaleWire, ToledoWire


class ScaleDevice(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The device under test; the profile in pics.toml says by which wire."""

    driver: Literal["wire"]
    unit: Unit = 1
    """Modbus alone."""
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0


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
    "weights": RoleRule(
        HANDS,
        {"manual": ("set",)},
        "reference weights and who puts them on the platform",
    ),
    "thermometer": RoleRule(
        ("twin", "modbus", "manual"),
        {"modbus": ("host", "port", "address")},
        "ambient temperature; may be left out",
    ),
    "power": POWER,
    "operator": replace(OPERATOR, doc="somebody who reads the plate and looks at the seals"),
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


def play(
    role: str, config: WeightsRole | ThermometerRole, binder: Binder[WeighbridgeTwinHands, Any]
) -> Any:
    """Who plays a role: hands, or an instrument with registers."""
    if isinstance(config, ThermometerRole) and config.driver == "modbus":
        return RegisterThermometer(binder.instrument(role, config), config)
    return binder.hands(config)


def wire(
    at: ScaleDevice, pics: WeighbridgePics, clock: Clock, trace: Trace
) -> ToledoWire | ModbusScaleWire:
    """The wire that the profile of the PICS belongs to."""
    profile = load_profile(pics.profile)
    if profile.protocol != pics.protocol:
        raise BenchError(
            f"pics.toml: profile {pics.profile!r} is of {profile.protocol}, not of {pics.protocol}"
        )
    endpoint = Endpoint(at.host, at.port, at.unit)
    if isinstance(profile, ToledoProfile):
        return ToledoWire(endpoint, profile, clock, trace, limit_s=at.limit_s)
    return ModbusScaleWire(endpoint, profile, clock, trace, limit_s=at.limit_s)
