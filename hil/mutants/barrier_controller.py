# ruff: noqa: D102 - overrides; each class says how it is broken
"""Barriers whose controller is broken: what it shows of its motion, and how it obeys."""

from __future__ import annotations

import math
from typing import Any

from twin.devices.barrier import Barrier, GateStatus


class JumpingPosition(Barrier):
    """Shows the commanded end as its position at once: a copy of the command."""

    def position_percent(self) -> int | str:
        if self.status is GateStatus.OPENING:
            return 100
        return 0 if self.status is GateStatus.CLOSING else super().position_percent()


class SkewedPosition(Barrier):
    """Its encoder is not linear: up to 25 % wrong between the ends."""

    def position_percent(self) -> int | str:
        true = super().position_percent()
        return round(true + 25 * math.sin(math.pi * true / 100)) if isinstance(true, int) else true


class SaysStopped(Barrier):
    """Shows `stopped` for a moment before it shows the end."""

    def _become(self, status: GateStatus, cause: int) -> int:
        if status in (GateStatus.OPEN, GateStatus.CLOSED) and self.status is not status:
            number = super()._become(GateStatus.STOPPED, cause)
            self.clock.call_later(0.25, lambda: self._arrive_late(status, cause))
            return number
        return super()._become(status, cause)

    def _arrive_late(self, status: GateStatus, cause: int) -> None:
        if self.status is GateStatus.STOPPED:
            super()._become(status, cause)


class OpenTooEarly(Barrier):
    """Says open after half of the travel time, wherever the arm is."""

    _early = False

    def _start(self, wish: GateStatus, cause: int, **how: Any) -> None:
        super()._start(wish, cause, **how)
        if wish is GateStatus.OPENING and self.arm.moving:
            self.clock.call_later(0.5 * self.arm.parameters.open_s, self._say_open)

    def _say_open(self) -> None:
        if self.status is GateStatus.OPENING and self.arm.moving:
            self._early = True

    def _shown(self) -> str:
        if self.status is not GateStatus.OPENING:
            self._early = False
        return "open" if self._early else self.status.value

    def _offer_points(self) -> None:
        super()._offer_points()
        self.add_point("gate_status", self._shown)


class BelievesItself(Barrier):
    """Says open when the travel time is over, without looking whether the arm moved."""

    def _start(self, wish: GateStatus, cause: int, **how: Any) -> None:
        super()._start(wish, cause, **how)
        if wish is GateStatus.OPENING:
            self.clock.call_later(self.arm.parameters.open_s, self._believe)

    def _believe(self) -> None:
        if self.arm.jammed:
            self._become(GateStatus.OPEN, -1)


class LateStop(Barrier):
    """Takes 0.9 s to act on a stop command of the wire."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        if name == "stop" and via == "wire":
            self.clock.call_later(0.9, lambda: self._stop(cause))
        else:
            super().command(name, via=via, cause=cause)


class Resumes(Barrier):
    """Goes on by itself some seconds after a stop command."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        super().command(name, via=via, cause=cause)
        if name == "stop" and via == "wire":
            self.clock.call_later(3.0, lambda: super(Resumes, self).command("open"))


class FinishesFirst(Barrier):
    """Does not take an open command while it is closing."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        if not (wish is GateStatus.OPENING and self.status is GateStatus.CLOSING):
            super()._order(wish, cause)


class Toggles(Barrier):
    """One button for both ways: open on an open barrier closes it."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        if name == "open" and self.status is GateStatus.OPEN:
            name = "close"
        super().command(name, via=via, cause=cause)


class OpensAgain(Barrier):
    """The open command is never taken back: some seconds after closing it opens again."""

    def _become(self, status: GateStatus, cause: int) -> int:
        closing = self.status is GateStatus.CLOSING
        number = super()._become(status, cause)
        if closing and status is GateStatus.CLOSED:
            self.clock.call_later(2.0, self._again)
        return number

    def _again(self) -> None:
        if self.status is GateStatus.CLOSED:
            self.command("open", via="memory")


class CountsStarts(Barrier):
    """Counts every command, carried out or not, and once more."""

    def _count(self) -> None:
        super()._count()
        self.operations += 1


class Scattering(Barrier):
    """Its motor needs longer and longer to start."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        if wish is GateStatus.OPENING and not self.arm.moving:
            late_s = 0.5 * (self.operations // 2 % 3)
            self.clock.call_later(late_s, lambda: super(Scattering, self)._order(wish, cause))
        else:
            super()._order(wish, cause)


class PartialIsFull(Barrier):
    """Has the partial opening in its papers only."""

    def _order(self, wish: GateStatus, cause: int) -> None:
        partial = wish is GateStatus.PARTIAL_OPENING
        super()._order(GateStatus.OPENING if partial else wish, cause)
