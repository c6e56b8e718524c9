"""What is inside a refrigerated container: air that warms without power and is cooled with it.

First order, in closed form between changes: without power the air drifts towards the ambient with
`leak_s`, with power the unit pulls it to its set point with `pull_s`. The unit belongs to the box,
so it is on trucks and vehicles too, mostly without power.

`leak_s` of 12 h warms frozen air (-18 °C) by 4 K in the first hour at 30 °C; the cargo itself is
far slower. Both are *estimates* for a full 40 ft box that leaks about 45 W/K (ISO 1496-2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from twin.clock import NS, Clock
from twin.world.yard import Box


@dataclass(frozen=True, slots=True)
class ReeferParameters:
    """Of one unit; *estimates* where the module names no source."""

    leak_s: float = 12 * 3600.0
    pull_s: float = 40 * 60.0
    return_offset_k: float = 0.4
    """Return air is this much warmer than the supply in steady cooling."""
    deviation_limit_k: float = 3.0
    """Beyond this the cargo is in excursion (2 to 3 K are usual limits)."""
    excursion_limit_s: float = 30 * 60.0


class ReeferUnit:
    """One box's unit: plug, power, set point, temperatures, and how long it was too warm."""

    def __init__(
        self, box: Box, clock: Clock, setpoint_c: float, ambient_c: float,
        parameters: ReeferParameters | None = None, *, unpowered_s: float = 0.0,
    ) -> None:  # fmt: skip
        """`unpowered_s`: it has had no power for so long already, from a steady state."""
        self.box, self._clock = box, clock
        self.parameters = parameters or ReeferParameters()
        self.setpoint_c, self.ambient_c = setpoint_c, ambient_c
        self.plugged, self.mains, self.broken = False, True, False
        self._from_c = setpoint_c + self.parameters.return_offset_k
        self._since_ns = clock.env.now - round(unpowered_s * NS)
        self._excursion_ns = 0
        self._watchers: list[Callable[[str], None]] = []

    @property
    def powered(self) -> bool:
        """Whether the unit gets power and works."""
        return self.plugged and self.mains

    @property
    def cooling(self) -> bool:
        """Whether it cools."""
        return self.powered and not self.broken

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call `callback(what)` at every change of plug, power or set point."""
        self._watchers.append(callback)

    def change(self, what: str, value: bool | float) -> None:
        """Set `plugged`, `mains`, `broken`, `setpoint_c` or `ambient_c` from now on."""
        if getattr(self, what) == value:
            return
        now = self._clock.env.now
        self._excursion_ns = round(self.excursion_s() * NS)
        self._from_c = self.return_c()
        self._since_ns = now
        setattr(self, what, value)
        for watcher in self._watchers:
            watcher(what)

    # --- temperatures -----------------------------------------------------------------------

    def _target(self) -> tuple[float, float]:
        p = self.parameters
        if self.cooling:
            return self.setpoint_c + p.return_offset_k, p.pull_s
        return self.ambient_c, p.leak_s

    def return_c(self) -> float:
        """Return air now: what comes back from the cargo."""
        goal_c, time_s = self._target()
        elapsed_s = (self._clock.env.now - self._since_ns) / NS
        return goal_c + (self._from_c - goal_c) * math.exp(-elapsed_s / time_s)

    def supply_c(self) -> float:
        """Supply air now: what the unit blows in; without cooling it is the return air."""
        if not self.cooling:
            return self.return_c()
        # the unit cools as hard as the return air is warm, down to its set point
        return max(self.setpoint_c, self.return_c() - 8.0)

    def seconds_until(self, limit_c: float) -> float:
        """When the return air passes `limit_c` if nothing changes; infinite if it never does."""
        goal_c, time_s = self._target()
        here = self.return_c()
        if (goal_c - limit_c) * (here - limit_c) >= 0:
            return 0.0 if here == limit_c else math.inf
        return time_s * math.log((here - goal_c) / (limit_c - goal_c))

    @property
    def limit_c(self) -> float:
        """Warmest return air without excursion."""
        return self.setpoint_c + self.parameters.deviation_limit_k

    def excursion_s(self) -> float:
        """Seconds in all that the return air was too warm."""
        elapsed_s = (self._clock.env.now - self._since_ns) / NS
        goal_c, time_s = self._target()
        before_s = self._excursion_ns / NS
        warm_then, warm_now = self._from_c > self.limit_c, self.return_c() > self.limit_c
        if warm_then == warm_now:
            return before_s + (elapsed_s if warm_now else 0.0)
        crossing_s = time_s * math.log((self._from_c - goal_c) / (self.limit_c - goal_c))
        return before_s + (crossing_s if warm_then else elapsed_s - crossing_s)

    def margin_s(self) -> float:
        """Seconds until the excursion is over its limit if nothing changes: who is urgent."""
        left_s = self.parameters.excursion_limit_s - self.excursion_s()
        if left_s <= 0:
            return 0.0
        if self.return_c() > self.limit_c:
            until_s = self.seconds_until(self.limit_c)
            return left_s if until_s > left_s else math.inf
        return self.seconds_until(self.limit_c) + left_s
