# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken vehicles, by their messages: what is sent is altered, what arrives is mended or lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hil.kits.igv.emulation import MAP
from twin.wires.vda5050.vehicle import Vehicle

Message = dict[str, Any]
Change = Callable[[Vehicle, Message], Message | None]
"""Alters a message, or gives None to lose it."""

LISTS = ("actionStates", "instantActionStates")


def speaks(name: str, change: Change) -> type[Vehicle]:
    """A vehicle whose messages on topic `name` are altered before they are sent."""

    class Speaks(Vehicle):
        def _publish(self, topic: str, payload: bytes) -> None:
            if topic == name:
                changed = change(self, msgspec.json.decode(payload))
                if changed is None:
                    return
                payload = msgspec.json.encode(changed)
            super()._publish(topic, payload)

    return Speaks


def hears(name: str, change: Change) -> type[Vehicle]:
    """A vehicle that alters messages on topic `name` as they arrive."""

    class Hears(Vehicle):
        def receive(self, topic: str, payload: bytes) -> None:
            message = decoded(payload)
            if topic.endswith(f"/{name}") and message is not None:
                changed = change(self, message)
                if changed is None:
                    return
                payload = msgspec.json.encode(changed)
            super().receive(topic, payload)

    return Hears


def decoded(payload: bytes) -> Message | None:
    """A JSON object, or None."""
    try:
        data = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def spoilt(message: Message) -> Message:
    """An order that this vehicle refuses."""
    return message | {"nodes": "none"}


# ---------------------------------------------------------------- what it says


def says(key: str, value: Any) -> Change:
    """A member that is always the same."""
    return lambda _, message: message | {key: value}


def without_action(kind: str, *, when: Callable[[Vehicle], bool] = lambda _: True) -> Change:
    """Actions of this type are not listed."""

    def change(vehicle: Vehicle, message: Message) -> Message:
        for name in LISTS if when(vehicle) else ():
            if name in message:
                message[name] = [one for one in message[name] if one["actionType"] != kind]
        return message

    return change


def shows_action(kind: str, status: str, instead: str) -> Change:
    """Actions of this type have one status instead of another."""

    def change(_: Vehicle, message: Message) -> Message:
        for name in LISTS:
            for one in message.get(name, ()):
                if one["actionType"] == kind and one["actionStatus"] == status:
                    one["actionStatus"] = instead
        return message

    return change


def charge_as_text(_: Vehicle, message: Message) -> Message:
    """The state of charge is a text."""
    message["batteryState"]["batteryCharge"] = str(message["batteryState"]["batteryCharge"])
    return message


def lying_sheet(_: Vehicle, message: Message) -> Message:
    """An action is missing from the factsheet."""
    message["protocolFeatures"]["agvActions"].pop()
    return message


def no_length(_: Vehicle, message: Message) -> Message:
    """The factsheet leaves out the vehicle's length."""
    del message["physicalParameters"]["length"]
    return message


def no_map(_: Vehicle, message: Message) -> Message:
    """A position of no map."""
    del message["agvPosition"]["mapId"]
    return message


def no_stamp(_: Vehicle, message: Message) -> Message:
    """A message without its time."""
    del message["timestamp"]
    return message


def local_time(_: Vehicle, message: Message) -> Message:
    """Its own zone's time."""
    message["timestamp"] = message["timestamp"].removesuffix("Z") + "+07:00"
    return message


def aside(_: Vehicle, message: Message) -> Message:
    """Beside where it stands."""
    message["agvPosition"]["y"] += 0.4
    return message


def stands_soon(_: Vehicle, message: Message) -> Message:
    """Stands, it says, as soon as its last released node is the next one."""
    base = [one for one in message["nodeStates"] if one["released"]]
    message["driving"] = message["driving"] and len(base) > 1
    return message


def no_horizon(_: Vehicle, message: Message) -> Message:
    """Only the base is listed."""
    for key in ("nodeStates", "edgeStates"):
        message[key] = [one for one in message[key] if one["released"]]
    return message


def still_listed(_: Vehicle, message: Message) -> Message:
    """A passed node is listed until the next one is."""
    if message["driving"] and message["nodeStates"]:
        last = {"nodeId": message["lastNodeId"], "sequenceId": message["lastNodeSequenceId"]}
        message["nodeStates"].insert(0, last | {"released": True})
    return message


def only_begun(_: Vehicle, message: Message) -> Message:
    """Actions are listed when they begin."""
    shown = [one for one in message["actionStates"] if one["actionStatus"] != "WAITING"]
    return message | {"actionStates": shown}


def only_base_actions(vehicle: Vehicle, message: Message) -> Message:
    """Actions of the horizon are not listed."""
    actions = vehicle.logic.actions
    hidden = {key for key, one in actions.items() if one.horizon}
    shown = [one for one in message["actionStates"] if one["actionId"] not in hidden]
    return message | {"actionStates": shown}


def fatal(_: Vehicle, message: Message) -> Message:
    """Every error needs a person."""
    for one in message["errors"]:
        one["errorLevel"] = "FATAL"
    return message


def small_letters(_: Vehicle, message: Message) -> Message:
    """Error types as another simulator writes them."""
    for one in message["errors"]:
        first, *rest = one["errorType"].lower().split("_")
        one["errorType"] = first + "".join(word.title() for word in rest)
    return message


def safety(key: str, value: Any) -> Change:
    """One member of the safety state never changes."""

    def change(_: Vehicle, message: Message) -> Message:
        message["safetyState"][key] = value
        return message

    return change


def maps_disabled(_: Vehicle, message: Message) -> Message:
    """No map is in use."""
    for one in message["maps"]:
        one["mapStatus"] = "DISABLED"
    return message


class KeepsTheHorizon(Vehicle):
    """After its last node it still lists a node of a horizon that it once had (openTCS #12)."""

    _had = "none yet"

    def _publish(self, name: str, payload: bytes) -> None:
        if name == "state":
            message = msgspec.json.decode(payload)
            if any(not one["released"] for one in message["nodeStates"]):
                self._had = message["orderId"]
            elif self._had == message["orderId"] and not message["nodeStates"]:
                node = {"nodeId": "gone", "sequenceId": message["lastNodeSequenceId"] + 2}
                message["nodeStates"] = [node | {"released": False}]
            payload = msgspec.json.encode(message)
        super()._publish(name, payload)


class NotANumber(Vehicle):
    """Its visualization has NaN for a speed."""

    def _publish(self, name: str, payload: bytes) -> None:
        if name == "visualization":
            payload = payload.replace(b'"omega":', b'"omega":NaN,"was":')
        super()._publish(name, payload)


class OtherTopic(Vehicle):
    """Publishes its visualization under a name of its own."""

    def topic(self, name: str) -> str:
        return super().topic("visualisation" if name == "visualization" else name)


# ---------------------------------------------------------------- what it makes of what it hears


def releases_the_start(_: Vehicle, order: Message) -> Message:
    """Takes its first node for released."""
    for one in order.get("nodes", ())[:1]:
        one["released"] = True
    return order


def releases_ends(_: Vehicle, order: Message) -> Message:
    """Takes the ends of released edges for released."""
    nodes = order.get("nodes", ())
    for edge, node in zip(order.get("edges", ()), nodes[1:], strict=False):
        node["released"] = node["released"] or edge["released"]
    return order


def releases_between(_: Vehicle, order: Message) -> Message:
    """Takes an edge between released nodes for released."""
    nodes, edges = order.get("nodes", ()), order.get("edges", ())
    for before, edge, node in zip(nodes, edges, nodes[1:], strict=False):
        edge["released"] = edge["released"] or (before["released"] and node["released"])
    return order


def counts_anew(_: Vehicle, order: Message) -> Message:
    """Numbers the parts of a new order itself."""
    for key, offset in (("nodes", 0), ("edges", 1)):
        for index, one in enumerate(order.get(key, ()) if not order["orderUpdateId"] else ()):
            one["sequenceId"] = 2 * index + offset
    return order


def drops_loose_ends(_: Vehicle, order: Message) -> Message:
    """Drops nodes to which no edge leads."""
    if "nodes" in order:
        order["nodes"] = order["nodes"][: len(order["edges"]) + 1]
    return order


def joins_itself(_: Vehicle, order: Message) -> Message:
    """Does not look at the ends of edges."""
    for edge in order.get("edges", ()):
        edge.pop("startNodeId", None)
        edge.pop("endNodeId", None)
    return order


def begins_anywhere(_: Vehicle, order: Message) -> Message:
    """Drives to the first node, however far it is."""
    for one in order.get("nodes", ())[:1]:
        one["nodePosition"]["allowedDeviationXY"] = 1000.0
    return order


def any_map(_: Vehicle, order: Message) -> Message:
    """All maps are one."""
    for one in order.get("nodes", ()):
        one["nodePosition"]["mapId"] = MAP
    return order


def skips_unknown(vehicle: Vehicle, order: Message) -> Message:
    """Leaves out actions that it does not know."""
    for one in order.get("nodes", ()):
        known = vehicle.dialect.actions.node
        one["actions"] = [a for a in one["actions"] if a["actionType"] in known]
    return order


def guesses_blocking(_: Vehicle, order: Message) -> Message:
    """Takes a blockingType that it does not know for HARD."""
    for one in (*order.get("nodes", ()), *order.get("edges", ())):
        for action in one["actions"]:
            if action["blockingType"] not in ("NONE", "SOFT", "SINGLE", "HARD"):
                action["blockingType"] = "HARD"
    return order


def guesses_numbers(_: Vehicle, order: Message) -> Message:
    """Takes a text for the coordinate that it had before."""
    for one in order.get("nodes", ()):
        if isinstance(one["nodePosition"]["x"], str):
            one["nodePosition"]["x"] = 20.0
    return order


def stays_where_it_is(vehicle: Vehicle, order: Message) -> Message:
    """An order without nodes is one to stay."""
    if "nodes" not in order:
        pose = vehicle.igv.believed
        place = {"x": pose.x_m, "y": pose.y_m, "mapId": MAP}
        node = {"nodeId": "here", "sequenceId": 0, "released": True, "actions": []}
        order |= {"nodes": [node | {"nodePosition": place}], "edges": []}
    return order


def as_much_as_it_can(vehicle: Vehicle, order: Message) -> Message:
    """Takes as many nodes as it has room for."""
    most = vehicle.logic.limits["order.nodes"]
    if len(order.get("nodes", ())) > most:
        order |= {"nodes": order["nodes"][:most], "edges": order["edges"][: most - 1]}
    return order


def begins_at_any_number(vehicle: Vehicle, order: Message) -> Message:
    """A new order may begin with any orderUpdateId."""
    if order["orderId"] != vehicle.logic.order_id:
        order["orderUpdateId"] = 0
    return order


def needs_deviation(_: Vehicle, order: Message) -> Message:
    """Refuses nodes without allowedDeviationXY."""
    bare = [o for o in order.get("nodes", ()) if "allowedDeviationXY" not in o["nodePosition"]]
    return spoilt(order) if bare else order


def no_strangers(_: Vehicle, order: Message) -> Message:
    """Refuses members that it does not know."""
    return spoilt(order) if "fleetNote" in order else order


def needs_a_road(_: Vehicle, order: Message) -> Message:
    """Refuses an order of one node."""
    return spoilt(order) if len(order.get("nodes", ())) == 1 else order


def no_loops(_: Vehicle, order: Message) -> Message:
    """Refuses an order with a node that is there twice."""
    names = [one["nodeId"] for one in order.get("nodes", ())]
    return spoilt(order) if len(set(names)) < len(names) else order


def number_by_number(vehicle: Vehicle, order: Message) -> Message:
    """Refuses an orderUpdateId that is not the next one."""
    logic = vehicle.logic
    later = order["orderId"] == logic.order_id and order["orderUpdateId"] > logic.order_update_id + 1
    return spoilt(order) if later else order


def any_number(vehicle: Vehicle, order: Message) -> Message:
    """Takes an old orderUpdateId for a new one."""
    held = vehicle.logic.order_update_id
    if order["orderId"] == vehicle.logic.order_id and order["orderUpdateId"] < held:
        order["orderUpdateId"] = held + 1
    return order


def needs_more(vehicle: Vehicle, order: Message) -> Message | None:
    """Ignores an update that brings no new node."""
    same = order["orderId"] == vehicle.logic.order_id
    return None if same and len(order.get("nodes", ())) == 1 else order


def blocking_as(found: str, instead: str) -> Change:
    """Takes one blocking type for another."""

    def change(_: Vehicle, order: Message) -> Message:
        for one in order.get("nodes", ()):
            for action in one["actions"]:
                if action["blockingType"] == found:
                    action["blockingType"] = instead
        return order

    return change


def backwards(_: Vehicle, order: Message) -> Message:
    """Does the last action of a node first."""
    for one in order.get("nodes", ()):
        one["actions"].reverse()
    return order


def edges_at_once(_: Vehicle, order: Message) -> Message:
    """Does what belongs to edges where it starts."""
    for edge in order.get("edges", ()):
        order["nodes"][0]["actions"] += edge["actions"]
        edge["actions"] = []
    return order


def no_speed_limits(_: Vehicle, order: Message) -> Message:
    """Does not look at speed limits."""
    for edge in order.get("edges", ()):
        edge.pop("maxSpeed", None)
    return order


def stretched(_: Vehicle, order: Message) -> Message:
    """Its map is stretched by a tenth."""
    for one in order.get("nodes", ()):
        if one["nodeId"].startswith("T"):
            one["nodePosition"]["x"] = 1.1 * float(one["nodePosition"]["x"])
    return order


def only_the_first(_: Vehicle, message: Message) -> Message:
    """Does the first instant action of a message."""
    return message | {"actions": message["actions"][:1]}


def deaf_to(*kinds: str) -> Change:
    """Does not hear these instant actions."""

    def change(_: Vehicle, message: Message) -> Message | None:
        kept = [one for one in message["actions"] if one["actionType"] not in kinds]
        return message | {"actions": kept} if kept else None

    return change


def far_away(_: Vehicle, message: Message) -> Message:
    """Mistakes the position that it is told."""
    for one in message["actions"]:
        for value in one.get("actionParameters", ()):
            if one["actionType"] == "initPosition" and value["key"] == "x":
                value["value"] += 100.0
    return message


def cancels_any(_: Vehicle, message: Message) -> Message:
    """Does not look at the orderId of cancelOrder."""
    for one in message["actions"]:
        if one["actionType"] == "cancelOrder":
            one.pop("actionParameters", None)
    return message


def silent_about(name: str) -> type[Vehicle]:
    """A vehicle that only logs what it cannot read on a topic."""

    class Silent(Vehicle):
        def receive(self, topic: str, payload: bytes) -> None:
            if not topic.endswith(f"/{name}") or decoded(payload) is not None:
                super().receive(topic, payload)

    return Silent


class DiesOfGarbage(Vehicle):
    """An array where an object should be ends its receiver and its sender."""

    _dead = False

    def receive(self, topic: str, payload: bytes) -> None:
        self._dead = self._dead or payload.startswith(b"[")
        if not self._dead:
            super().receive(topic, payload)

    def _publish(self, name: str, payload: bytes) -> None:
        if not self._dead:
            super()._publish(name, payload)


class GhostOrders(Vehicle):
    """What it cannot read makes it drive five metres."""

    def ghost(self) -> None:
        pose = self.igv.believed
        nodes = [
            {"nodeId": f"ghost-{step}", "sequenceId": 2 * step, "released": True, "actions": [],
             "nodePosition": {"x": pose.x_m + 5.0 * step, "y": pose.y_m, "mapId": MAP}}
            for step in range(2)
        ]  # fmt: skip
        edge = {"edgeId": "ghost", "sequenceId": 1, "released": True, "actions": []}
        edge |= {"startNodeId": "ghost-0", "endNodeId": "ghost-1"}
        header = {"headerId": 0, "timestamp": "2023-05-30T00:00:00.00Z", "orderUpdateId": 0}
        header |= {"version": self.dialect.version, "manufacturer": self.face.manufacturer}
        header |= {"serialNumber": self.serial_number, "orderId": f"ghost-{self.sent}"}
        order = header | {"nodes": nodes, "edges": [edge]}
        super().receive(self.topic("order"), msgspec.json.encode(order))

    def receive(self, topic: str, payload: bytes) -> None:
        super().receive(topic, payload)
        if decoded(payload) is None:
            self.ghost()


class DrivesAfterPower(GhostOrders):
    """As soon as it has booted it drives on."""

    _was_off = False

    def receive(self, topic: str, payload: bytes) -> None:
        Vehicle.receive(self, topic, payload)

    def _changed(self, what: str) -> None:
        super()._changed(what)
        if not self.igv.online:
            self._was_off = True
        elif self._was_off and what == "mode" and self.igv.mode.value == "AUTOMATIC":
            self._was_off = False
            self.ghost()


def after_power(change: Change, name: str) -> type[Vehicle]:
    """A vehicle that hears topic `name` wrongly once its power was cut."""

    class AfterPower(Vehicle):
        was_off = False

        def _changed(self, what: str) -> None:
            self.was_off = self.was_off or not self.igv.online
            super()._changed(what)

        def receive(self, topic: str, payload: bytes) -> None:
            message = decoded(payload) if self.was_off and topic.endswith(f"/{name}") else None
            if message is not None:
                changed = change(self, message)
                if changed is None:
                    return
                payload = msgspec.json.encode(changed)
            super().receive(topic, payload)

    return AfterPower


# ---------------------------------------------------------------- connection


class NoWill(Vehicle):
    """Connects without a will."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        client = super().connect(*arguments, **options)
        client._paho.will_clear()
        return client


class PassingWill(Vehicle):
    """Its will is not retained."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        client = super().connect(*arguments, **options)
        will = client.settings.will
        assert will is not None
        client._paho.will_set(will.topic, will.payload, 1, False)
        return client


class OnlineOnce(Vehicle):
    """Says ONLINE once in its life (vda-5050-lib #38)."""

    _said = False

    def _connected(self) -> None:
        if not self._said:
            self._said = True
            super()._connected()
        else:
            self._send_state()


class NoFarewell(Vehicle):
    """Goes without OFFLINE and without DISCONNECT."""

    async def stop(self) -> None:
        if self.client is not None:
            self.client.kill()
        await super().stop()


class NoFactsheet(Vehicle):
    """Sends its factsheet when it connects, and never again."""

    _sheets = 0

    def _send_factsheet(self) -> None:
        self._sheets += 1
        if self._sheets == 1:
            super()._send_factsheet()


class StopsWhenSilent(Vehicle):
    """Stops when the broker is gone."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        return super().connect(*arguments, **options | {"keep_alive_s": 4})

    def _lost(self, reason: str) -> None:
        super()._lost(reason)
        self.logic.set_paused(True)
        self._after()


class ForgetsWhenSilent(Vehicle):
    """Drops its order when the broker is gone."""

    def _lost(self, reason: str) -> None:
        super()._lost(reason)
        self.logic.clear_order("no broker")
        self._after()


class DrivesOnWhenSilent(Vehicle):
    """Without the broker it drives its horizon, too."""

    def _lost(self, reason: str) -> None:
        super()._lost(reason)
        logic, replace = self.logic, msgspec.structs.replace
        logic.nodes = [replace(node, released=True) for node in logic.nodes]
        logic.edges = [replace(edge, released=True) for edge in logic.edges]
        self._after()
