# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken vehicles, by what they say; and how messages are altered on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

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
            if topic.endswith(f"/{name}") and message is not None and "headerId" in message:
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
