"""A Hypothesis state machine on the order logic beside an independent model; fuzzed messages."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fixtures.strategies_vda5050 import STEP_M, cut, spoilt, ways
from fixtures.vda5050_orders import Scribe, raw
from tests.vda5050.bench import Bench
from tests.vda5050.model import Model
from tests.vda5050.schemas import FOLDER
from twin.wires.vda5050.actions import ENDED, STANDING, Status
from twin.wires.vda5050.effects import Outcome


class LogicMachine(RuleBasedStateMachine):
    """Orders, updates, driving, actions, cancel, pause and modes in any order."""

    VERSION = "2.1"

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(self.VERSION)
        self.bench.stub.types = self.bench.stub.types | {"finePositioning"}
        self.model = Model(three=self.VERSION == "3.0")
        self.orders = 0
        self.cancels = 0
        self.ended: dict[str, Status] = {}

    # --- what a master does ----------------------------------------------------------------------

    def _send(self, order: dict[str, Any]) -> None:
        logic, model = self.bench.logic, self.model
        left = model.left()
        active = bool(left[0] or left[1]) or any(not a.ended for a in logic.actions.values())
        x = (order["nodes"][0]["sequenceId"] // 2) * STEP_M
        here = abs(self.bench.stub.x - x) <= 0.5
        wanted = model.verdict(order, active=active, cancelling=logic.cancelling, here=here)
        outcome = self.bench.send(order)
        assert outcome.value == wanted, (outcome, wanted, self.bench.errors)
        model.take(order, wanted)
        if outcome in (Outcome.ACCEPTED, Outcome.UPDATED):
            assert not [e for e in self.bench.errors if "pdate" in e or "UPDATE" in e]

    @rule(data=st.data())
    def new_order(self, data: st.DataObject) -> None:
        """An order that begins at (0, 0); the vehicle may be elsewhere, or busy."""
        if data.draw(st.booleans()) and not self.bench.stub.driving:
            self.bench.stub.x = 0.0
        self.orders += 1
        self._send(data.draw(ways(self.bench.scribe, f"order-{self.orders}")))

    @precondition(lambda self: self.model.order_id != "")
    @rule(data=st.data(), step=st.integers(-1, 3), shift=st.sampled_from((0, 0, 0, 2, -2)))
    def update(self, data: st.DataObject, step: int, shift: int) -> None:
        """An update of the held order, at the decision point or beside it, late or in time."""
        model = self.model
        point = max(0, model.decision + shift)
        actions = model.nodes[point]["actions"] if point in model.nodes else []
        number = max(0, model.update_id + step)
        order = data.draw(
            ways(
                self.bench.scribe,
                model.order_id,
                update=number,
                first=point,
                first_actions=actions if number else (),
            )
        )
        order["nodes"][0]["actions"] = actions
        self._send(order)

    @precondition(lambda self: self.model.last is not None)
    @rule()
    def resend(self) -> None:
        """The last order that was taken comes again."""
        self._send(copy.deepcopy(self.model.last))

    @rule()
    def cancel(self) -> None:
        """CancelOrder."""
        self.cancels += 1
        active = not self.bench.logic.idle
        status = self.bench.now("cancelOrder", id=f"cancel-{self.cancels}")
        assert (status == "FAILED") is not active

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        """StartPause or stopPause."""
        self.cancels += 1
        self.bench.now("startPause" if paused else "stopPause", id=f"pause-{self.cancels}")
        if self.bench.stub.mode == "AUTOMATIC":
            assert self.bench.logic.paused is paused

    # --- what the vehicle does -------------------------------------------------------------------

    @rule()
    def drive(self) -> None:
        """Drive to the next node, if that is allowed."""
        route = self.bench.logic.route()
        if route is None:
            self.bench.go(driving=False)
            return
        node = route.steps[0].node
        assert node.released
        assert node.sequence_id <= self.model.decision, "never past the decision point"
        self.bench.go()
        if self.bench.logic.route() is None:
            return  # something began that needs it to stand
        assert node.node_position is not None
        self.bench.stub.x = node.node_position.x
        assert self.bench.logic.node_reached(node.sequence_id)
        self.model.passed = node.sequence_id
        self.bench._take()
        if self.bench.logic.route() is None:
            self.bench.go(driving=False)

    @rule()
    def stop(self) -> None:
        """It comes to rest, for whatever reason."""
        self.bench.go(driving=False)

    @rule(which=st.integers(0, 5), failed=st.booleans())
    def end_action(self, which: int, failed: bool) -> None:
        """One of the running actions ends."""
        running = [
            a.action.action_id
            for a in self.bench.logic.actions.values()
            if a.status in (Status.INITIALIZING, Status.RUNNING)
        ]
        if running:
            self.bench.end(running[which % len(running)], failed=failed)

    @rule(mode=st.sampled_from(("AUTOMATIC", "AUTOMATIC", "INTERVENED")))
    def turn_key(self, mode: str) -> None:
        """A person takes over, or gives back."""
        self.bench.stub.mode = mode
        self.bench.logic.mode_changed()
        self.bench._take()

    # --- what must hold --------------------------------------------------------------------------

    @invariant()
    def same_as_the_model(self) -> None:
        """Nodes, edges and ids are what the model works out."""
        logic = self.bench.logic
        if logic.cancelled and not self.model.cancelled:
            self.model.cancelled = True
        left = ([n.node_id for n in logic.nodes], [e.edge_id for e in logic.edges])
        assert left == self.model.left()
        assert (logic.order_id, logic.order_update_id) == (
            self.model.order_id,
            self.model.update_id,
        )

    @invariant()
    def blocking_types_are_kept(self) -> None:
        """HARD and SINGLE are alone, SOFT and HARD stand."""
        logic = self.bench.logic
        active = [a for a in logic.actions.values() if a.active]
        kinds = [a.action.blocking_type for a in active]
        if any(kind in ("HARD", "SINGLE") for kind in kinds):
            assert len(active) == 1, [(a.action.action_id, a.status) for a in active]
        if any(kind in STANDING for kind in kinds):
            assert logic.route() is None

    @invariant()
    def what_has_ended_stays_ended(self) -> None:
        """FINISHED and FAILED are final; horizon actions wait."""
        logic = self.bench.logic
        for key, state in logic.actions.items():
            assert self.ended.get(key, state.status) is state.status
            if state.status in ENDED:
                self.ended[key] = state.status
            if state.horizon and not logic.cancelled and not logic.cancelling:
                assert state.status is Status.WAITING

    @invariant()
    def the_state_is_right(self) -> None:
        """The state message fits its schema at every moment."""
        if FOLDER.is_dir():
            self.bench.state()


class LogicMachine3(LogicMachine):
    """The same in 3.0."""

    VERSION = "3.0"


_SETTINGS = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLogic2 = LogicMachine.TestCase
TestLogic2.settings = _SETTINGS
TestLogic3 = LogicMachine3.TestCase
TestLogic3.settings = _SETTINGS
pytest.mark.slow(TestLogic2)
pytest.mark.slow(TestLogic3)


@pytest.mark.slow
@settings(max_examples=200)
@given(
    version=st.sampled_from(("2.0", "2.1", "3.0")),
    data=st.data(),
)
def test_a_spoilt_order_is_taken_whole_or_not_at_all(version: str, data: st.DataObject) -> None:
    """Whatever is wrong with an order: an outcome, never an exception; nothing of it is left."""
    bench = Bench(version)
    order = data.draw(spoilt(ways(Scribe(version), "o")))
    before = bench.logic.idle
    outcome = bench.send(order)
    if outcome is Outcome.REJECTED:
        assert before
        assert bench.logic.idle
        assert bench.logic.order_id == ""
        assert len(bench.errors) == 1
    else:
        assert bench.logic.order_id == order["orderId"]
    bench.state()


@pytest.mark.slow
@settings(max_examples=200)
@given(version=st.sampled_from(("2.1", "3.0")), data=st.data())
def test_broken_bytes_never_raise(version: str, data: st.DataObject) -> None:
    """Cut and changed payloads while an order runs: the order goes on as it was, or is updated."""
    bench = Bench(version)
    scribe = Scribe(version)
    bench.send(scribe.way("o", "ABC"))
    update = st.just(raw(scribe.way("o", "CD", update=1, first=4)))
    outcome = bench.send(data.draw(cut(update)))
    assert bench.logic.order_id == "o"
    if outcome is not Outcome.UPDATED:
        assert bench.upcoming == ["B", "C"]
    bench.state()
