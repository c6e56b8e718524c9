"""What happened in one replication, kept until it has been judged.

Rows of doubles, because a long run has hundreds of thousands: writing one takes a fraction of a
microsecond, and numpy reads them as they are. A row is written when a thing begins; its end is
infinite until it is filled in.
"""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LIFT, LAND = 0.0, 1.0
_MOVE, _GATE, _PASSAGE = 6, 3, 8


class Journal:
    """Moves of cranes, services of gates, passages of lanes, and who released which trip."""

    __slots__ = ("_far_s", "_gates", "_moves", "_own_s", "_passages", "env")

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self._moves, self._gates, self._passages = array("d"), array("d"), array("d")
        self._own_s, self._far_s = array("d"), array("d")

    def begin_move(self, kind: float, box: int, side: int, igv: int) -> int:
        """A crane takes hold now; what `end_move` needs."""
        self._moves.extend((kind, box, side, igv, self.env.now, math.inf))
        return len(self._moves) - 1

    def end_move(self, row: int) -> None:
        """It lets go now."""
        self._moves[row] = self.env.now

    def gate(self, side: int, begin_s: float, end_s: float) -> int:
        """A gate serves a vehicle and then lets it go; the number of the trip that begins."""
        self._gates.extend((side, begin_s, end_s))
        self._own_s.append(end_s)
        self._far_s.append(math.nan)
        return len(self._own_s) - 1

    def far_release(self, trip: int) -> None:
        """The far side agrees now."""
        self._far_s[trip] = self.env.now

    def begin_passage(self, lane: int, side: int, igv: int, trip: int, box: int) -> int:
        """A vehicle has its turn on a lane now; what `enter` and `leave` need."""
        now, never = self.env.now, math.inf
        self._passages.extend((lane, side, igv, trip, box, now, never, never))
        return len(self._passages) - 1

    def enter(self, row: int) -> None:
        """It drives onto the lane now."""
        self._passages[row - 1] = self.env.now

    def leave(self, row: int) -> None:
        """Its tail has left the lane now."""
        self._passages[row] = self.env.now

    @property
    def moves(self) -> Floats:
        """Kind, box, side, vehicle, begin and end (s); n x 6."""
        return _rows(self._moves, _MOVE)

    @property
    def gates(self) -> Floats:
        """Side, begin and end (s) of the service of one vehicle; n x 3."""
        return _rows(self._gates, _GATE)

    @property
    def passages(self) -> Floats:
        """Lane, side, vehicle, trip, box or -1, turn, entered and left (s); n x 8."""
        return _rows(self._passages, _PASSAGE)

    @property
    def own_s(self) -> Floats:
        """By trip: when the side that it leaves released it, at its gate."""
        return _rows(self._own_s, 1)[:, 0]

    @property
    def far_s(self) -> Floats:
        """By trip: when the side that it goes to did; NaN: not yet."""
        return _rows(self._far_s, 1)[:, 0]


def _rows(values: array[Any], width: int) -> Floats:
    return np.asarray(values, dtype=np.float64).reshape(-1, width)
