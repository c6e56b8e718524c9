# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken vehicles, by what they make of instant actions, garbage and lost power."""

from __future__ import annotations

import msgspec

from hil.kits.igv.emulation import MAP
from twin.wires.vda5050.vehicle import Vehicle

from .igv_wire import Change, Message, decoded


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
