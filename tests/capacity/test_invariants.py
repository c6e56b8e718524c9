"""The judge of the capacity tier: right runs are held, and each wrong one is caught by its rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import simpy

from tests.capacity.busy import TIMES, busy, run
from twin.capacity import invariants
from twin.capacity.journal import LAND, LIFT, Journal
from twin.capacity.lane import Lane
from twin.capacity.model import _Model
from twin.capacity.plan import N_MINUS_1, without


class Tape:
    """A journal written by hand: box 0 out, an empty return, box 1 out behind it."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.journal = Journal(self.env)

    def at(self, at_s: float) -> Journal:
        """The journal at an instant."""
        self.env._now = at_s  # type: ignore[attr-defined]
        return self.journal

    def move(
        self, kind: float, box: int, side: int, igv: int, begin_s: float, end_s: float
    ) -> None:
        row = self.at(begin_s).begin_move(kind, box, side, igv)
        self.at(end_s).end_move(row)

    def passage(
        self, side: int, igv: int, box: int, begin_s: float, end_s: float, *,
        gate_s: float = 30.0, far: bool = True, lane: int = 0,
    ) -> None:  # fmt: skip
        trip = self.journal.gate(side, begin_s - 5 - gate_s, begin_s - 5)
        if far:
            self.at(begin_s - 4).far_release(trip)
        row = self.at(begin_s).begin_passage(lane, side, igv, trip, box)
        self.journal.enter(row)
        self.at(end_s).leave(row)

    def verdicts(self) -> dict[str, int]:
        held = invariants.judge(self.journal, busy(cranes=(1, 1)), READY_S, TIMES.headway_s)
        return {one.id: one.violations for one in held}


READY_S = np.array([0.0, 50.0, 60.0])


def right() -> Tape:
    """Nothing wrong: two boxes one after the other, a vehicle returns empty."""
    tape = Tape()
    tape.move(LIFT, 0, 0, 7, 10, 100)
    tape.move(LIFT, 1, 0, 8, 100, 190)
    tape.passage(0, 7, 0, 200, 300)
    tape.passage(0, 8, 1, 260, 360)
    tape.move(LAND, 0, 1, 7, 350, 440)
    tape.move(LAND, 1, 1, 8, 440, 530)
    tape.passage(1, 7, -1, 500, 600)
    return tape


def test_a_right_run_is_held() -> None:
    """All three rules are judged and none is broken."""
    assert right().verdicts() == {"CAP-01": 0, "CAP-02": 0, "CAP-03": 0}


WRONG: dict[str, tuple[str, Callable[[Tape], None]]] = {
    "a box lifted twice": ("CAP-01", lambda t: t.move(LIFT, 0, 0, 9, 600, 690)),
    "a box landed twice": ("CAP-01", lambda t: t.move(LAND, 1, 1, 8, 600, 690)),
    "a box crosses twice": ("CAP-01", lambda t: t.passage(0, 8, 1, 900, 1000)),
    "a box lifted early": ("CAP-01", lambda t: t.move(LIFT, 2, 0, 9, 55, 58)),
    "a box landed that nobody brought": ("CAP-01", lambda t: t.move(LAND, 2, 1, 9, 700, 790)),
    "a box crosses that was not lifted": ("CAP-01", lambda t: t.passage(0, 9, 2, 900, 1000)),
    "two under one crane": ("CAP-02", lambda t: t.move(LIFT, 2, 0, 9, 150, 170)),
    "one vehicle in two places": ("CAP-02", lambda t: t.move(LIFT, 2, 0, 7, 520, 590)),
    "against the traffic": ("CAP-02", lambda t: t.passage(0, 9, -1, 590, 700)),
    "without clearance": ("CAP-02", lambda t: t.passage(0, 9, -1, 605, 700)),
    "too near behind": ("CAP-02", lambda t: t.passage(1, 9, -1, 501, 700)),
    "overtaken": ("CAP-02", lambda t: t.passage(1, 9, -1, 540, 590)),
    "two in one gate": ("CAP-02", lambda t: t.journal.gate(0, 180.0, 205.0) and None),
    "without the far side": ("CAP-03", lambda t: t.passage(1, 9, -1, 700, 800, far=False)),
    "before its own gate": (
        "CAP-03", lambda t: t.journal._own_s.__setitem__(0, 201.0)  # type: ignore[func-returns-value]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_each_breach_is_caught(name: str) -> None:
    """What is wrong breaks the rule that it is under."""
    rule, spoil = WRONG[name]
    tape = right()
    spoil(tape)
    assert tape.verdicts()[rule] > 0


def test_the_model_holds_them_at_n_and_at_n_minus_1() -> None:
    """With breakdowns, stops and gaps, one lane or two, whole or with one part less."""
    plan = busy(igvs=9, network_gaps_per_day=60.0, wind_stops_per_day=4.0)
    for one in (plan, busy(igvs=9, lanes=2), *(without(plan, part) for part in N_MINUS_1)):
        held = {verdict.id: verdict for verdict in run(one).held}
        assert [verdict.violations for verdict in held.values()] == [0, 0, 0], held
        assert held["CAP-01"].checked > 0
        assert held["CAP-02"].checked > 0
        assert held["CAP-03"].checked or not one.lanes


def _broken(monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    """Break the model in one way; the rule that has to notice."""
    if name == "the lane lets both directions in":

        def turn(self: Lane) -> int | None:
            return next((side for side in (0, 1) if self._waiting[side]), None)

        monkeypatch.setattr(Lane, "_turn", turn)
        return "CAP-02"
    if name == "nobody asks the far side":
        monkeypatch.setattr(Journal, "far_release", lambda self, trip: None)
        return "CAP-03"
    if name == "cranes serve without end":
        whole = _Model.__init__

        def more(self: _Model, *args: object) -> None:
            whole(self, *args)  # type: ignore[arg-type]
            for side in self.sides:
                side.cranes = simpy.PriorityResource(self.env, 9)

        monkeypatch.setattr(_Model, "__init__", more)
        return "CAP-02"
    carry = _Model._carry

    def twice(self: _Model, igv, box, side):  # type: ignore[no-untyped-def]
        yield from carry(self, igv, max(0, box - 1) if box == 20 else box, side)

    monkeypatch.setattr(_Model, "_carry", twice)
    return "CAP-01"  # fmt: skip


@pytest.mark.parametrize(
    "name", ["the lane lets both directions in", "nobody asks the far side",
             "cranes serve without end", "a box is carried twice"],
)  # fmt: skip
def test_a_broken_model_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Mutants of the model: each breaks the rule that is there for it."""
    rule = _broken(monkeypatch, name)
    held = {one.id: one for one in run(busy(igvs=9)).held}
    assert held[rule].violations > 0
    assert held[rule].first
