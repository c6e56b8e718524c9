"""What a vehicle makes of orders: a state machine without any input or output of its own.

It is fed with messages (`receive_order`, `receive_instant_actions`) and with what the vehicle
experiences (`node_reached`, `action_started`, `moved`, `mode_changed`); it shows what stands in the
state message, where the vehicle may drive (`route`), and what is to be done (`take_effects`).
Everything happens within the call; nothing waits. Sources: VDA 5050 3.0 chapters 6.1, 6.2 and 6.6;
2.1 chapters 6.6 to 6.11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050 import checks
from twin.wires.vda5050.action_logic import AUTOMATIC, LIMITS, ActionLogic
from twin.wires.vda5050.actions import ActionQueue, ActionState, Scope, Status
from twin.wires.vda5050.checks import Facts
from twin.wires.vda5050.effects import Abort, Outcome, Route, Step
from twin.wires.vda5050.problems import Problem
from twin.wires.vda5050.records import (
    Action,
    Edge,
    MalformedError,
    Node,
    Order,
    parts,
    read_order,
)
from twin.wires.vda5050.switches import Switches

TAKES_ORDERS = AUTOMATIC | {"INTERVENED"}
"""Modes in which it accepts one (3.0 table 10)."""
FORGETS_NODE = frozenset({"STARTUP", "SERVICE", "TEACH_IN"})
"""Modes that empty lastNodeId; MANUAL does so when the vehicle is moved away (3.0 table 10)."""


class OrderLogic(ActionLogic):
    """Orders, their actions and their errors, of one vehicle."""

    def __init__(
        self,
        dialect: Dialect,
        facts: Facts,
        *,
        switches: Switches | None = None,
        limits: Mapping[str, int] = LIMITS,
    ) -> None:
        super().__init__(dialect, facts, switches or Switches(), limits)
        self.order_id, self.order_update_id = "", 0
        self.last_node_id, self.last_node_sequence_id = "", 0
        self.nodes: list[Node] = []
        """Still to be traversed; `edges[i]` leads to `nodes[i]`."""
        self.edges: list[Edge] = []
        self.cancelled = False
        """The held order was cancelled, or cleared by a mode."""
        self.decision: Node | None = None
        """The last released node of the held order."""
        self.at: Node | None = None
        """The node that was traversed last."""
        self._held: Order | None = None
        self._entered = -1
        """sequenceId of the edge whose actions have been triggered."""

    # --- what it shows ---------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """No node, no edge, no action of the order left (3.0 6.6.8)."""
        return not self.nodes and not self.edges and all(a.ended for a in self.actions.values())

    @property
    def has_horizon(self) -> bool:
        """Whether the order goes on behind the base."""
        return any(not node.released for node in self.nodes)

    @property
    def base(self) -> tuple[Step, ...]:
        """The released rest of the order, whether or not the vehicle may drive now."""
        steps = []
        for edge, node in zip(self.edges, self.nodes, strict=True):
            if not (edge.released and node.released):
                break
            steps.append(Step(edge, node))
        return tuple(steps)

    def route(self) -> Route | None:
        """Where the vehicle may drive now; None means that it has to stop.

        The last step's node is the decision point, or the first one at which something has to be
        done standing.
        """
        if not self._may_drive() or self.at is None:
            return None
        steps: list[Step] = []
        base = self.base
        for index, step in enumerate(base):
            steps.append(step)
            following = base[index + 1].edge.actions if index + 1 < len(base) else ()
            if self._needs_standing((*step.node.actions, *following)):
                break
            if self._cancelling:
                break  # cancel_stop: next_node
        return Route(self.at, tuple(steps)) if steps else None

    def _may_drive(self) -> bool:
        return not (
            self.frozen
            or (self._cancelling and self.switches.cancel_stop == "at_once")
            or self.problems.stop_driving
            or self._queue.forbids_driving
        )

    def _needs_standing(self, actions: Iterable[Action]) -> bool:
        standing = ActionQueue(
            [self.actions[a.action_id] for a in actions if a.action_id in self.actions]
        )
        return standing.forbids_driving

    # --- orders ----------------------------------------------------------------------------------

    def receive_order(self, payload: bytes) -> Outcome:
        """Take an order message as it came."""
        try:
            order, findings = read_order(payload, self.dialect)
        except MalformedError as error:
            self._reject(Problem("validation", tuple(error.references.items()), str(error)))
            return Outcome.REJECTED
        for finding in findings:
            self.find(finding.id, finding.text)
        return self.take_order(order)

    def take_order(self, order: Order) -> Outcome:
        """Accept, ignore or reject a well-formed order (3.0 figure 8)."""
        problem = checks.structure(order, self.limits) or checks.address(
            order, self.dialect, self.facts
        )
        if problem is None and (self.facts.mode not in TAKES_ORDERS or self.hibernating):
            text = f"an order in mode {self.facts.mode}{' (hibernating)' * self.hibernating}"
            problem = Problem("not_available", self._ids(order), text)
        if problem is not None:
            self._reject(problem)
            return Outcome.REJECTED
        if order.order_id == self.order_id:
            return self._take_update(order)
        return self._take_new(order)

    def _take_new(self, order: Order) -> Outcome:
        ids = self._ids(order)
        problem: Problem | None = None
        if not self.idle or self.cancelling:
            text = f"order {self.order_id!r} is still active"
            problem = Problem("other_order_active", ids, text)
        elif self.dialect.first_update_id_zero and order.order_update_id != 0:
            text = f"a new order with orderUpdateId {order.order_update_id}, not 0"
            problem = Problem("first_update_not_zero", ids, text)
        elif self.dialect.first_update_id_zero and order.nodes[0].sequence_id != 0:
            text = f"a new order begins with sequenceId {order.nodes[0].sequence_id}, not 0"
            problem = Problem("validation", ids, text)
        problem = (
            problem
            or checks.start(order, self.last_node_id, self.facts)
            or checks.ability(order, self.facts)
        )
        if problem is not None:
            self._reject(problem)
            return Outcome.REJECTED
        self.order_id, self.order_update_id = order.order_id, order.order_update_id
        self._held, self.cancelled = order, False
        self._queue, self._entered = ActionQueue(), -1
        self.actions = {}
        self.instant = {
            k: s for k, s in self.instant.items() if not s.ended or self.dialect.instant_states
        }
        self._accept(order.nodes, order.edges)
        self._traverse()
        self.settle()
        return Outcome.ACCEPTED

    def _take_update(self, order: Order) -> Outcome:
        ids, held = self._ids(order), self.order_update_id
        problem: Problem | None = None
        if order.order_update_id == held:
            same = self._held is not None and order.content() == self._held.content()
            if not self.switches.equality_first and not same:
                problem = Problem("outdated_update", ids, f"orderUpdateId {held} is here already")
            elif same or not self.dialect.same_update_warning:
                if not same:
                    self.find("same-update", f"orderUpdateId {held} came again with other content")
                return Outcome.IGNORED
            else:
                problem = Problem(
                    "same_update", ids, f"orderUpdateId {held} has other content here"
                )
        elif order.order_update_id < held:
            text = f"orderUpdateId {order.order_update_id}; the vehicle has {held}"
            problem = Problem("outdated_update", ids, text)
        elif self.cancelled or self.cancelling:
            text = f"order {self.order_id!r} was cancelled"
            problem = Problem("update_after_cancel", ids, text)
        problem = problem or self._continues(order) or checks.ability(order, self.facts)
        if problem is not None:
            self._reject(problem)
            return Outcome.REJECTED
        self.order_update_id, self._held = order.order_update_id, order
        self._drop_horizon()
        self._accept(order.nodes[1:], order.edges)
        self.settle()
        return Outcome.UPDATED

    def _continues(self, order: Order) -> Problem | None:
        """Whether the update begins at the last released node, not at the horizon's end."""
        point, first, ids = self.decision, order.nodes[0], self._ids(order)
        key = "discontinuous_update"
        if self.dialect.first_update_id_zero and self.switches.discontinuous_update == "no_route":
            key = "no_route"
        if point is None or (self.idle and not self.last_node_id):
            return Problem(key, ids, "no node of the order is known any more")
        if (first.node_id, first.sequence_id) != (point.node_id, point.sequence_id):
            text = (
                f"the update begins at {first.node_id!r} ({first.sequence_id}), the last released "
                f"node is {point.node_id!r} ({point.sequence_id})"
            )
            return Problem(key, (*ids, ("nodeId", first.node_id)), text)
        if first.actions != point.actions:
            text = f"the decision point {first.node_id!r} came again with other actions"
            if self.switches.changed_stitch_node == "reject":
                return Problem(key, (*ids, ("nodeId", first.node_id)), text)
            self.find("stitch-actions", text)
        elif first != point:
            self.find("stitch-content", f"the decision point {first.node_id!r} came again changed")
        clash = next(
            (
                action
                for part in parts(order.nodes[1:], order.edges)
                for action in part.actions
                if action.action_id in self.actions and not self.actions[action.action_id].horizon
            ),
            None,
        )
        if clash is not None:
            where = (*ids, ("actionId", clash.action_id))
            return Problem(
                "validation", where, f"actionId {clash.action_id!r} is in the base already"
            )
        return None

    def _accept(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self.problems.over("order")
        for part in parts(nodes, edges):
            scope: Scope = "NODE" if isinstance(part, Node) else "EDGE"
            for action in part.actions:
                state = ActionState(action, scope, part.sequence_id, horizon=not part.released)
                self.actions[action.action_id] = state
            if isinstance(part, Node):
                self.nodes.append(part)
                if part.released:
                    self.decision = part
            else:
                self.edges.append(part)
        self.revision += 1

    def _drop_horizon(self) -> None:
        self.nodes = [node for node in self.nodes if node.released]
        self.edges = [edge for edge in self.edges if edge.released]
        self.actions = {key: state for key, state in self.actions.items() if not state.horizon}

    def _reject(self, problem: Problem) -> None:
        key = problem.key
        if key == "no_route" and self.switches.no_route == "noRouteError":
            key = "no_route_error" if "no_route_error" in self.dialect.errors else key
        if self.problems.report(key, problem.text, dict(problem.references)):
            self.revision += 1

    @staticmethod
    def _ids(order: Order) -> tuple[tuple[str, str], ...]:
        return (("orderId", order.order_id), ("orderUpdateId", str(order.order_update_id)))

    # --- what the vehicle experiences ------------------------------------------------------------

    def node_reached(self, sequence_id: int) -> bool:
        """The next node was traversed; False if it is not the next one, or not released."""
        if not self.nodes or self.nodes[0].sequence_id != sequence_id or not self.nodes[0].released:
            return False
        self._leave_edge(self.edges.pop(0))
        self._traverse()
        self.settle()
        return True

    def _traverse(self) -> None:
        node = self.nodes.pop(0)
        self.at = node
        self.last_node_id, self.last_node_sequence_id = node.node_id, node.sequence_id
        self._queue.add(
            self.actions[a.action_id] for a in node.actions if a.action_id in self.actions
        )
        self.revision += 1

    def _leave_edge(self, edge: Edge) -> None:
        """End what belongs to an edge that is left (3.0 6.6.2)."""
        rule = self.switches.edge_action_at_end
        for action in edge.actions:
            state = self.actions[action.action_id]
            if state.ended or (rule == "wait" and state.active):
                continue
            if state.active:
                self._effects.append(Abort(action.action_id))
            ran = state.status is Status.RUNNING and rule == "finish"
            state.become(Status.FINISHED if ran else Status.FAILED, "the edge has ended")

    def moved(self) -> None:
        """The vehicle began or ceased to drive (`facts.driving` says which)."""
        self.revision += 1
        self.settle()

    def mode_changed(self) -> None:
        """The operating mode has changed (`facts.mode`)."""
        mode = self.facts.mode
        self.revision += 1
        if mode in TAKES_ORDERS:
            self.problems.over("mode")
        elif mode != "MANUAL" or self.switches.manual_clears_order:
            self.clear_order(f"mode {mode}")
        if mode in FORGETS_NODE:
            self.forget_node()
        self.settle()

    def forget_node(self) -> None:
        """The vehicle is no longer where its last node is."""
        self.last_node_id, self.last_node_sequence_id, self.at = "", 0, None
        self.revision += 1

    def standing_on(self, node_id: str) -> None:
        """The vehicle was told on which node it stands (initPosition)."""
        self.last_node_id, self.last_node_sequence_id = node_id, 0
        self.revision += 1

    def clear_order(self, why: str) -> None:
        """Drop the order at once: every action that has not ended fails."""
        for state in self.of_order():
            self.fail_at_once(state, why)
        if self.nodes or self.edges:
            self.cancelled = True
        self.nodes, self.edges, self._queue = [], [], ActionQueue()
        for state in self._cancelling:
            state.become(Status.FINISHED)
        self._cancelling = []
        self.revision += 1

    # --- what follows ----------------------------------------------------------------------------

    def settle(self) -> None:
        """Do what has become possible: enter the next edge, begin actions, end a cancellation."""
        self._queue.prune()
        self.end_waiting()
        if self._cancelling:
            self._finish_cancelling()
            return
        self._enter_edge()
        self.begin_what_may()

    def _enter_edge(self) -> None:
        """Trigger the next edge's actions, unless the vehicle has to stand on its node first."""
        if not self.base or self._queue.forbids_driving or self.frozen:
            return
        edge = self.edges[0]
        if edge.sequence_id != self._entered:
            self._entered = edge.sequence_id
            self._queue.add(self.actions[action.action_id] for action in edge.actions)

    def _finish_cancelling(self) -> None:
        if self.facts.driving or any(state.active for state in self.of_order()):
            return
        self.nodes, self.edges, self._queue = [], [], ActionQueue()
        self.cancelled = True
        for state in self._cancelling:
            state.become(Status.FINISHED)
        self._cancelling = []
        self.revision += 1
