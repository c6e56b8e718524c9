"""A small right master: it takes jobs, sends orders and keeps two vehicles off one lane.

Sans-io: it is told what is heard and what time it is, and leaves what it wants to send in `out`.
It is the good twin of the kit, and its methods are what mutants break. It is no fleet manager: one
zone, shortest ways, no assignment.
"""

from __future__ import annotations

import math

from .messages import Message, Plan, Scribe, Unit, Wish

RESEND_S = 2.0
TRIES = 20
STALE_S = 40.0
"""A state older than this is no ground for a release; the standard's interval is 30 s."""
AHEAD = 2
"""Nodes that are released ahead of the last one passed."""
CHARGE_MIN = 20.0
LEASE_S = 20.0
TAKES_ORDERS = ("AUTOMATIC", "SEMIAUTOMATIC")
REFUSALS = (
    "orderError", "orderUpdateError", "validationError", "noRouteError", "VALIDATION_FAILURE",
    "UNSUPPORTED_PARAMETER", "INVALID_ORDER_ACTION", "OUTDATED_ORDER_UPDATE", "OTHER_ORDER_ACTIVE",
    "ORDER_UPDATE_FOLLOWING_CANCEL", "START_NODE_OUT_OF_RANGE", "NO_ROUTE_TO_TARGET",
    "UNKNOWN_MAP_ID", "INSUFFICIENT_MEMORY",
)  # fmt: skip
ENDED = ("FINISHED", "FAILED")


class Master(Scribe):
    """The right one."""

    holder = ""
    """Who has the zone."""

    # --- what it is told

    def bring(self, serial: str, goal: str) -> None:
        """A job: this vehicle to this node."""
        self.units[serial].goals.append(goal)

    def abandon(self, serial: str) -> None:
        """Forget the vehicle's jobs, and cancel what it is driving."""
        unit = self.units[serial]
        unit.goals.clear()
        if (unit.plan is not None or unit.state.get("nodeStates")) and unit.cancel is None:
            unit.cancel = self.wish(unit, "cancelOrder")

    def pause(self, serial: str, on: bool) -> None:
        """Stop for a while, or go on."""
        unit = self.units[serial]
        unit.wishes.append(self.wish(unit, "startPause" if on else "stopPause"))

    def heard(self, serial: str, topic: str, message: Message) -> None:
        """A message of a vehicle."""
        unit = self.units.get(serial)
        if unit is None:
            return
        if topic == "connection":
            unit.connection = str(message.get("connectionState", ""))
        elif topic == "state" and self.is_new(unit, message):
            unit.state, unit.heard_s = message, self.now_s

    def is_new(self, unit: Unit, message: Message) -> bool:
        """Later than the last one, by its time stamp: headerIds begin anew at a restart."""
        return str(message.get("timestamp", "")) >= str(unit.state.get("timestamp", ""))

    def tick(self) -> None:
        """Do what is due."""
        for unit in self.units.values():
            self.follow(unit)
        self.free()
        for unit in self.units.values():
            if self.three and self.in_reach(unit) and self.fresh(unit):
                self.answer(unit)
            if not self.usable(unit):
                continue
            self.repeat(unit)
            if unit.cancel is None:
                self.extend(unit)
                self.start(unit)

    # --- what it knows

    def usable(self, unit: Unit) -> bool:
        """Whether it may be told anything: in reach, fresh, automatic, in order."""
        return self.in_reach(unit) and self.fresh(unit) and self.able(unit)

    def in_reach(self, unit: Unit) -> bool:
        """It says ONLINE."""
        return unit.connection == "ONLINE"

    def fresh(self, unit: Unit) -> bool:
        """Its state is not too old."""
        return bool(unit.state) and self.now_s - unit.heard_s <= STALE_S

    def able(self, unit: Unit) -> bool:
        """Automatic and without an error that keeps it from driving."""
        return unit.state.get("operatingMode") in TAKES_ORDERS and not self.broken(unit)

    def broken(self, unit: Unit) -> bool:
        """A FATAL (3.0 also CRITICAL) error stands."""
        errors = unit.state.get("errors", ())
        return any(one.get("errorLevel") in ("FATAL", "CRITICAL") for one in errors)

    def place(self, unit: Unit) -> tuple[float, float] | None:
        """Where it says that it is."""
        key = "mobileRobotPosition" if self.three else "agvPosition"
        position = unit.state.get(key)
        return (position["x"], position["y"]) if position else None

    def charge(self, unit: Unit) -> float:
        """State of charge, %."""
        if self.three:
            return float(unit.state.get("powerSupply", {}).get("stateOfCharge", 100.0))
        return float(unit.state.get("batteryState", {}).get("batteryCharge", 100.0))

    def passed(self, unit: Unit) -> int:
        """Index in the plan of the last node passed; the first one if it says nothing of it."""
        assert unit.plan is not None
        if unit.state.get("orderId") != unit.plan.id:
            return 0
        return int(unit.state.get("lastNodeSequenceId", 0)) // 2

    def inside(self, unit: Unit) -> bool:
        """It is in the zone, or may drive into it."""
        place = self.place(unit)
        if place is not None and self.layout.nearest(*place) in self.layout.zone:
            return True
        if unit.state.get("lastNodeId") in self.layout.zone:
            return True
        if unit.plan is None:
            return False
        ahead = unit.plan.path[self.passed(unit) : unit.plan.released]
        return any(name in self.layout.zone for name in ahead)

    def free(self) -> None:
        """Give the zone back when its holder has left it, by a state that is fresh."""
        unit = self.units.get(self.holder)
        if unit is not None and self.in_reach(unit) and self.fresh(unit) and not self.inside(unit):
            self.holder = ""

    def may_release(self, unit: Unit, node: str) -> bool:
        """Whether this vehicle may drive onto `node`; takes the zone if need be."""
        for other in self.units.values():
            if other is not unit and other.state.get("lastNodeId") == node:
                return False
        if node not in self.layout.zone:
            return True
        if self.holder not in ("", unit.serial):
            return False
        if any(self.inside(other) for other in self.units.values() if other is not unit):
            return False
        self.holder = unit.serial
        return True

    # --- what it does

    def follow(self, unit: Unit) -> None:
        """See by the state what became of order and cancel."""
        plan, state = unit.plan, unit.state
        if unit.cancel is not None:
            if self.reflected(unit, unit.cancel) in ENDED and not state.get("nodeStates"):
                unit.cancel, unit.plan = None, None
            return
        if plan is None:
            return
        same = (state.get("orderId"), state.get("orderUpdateId")) == (plan.id, plan.update)
        if same:
            plan.known = True
        elif self.refused(unit, plan):
            unit.plan = None
            unit.goals.clear()
            return
        if plan.known and not state.get("nodeStates"):
            if same and self.passed(unit) == len(plan.path) - 1:
                if not state.get("driving"):
                    unit.plan = None
                    unit.goals.popleft()
            else:
                self.lost(unit, plan)

    def lost(self, unit: Unit, plan: Plan) -> None:  # noqa: ARG002 - for who makes more of it
        """The vehicle has dropped its order; the goal is still wanted."""
        unit.plan = None

    def refused(self, unit: Unit, plan: Plan) -> bool:
        """An error of the vehicle is about this order."""
        for error in unit.state.get("errors", ()):
            about = {
                one.get("referenceKey"): one.get("referenceValue")
                for one in error.get("errorReferences", ())
            }
            if error.get("errorType") in REFUSALS and about.get("orderId") == plan.id:
                return True
        return False

    def reflected(self, unit: Unit, wish: Wish) -> str:
        """Status of an instant action; empty if the state does not show it."""
        for key in ("actionStates", "instantActionStates"):
            for one in unit.state.get(key, ()):
                if one.get("actionId") == wish.id:
                    return str(one.get("actionStatus"))
        return ""

    def repeat(self, unit: Unit) -> None:
        """Send again what is not reflected."""
        plan = unit.plan
        waiting = plan is not None and not plan.known and unit.cancel is None
        if plan and waiting and self.now_s - plan.sent_s >= RESEND_S and plan.tries < TRIES:
            plan.sent_s, plan.tries = self.now_s, plan.tries + 1
            self.send(unit, "order", self.order(plan))
        unit.wishes = [one for one in unit.wishes if not self.reflected(unit, one)]
        for wish in [*unit.wishes, *([unit.cancel] if unit.cancel else [])]:
            due = self.now_s - wish.sent_s >= RESEND_S and wish.tries < TRIES
            if due and not self.reflected(unit, wish):
                wish.sent_s, wish.tries = self.now_s, wish.tries + 1
                self.send(unit, "instantActions", self.instant(wish))

    def extend(self, unit: Unit) -> None:
        """Release more of the way, as far as it is free."""
        plan = unit.plan
        if plan is None or not plan.known:
            return
        was, wanted = plan.released, min(len(plan.path), self.passed(unit) + 1 + AHEAD)
        while plan.released < wanted and self.may_release(unit, plan.path[plan.released]):
            plan.released += 1
        if plan.released > was:
            plan.update += 1
            self.publish(unit, plan, was - 1)

    def start(self, unit: Unit) -> None:
        """Begin the next job."""
        state, place = unit.state, self.place(unit)
        if unit.goals and unit.plan is None and state.get("nodeStates"):
            self.clear(unit)
        if self.busy(unit) or not unit.goals or place is None or self.charge(unit) < CHARGE_MIN:
            return
        path, places = self.way(place, unit.goals[0])
        plan = Plan(self.order_id(), path, places, 1)
        wanted = min(len(path), 1 + AHEAD)
        while plan.released < wanted and self.may_release(unit, path[plan.released]):
            plan.released += 1
        if plan.released == 1 and len(path) > 1:
            return  # nothing is free yet
        unit.plan = plan
        self.publish(unit, plan, 0)

    def busy(self, unit: Unit) -> bool:
        """It has an order, or still drives."""
        state = unit.state
        return unit.plan is not None or bool(state.get("nodeStates") or state.get("driving"))

    def clear(self, unit: Unit) -> None:
        """Cancel an order that it does not know, as after a restart of its own."""
        unit.cancel = self.wish(unit, "cancelOrder")

    def way(
        self, place: tuple[float, float], goal: str
    ) -> tuple[list[str], dict[str, tuple[float, float]]]:
        """From a place to a node; a vehicle may stand between two nodes."""
        here = self.layout.nearest(*place)
        path, places = self.layout.path(here, goal), dict(self.layout.nodes)
        if math.dist(places[here], place) > 0.5:
            name = f"at-{self.number()}"
            path, places = [name, *path], {**places, name: place}
        return path, places

    def answer(self, unit: Unit) -> None:
        """Grant and renew what vehicles ask for (3.0)."""
        answers: list[Message] = []
        for request in unit.state.get("zoneRequests", ()):
            name, status = request["requestId"], request["requestStatus"]
            grant = self.grants(unit)
            if not grant and status == "REQUESTED":
                answers.append({"requestId": name, "grantType": "QUEUED"})
            if grant and self.now_s > unit.leases.get(name, 0.0) - LEASE_S / 2:
                unit.leases[name] = self.now_s + LEASE_S
                lease = self.stamp(unit.leases[name])
                answers.append({"requestId": name, "grantType": "GRANTED", "leaseExpiry": lease})
        if answers:
            self.send(unit, "responses", {"responses": answers})

    def grants(self, unit: Unit) -> bool:
        """Whether this vehicle may be in the zone; who is there already may."""
        others = (one for one in self.units.values() if one is not unit)
        if self.holder == "" and self.inside(unit) and not any(map(self.inside, others)):
            self.holder = unit.serial
        return self.holder == unit.serial
