"""What driving costs and what a charger or a battery swap gives back, as plain functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.physics.parameters import PhysicsError

J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class EnergyParameters:
    """A vehicle's battery and what empties and fills it.

    - ``capacity_kwh`` 282: BYD cabless port tractor.
    - ``loaded_kwh_km`` 1.9 at ``loaded_at_kg`` of load, ``empty_kwh_km`` 1.2: the BYD tractor's
      282 kWh over 150 to 200 km gives 1.4 to 1.9; the rest is proposed. Between, the load decides.
    - ``base_kw`` 3: computers, sensors, cooling; also at standstill (proposed).
    - ``efficiency`` from battery to wheel 0.85 (*estimate*), for the physics form.
    - ``regeneration`` share of braking work that returns to the battery. No source gives one for
      such vehicles, and the kWh/km above are measured over whole days, so it is 0.
    - ``charge_kw`` 180 (proposed; 1.5 to 2 h for a full charge), constant up to ``taper_from``
      and falling in a straight line to ``taper_kw`` at full (*estimate*).
    - ``swap_s`` 6 min: Yangshan IV (at most 6 min).
    - ``low``, ``critical``: shares of the capacity, 20 % and 10 % (proposed).
    """

    capacity_kwh: float = 282.0
    loaded_kwh_km: float = 1.9
    empty_kwh_km: float = 1.2
    loaded_at_kg: float = 70_000.0
    base_kw: float = 3.0
    efficiency: float = 0.85
    regeneration: float = 0.0
    charge_kw: float = 180.0
    taper_from: float = 0.8
    taper_kw: float = 60.0
    swap_s: float = 360.0
    low: float = 0.20
    critical: float = 0.10

    def __post_init__(self) -> None:
        positive = ("capacity_kwh", "loaded_kwh_km", "empty_kwh_km", "loaded_at_kg", "charge_kw")
        for name in (*positive, "taper_kw", "efficiency", "swap_s"):
            if not getattr(self, name) > 0:
                raise PhysicsError(
                    f"energy parameter {name} is {getattr(self, name)}; it must be above 0"
                )
        for name in ("regeneration", "taper_from", "low", "critical", "efficiency"):
            if not 0 <= getattr(self, name) <= 1:
                raise PhysicsError(
                    f"energy parameter {name} is {getattr(self, name)}; allowed: 0 to 1"
                )
        if self.taper_kw > self.charge_kw:
            raise PhysicsError(
                f"energy parameter taper_kw is {self.taper_kw}; at most charge_kw {self.charge_kw}"
            )

    def per_km_kwh(self, load_kg: float) -> float:
        """Driving energy per kilometre with a load."""
        share = load_kg / self.loaded_at_kg
        return self.empty_kwh_km + (self.loaded_kwh_km - self.empty_kwh_km) * share

    def consumed_kwh(self, distance_m: float, time_s: float, load_kg: float = 0.0) -> float:
        """What driving `distance_m` (or standing, 0 m) for `time_s` takes from the battery."""
        return self.per_km_kwh(load_kg) * distance_m / 1000 + self.base_kw * time_s / 3600

    def range_km(self, charge: float, speed_m_s: float, load_kg: float = 0.0) -> float:
        """How far a charge (share of the capacity) goes at one speed."""
        per_km = self.consumed_kwh(1000.0, 1000.0 / speed_m_s, load_kg)
        return charge * self.capacity_kwh / per_km

    def charging_kw(self, charge: float) -> float:
        """Power into the battery at a state of charge (0 to 1); 0 when full."""
        if charge >= 1.0:
            return 0.0
        if charge <= self.taper_from:
            return self.charge_kw
        share = (charge - self.taper_from) / (1 - self.taper_from)
        return self.charge_kw + (self.taper_kw - self.charge_kw) * share

    def charged(self, charge: float, time_s: float) -> float:
        """State of charge (0 to 1) after charging for `time_s` from `charge`."""
        full_s = self._flat_s(charge)
        if time_s <= full_s:
            return charge + self.charge_kw * time_s / 3600 / self.capacity_kwh
        charge = max(charge, self.taper_from)
        return min(1.0, self._after_taper(charge, time_s - full_s))

    def charging_s(self, charge: float, target: float) -> float:
        """Time from one state of charge to a higher one; 0 if it is there already."""
        target = min(target, 1.0)
        if target <= charge:
            return 0.0
        flat_s = max(0.0, min(target, self.taper_from) - charge) * self._s_per_share
        begin = max(charge, self.taper_from)
        if target <= begin:
            return flat_s
        if self.taper_kw == self.charge_kw:
            return flat_s + (target - begin) * self._s_per_share
        slope = self._slope_kw
        ratio = self._kw(target) / self._kw(begin)
        return flat_s + 3600 * self.capacity_kwh * math.log(ratio) / slope

    @property
    def _s_per_share(self) -> float:
        return 3600 * self.capacity_kwh / self.charge_kw

    @property
    def _slope_kw(self) -> float:
        """Change of power over the whole taper, per share of charge (negative)."""
        return (self.taper_kw - self.charge_kw) / (1 - self.taper_from)

    def _kw(self, charge: float) -> float:
        return self.charge_kw + self._slope_kw * (charge - self.taper_from)

    def _flat_s(self, charge: float) -> float:
        return max(0.0, self.taper_from - charge) * self._s_per_share

    def _after_taper(self, charge: float, time_s: float) -> float:
        """dc/dt is linear in c on the taper, so c is an exponential of time."""
        if self.taper_kw == self.charge_kw or self.taper_from == 1.0:
            return charge + time_s / self._s_per_share
        rate = self._slope_kw / (3600 * self.capacity_kwh)
        power = self._kw(charge) * math.exp(rate * time_s)
        return self.taper_from + (power - self.charge_kw) / self._slope_kw


IGV_ENERGY = EnergyParameters()
"""The defaults."""
