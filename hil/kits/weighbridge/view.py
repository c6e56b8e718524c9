"""What a judge of a weighbridge sees: what lay on the platform beside what the wire said.

Weights are kilograms. A *step* is one load that was put there under a name, with what was shown
while it lay there. Pure functions of records.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from hil.modbus_session import ModbusView
from hil.view import State

from .metrology import changeover_uncertainty_kg, error_kg, majority_kg, mpe_kg
from .papers import WeighbridgePics, WeighbridgePixit


class Step(NamedTuple):
    """A load on the platform, and what was read while it lay there."""

    name: str
    t_s: float
    mass_kg: float
    extra_kg: float
    uncertainty_kg: float
    at: float
    states: list[State]

    @property
    def settled(self) -> list[State]:
        """States that claim to be settled and valid."""
        return [state for state in self.states if is_valid(state)]

    @property
    def indication_kg(self) -> float | None:
        """What was shown most of the time; None without a settled state."""
        shown = [shown_kg(state) for state in self.settled]
        return majority_kg(shown) if shown else None


class Weighing(NamedTuple):
    """The error at one load, by additional weights."""

    name: str
    mass_kg: float
    at: float
    indication_kg: float
    error_kg: float
    uncertainty_kg: float


def is_valid(state: State) -> bool:
    """A settled weight within the range."""
    return not state.values.get("motion") and not state.values.get("out_of_range")


def shown_kg(state: State) -> float:
    """The weight that the wire showed: net while a tare is in use, else gross."""
    return float(state.values["shown_kg"])


class WeighbridgeView(ModbusView[WeighbridgePics, WeighbridgePixit]):
    """Reads one attempt of one case on a weighbridge."""

    kept = ("shown_kg", "net")

    @property
    def e_kg(self) -> float:
        """The declared verification scale interval."""
        return self.pics.e_kg

    def mpe_kg(self, mass_kg: float) -> float:
        """What is permitted at this load."""
        return mpe_kg(mass_kg, self.e_kg, self.pics.accuracy_class)

    @property
    def timed(self) -> bool:
        """Whether loads change at known instants."""
        return bool(self.info.get("timed_loads", False))

    @cached_property
    def truth(self) -> list[tuple[float, float]]:
        """Instants and true loads."""
        return [(r.t_s, float(r.payload["load_kg"])) for r in self.of("truth")]

    def load_at(self, t_s: float) -> float | None:
        """The true load that was seen first at or after `t_s`, else the last one."""
        after = next((load for seen_s, load in self.truth if seen_s >= t_s), None)
        return after if after is not None or not self.truth else self.truth[-1][1]

    def disturbed(self) -> str | None:
        """Whether a tare or a zero was taken that nobody ordered."""
        if not self.truth or not self.states:
            return None
        for state in self.states:
            if state.values.get("net"):
                return "a tare was taken"
            load_kg = self.load_at(state.t_s)
            if load_kg is not None and is_valid(state):
                away_kg = shown_kg(state) - load_kg
                if abs(away_kg) > 2 * self.e_kg:
                    return f"the weight is off by {away_kg:.0f} kg: its zero was moved"
        return ""

    @cached_property
    def steps(self) -> list[Step]:
        """All loads in order; by the order of the records, for an instant may hold several."""
        found: list[Step] = []
        for record in self.records:
            if record.kind == "load":
                p = record.payload
                masses = (p["mass_kg"], p["extra_kg"], p["uncertainty_kg"])
                found.append(Step(p["name"], record.t_s, *masses, p["at"], []))
            elif record.kind == "state" and found:
                found[-1].states.append(State(record.t_s, record.payload))
        return found

    def step(self, name: str) -> Step | None:
        """The last load under this name that has states."""
        found = [step for step in self.steps if step.name == name and step.states]
        return found[-1] if found else None

    def weighings(self, prefix: str = "") -> list[Weighing]:
        """The errors at all loads whose name begins with `prefix`, in order."""
        by_name: dict[str, list[Step]] = {}
        for step in self.steps:
            if step.name.startswith(prefix) and step.indication_kg is not None:
                by_name.setdefault(step.name, []).append(step)
        return [found for steps in by_name.values() if (found := self._weighing(steps))]

    def _weighing(self, steps: Sequence[Step]) -> Weighing | None:
        base = next((step for step in steps if step.extra_kg == 0), None)
        if base is None or base.indication_kg is None:
            return None
        shown = base.indication_kg
        higher = [s.extra_kg for s in steps if (s.indication_kg or 0.0) >= shown + self.e_kg / 2]
        lower = [s.extra_kg for s in steps if (s.indication_kg or 0.0) < shown + self.e_kg / 2]
        if not higher:
            return None
        extra_kg = (min(higher) + max(one for one in lower if one < min(higher))) / 2
        own_kg = changeover_uncertainty_kg(self.e_kg)
        return Weighing(
            base.name,
            base.mass_kg,
            base.at,
            shown,
            error_kg(shown, extra_kg, base.mass_kg, self.e_kg),
            float((own_kg**2 + base.uncertainty_kg**2) ** 0.5),
        )

    @property
    def temperature_c(self) -> float | None:
        """Ambient temperature during the case, where somebody measured it."""
        seen = self.of("temperature")
        return float(seen[-1].payload["temperature_c"]) if seen else None

    def unfit(self, weighings: Sequence[Weighing]) -> str:
        """Why nothing can be judged by these weighings; empty if it can."""
        low_c, high_c = self.pixit.temperature_c
        if self.temperature_c is not None and not low_c <= self.temperature_c <= high_c:
            return f"{self.temperature_c:.1f} °C is outside the declared {low_c:g} … {high_c:g} °C"
        for one in weighings:
            step = self.step(one.name)
            weights_kg = step.uncertainty_kg if step else 0.0
            if weights_kg > self.mpe_kg(one.mass_kg) / 3:
                return (
                    f"the weights are known to ±{weights_kg:g} kg at {one.mass_kg:g} kg; R 76-1, "
                    f"3.7.1, wants a third of the permissible {self.mpe_kg(one.mass_kg):g} kg"
                )
        return ""
