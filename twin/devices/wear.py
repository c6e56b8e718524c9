"""Wear: how far the parts of a device are through their rated life.

A part ages in its own unit: cycles of an arm, hours of a lamp, loadings of a scale, operations of
a relay. Its *share* is age over rated life: 0 new, 1 at the end that its maker rates it for, and
nothing sudden happens there. What wear does is a formula of the share in the device itself; on a
new device every such formula is too small to be seen.

Use adds up by itself. A device that is old today gets its age from the site file (`wear` of a
lane) or for a while from the fault `worn`, which adds a share to every part or to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.clock import NS, Clock
from twin.errors import GateTwinError, UnknownName

WORN = "worn"
"""The fault kind that ages parts while it lasts."""

ALL = "all"
"""Every part of the device."""

SHARE_MAX = 2.0
"""Twice its rated life is the most that a part can be set to."""

_HOUR_NS = 3600 * NS


@dataclass(frozen=True, slots=True)
class Part:
    """A part that wears: the unit that it ages in, its rated life in it, and whose figure it is."""

    unit: str
    rated: float
    source: str


class Wear:
    """The ages of the parts of one device. `faults` are those that are active on it."""

    def __init__(
        self,
        clock: Clock,
        parts: Mapping[str, Part],
        faults: Mapping[str, Mapping[str, float | str | bool]],
    ) -> None:
        self.parts = dict(parts)
        self._clock, self._faults = clock, faults
        self._begun = dict.fromkeys(parts, 0.0)
        self._used = dict.fromkeys(parts, 0.0)
        self._rate = dict.fromkeys(parts, 0.0)
        self._since_ns = dict.fromkeys(parts, clock.now_ns())

    def begin(self, share: float, part: str = ALL) -> None:
        """Say what a part had behind it when the run began, as a share of its rated life."""
        if not 0 <= share <= SHARE_MAX:
            raise GateTwinError(f"wear: a share of {share} is outside 0 to {SHARE_MAX}")
        if part != ALL and part not in self.parts:
            raise UnknownName("part that wears", part, (ALL, *self.parts))
        for name, spec in self.parts.items():
            if part in (ALL, name):
                self._begun[name] = share * spec.rated

    def use(self, part: str, amount: float = 1.0) -> None:
        """The part has been used by `amount` of its unit."""
        self._used[part] += amount

    def run(self, part: str, rate: float) -> None:
        """From now on the part ages by itself, `rate` hours an hour; 0 stops it."""
        self._used[part] += self._running(part)
        self._rate[part], self._since_ns[part] = rate, self._clock.now_ns()

    def age(self, part: str) -> float:
        """Everything that the part has behind it, in its unit."""
        return self.before(part) + self._used[part] + self._running(part)

    def before(self, part: str) -> float:
        """What of its age does not come from this run: the site's figure and the fault's."""
        fault = self._faults.get(WORN)
        added = 0.0
        if fault is not None and fault["part"] in (ALL, part):
            added = float(fault["share"]) * self.parts[part].rated
        return self._begun[part] + added

    def share(self, part: str) -> float:
        """Age over rated life: 0 new, 1 at the end of its rated life."""
        return self.age(part) / self.parts[part].rated

    def _running(self, part: str) -> float:
        elapsed_h = (self._clock.now_ns() - self._since_ns[part]) / _HOUR_NS
        return self._rate[part] * elapsed_h
