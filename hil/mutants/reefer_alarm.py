# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken reefer racks: when they give alarm, and what a restart makes of them."""

from __future__ import annotations

from collections.abc import Callable

from twin.devices.base import Value
from twin.devices.reefer import ReeferRack
from twin.world.reefer import ReeferUnit

from .reefer_rack import Points

# ---------------------------------------------------------------- alarms


class NoAlarm(ReeferRack):
    """Never raises an alarm."""

    def alarm(self, number: int) -> bool:
        del number
        return False


class AlarmAtOnce(ReeferRack):
    """Raises an alarm after a third of the time."""

    def alarm(self, number: int) -> bool:
        unit = self.unit(number)
        early = unit is not None and unit.excursion_s() > 600.0
        return early or super().alarm(number)


class TighterLimit(Points):
    """Counts from 2 K on, its papers say 3 K."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        unit = self.unit(number)
        if name == "excursion_min" and unit is not None and value() == 0:
            return 2 if unit.return_c() > unit.setpoint_c + 2.0 else 0
        return value()


class CountsSeconds(Points):
    """Counts a minute too warm for every fifty seconds."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        del number
        return int(float(value()) * 1.2) if name == "excursion_min" else value()


class MarginFromTheStart(Points):
    """Until the alarm it always says half an hour."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        del number
        now = value()
        return 30 if name == "margin_min" and 0 < float(now) < 30 else now


class AlarmOfTheSocket(ReeferRack):
    """An alarm stays with its socket."""

    def alarm(self, number: int) -> bool:
        if not hasattr(self, "_stuck"):
            self._stuck: set[int] = set()
        if super().alarm(number):
            self._stuck.add(number)
        return number in self._stuck


class ForgetsTheFirst(ReeferRack):
    """Only an excursion without a break counts for the alarm."""

    def alarm(self, number: int) -> bool:
        unit = self.unit(number)
        if not hasattr(self, "_began_s"):
            self._began_s: dict[int, float] = {}
        if unit is None or unit.return_c() <= unit.limit_c:
            self._began_s.pop(number, None)
            return False
        began_s = self._began_s.setdefault(number, self.clock.now_s())
        return self.clock.now_s() - began_s >= unit.parameters.excursion_limit_s


# ---------------------------------------------------------------- recovery


class FindsTheOldBoxes(Points):
    """Until something happens there it believes the boxes that were there before."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        if not hasattr(self, "_seen"):
            self._seen: dict[int, float] = {}
        now = value()
        if name != "occupied":
            return now
        if now:
            self._seen[number] = self.clock.now_s()
        # what changes while nobody asks is not noticed for five minutes
        gap_s = self.clock.now_s() - self._seen.get(number, -1e9)
        if not now and 30.0 < gap_s < 300.0:
            return True
        if not now:
            self._seen.pop(number, None)
        return now


class ForgetsMinutes(Points):
    """The minutes of a box begin anew when nobody has asked for half a minute."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        if not hasattr(self, "_asked_s"):
            self._asked_s, self._lost = 0.0, dict[int, float]()
        if self.clock.now_s() - self._asked_s > 45.0:
            for n in range(len(self.places)):
                unit: ReeferUnit | None = self.unit(n)
                self._lost[n] = 0.0 if unit is None else unit.excursion_s() // 60
        self._asked_s = self.clock.now_s()
        if name != "excursion_min":
            return value()
        return max(0, float(value()) - self._lost.get(number, 0.0))
