# ruff: noqa: D102 - overrides; each class says how it is broken
"""Barriers whose controller is broken: obstacles, inputs, the stop chain, lost power."""

from __future__ import annotations

from typing import Any

from twin.devices.barrier import Barrier, BarrierError, GateStatus


class StopsOnly(Barrier):
    """Stops on an obstacle instead of reversing, and lies on it."""

    def _drive_up(self, cause: int, **how: Any) -> None:
        if self.safety_input:
            super()._drive_up(cause, **how)
        else:
            self._fail(BarrierError.OBSTACLE, cause)


class IgnoresInputAtStart(Barrier):
    """Looks at the safety input during closing only."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        held, self.safety_input = self.safety_input, False
        super()._order(wish, cause)
        self.safety_input = held

    def _start(self, wish: GateStatus, cause: int, **how: Any) -> None:
        held, self.safety_input = self.safety_input, False
        super()._start(wish, cause, **how)
        self.safety_input = held


class IgnoresInputInMotion(Barrier):
    """Looks at the safety input before closing only."""

    def _safety(self, cause: int) -> None:
        """Nothing."""


class RemembersClose(Barrier):
    """Closes as soon as the safety input lets go, if a close was interrupted."""

    _wish_close = False

    def _safety(self, cause: int) -> None:
        self._wish_close = self._wish_close or self.status is GateStatus.CLOSING
        super()._safety(cause)

    def set_safety_input(self, active: bool, *, cause: int = -1) -> None:
        super().set_safety_input(active, cause=cause)
        if not active and self._wish_close:
            self._wish_close = False
            self.command("close", via="memory")


class StopContact(Barrier):
    """Base: tells the stop contact from the stop command."""

    def contact(self, name: str, closed: bool, *, cause: int = -1) -> None:
        if name == "stop":
            self.stop_contact(closed, cause)
        else:
            super().contact(name, closed, cause=cause)

    def stop_contact(self, closed: bool, cause: int) -> None:
        """The stop chain opened or closed."""
        super().contact("stop", closed, cause=cause)


class SlowEmergencyStop(StopContact):
    """Takes 0.9 s to notice the stop chain."""

    def stop_contact(self, closed: bool, cause: int) -> None:
        if closed:
            late = super().stop_contact
            self.clock.call_later(0.9, lambda: late(True, cause))
        else:
            super().stop_contact(False, cause)


class EmergencyStopOnce(StopContact):
    """The stop chain stops, but does not hold: a command starts the arm again."""

    def stop_contact(self, closed: bool, cause: int) -> None:
        if closed:
            self.command("stop", via="contact", cause=cause)


class RestartsOnRelease(StopContact):
    """Goes on when the stop chain is closed again."""

    def stop_contact(self, closed: bool, cause: int) -> None:
        super().stop_contact(closed, cause)
        if not closed and self.status is GateStatus.STOPPED:
            self.clock.call_later(0.5, lambda: self.command("open", via="memory"))


class MovesOnPowerReturn(Barrier):
    """Opens by itself when power returns."""

    def power(self, on: bool, *, cause: int = -1) -> None:
        was = self.online
        super().power(on, cause=cause)
        if on and not was:
            self.clock.call_later(1.0, lambda: self.command("open", via="memory"))


class RemembersPosition(Barrier):
    """Shows the position of its last rest after a power cut, as if it were known."""

    _lost = False

    def power(self, on: bool, *, cause: int = -1) -> None:
        super().power(on, cause=cause)
        self._lost = on and not self.limit("open") and not self.limit("closed")

    def position_percent(self) -> int | str:
        shown = super().position_percent()
        if isinstance(shown, int):
            self._lost = False
        return 100 if self._lost else shown


class ForgetsCounter(Barrier):
    """Keeps its counter in memory that needs power."""

    def power(self, on: bool, *, cause: int = -1) -> None:
        if on and not self.online:
            self.operations = 0
        super().power(on, cause=cause)


class NeedsService(Barrier):
    """After a power cut it takes no orders until somebody has come, 40 s later."""

    _locked_until_s = 0.0

    def power(self, on: bool, *, cause: int = -1) -> None:
        if on and not self.online:
            self._locked_until_s = self.clock.now_s() + 40.0
        super().power(on, cause=cause)

    def _order(self, wish: GateStatus, cause: int) -> None:
        if self.clock.now_s() >= self._locked_until_s:
            super()._order(wish, cause)


class RustyRelease(Barrier):
    """Its hand release does not let the arm go."""

    def release(self, on: bool, *, cause: int = -1) -> None:
        """Nothing."""
