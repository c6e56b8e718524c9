"""bench.toml: which role of the bench is played by what. Read strictly; limits never stand here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Generic, Literal, Protocol, TypeVar

import msgspec

from twin import strict_toml
from twin.clock import Clock
from twin.errors import ConfigError
from twin.trace import Trace

from .drivers.instruments import ModbusInstrument, RelayPower
from .drivers.manual import ManualHands, TerminalOperator
from .drivers.twin import TwinHands
from .roles import Operator, Power

B = TypeVar("B", bound="BenchFile")
H = TypeVar("H", bound=TwinHands)
M = TypeVar("M", bound=ManualHands)

Text = Annotated[str, msgspec.Meta(min_length=1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Unit = Annotated[int, msgspec.Meta(ge=0, le=255)]
Address = Annotated[int, msgspec.Meta(ge=0, le=65535)]

HERE = "127.0.0.1"
"""This computer, where every emulated device is."""


class BenchHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names of the bench; `id` is what the lock is on."""

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")]
    site: Text
    lane: str = ""
    speed: Annotated[float, msgspec.Meta(gt=0, le=100)] = 1.0
    """Times real time; above 1 only where every role is played by an emulator of that speed."""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table of the device under test: always its own wire. A kit says by which driver."""

    driver: str
    host: Text
    port: Port
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    """How long a single answer may take before the wire counts as dead."""

    def patience_s(self, clock: Clock) -> float:
        """`limit_s` on the run's clock; where that is fast, as long on the wall clock."""
        return self.limit_s * max(1.0, clock.speed)


class ModbusDevice(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test behind Modbus TCP."""

    driver: Literal["modbus"]
    unit: Unit = 1
    limit_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0


class RoleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One role; which keys are needed depends on the driver. A kit adds keys of its own."""

    driver: Literal["twin", "manual", "modbus", "feedback"]
    url: str = ""
    host: str = ""
    port: Port | None = None
    unit: Unit = 1
    coil: Address | None = None
    on_closed: bool = True
    """Relay power: a closed relay means mains on."""


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A calibrated instrument, for the report; one that is overdue refuses the run."""

    id: Text
    kind: Text
    uncertainty: Text
    calibrated_on: dt.date
    due_on: dt.date
    certificate: Text


class BenchFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every bench.toml has; a kit adds its device under test and its roles."""

    bench: BenchHead
    power: RoleConfig | None = None
    operator: RoleConfig | None = None
    instrument: list[Instrument] = []


class Played(Protocol):
    """The table of a role that hands may play."""

    @property
    def driver(self) -> str:
        """By whom it is played."""

    @property
    def url(self) -> str:
        """The bench control of driver `twin`."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Which drivers may play a role, and which keys each of them needs."""

    drivers: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doc: str = ""
    """Who that is; a comment in the bench file that a kit begins with."""


HANDS = ("twin", "manual")
"""Drivers of a role that only hands can play."""
POWER = RoleRule(("twin", "modbus", "manual"), {"modbus": ("host", "port", "coil")})
OPERATOR = RoleRule(HANDS)


def load(
    path: Path,
    device: str,
    kind: type[B],
    rules: Mapping[str, RoleRule],
    *,
    today: dt.date | None = None,
) -> B:
    """Read and check bench.toml; `today` (default: now) is held against calibration dates."""
    if not path.is_file():
        raise ConfigError(
            path, None, "", f"there is no bench file; `gatetwin certify init {device}` writes one"
        )
    file = strict_toml.load(path, kind)
    lines = strict_toml.LineIndex(path.read_text(encoding="utf-8"))

    def wrong(key: str, message: str) -> ConfigError:
        return ConfigError(path, lines.find(key), key, message)

    bound = {role: getattr(file, role) for role in rules if getattr(file, role) is not None}
    for role, config in bound.items():
        rule = rules[role]
        if config.driver not in rule.drivers:
            raise wrong(
                f"{role}.driver",
                f"{config.driver!r} cannot play {role}; drivers: {', '.join(rule.drivers)}",
            )
        needed = ("url",) if config.driver == "twin" else rule.needs.get(config.driver, ())
        for name in needed:
            if getattr(config, name) in (None, "", {}, []):
                raise wrong(role, f"driver {config.driver!r} needs the key {name!r}")
    if file.bench.speed != 1.0 and any(config.driver != "twin" for config in bound.values()):
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


class Binder(Generic[H, M]):
    """Makes the drivers of one bench; each is closed when its stack is left.

    `hands` makes the client of an emulated bench's hands, `manual` the hands of a person.
    """

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        stack: AsyncExitStack,
        hands: Callable[[str, Clock], H],
        manual: Callable[[Operator, Clock], M],
        *,
        operator: Operator | None = None,
    ) -> None:
        self._clock, self._trace, self._stack = clock, trace, stack
        self._hands, self._made = hands, dict[str, H]()
        self._person = operator
        self._manual, self._manual_made = manual, list[M]()

    def twin(self, url: str) -> H:
        """The hands of the emulated bench at `url`; one client for all its roles."""
        if url not in self._made:
            self._made[url] = self._hands(url, self._clock)
            self._stack.push_async_callback(self._made[url].close)
        return self._made[url]

    def operator(self, config: RoleConfig | None) -> Operator | None:
        """Who answers prompts; None if the bench has nobody."""
        if self._person is None and config is not None:
            if config.driver == "manual":
                self._person = TerminalOperator(self._trace)
            else:
                self._person = self.twin(config.url)
        return self._person

    def manual(self) -> M:
        """A person's hands; asks the bench's operator, or on the terminal."""
        if not self._manual_made:
            person = self._person or TerminalOperator(self._trace)
            self._manual_made.append(self._manual(person, self._clock))
        return self._manual_made[0]

    def hands(self, config: Played) -> H | M:
        """The hands that play a role: those of an emulated bench, or a person's."""
        return self.twin(config.url) if config.driver == "twin" else self.manual()

    def instrument(self, role: str, config: RoleConfig) -> ModbusInstrument:
        """A Modbus connection for one instrument."""
        assert config.port is not None
        found = ModbusInstrument(role, config.host, config.port, config.unit)
        self._stack.push_async_callback(found.close)
        return found

    def power(self, config: RoleConfig | None) -> Power | None:
        """The driver of the role power."""
        if config is None:
            return None
        if config.driver in HANDS:
            return self.hands(config)
        assert config.coil is not None
        return RelayPower(self.instrument("power", config), config.coil, on_closed=config.on_closed)
