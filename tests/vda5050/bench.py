"""A vehicle that is nothing but facts, and a driver that plays its part: for tests of the logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fixtures.vda5050_orders import MANUFACTURER, SERIAL, Scribe, raw
from tests.vda5050.schemas import check
from twin.clock import Session
from twin.profiles.vda5050 import load
from twin.wires.vda5050.actions import Status
from twin.wires.vda5050.effects import Begin, Effect, Outcome
from twin.wires.vda5050.instant import receive_instant_actions
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.messages import Whereabouts, Writer
from twin.wires.vda5050.records import Action
from twin.wires.vda5050.switches import Switches


@dataclass
class Stub:
    """Facts that a test sets, and what a state shows of the vehicle."""

    manufacturer: str = MANUFACTURER
    serial_number: str = SERIAL
    mode: str = "AUTOMATIC"
    driving: bool = False
    localized: bool = True
    x: float = 0.0
    y: float = 0.0
    theta: float = 0.0
    tolerance_m: float = 0.5
    unsupported: frozenset[str] = frozenset({"direction"})
    maps_known: tuple[str, ...] = ("bridge",)
    types: frozenset[str] = frozenset(
        {"pick", "drop", "detectObject", "finePositioning", "waitForTrigger", "startCharging"}
        | {"initPosition", "initializePosition", "enableMap", "logReport"}
    )
    stubborn: frozenset[str] = frozenset({"drop"})
    by_hand: str = ""
    velocity: dict[str, float] = field(default_factory=lambda: {"vx": 0.0, "vy": 0.0, "omega": 0.0})
    loads: list[dict[str, Any]] = field(default_factory=list)
    emergency_stop: str = "NONE"
    field_violation: bool = False
    distance_m: float = 0.0
    new_base_request: bool = False
    zone_sets: list[dict[str, Any]] = field(default_factory=list)
    zone_requests: list[dict[str, Any]] = field(default_factory=list)
    edge_requests: list[dict[str, Any]] = field(default_factory=list)
    information: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pose(self) -> tuple[float, float, float, str]:
        return self.x, self.y, self.theta, "bridge"

    def whereabouts(self) -> Whereabouts:
        place = {"x": self.x, "y": self.y, "theta": self.theta, "mapId": "bridge"}
        return Whereabouts({**place, "localized": self.localized}, self.velocity, self.distance_m)

    @property
    def power(self) -> dict[str, Any]:
        return {"stateOfCharge": 80.0, "charging": False, "range": 1000.0}

    @property
    def maps(self) -> list[dict[str, Any]]:
        return [{"mapId": m, "mapVersion": "1", "mapStatus": "ENABLED"} for m in self.maps_known]

    def knows_map(self, map_id: str) -> bool:
        return map_id in self.maps_known

    def knows_node(self, node_id: str) -> bool:
        return node_id.startswith("known")

    def can(self, action: Action, scope: str) -> str:
        if action.action_type in self.types and (
            scope != "INSTANT" or action.action_type != "pick"
        ):
            return ""
        return f"{action.action_type} is not something this vehicle does"

    def cancellable(self, action_type: str) -> bool:
        return action_type not in self.stubborn

    def pausable(self, action_type: str) -> bool:
        return action_type != "waitForTrigger"

    def held_by_hand(self) -> str:
        return self.by_hand


class Bench:
    """One logic with its stub; `send` and `now` speak to it, `drive` moves the vehicle on."""

    def __init__(self, version: str = "2.1", **switches: Any) -> None:
        self.dialect = load(version)
        self.scribe, self.stub = Scribe(self.dialect), Stub()
        self.logic = OrderLogic(self.dialect, self.stub, switches=Switches(**switches))
        self.begun: list[str] = []
        self.effects: list[Effect] = []
        with Session.virtual() as session:
            self.writer = Writer(self.dialect, session.clock, MANUFACTURER, SERIAL)

    def send(self, order: dict[str, Any] | bytes) -> Outcome:
        outcome = self.logic.receive_order(order if isinstance(order, bytes) else raw(order))
        self._take()
        return outcome

    def now(self, kind: str, *, id: str | None = None, **parameters: Any) -> str:
        """Send one instant action; its status then."""
        message = self.scribe.now(kind, id=id, **parameters)
        assert receive_instant_actions(self.logic, raw(message))
        self._take()
        state = self.logic.instant.get(message["actions"][0]["actionId"])
        return state.status.value if state else "none"

    def _take(self) -> None:
        for effect in self.logic.take_effects():
            self.effects.append(effect)
            if isinstance(effect, Begin):
                self.begun.append(effect.action.action_id)

    def go(self, driving: bool = True) -> None:
        self.stub.driving = driving
        self.logic.moved()
        self._take()

    def reach(self, sequence: int) -> None:
        """Drive to the node of this sequenceId, and stop there if the route ends."""
        route = self.logic.route()
        assert route is not None, "the vehicle may not drive"
        assert route.steps[0].node.sequence_id == sequence
        place = route.steps[0].node.node_position
        if not self.stub.driving:
            self.go()
        if place is not None:
            self.stub.x, self.stub.y = place.x, place.y
        last = len(route.steps) == 1
        assert self.logic.node_reached(sequence)
        self._take()
        if last:
            self.go(driving=False)

    def end(self, action_id: str, *, failed: bool = False, result: str | None = None) -> None:
        """The vehicle runs an action that has begun to its end."""
        state = self.logic.state_of(action_id)
        assert state is not None
        if state.status is Status.INITIALIZING:
            self.logic.action_changed(action_id, Status.RUNNING)
        self.logic.action_changed(action_id, Status.FAILED if failed else Status.FINISHED, result)
        self._take()

    def status(self, action_id: str) -> str:
        state = self.logic.state_of(action_id)
        return state.status.value if state else "none"

    @property
    def errors(self) -> list[str]:
        return [self.dialect.errors[p.key].type for p in self.logic.problems.active]

    def state(self) -> dict[str, Any]:
        """The state message, judged by its schema."""
        return check(self.dialect.name, "state", self.writer.state(self.logic, self.stub))

    @property
    def upcoming(self) -> list[str]:
        return [node.node_id for node in self.logic.nodes]


def start(bench: Bench, *blocking: str, kind: str = "detectObject") -> list[str]:
    """An order A-B with actions of these blocking types on A."""
    actions = [bench.scribe.action(kind, b, id=f"{b}{i}") for i, b in enumerate(blocking)]
    assert bench.send(bench.scribe.way("o", "AB", actions={"A": actions})) is Outcome.ACCEPTED
    return [action["actionId"] for action in actions]
