"""What a carrier lives on: its battery, charged, swapped, used by every move, and wearing."""

from __future__ import annotations

from twin.clock import NS, Clock
from twin.physics import EnergyParameters, Motion
from twin.trace import Trace

WEAR_PER_KWH = 0.2 / (3000 * 282.0)
"""Capacity lost per kWh taken: 20 % over 3,000 full cycles of a lithium iron phosphate battery of
282 kWh (estimate)."""


class OnBattery:
    """The battery's side of a body; its motion tells what was used."""

    id: str
    clock: Clock
    trace: Trace
    energy: EnergyParameters
    charging: bool
    health: float
    throughput_kwh: float
    _motion: Motion | None
    _begin_ns: int
    _charge: float
    _charge_ns: int

    def _elapsed_s(self) -> float:
        """Seconds since the present move began."""
        return (self.clock.now_ns() - self._begin_ns) / NS

    @property
    def charge(self) -> float:
        """State of charge now, 0 to 1."""
        used, gained = self._since_counted()
        if self.charging:
            return gained
        return max(0.0, self._charge - used / (self.energy.capacity_kwh * self.health))

    @property
    def power_kw(self) -> float:
        """Power into the battery now; negative while it is used, averaged over the last move."""
        if self.charging:
            return self.energy.charging_kw(self.charge)
        elapsed_s = (self.clock.now_ns() - self._charge_ns) / NS
        if elapsed_s <= 0:
            return -self.energy.base_kw
        return -self._since_counted()[0] * 3600 / elapsed_s

    def plug(self, on: bool, *, cause: int = -1) -> None:
        """Begin or end charging."""
        self._count_energy()
        self.charging = on
        self.trace(self.id, "igv.charging", cause, on=on, charge=round(self._charge, 5))

    def swap_battery(self, charge: float = 1.0, *, cause: int = -1) -> None:
        """Another battery, as new."""
        self._count_energy()
        self._charge, self.health = charge, 1.0
        self.trace(self.id, "igv.swapped", cause, charge=charge)

    def drain(self, charge: float = 0.0) -> None:
        """The battery has this much left, whatever it had."""
        self._count_energy()
        self._charge = charge

    def _since_counted(self) -> tuple[float, float]:
        """Energy used since the last count, kWh, and what charging has made of the charge."""
        elapsed_s = (self.clock.now_ns() - self._charge_ns) / NS
        if self.charging:
            return 0.0, self.energy.charged(self._charge, elapsed_s)
        if self._motion is not None:
            now_s = self._elapsed_s()
            then_s = now_s - elapsed_s
            used = self._motion.energy_kwh(now_s)
            return used - self._motion.energy_kwh(then_s) if then_s > 0.0 else used, 0.0
        return self.energy.consumed_kwh(0.0, elapsed_s), 0.0

    def _count_energy(self) -> None:
        used, _ = self._since_counted()
        charge = self.charge
        self.throughput_kwh += used
        self.health = max(0.5, self.health - used * WEAR_PER_KWH)
        self._charge, self._charge_ns = charge, self.clock.now_ns()
