"""Rescue of a carrier whose drive has failed for good: a back-up drive brings it off the span.

Nobody can tow it by road, and it hangs over water. Ropeways have a recovery drive for that, which
brings cars to the next station at a creep; suspended monorails are pushed there by the next train.
Ours has a second, slow drive on the car: somebody at the control looks whether the way is clear,
engages it, and the carrier goes on by its order under the line's signals, as slow as that drive is.
Where its order ends it is repaired. Times and speed are *estimates*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import simpy

if TYPE_CHECKING:
    from twin.devices.sky_rail import SkyCarrier

BROKEN = "breakdown"
_LOOK_S = 60.0
"""Something else holds it: they look again."""


class Rescue:
    """The back-up drive of one carrier, and the people who engage it and repair."""

    def __init__(self, car: SkyCarrier) -> None:
        self._car = car
        self.engaged = False
        self._timer: simpy.Timeout | None = None
        self._record = -1

    def changed(self, cause: int) -> None:
        """The fault has begun or ended."""
        car = self._car
        self._drop_timer()
        if BROKEN in car.faults:
            self._record = car.trace(car.id, "rail.rescue_called", cause, **self._place())
            self._wait(car.sky.rescue_call_s, self._begin)
        elif self.engaged:
            self.engaged = False
            car.trace(car.id, "rail.rescue_end", self._record, **self._place())

    def looked_at(self) -> None:
        """The carrier has come to rest, or its jobs have: is it where its order ends?"""
        if self.engaged and self._timer is None and self._over():
            self._wait(self._car.sky.repair_s, self._repair)

    def _over(self) -> bool:
        car = self._car
        return not (car.driving or car.router.placed or car.jobs.running)

    def _begin(self) -> None:
        car = self._car
        self._timer = None
        if car.driving or not car.online or car.why_not_restart():
            self._wait(_LOOK_S, self._begin)
            return
        self.engaged = True
        self._record = car.trace(
            car.id, "rail.rescue", self._record, speed_m_s=car.sky.rescue_m_s, **self._place()
        )
        car.rescue_engaged(self._record)
        self.looked_at()

    def _repair(self) -> None:
        self._timer = None
        if self.engaged and self._over():
            self._car.heal(BROKEN)

    def _place(self) -> dict[str, float]:
        pose = self._car.carrier.pose
        return {"x": round(pose.x_m, 3), "y": round(pose.y_m, 3)}

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = self._car.clock.call_later(seconds, then)

    def _drop_timer(self) -> None:
        if self._timer is not None and self._timer.callbacks is not None:
            self._timer.callbacks.clear()
        self._timer = None
