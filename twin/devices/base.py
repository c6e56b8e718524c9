"""What every device has: an id, points, and a menu of faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from twin.clock import Clock
from twin.devices.wear import ALL, SHARE_MAX, WORN, Part, Wear
from twin.errors import GateTwinError, UnknownName
from twin.trace import Trace

Value = bool | int | float | str


class Writer(Protocol):
    """Writes a point; `cause` is the trace id of the frame or command behind it."""

    def __call__(self, value: bool | float, cause: int = -1, /) -> None:
        """Take `value`; what follows from it is traced with `cause`."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value that a device shows or takes; a profile maps it to a register or an element."""

    name: str
    read: Callable[[], Value]
    write: Writer | None = None
    unit: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a fault: default, unit and lawful range."""

    default: float | str | bool
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    doc: str = ""

    def check(self, place: str, value: Any) -> float | str | bool:
        """`value` in the type of the default and within the range, or a `FaultError`."""
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise FaultError(f"{place}: {value!r} is not true or false")
            return value
        if isinstance(self.default, str):
            if not isinstance(value, str) or (self.choices and value not in self.choices):
                known = ", ".join(self.choices) or "a text"
                raise FaultError(f"{place}: {value!r} is not one of: {known}")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FaultError(f"{place}: {value!r} is not a number ({self.unit or 'no unit'})")
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            unit = f" {self.unit}" if self.unit else ""
            least, most = ("any" if edge is None else f"{edge:g}" for edge in (low, high))
            raise FaultError(f"{place}: {value}{unit} is outside {least} to {most}{unit}")
        return float(value)


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One entry of a fault menu."""

    kind: str
    doc: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


class FaultError(GateTwinError):
    """A fault that cannot be injected as asked: names the device, the fault and the limit."""


class Faulty:
    """A fault menu and the faults that are active; devices, wires and the partner share it."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {}

    def __init__(self, id: str, trace: Trace) -> None:
        self.id = id
        self.trace = trace
        self.faults: dict[str, dict[str, float | str | bool]] = {}

    def inject(self, kind: str, **parameters: Any) -> int:
        """Begin fault `kind`; missing parameters take their defaults. Returns the trace id."""
        if kind not in self.FAULTS:
            raise UnknownName(f"fault of {self.id}", kind, self.FAULTS)
        menu = self.FAULTS[kind].parameters
        for name in parameters:
            if name not in menu:
                raise UnknownName(f"parameter of {self.id}: {kind}", name, menu)
        values = {
            name: spec.check(f"{self.id}: {kind}: {name}", parameters.get(name, spec.default))
            for name, spec in menu.items()
        }
        self.faults[kind] = values
        number = self.trace(self.id, "fault.begin", target=self.id, kind=kind, parameters=values)
        self._begun_or_ended(kind, number)
        return number

    def heal(self, kind: str) -> int:
        """End fault `kind`; healing what is not broken is no error."""
        if kind not in self.FAULTS:
            raise UnknownName(f"fault of {self.id}", kind, self.FAULTS)
        if self.faults.pop(kind, None) is None:
            return -1
        number = self.trace(self.id, "fault.end", target=self.id, kind=kind)
        self._begun_or_ended(kind, number)
        return number

    def _begun_or_ended(self, kind: str, cause: int) -> None:
        self._fault_changed(kind, cause)

    def _fault_changed(self, kind: str, cause: int) -> None:
        """Hook: fault `kind` has just begun or ended (see `self.faults`)."""


def worn_fault(parts: Mapping[str, Part]) -> FaultKind:
    """The fault that ages a device with these parts."""
    return FaultKind(
        WORN,
        "Parts have this share of their rated life behind them, besides their own use.",
        {
            "share": Parameter(1.0, "", 0.0, SHARE_MAX, doc="of the rated life"),
            "part": Parameter(ALL, choices=(ALL, *parts), doc="which part"),
        },
    )


class Device(Faulty):
    """Behaviour of one piece of equipment, without a protocol."""

    kind: ClassVar[str] = "device"
    PARTS: ClassVar[Mapping[str, Part]] = {}
    """What of it wears."""

    def __init__(self, id: str, clock: Clock, trace: Trace, rng: random.Random) -> None:
        super().__init__(id, trace)
        self.clock = clock
        self.rng = rng
        self.points: dict[str, Point] = {}
        self._listeners: list[Callable[[str], None]] = []
        self.wear = Wear(clock, self.PARTS, self.faults)

    def begin_worn(self, share: float, part: str = ALL) -> None:
        """Start the run with this share of the rated life behind a part, or behind all."""
        self.wear.begin(share, part)
        self._record_wear(part, -1)
        self._fault_changed(WORN, -1)

    def _begun_or_ended(self, kind: str, cause: int) -> None:
        if kind == WORN:
            part = self.faults.get(WORN, {}).get("part", ALL)
            self._record_wear(str(part), cause)
        super()._begun_or_ended(kind, cause)

    def _record_wear(self, part: str, cause: int) -> None:
        for name, spec in self.PARTS.items():
            if part in (ALL, name):
                self.trace(
                    self.id,
                    "device.wear",
                    cause,
                    part=name,
                    age=round(self.wear.age(name), 3),
                    unit=spec.unit,
                    share=round(self.wear.share(name), 6),
                )

    def add_point(
        self,
        name: str,
        read: Callable[[], Value],
        write: Writer | None = None,
        *,
        unit: str = "",
        doc: str = "",
    ) -> None:
        """Offer a point to the wires."""
        self.points[name] = Point(name, read, write, unit, doc)

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call `callback(what)` whenever the device has something to tell by itself."""
        self._listeners.append(callback)

    def changed(self, what: str) -> None:
        """Tell the listeners that `what` has changed."""
        for callback in self._listeners:
            callback(what)
