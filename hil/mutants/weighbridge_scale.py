# ruff: noqa: D102 - overrides; each class says how it is broken
"""Weighbridges whose platform or terminal is broken: what they weigh, obey and forget."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace

from twin.clock import NS
from twin.devices.weighbridge import Reading, Weighbridge

LADEN_KG = 10_000.0
"""Above this a truck stands on it, not a set of small weights."""

# ---------------------------------------------------------------- the load


class _Bent(Weighbridge, ABC):
    """Adds an error of its own; `_changed_s` is since when the load is as heavy as it is."""

    _laden_ns = 0
    _unladen_ns = 0
    _highest_kg = 0.0
    _loadings = 0

    @abstractmethod
    def error_kg(self, t_ns: int) -> float: ...

    def _zero_error_kg(self, t_ns: int) -> float:
        return super()._zero_error_kg(t_ns) + self.error_kg(t_ns)

    def _load_changed(self) -> None:
        before_kg = self._load_kg
        super()._load_changed()
        now_ns = self.clock.now_ns()
        if before_kg <= LADEN_KG < self._load_kg:
            self._laden_ns = now_ns
            self._loadings += 1
        if self._load_kg <= LADEN_KG < before_kg:
            self._unladen_ns = now_ns
        self._highest_kg = max(self._highest_kg, self._load_kg) if self._load_kg else 0.0


class WrongSpan(_Bent):
    """Weighs 0.045 % too much: adjusted with a wrong weight."""

    def error_kg(self, t_ns: int) -> float:  # noqa: ARG002
        return 4.5e-4 * self._load_kg


class BindingEdge(_Bent):
    """The platform's edge rubs: falling loads weigh too much."""

    def error_kg(self, t_ns: int) -> float:  # noqa: ARG002
        return 4e-4 * (self._highest_kg - self._load_kg) if self._load_kg else 0.0


class Scatters(_Bent):
    """Rests on its bearings in another way each second time: ±0.03 %."""

    def error_kg(self, t_ns: int) -> float:  # noqa: ARG002
        return (3e-4 if self._loadings % 2 else -3e-4) * self._load_kg


class WeakCorner(_Bent):
    """One end's cells are weaker: 0.2 % from the middle to the end."""

    def error_kg(self, t_ns: int) -> float:  # noqa: ARG002
        return 2e-3 * self._off_middle_kg()


class Creeps(_Bent):
    """A load that stays grows by 0.03 %."""

    def error_kg(self, t_ns: int) -> float:
        if self._load_kg <= LADEN_KG:
            return 0.0
        return 3e-4 * self._load_kg * (1 - math.exp(-(t_ns - self._laden_ns) / NS / 600))


class ReturnsSlowly(_Bent):
    """After a load of ten minutes or more, 16 kg stay and fade within half an hour."""

    def error_kg(self, t_ns: int) -> float:
        stood_s = (self._unladen_ns - self._laden_ns) / NS
        if self._load_kg > LADEN_KG or stood_s < 600:
            return 0.0
        return 16 * math.exp(-(t_ns - self._unladen_ns) / NS / 900)


class EatsSmallLoads(_Bent):
    """Its zero tracking swallows a load of two divisions within four seconds."""

    def error_kg(self, t_ns: int) -> float:
        if not 30 < self._load_kg <= 45:
            return 0.0
        return -min(self._load_kg, 10 * (t_ns - self._since_ns) / NS)


# ---------------------------------------------------------------- the indication


class Sticks(Weighbridge):
    """Under a truck it shows the old weight until that has changed by more than two divisions."""

    _held_kg = 0

    def _reading(self, t_ns: int) -> Reading:
        reading = super()._reading(t_ns)
        changed_kg = abs(reading.gross_kg - self._held_kg)
        if changed_kg > 2 * self.parameters.division_kg or reading.gross_kg < LADEN_KG:
            self._held_kg = reading.gross_kg
        return replace(reading, gross_kg=self._held_kg)


class OddKilograms(Weighbridge):
    """Adds its three kilograms of dirt after rounding."""

    def _reading(self, t_ns: int) -> Reading:
        reading = super()._reading(t_ns)
        return replace(reading, gross_kg=reading.gross_kg + 3)


class NoOverload(Weighbridge):
    """Does not know where its range ends."""

    def _reading(self, t_ns: int) -> Reading:
        return replace(super()._reading(t_ns), overload=False)


class NoUnderload(Weighbridge):
    """Shows as valid what is far below zero."""

    def _reading(self, t_ns: int) -> Reading:
        return replace(super()._reading(t_ns), underload=False)


class LosesSign(Weighbridge):
    """Shows magnitudes only."""

    def _reading(self, t_ns: int) -> Reading:
        reading = super()._reading(t_ns)
        return replace(reading, gross_kg=abs(reading.gross_kg))


class LongMotion(Weighbridge):
    """Keeps its motion flag for four seconds after each heavy load."""

    def _reading(self, t_ns: int) -> Reading:
        reading = super()._reading(t_ns)
        late = self._load_kg > LADEN_KG and t_ns - self._since_ns < 4 * NS
        return replace(reading, motion=reading.motion or late)


class BlindToWheels(Weighbridge):
    """Looks only at how far the platform swings, not at wheels that shake it."""

    def _reading(self, t_ns: int) -> Reading:
        reading = super()._reading(t_ns)
        swings_kg = self._response(t_ns)[1]
        return replace(reading, motion=swings_kg > self.parameters.division_kg / 2)


class AlwaysAtZero(Weighbridge):
    """Signals zero whatever lies on it."""

    def _add_points(self) -> None:
        super()._add_points()
        self.add_point("at_zero", lambda: True)


# ---------------------------------------------------------------- zero and tare


class CoarseZero(Weighbridge):
    """Takes what it shows as zero, not what it weighs."""

    def _command_zero(self, value: bool | float, cause: int = -1) -> None:
        shown_kg, before_kg = self.read().gross_kg, self._zero_command_kg
        super()._command_zero(value, cause)
        if self._zero_command_kg != before_kg:
            self._zero_command_kg = before_kg + shown_kg


class ZerosInMotion(Weighbridge):
    """Takes whatever it shows as zero, settled or not."""

    def _command_zero(self, value: bool | float, cause: int = -1) -> None:
        if value and self.read().motion:
            self._zero_command_kg += self.read().gross_kg
        else:
            super()._command_zero(value, cause)


class TaresInMotion(Weighbridge):
    """Takes whatever it shows as tare, settled or not."""

    def _command_tare(self, value: bool | float, cause: int = -1) -> None:
        if value and self.read().motion:
            self._tare_kg = float(max(0, self.read().gross_kg))
        else:
            super()._command_tare(value, cause)


class RoundedTare(Weighbridge):
    """Takes its rounded indication as tare."""

    def _command_tare(self, value: bool | float, cause: int = -1) -> None:
        before_kg = self._tare_kg
        super()._command_tare(value, cause)
        if self._tare_kg != before_kg:
            self._tare_kg = float(self._rounded(self._tare_kg))


class NetIsLight(Weighbridge):
    """Loses 0.1 % of each net weight."""

    def _reading(self, t_ns: int) -> Reading:
        reading = super()._reading(t_ns)
        if not reading.tare_kg:
            return reading
        lost_kg = self._rounded(1e-3 * reading.net_kg)
        return replace(reading, net_rounding_kg=reading.net_rounding_kg - lost_kg)


class HidesTare(Weighbridge):
    """Does not say that a tare is in use."""

    def _add_points(self) -> None:
        super()._add_points()
        self.add_point("tare_kg", lambda: 0)


# ---------------------------------------------------------------- power


class ZeroesWhatLiesThere(Weighbridge):
    """Takes as zero whatever lies on it when power comes."""

    def _power_up(self, now: int) -> None:
        super()._power_up(now)
        self._zero_command_kg += self._load_kg + self._zero_error_kg(now)
        self._zero_lost = False


class HiddenTare(Weighbridge):
    """Remembers its tare over a power cut, but not that it has one."""

    def _power_up(self, now: int) -> None:
        tare_kg = self._tare_kg
        super()._power_up(now)
        self._zero_command_kg += tare_kg


class ColdStart(_Bent):
    """Weighs 2 % too little until its cells are warm, and says nothing."""

    _started_ns = -3600 * NS

    def error_kg(self, t_ns: int) -> float:
        return -0.02 * self._load_kg * math.exp(-(t_ns - self._started_ns) / NS / 2.0)

    def _power_up(self, now: int) -> None:
        self._started_ns = now
        super()._power_up(now)
