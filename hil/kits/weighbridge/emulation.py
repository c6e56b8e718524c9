"""An emulated weighbridge on a test bench: the twin's scale and its wire, and hands that load it.

It plays weights, thermometer, power and operator itself.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from hil.emulation import PoweredBench, Verb
from hil.errors import BenchError
from hil.roles import AnswerKind
from hil.variant import ModbusVariant
from twin import profiles
from twin.clock import Clock
from twin.devices.weighbridge import Weighbridge, WeighbridgeParameters
from twin.errors import UnknownName
from twin.profiles import Profile, toledo
from twin.profiles.toledo import ToledoProfile
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.wires.toledo import ToledoServer

from .deck import Deck
from .roles import Load

START_UP_S = 2.0
"""From power to the first answer of the emulated terminal (estimate)."""

WEIGHTS_UNCERTAINTY = 5e-5
"""Of the reference weights, as a share: the tolerance of class M1, OIML R 111-1."""

TEMPERATURE_C = 23.0

SCALE = WeighbridgeParameters(drift_kg=3.0)
"""On a bench under a roof the empty scale wanders less than in a lane (estimate)."""

PROFILES = ("modbus", "toledo", "toledo-check")
"""Wires of a weighbridge by short name; the last one sends a check character."""


@cache
def load_profile(name: str) -> Profile | ToledoProfile:
    """The wire of a weighbridge by its short name."""
    if name == "modbus":
        return profiles.load("weighbridge")
    if name == "toledo":
        return toledo.load("weighbridge")
    if name == "toledo-check":
        return msgspec.structs.replace(toledo.load("weighbridge"), name=name, checksum=True)
    raise UnknownName("profile of a weighbridge", name, PROFILES)


@dataclass(frozen=True)
class WeighbridgeVariant(ModbusVariant):
    """How an emulated weighbridge differs from the good one."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    scale: type[Weighbridge] = Weighbridge
    toledo: type[ToledoServer] = ToledoServer
    faults: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    start_up_s: float = START_UP_S
    plate: str = ""
    """What its plate says instead of the truth."""
    sealed: bool = True


class EmulatedWeighbridge(PoweredBench[WeighbridgeVariant, ModbusServer | ToledoServer]):
    """One weighbridge and everything that hands and instruments at a bench can do with it.

    Satisfies the roles weights, thermometer, power and operator.
    """

    timed = True

    def __init__(
        self,
        clock: Clock,
        profile: Profile | ToledoProfile,
        variant: WeighbridgeVariant | None = None,
        *,
        trace: Trace | None = None,
        seed: int = 0,
    ) -> None:
        self.variant = variant or WeighbridgeVariant()
        self.clock = clock
        self.trace = trace or Trace(clock)
        self.profile = msgspec.structs.replace(profile, **self.variant.profile)
        self.deck = Deck(clock, self.trace)
        span = self.deck.geometry
        self.scale = self.variant.scale(
            "bench.scale",
            clock,
            self.trace,
            random.Random(seed),
            self.deck,
            span.platform_from_m,
            span.platform_to_m,
            dataclasses.replace(SCALE, **self.variant.parameters),
        )
        self.server = self._server()
        for kind, values in self.variant.faults:
            self.scale.inject(kind, **values)
        self._rng = random.Random(seed)
        self._errors: dict[float, float] = {}

    def _server(self) -> ModbusServer | ToledoServer:
        if isinstance(self.profile, ToledoProfile):
            return self.variant.toledo(self.scale, self.profile, clock=self.clock, trace=self.trace)
        return self.variant.server(self.scale, self.profile, clock=self.clock, trace=self.trace)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `WeighbridgeTwinHands`."""
        return {
            "place": self._place,
            "drop": lambda body: self.drop(float(body["mass_kg"])),
            "roll": lambda body: self.roll(float(body["mass_kg"])),
            "load": self._load,
            "power": lambda body: self.switch(bool(body["on"])),
            "temperature": self._temperature,
            "ask": self._ask,
        }

    async def _place(self, body: dict[str, Any]) -> Any:
        mass_kg, at, extra_kg = (float(body[name]) for name in ("mass_kg", "at", "extra_kg"))
        return dataclasses.asdict(await self.place(mass_kg, at, extra_kg))

    async def _load(self, _: dict[str, Any]) -> Any:
        return {"load_kg": await self.load_kg()}

    async def _temperature(self, _: dict[str, Any]) -> Any:
        return {"temperature_c": await self.temperature_c()}

    async def _ask(self, body: dict[str, Any]) -> Any:
        return {"answer": await self.ask(str(body["question"]), body["kind"], 1.0)}

    # -- weights

    async def place(self, mass_kg: float, at: float, extra_kg: float) -> Load:
        """Weights of class M1: their mass is known to their tolerance, not better."""
        if not 0 <= mass_kg + extra_kg <= 2 * self.scale.parameters.capacity_kg:
            raise BenchError(f"weights: {mass_kg:g} kg cannot be put on this platform")
        if not 0 <= at < 1:
            raise BenchError(f"weights: place {at:g} is not on the platform, 0 to below 1")
        if mass_kg not in self._errors:
            self._errors[mass_kg] = self._rng.uniform(-0.5, 0.5) * WEIGHTS_UNCERTAINTY * mass_kg
        self.deck.put(mass_kg + self._errors[mass_kg] + extra_kg, at)
        return Load(mass_kg, extra_kg, WEIGHTS_UNCERTAINTY * (mass_kg + extra_kg))

    async def drop(self, mass_kg: float) -> None:
        """See `Weights`."""
        await self.place(mass_kg, 0.5, 0.0)

    async def roll(self, mass_kg: float) -> None:
        """See `Weights`."""
        self.deck.roll(mass_kg)

    async def load_kg(self) -> float | None:
        """See `Weights`."""
        return round(self.deck.load_kg, 3)

    # -- power, temperature, the person

    def power_fails(self) -> None:
        """See `PoweredBench`."""
        self.scale.inject("offline")
        self.server.inject("link_down")

    def is_up(self) -> None:
        """See `PoweredBench`."""
        self.scale.heal("offline")
        self.server.heal("link_down")

    async def temperature_c(self) -> float:
        """See `Thermometer`."""
        return TEMPERATURE_C

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:  # noqa: ARG002
        """See `Operator`: looks whether the plate and the seals are as asked."""
        if "seal" in question:
            return self.variant.sealed
        return (self.variant.plate or plate(self.scale.parameters)) in question


def plate(parameters: WeighbridgeParameters) -> str:
    """The descriptive markings of the good emulated scale."""
    p = parameters
    return plate_text("III", p.capacity_kg, 20 * p.division_kg, p.division_kg)


def plate_text(accuracy_class: str, max_kg: float, min_kg: float, e_kg: float) -> str:
    """How a plate is written down: class, Max, Min, e."""
    return f"class {accuracy_class}, Max {max_kg:g} kg, Min {min_kg:g} kg, e = {e_kg:g} kg"
