"""What a vehicle makes of actions: their states, what is begun, paused, broken off and retried.

The lower half of `logic.OrderLogic`; it knows actions of orders, instant actions and zone actions,
and nothing of nodes and edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.actions import ActionQueue, ActionState, Status
from twin.wires.vda5050.checks import Facts
from twin.wires.vda5050.effects import Abort, Begin, Effect, Pause, Resume, Send, Sleep
from twin.wires.vda5050.problems import Problems
from twin.wires.vda5050.records import Action, Finding
from twin.wires.vda5050.switches import Switches

LIMITS: Mapping[str, int] = {
    "order.nodes": 500,
    "order.edges": 500,
    "instantActions": 32,
    "state.instantActionStates": 64,
    "state.zoneActionStates": 64,
    "state.errors": 32,
}
"""Array lengths that the factsheet announces (ours)."""

AUTOMATIC = frozenset({"AUTOMATIC", "SEMIAUTOMATIC"})
"""Modes in which the vehicle drives by order."""

_FINDINGS = 200


class ActionLogic:
    """Actions and errors of one vehicle."""

    def __init__(
        self, dialect: Dialect, facts: Facts, switches: Switches, limits: Mapping[str, int]
    ) -> None:
        self.dialect, self.facts, self.switches, self.limits = dialect, facts, switches, limits
        self.actions: dict[str, ActionState] = {}
        """Of the order, in the order of its message."""
        self.instant: dict[str, ActionState] = {}
        self.zone_actions: dict[str, ActionState] = {}
        self.problems = Problems(dialect, limits["state.errors"])
        self.paused = False
        """By instant action or by a button on the vehicle; shown in the state."""
        self.held = False
        """By the vehicle's own safety: an emergency stop, a violated field."""
        self.hibernating = False
        self.findings: list[Finding] = []
        self.revision = 0
        """Grows with every change of what the state message shows."""
        self.last_instant = b""
        """The last message of instant actions, to know one that is delivered twice."""
        self.pausing: list[ActionState] = []
        """startPause actions that wait for standstill."""
        self.sleeping: list[ActionState] = []
        """startHibernation actions that wait for standstill."""
        self._queue = ActionQueue()
        self._cancelling: list[ActionState] = []
        self._effects: list[Effect] = []

    def settle(self) -> None:
        """Do what has become possible."""
        raise NotImplementedError

    def take_effects(self) -> list[Effect]:
        """What is to be done since the last call."""
        effects, self._effects = self._effects, []
        return effects

    @property
    def cancelling(self) -> bool:
        """A cancelOrder is on its way."""
        return bool(self._cancelling)

    def of_order(self) -> Iterator[ActionState]:
        """Actions of the order and of zones: what a cancellation ends."""
        yield from self.actions.values()
        yield from self.zone_actions.values()

    @property
    def frozen(self) -> bool:
        """Nothing new may begin."""
        stopped = self.paused or self.held or self.hibernating
        return stopped or self.facts.mode not in AUTOMATIC

    def begin_what_may(self) -> None:
        """Begin the queue's actions as far as their blocking types allow."""
        if self.frozen:
            return
        for state in self._queue.startable(standing=not self.facts.driving):
            lifts = state.action.action_type in ("pick", "drop")  # 3.0 table 5: INITIALIZING
            state.become(Status.INITIALIZING if lifts else Status.RUNNING)
            self.begin(state)
            self.revision += 1

    def end_waiting(self) -> None:
        """Finish startPause and startHibernation once the vehicle stands."""
        if self.facts.driving:
            return
        for state in self.pausing:
            state.become(Status.FINISHED)
            self.revision += 1
        self.pausing = []
        for state in self.sleeping:
            state.become(Status.FINISHED)
            self.hibernating = True
            self.revision += 1
            self._effects.append(Sleep("hibernate"))
        self.sleeping = []

    def fail_at_once(self, state: ActionState, why: str) -> None:
        """End an action as FAILED, whatever it is doing."""
        if state.ended:
            return
        if state.active:
            self._effects.append(Abort(state.action.action_id))
        state.become(Status.FAILED, why)

    def state_of(self, action_id: str) -> ActionState | None:
        """The action of this id, of the order, instant or of a zone."""
        for states in (self.actions, self.instant, self.zone_actions):
            if action_id in states:
                return states[action_id]
        return None

    def action_changed(self, action_id: str, status: Status, result: str | None = None) -> bool:
        """The vehicle reports progress; False if the action is over for us already.

        A failure of an action that may be retried becomes RETRIABLE where the dialect knows it.
        """
        state = self.state_of(action_id)
        if state is None or state.ended or state.status is status:
            return False
        if status is Status.FAILED:
            retriable = state.action.retriable and "RETRIABLE" in self.dialect.statuses
            if retriable and state.status is Status.RUNNING and not self.cancelling:
                status = Status.RETRIABLE
            elif state.scope != "INSTANT":
                where = {"actionId": action_id, "actionType": state.action.action_type}
                self.problems.report("action_failed", result or "the action failed", where)
        state.become(status, result)
        self.revision += 1
        self.settle()
        return True

    def add_zone_actions(self, actions: Iterable[Action]) -> None:
        """Queue what a zone triggers; the oldest that ended go when there are too many."""
        states = [ActionState(action, "ZONE") for action in actions]
        self.zone_actions |= {state.action.action_id: state for state in states}
        _trim(self.zone_actions, self.limits["state.zoneActionStates"])
        self._queue.add(states)
        self.revision += 1
        self.settle()

    def set_paused(self, paused: bool) -> None:
        """Pause or resume, by instant action or by a button on the vehicle."""
        self._freeze(paused, self.held)

    def set_held(self, held: bool) -> None:
        """Hold or let go, by the vehicle's own safety."""
        self._freeze(self.paused, held)

    def _freeze(self, paused: bool, held: bool) -> None:
        if (paused, held) == (self.paused, self.held):
            return
        self.paused, self.held = paused, held
        for state in self.of_order():
            going = state.status in (Status.RUNNING, Status.INITIALIZING)
            if paused or held:
                if going and self.facts.pausable(state.action.action_type):
                    state.become(Status.PAUSED)
                    self._effects.append(Pause(state.action.action_id))
            elif state.status is Status.PAUSED:
                state.become(state.before_pause)
                self._effects.append(Resume(state.action.action_id))
        self.revision += 1
        self.settle()

    def cancel(self, by: ActionState) -> None:
        """Begin to cancel the order for the instant action `by` (3.0 6.1.3)."""
        self._cancelling.append(by)
        by.become(Status.RUNNING)
        for state in self.of_order():
            running = state.status in (Status.RUNNING, Status.INITIALIZING)
            if not running or self.facts.cancellable(state.action.action_type):
                self.fail_at_once(state, "cancelOrder")

    def begin(self, state: ActionState) -> None:
        """Hand an action to the vehicle."""
        self._effects.append(Begin(state.action, state.scope))

    def abort(self, state: ActionState) -> None:
        """Have the vehicle let go of an action that has ended for us."""
        self._effects.append(Abort(state.action.action_id))

    def send(self, topic: str) -> None:
        """Have a message sent although nothing has changed."""
        self._effects.append(Send(topic))

    def effect(self, effect: Effect) -> None:
        """Have something else done."""
        self._effects.append(effect)

    def find(self, id: str, text: str) -> None:
        """Note what a master did wrong and the vehicle survived; each text once."""
        finding = Finding(id, text)
        if finding not in self.findings and len(self.findings) < _FINDINGS:
            self.findings.append(finding)


def _trim(states: dict[str, ActionState], limit: int) -> None:
    for key in [key for key, state in states.items() if state.ended]:
        if len(states) <= limit:
            return
        del states[key]
