"""A lane over the bridge: alternating platoons, headways, a broken vehicle that blocks it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from twin.capacity.demand import Floats
from twin.capacity.journal import Journal

Process = Generator[simpy.Event, Any, None]


class Pauses:
    """Times in which something must not be done: wind stops, network gaps."""

    def __init__(self, env: simpy.Environment, times: Floats) -> None:
        self._env = env
        self.closed = False
        self.count = len(times)
        self.opened = env.event()
        self._closed_s, self._since_s = 0.0, 0.0
        if len(times):
            env.process(self._follow(times))

    def _follow(self, times: Floats) -> Process:
        for begin_s, end_s in times:
            yield self._env.timeout(float(begin_s) - self._env.now)
            self.closed, self._since_s = True, self._env.now
            yield self._env.timeout(float(end_s) - self._env.now)
            self.closed = False
            self._closed_s += self._env.now - self._since_s
            opened, self.opened = self.opened, self._env.event()
            opened.succeed()

    def lost_s(self) -> float:
        """How long it has been closed up to now."""
        return self._closed_s + (self._env.now - self._since_s if self.closed else 0.0)

    def over(self) -> Process:
        """Wait until it is open."""
        while self.closed:
            yield self.opened


@dataclass(frozen=True, slots=True)
class LaneRules:
    """How a lane is run. `release_s` above 0: by telephone, one vehicle at a time."""

    platoon: int
    clearance_s: float
    headway_s: float
    release_s: float = 0.0


class Lane:
    """One lane. Vehicles enter in the order in which they came to their end of it.

    While nobody waits at the other end, one direction goes on. Otherwise a platoon ends with its
    last permitted vehicle, or when the lane is empty and nobody follows; the direction changes
    when the last has left and the clearance time has passed. A broken vehicle lets nobody in, and
    those behind it leave after it has been towed away; nobody overtakes.
    """

    def __init__(
        self, rules: LaneRules, link: Pauses, journal: Journal, number: int = 0
    ) -> None:  # fmt: skip
        self._env, self._rules, self._link = journal.env, rules, link
        self._journal, self._number = journal, number
        self._waiting: tuple[deque[simpy.Event], deque[simpy.Event]] = (deque(), deque())
        self._heading, self._admitted, self._inside, self._blocked = 0, 0, 0, 0
        self._next_s = self._left_s = -math.inf
        self._ahead: simpy.Event | None = None
        self._timer_s = math.inf

    def cross(
        self, side: int, travel_s: float, breaks_after_s: float, tow_s: float,
        igv: int, trip: int, box: int = -1,
    ) -> Process:  # fmt: skip
        """Wait, enter from `side`, and leave; NaN: does not break down.

        By telephone the far side releases the trip when it is its turn.
        """
        env, link = self._env, self._link
        turn = env.event()
        self._waiting[side].append(turn)
        self._admit()
        yield turn
        ahead, mine = self._ahead, env.event()
        self._ahead = mine
        row = self._journal.begin_passage(self._number, side, igv, trip, box)
        if self._rules.release_s:
            yield env.timeout(self._rules.release_s)
            self._journal.far_release(trip)
        self._journal.enter(row)
        if breaks_after_s == breaks_after_s:  # not NaN
            yield env.timeout(breaks_after_s)
            self._blocked += 1
            yield env.timeout(tow_s)
            self._blocked -= 1
        elif link.count:
            yield from self._drive(travel_s)
        else:
            yield env.timeout(travel_s)
        if ahead is not None and not ahead.processed:
            yield ahead
        if ahead is not None and (soon_s := self._left_s + self._rules.headway_s) > env.now:
            yield env.timeout(soon_s - env.now)  # an empty one is faster than the one ahead
        mine.succeed()
        self._inside -= 1
        self._left_s = env.now
        self._journal.leave(row)
        self._admit()

    def _drive(self, travel_s: float) -> Process:
        """Vehicles stop where they are while there is no network."""
        env, link = self._env, self._link
        begin_s, lost_s = env.now, link.lost_s()
        while (left := travel_s - (env.now - begin_s - (link.lost_s() - lost_s))) > 1e-6:
            if link.closed:
                yield link.opened
            else:
                yield env.timeout(left)

    def _admit(self) -> None:
        """Let in whoever may enter now; wait with a timer where only time is missing."""
        while (side := self._turn()) is not None:
            now = self._env.now
            if self._link.closed:
                self._wake(self._link.opened)
                return
            if now < self._next_s:
                self._wake_at(self._next_s)
                return
            self._inside += 1
            self._admitted += 1
            self._next_s = now + self._rules.headway_s
            self._waiting[side].popleft().succeed()

    def _turn(self) -> int | None:
        """The end from which the next vehicle enters, if one may."""
        here, there = self._waiting[self._heading], self._waiting[1 - self._heading]
        if self._blocked or (self._inside and self._rules.release_s):
            return None
        if here and (self._admitted < self._rules.platoon or not there):
            return self._heading
        if there and not self._inside:
            self._heading, self._admitted = 1 - self._heading, 0
            self._next_s = max(self._next_s, self._left_s + self._rules.clearance_s)
            return self._heading
        return None

    def _wake_at(self, when_s: float) -> None:
        if self._timer_s > when_s or self._timer_s <= self._env.now:
            self._timer_s = when_s
            self._wake(self._env.timeout(when_s - self._env.now))

    def _wake(self, event: simpy.Event) -> None:
        if event.callbacks is not None:
            event.callbacks.append(lambda _: self._admit())
