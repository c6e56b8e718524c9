"""Hands at a weighbridge: those of an emulated bench in another process, and those of a person.

A person puts named reference weights on the platform; which ones is worked out here, from the
set that the bench file lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands
from hil.errors import BenchError
from hil.roles import Operator
from twin.clock import Clock

from .roles import Load

CLASSES = {"M1": 5e-5, "M2": 1.6e-4, "M3": 5e-4}
"""Tolerance as a share of the mass, OIML R 111-1, for weights of 1 kg and more."""

NEAR = 0.02
"""A test load may differ by this share from what was asked for: what lies there is recorded."""


class WeighbridgeTwinHands(TwinHands):
    """Plays weights, thermometer, power and operator."""

    timed = True

    async def place(self, mass_kg: float, at: float, extra_kg: float) -> Load:
        """See `Weights`."""
        return Load(**await self.call("place", mass_kg=mass_kg, at=at, extra_kg=extra_kg))

    async def drop(self, mass_kg: float) -> None:
        """See `Weights`."""
        await self.call("drop", mass_kg=mass_kg)

    async def roll(self, mass_kg: float) -> None:
        """See `Weights`."""
        await self.call("roll", mass_kg=mass_kg)

    async def load_kg(self) -> float | None:
        """See `Weights`."""
        return float((await self.call("load"))["load_kg"])

    async def temperature_c(self) -> float:
        """See `Thermometer`."""
        return float((await self.call("temperature"))["temperature_c"])


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Reference weights of one kind, or a vehicle that was weighed before."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    mass_kg: Annotated[float, msgspec.Meta(gt=0, le=200_000)]
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    accuracy_class: Literal["M1", "M2", "M3", ""] = ""
    uncertainty_kg: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Expanded (k = 2), of one piece; needed where there is no class."""

    @property
    def known_to_kg(self) -> float:
        """Expanded uncertainty of one piece."""
        return self.uncertainty_kg or CLASSES[self.accuracy_class] * self.mass_kg


def choose(weights: Sequence[Weight], mass_kg: float) -> list[tuple[Weight, int]]:
    """Which of them, the largest first, make a mass that is nearest to `mass_kg` from below."""
    taken: list[tuple[Weight, int]] = []
    left_kg = mass_kg + 1e-6
    for weight in sorted(weights, key=lambda one: -one.mass_kg):
        number = min(weight.count, int(left_kg / weight.mass_kg))
        if number:
            taken.append((weight, number))
            left_kg -= number * weight.mass_kg
    return taken


class WeighbridgeManualHands(ManualHands):
    """Weights, thermometer and power by prompts."""

    device = "weighbridge"
    timed = False

    def __init__(self, operator: Operator, clock: Clock, weights: Sequence[Weight] = ()) -> None:
        super().__init__(operator, clock)
        self._set = list(weights)
        self._asked: tuple[float, float, float] | None = None
        self._lies: Load | None = None

    async def place(self, mass_kg: float, at: float, extra_kg: float) -> Load:
        """See `Weights`: names the weights; what lies there already is not asked for."""
        if self._asked == (mass_kg, at, extra_kg) and self._lies is not None:
            return self._lies
        test = self._chosen(mass_kg, NEAR * mass_kg)
        rest = [msgspec.structs.replace(w, count=w.count - n) for w, n in _left(self._set, test)
                if w.count > n]  # fmt: skip
        extra = self._chosen(extra_kg, 0.01 * extra_kg, rest)
        where = "at the entry" if at < 1 / 3 else "at the exit" if at > 2 / 3 else "in the middle"
        question = "Take everything off the platform. Is it empty?"
        if test or extra:
            question = f"Let only this lie {where} of the platform: {_listed([*test, *extra])}."
            question += " Does nobody touch it?"
        # Until the answer is there nobody knows what lies on the platform.
        self._asked, self._lies = None, None
        if not await self._operator.ask(question, "confirm", ACTION_LIMIT_S):
            raise BenchError(f"operator: could not do: {question}")
        known_kg = sum(weight.known_to_kg * number for weight, number in [*test, *extra])
        self._lies = Load(_mass_kg(test), _mass_kg(extra), known_kg)
        self._asked = (mass_kg, at, extra_kg)
        return self._lies

    def _chosen(
        self, mass_kg: float, tolerance_kg: float, among: Sequence[Weight] | None = None
    ) -> list[tuple[Weight, int]]:
        taken = choose(self._set if among is None else among, mass_kg)
        if mass_kg and abs(_mass_kg(taken) - mass_kg) > max(tolerance_kg, 1e-3):
            raise BenchError(
                f"weights: the set in bench.toml makes {_mass_kg(taken):g} kg at best, "
                f"{mass_kg:g} kg are needed; list more weights, or lower the load in pixit.toml"
            )
        return taken

    async def drop(self, mass_kg: float) -> None:
        """See `Weights`."""
        taken = self._chosen(mass_kg, NEAR * mass_kg)
        await self._begin(
            f"Hold this ready over, or before, the empty platform: {_listed(taken)}. When you have "
            "answered, let it down in one go, or let it drive on and stop. Ready?"
        )

    async def roll(self, mass_kg: float) -> None:
        """See `Weights`."""
        await self._begin(
            f"Let a truck of about {mass_kg:g} kg wait before the platform. When you have "
            "answered, let it drive over the whole platform at walking pace, without a stop. Ready?"
        )

    async def _begin(self, question: str) -> None:
        """Ask for what happens after the answer, so that nobody knows the load meanwhile."""
        self._asked, self._lies = None, None
        if not await self._operator.ask(question, "confirm", ACTION_LIMIT_S):
            raise BenchError(f"operator: could not do: {question}")

    async def load_kg(self) -> float | None:
        """See `Weights`: what was put there last."""
        return None if self._lies is None else self._lies.mass_kg + self._lies.extra_kg

    async def temperature_c(self) -> float:
        """See `Thermometer`."""
        question = "Ambient temperature at the scale, degrees Celsius?"
        return float(await self._operator.ask(question, "number", ACTION_LIMIT_S))


def _left(
    weights: Sequence[Weight], taken: Sequence[tuple[Weight, int]]
) -> list[tuple[Weight, int]]:
    used = {weight.name: number for weight, number in taken}
    return [(weight, used.get(weight.name, 0)) for weight in weights]


def _mass_kg(taken: Sequence[tuple[Weight, int]]) -> float:
    return sum(weight.mass_kg * number for weight, number in taken)


def _listed(taken: Sequence[tuple[Weight, int]]) -> str:
    return ", ".join(
        f"{number} × {weight.name} ({weight.mass_kg:g} kg, {weight.accuracy_class or 'no class'})"
        for weight, number in taken
    )
