# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken reefer racks: what they show of sockets and temperatures, and how they obey."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from twin.devices.base import Value, Writer
from twin.devices.reefer import NO_READING, ReeferRack

# ---------------------------------------------------------------- sockets


class Points(ReeferRack, ABC):
    """Shows points otherwise than they are."""

    @abstractmethod
    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value: ...

    def add_point(self, name: str, read: Callable[[], Value], *rest: Any, **more: Any) -> None:
        kind, _, socket = name.rpartition("_")
        super().add_point(name, lambda: self.shown(kind, int(socket) - 1, read), *rest, **more)


class _Late(Points):
    """Shows a change of some points three seconds late."""

    LATE: tuple[tuple[str, bool], ...] = ()

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        now = value()
        if not hasattr(self, "_since"):
            self._since: dict[tuple[str, int], tuple[Value, float]] = {}
        at = (name, number)
        known, since_s = self._since.setdefault(at, (now, -10.0))
        if now != known:
            self._since[at] = (now, self.clock.now_s())
            since_s = self.clock.now_s()
        late = self.clock.now_s() - since_s < 3.0
        return (not now) if late and (name, bool(now)) in self.LATE else now


class ShowsBoxesLate(_Late):
    """Shows a box three seconds after it has come."""

    LATE = (("occupied", True),)


class ShowsFreeLate(_Late):
    """Shows a free socket three seconds after the box has gone."""

    LATE = (("occupied", False),)


class ShowsPlugsLate(_Late):
    """Shows a plug three seconds late."""

    LATE = (("plugged", True), ("plugged", False))


class ShowsPowerLate(_Late):
    """Shows power three seconds late."""

    LATE = (("powered", True), ("powered", False))


class SeesNeighbours(Points):
    """A box at socket 2 makes socket 3 occupied, too."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        if name == "occupied" and number == 2:
            return bool(value()) or self.unit(1) is not None
        return value()


class PlugByCurrent(Points):
    """Takes a plug without current for a plug that is out."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        unit = self.unit(number)
        if name == "plugged":
            return unit is not None and unit.powered
        return value()


class LosesOrders(ReeferRack):
    """Acknowledges orders to pull a plug and sends nobody."""

    def _send_hand(self, number: int, plug: bool, cause: int) -> None:
        if plug:
            super()._send_hand(number, plug, cause)


class FirstOrderCounts(ReeferRack):
    """A hand that is under way cannot be called back."""

    def _send_hand(self, number: int, plug: bool, cause: int) -> None:
        hand = self._hands.get(number)
        if hand is None or hand.processed:
            super()._send_hand(number, plug, cause)


class FindsAnother(ReeferRack):
    """An order for an empty socket goes to the first one."""

    def _set(self, number: int) -> Writer:
        right, first = super()._set(number), super()._set(0)

        def write(value: bool | float, cause: int = -1, /) -> None:
            (right if self.unit(number) is not None else first)(value, cause)

        return write


# ---------------------------------------------------------------- temperatures


class LosesTheSign(ReeferRack):
    """Return air has no sign."""

    def reading(self, number: int, sensor: str) -> float:
        value = super().reading(number, sensor)
        return abs(value) if sensor == "return" and value != NO_READING else value


class MixesAirs(ReeferRack):
    """Shows the return air for the supply air."""

    def reading(self, number: int, sensor: str) -> float:
        return super().reading(number, "return" if sensor == "supply" else sensor)


class KeepsReadings(ReeferRack):
    """Without power it shows the last reading."""

    def reading(self, number: int, sensor: str) -> float:
        if not hasattr(self, "_last"):
            self._last: dict[tuple[int, str], float] = {}
        value = super().reading(number, sensor)
        if value != NO_READING:
            self._last[number, sensor] = value
        return self._last.get((number, sensor), value)


class BlindAfterDark(ReeferRack):
    """A unit that has lost its power once is never read again."""

    def reading(self, number: int, sensor: str) -> float:
        if not hasattr(self, "_dark"):
            self._dark: set[str] = set()
        unit = self.unit(number)
        if unit is not None and unit.plugged and not unit.powered:
            self._dark.add(unit.box.number)
        if unit is not None and unit.box.number in self._dark:
            return NO_READING
        return super().reading(number, sensor)


class OtherSetpoint(Points):
    """Shows the set point of the first socket at the second one, too."""

    def shown(self, name: str, number: int, value: Callable[[], Value]) -> Value:
        first = self.unit(0)
        if name == "setpoint_c" and number == 1 and first is not None:
            return first.setpoint_c
        return value()


class WholeDegrees(ReeferRack):
    """Takes set points in whole degrees."""

    def _set(self, number: int) -> Writer:
        right = super()._set(number)

        def write(value: bool | float, cause: int = -1, /) -> None:
            right(float(int(value)), cause)

        return write


class SetsAll(ReeferRack):
    """A set point goes to every unit."""

    def _set(self, number: int) -> Writer:
        del number
        writers = [super(SetsAll, self)._set(n) for n in range(len(self.places))]

        def write(value: bool | float, cause: int = -1, /) -> None:
            for one in writers:
                one(value, cause)

        return write
