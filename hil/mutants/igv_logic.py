# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken vehicles, by what they make of orders and actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from twin.wires.vda5050.actions import ActionState, Status
from twin.wires.vda5050.effects import Abort, Outcome, Route
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.messages import UINT32, Writer
from twin.wires.vda5050.problems import Problem
from twin.wires.vda5050.records import Edge, Node, Order


class OneCounter(Writer):
    """Counts one headerId over all topics."""

    def header(self, topic: str) -> dict[str, Any]:
        head = super().header(topic)
        count = self.header_ids["all"] = (self.header_ids.get("all", -1) + 1) % UINT32
        return head | {"headerId": count}


class WaitsForTheWhole(OrderLogic):
    """Does not drive while anything of the order is not released."""

    def route(self) -> Route | None:
        return None if self.has_horizon else super().route()


class TakesOverWhileDriving(OrderLogic):
    """Drops what it drives for what comes."""

    def _take_new(self, order: Order) -> Outcome:
        if self.facts.driving:
            self.clear_order("another one came")
        return super()._take_new(order)


class HorizonIsNothing(OrderLogic):
    """Is idle when only a horizon is left."""

    @property
    def idle(self) -> bool:
        ended = all(one.ended for one in self.actions.values())
        return ended and not any(node.released for node in self.nodes)

    def _take_new(self, order: Order) -> Outcome:
        if self.idle:
            self._drop_horizon()
        return super()._take_new(order)


class StopsWhenItRefuses(OrderLogic):
    """Brakes for good when it has refused something on its way."""

    def _reject(self, problem: Problem) -> None:
        super()._reject(problem)
        if self.facts.driving:
            self.set_paused(True)


class ReportsTheSame(OrderLogic):
    """Calls the identical order outdated."""

    def _take_update(self, order: Order) -> Outcome:
        if order.order_update_id == self.order_update_id:
            self._reject(Problem("outdated_update", self._ids(order), "it is here already"))
            return Outcome.REJECTED
        return super()._take_update(order)


class StitchesAtTheHorizon(OrderLogic):
    """Takes an update that begins at the end of the horizon (ros_amr_interop #58)."""

    def _continues(self, order: Order) -> Problem | None:
        last = self.nodes[-1] if self.nodes else None
        if last is None or last.released or last.sequence_id != order.nodes[0].sequence_id:
            return super()._continues(order)
        replace = msgspec.structs.replace
        self.nodes = [replace(node, released=True) for node in self.nodes]
        self.edges = [replace(edge, released=True) for edge in self.edges]
        for state in self.actions.values():
            state.horizon = False
        return None


class KeepsOldActions(OrderLogic):
    """Goes on listing the actions of a horizon that was replaced."""

    def _drop_horizon(self) -> None:
        old = {key: state for key, state in self.actions.items() if state.horizon}
        super()._drop_horizon()
        self.actions |= old


class RepeatsActions(OrderLogic):
    """Does the actions of the resent node again."""

    def _take_update(self, order: Order) -> Outcome:
        outcome = super()._take_update(order)
        if outcome is Outcome.UPDATED:
            first = order.nodes[0]
            again = [ActionState(one, "NODE", first.sequence_id) for one in first.actions]
            self.actions |= {state.action.action_id: state for state in again}
            self._queue.add(again)
            self.settle()
        return outcome


class ForgetsWhatIsDone(OrderLogic):
    """Knows nothing of an order that it has completed."""

    def _continues(self, order: Order) -> Problem | None:
        if self.idle:
            return Problem("discontinuous_update", self._ids(order), "there is no such order")
        return super()._continues(order)


class InstantIsAnOrder(OrderLogic):
    """Takes no order while it writes a report (ros_amr_interop #76)."""

    @property
    def idle(self) -> bool:
        reports = [s for s in self.instant.values() if s.action.action_type == "logReport"]
        return super().idle and all(state.ended for state in reports)


class WaitingStays(OrderLogic):
    """Leaves actions that waited WAITING when it cancels."""

    def fail_at_once(self, state: ActionState, why: str) -> None:
        if state.status is not Status.WAITING:
            super().fail_at_once(state, why)


class FinishedAtOnce(OrderLogic):
    """cancelOrder is FINISHED as soon as it came."""

    def _finish_cancelling(self) -> None:
        self.nodes, self.edges, self.cancelled = [], [], True
        for state in self._cancelling:
            state.become(Status.FINISHED)
        self._cancelling = []
        self.revision += 1


class Revives(OrderLogic):
    """An update brings a cancelled order back."""

    def _take_update(self, order: Order) -> Outcome:
        self.cancelled = False
        return super()._take_update(order)


class FailedBlocks(OrderLogic):
    """A node's action that has FAILED is not over for it (VDA5050 #269)."""

    @property
    def idle(self) -> bool:
        nodes = [one for one in self.actions.values() if one.scope == "NODE"]
        failed = any(one.status is Status.FAILED for one in nodes)
        return super().idle and not failed


class CancelledIsFinished(OrderLogic):
    """Reports what was broken off as FINISHED."""

    def fail_at_once(self, state: ActionState, why: str) -> None:
        if state.status is Status.RUNNING:
            self._effects.append(Abort(state.action.action_id))
            state.become(Status.FINISHED)
            return
        super().fail_at_once(state, why)


class KeepsOldErrors(OrderLogic):
    """Goes on reporting what it refused, whatever it takes."""

    def _accept(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        old = list(self.problems.active)
        super()._accept(nodes, edges)
        self.problems.active = old


class Sulks(OrderLogic):
    """Ignores the order after one to a map that it does not know."""

    _sulks = False

    def take_order(self, order: Order) -> Outcome:
        if self._sulks:
            self._sulks = False
            return Outcome.IGNORED
        return super().take_order(order)

    def _reject(self, problem: Problem) -> None:
        super()._reject(problem)
        self._sulks = problem.key == "unknown_map"


class PauseIsAWord(OrderLogic):
    """Says that it is paused, and drives on."""

    @property
    def frozen(self) -> bool:
        return self.held or self.hibernating

    def end_waiting(self) -> None:
        for state in self.pausing:
            state.become(Status.FINISHED)
        self.pausing = []
        super().end_waiting()


class OrdersWake(OrderLogic):
    """An order ends a pause."""

    def _take_new(self, order: Order) -> Outcome:
        outcome = super()._take_new(order)
        if outcome is Outcome.ACCEPTED:
            self.set_paused(False)
        return outcome


class CancelsAtTheEnd(OrderLogic):
    """Drives its base to the end before it stops for cancelOrder."""

    def route(self) -> Route | None:
        cancelling, self._cancelling = self._cancelling, []
        route = super().route()
        self._cancelling = cancelling
        return route
