"""bench.toml: which role of the bench is played by what. Read strictly; limits never stand here."""

from __future__ import annotations

import datetime as dt
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from twin import strict_toml
from twin.clock import Clock
from twin.errors import ConfigError
from twin.trace import Trace

from .drivers.base import Operator
from .drivers.instruments import (
    FeedbackAngle,
    ModbusInstrument,
    RegisterInclinometer,
    RelayPower,
    RelayStimulus,
)
from .drivers.manual import ManualHands, TerminalOperator
from .drivers.modbus import BarrierWire, Endpoint
from .drivers.twin import TwinHands
from .emulation import load_profile
from .pics import BarrierPics
from .session import Roles

Text = Annotated[str, msgspec.Meta(min_length=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Unit = Annotated[int, msgspec.Meta(ge=0, le=255)]
Address = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class BenchHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names of the bench; `id` is what the lock is on."""

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    site: Text
    lane: str = ""
    speed: Annotated[float, msgspec.Meta(gt=0, le=100)] = 1.0
    """Times real time; above 1 only where every role is played by an emulator of that speed."""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The device under test: always its own wire."""

    driver: Literal["modbus"]
    host: Text
    port: Port
    unit: Unit = 1
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    """How long a single answer may take before the wire counts as dead."""


class RoleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One role; which keys are needed depends on the driver."""

    driver: Literal["twin", "manual", "modbus", "feedback"]
    url: str = ""
    host: str = ""
    port: Port | None = None
    unit: Unit = 1
    table: Literal["holding", "input"] = "input"
    address: Address | None = None
    scale: float = 1.0
    offset_deg: float = 0.0
    uncertainty_deg: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.5
    coil: Address | None = None
    on_closed: bool = True
    """Relay power: a closed relay means mains on."""
    coils: dict[Literal["safety", "emergency_stop"], Address] = {}


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A calibrated instrument, for the report; one that is overdue refuses the run."""

    id: Text
    kind: Text
    uncertainty: Text
    calibrated_on: dt.date
    due_on: dt.date
    certificate: Text


class BenchFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml."""

    bench: BenchHead
    barrier: Device
    inclinometer: RoleConfig | None = None
    stimulus: RoleConfig | None = None
    force_gauge: RoleConfig | None = None
    power: RoleConfig | None = None
    operator: RoleConfig | None = None
    instrument: list[Instrument] = []


_NEEDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("inclinometer", "modbus"): ("host", "port", "address"),
    ("stimulus", "modbus"): ("host", "port", "coils"),
    ("power", "modbus"): ("host", "port", "coil"),
}
_DRIVERS = {
    "inclinometer": ("twin", "modbus", "feedback"),
    "stimulus": ("twin", "modbus", "manual"),
    "force_gauge": ("twin", "manual"),
    "power": ("twin", "modbus", "manual"),
    "operator": ("twin", "manual"),
}


def load(path: Path, *, today: dt.date | None = None) -> BenchFile:
    """Read and check bench.toml; `today` (default: now) is held against calibration dates."""
    if not path.is_file():
        raise ConfigError(
            path, None, "", "there is no bench file; `gatetwin certify init barrier` writes one"
        )
    file = strict_toml.load(path, BenchFile)
    lines = strict_toml.LineIndex(path.read_text(encoding="utf-8"))

    def wrong(key: str, message: str) -> ConfigError:
        return ConfigError(path, lines.find(key), key, message)

    for role, allowed in _DRIVERS.items():
        config: RoleConfig | None = getattr(file, role)
        if config is None:
            continue
        if config.driver not in allowed:
            raise wrong(
                f"{role}.driver",
                f"{config.driver!r} cannot play {role}; drivers: {', '.join(allowed)}",
            )
        needed = ("url",) if config.driver == "twin" else _NEEDS.get((role, config.driver), ())
        for name in needed:
            if getattr(config, name) in (None, "", {}):
                raise wrong(role, f"driver {config.driver!r} needs the key {name!r}")
    emulated = [role for role in _DRIVERS if _driver(file, role) == "twin"]
    if file.bench.speed != 1.0 and len(emulated) != sum(1 for r in _DRIVERS if _driver(file, r)):
        raise wrong(
            "bench.speed",
            f"{file.bench.speed} is possible only where every role is "
            "played by driver 'twin': hardware and people live in real time",
        )
    date = today or dt.datetime.now(dt.UTC).date()
    for index, item in enumerate(file.instrument):
        if item.due_on < date:
            raise wrong(
                f"instrument.{index}.due_on",
                f"calibration of {item.id} was due on "
                f"{item.due_on}; calibrate it, or take another instrument",
            )
    return file


def _driver(file: BenchFile, role: str) -> str:
    config: RoleConfig | None = getattr(file, role)
    return config.driver if config is not None else ""


async def bind(
    file: BenchFile,
    pics: BarrierPics,
    clock: Clock,
    trace: Trace,
    stack: AsyncExitStack,
    *,
    operator: Operator | None = None,
) -> Roles:
    """The drivers of all roles; they are closed when `stack` is left."""
    endpoint = Endpoint(file.barrier.host, file.barrier.port, file.barrier.unit)
    wire = BarrierWire(
        endpoint, load_profile(pics.profile), clock, trace, limit_s=file.barrier.limit_s
    )
    stack.callback(wire.close)
    hands: dict[str, TwinHands] = {}

    def twin(config: RoleConfig) -> TwinHands:
        if config.url not in hands:
            hands[config.url] = TwinHands(config.url, clock)
            stack.push_async_callback(hands[config.url].close)
        return hands[config.url]

    def instrument(role: str, config: RoleConfig) -> ModbusInstrument:
        assert config.port is not None
        found = ModbusInstrument(role, config.host, config.port, config.unit)
        stack.push_async_callback(found.close)
        return found

    person: Operator | None = operator
    if person is None and file.operator is not None:
        by_hand = file.operator.driver == "manual"
        person = TerminalOperator(trace) if by_hand else twin(file.operator)
    manual = ManualHands(person or TerminalOperator(trace), clock)

    def played(role: str) -> Any:
        config: RoleConfig | None = getattr(file, role)
        if config is None:
            return None
        if config.driver == "twin":
            return twin(config)
        if config.driver == "manual":
            return manual
        if role == "inclinometer" and config.driver == "feedback":
            return FeedbackAngle(wire)
        tool = instrument(role, config)
        if role == "power":
            assert config.coil is not None
            return RelayPower(tool, config.coil, on_closed=config.on_closed)
        if role == "stimulus":
            return RelayStimulus(tool, config.coils, manual)
        assert config.address is not None
        return RegisterInclinometer(
            tool,
            table=config.table,
            address=config.address,
            scale=config.scale,
            offset_deg=config.offset_deg,
            uncertainty_deg=config.uncertainty_deg,
        )

    return Roles(
        wire,
        played("inclinometer"),
        played("stimulus"),
        played("force_gauge"),
        played("power"),
        person,
    )
