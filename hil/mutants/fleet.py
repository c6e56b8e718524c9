"""Masters that are each wrong in one way. A mutant that its requirement does not fail is a hole.

Here those that make wrong messages; `fleet_mind` has those that decide wrongly.
"""

from __future__ import annotations

from typing import Any

from hil.kits.fleet.emulation import FleetVariant
from hil.kits.fleet.master import Master
from hil.kits.fleet.messages import Message, Out, Plan, Unit, Wish
from hil.variant import Maker

from .fleet_mind import MUTANTS as OF_THE_MIND


class WrongVersion(Master):
    """Says 1.1.0."""

    def header(self, serial: str, topic: str) -> Message:
        return {**super().header(serial, topic), "version": "1.1.0"}


class ShowsPictures(Master):
    """Draws vehicles on their topic visualization."""

    def publish(self, unit: Unit, plan: Plan, first: int) -> None:
        super().publish(unit, plan, first)
        self.send(unit, "visualization", {"velocity": {"vx": 0.0}})


class SameHeader(Master):
    """headerId is always 0."""

    def header(self, serial: str, topic: str) -> Message:
        return {**super().header(serial, topic), "headerId": 0}


class LocalTime(Master):
    """Stamps with the offset of Hanoi."""

    def header(self, serial: str, topic: str) -> Message:
        header = super().header(serial, topic)
        return {**header, "timestamp": header["timestamp"].replace("Z", "+07:00")}


class OwnSerial(Master):
    """Names itself in the header."""

    def header(self, serial: str, topic: str) -> Message:
        return {**super().header(serial, topic), "serialNumber": "fleet-01"}


class Misspelt(Master):
    """allowedDeviationXy, as a library had it."""

    def node(self, plan: Plan, index: int) -> Message:
        node = super().node(plan, index)
        position = node["nodePosition"]
        position["allowedDeviationXy"] = position.pop("allowedDeviationXY")
        return node


class BeginsAhead(Master):
    """The first node is the next one, not the one where the vehicle stands."""

    def way(self, place: tuple[float, float], goal: str) -> Any:
        path, places = super().way(place, goal)
        return (path[1:] if len(path) > 2 else path), places


class CountsApart(Master):
    """Nodes and edges each have numbers of their own."""

    def node(self, plan: Plan, index: int) -> Message:
        return {**super().node(plan, index), "sequenceId": index}

    def edge(self, plan: Plan, index: int) -> Message:
        return {**super().edge(plan, index), "sequenceId": index}


class Reversed(Master):
    """startNodeId and endNodeId are swapped."""

    def edge(self, plan: Plan, index: int) -> Message:
        edge = super().edge(plan, index)
        return {**edge, "startNodeId": edge["endNodeId"], "endNodeId": edge["startNodeId"]}


class ReleasesTheGoal(Master):
    """The last node of the horizon is released."""

    def node(self, plan: Plan, index: int) -> Message:
        node = super().node(plan, index)
        return {**node, "released": node["released"] or index == len(plan.path) - 1}


class EdgeTooMany(Master):
    """The first edge of the horizon is released."""

    def edge(self, plan: Plan, index: int) -> Message:
        return {**super().edge(plan, index), "released": index < plan.released}


class BeginsAtOne(Master):
    """orderUpdateId begins at 1."""

    def order(self, plan: Plan) -> Message:
        plan.update = max(1, plan.update)
        return super().order(plan)


class OneOrderId(Master):
    """All jobs have one orderId."""

    def order_id(self) -> str:
        return "job"


class Mirrored(Master):
    """y is the wrong way round."""

    def node(self, plan: Plan, index: int) -> Message:
        node = super().node(plan, index)
        node["nodePosition"]["y"] *= -1.0
        return node


class ShortCut(Master):
    """Straight from the start to the goal."""

    def way(self, place: tuple[float, float], goal: str) -> Any:
        path, places = super().way(place, goal)
        return [path[0], path[-1]], places


class SameUpdate(Master):
    """orderUpdateId stays 0."""

    def order(self, plan: Plan) -> Message:
        return {**super().order(plan), "orderUpdateId": 0}


class StitchesAtTheHorizon(Master):
    """Updates begin at the first node of the horizon."""

    def publish(self, unit: Unit, plan: Plan, first: int) -> None:
        super().publish(unit, plan, first + 1 if plan.update else first)


class ChangesTheDecisionPoint(Master):
    """The node at which an update begins comes again with another text."""

    def order(self, plan: Plan) -> Message:
        order = super().order(plan)
        if plan.update:
            order["nodes"][0]["nodeDescription"] = "again"
        return order


class TakesBack(Master):
    """The second update releases nothing any more."""

    def order(self, plan: Plan) -> Message:
        order = super().order(plan)
        if plan.update == 2:
            for part in [*order["nodes"], *order["edges"]]:
                part["released"] = False
        return order


class AnotherRepeat(Master):
    """What is sent again has another text."""

    def order(self, plan: Plan) -> Message:
        order = super().order(plan)
        order["nodes"][-1]["nodeDescription"] = f"try {plan.tries}"
        return order


class OldKey(Master):
    """The array of instant actions is called instantActions."""

    def instant(self, wish: Wish) -> Message:
        return {"instantActions": super().instant(wish)["actions"]}


class OneActionId(Master):
    """actionId is the name of the action."""

    def wish(self, unit: Unit, kind: str) -> Wish:
        wish = Wish(kind, kind, self.now_s)
        self.send(unit, "instantActions", self.instant(wish))
        return wish


class NamelessAnswers(Master):
    """Answers do not say to which request."""

    def send(self, unit: Unit, topic: str, body: Message) -> None:
        if topic == "responses":
            left = [{key: one[key] for key in one if key != "requestId"} for one in body[topic]]
            body = {topic: left}
        super().send(unit, topic, body)


class AnswersAll(Master):
    """Answers go to every vehicle."""

    def answer(self, unit: Unit) -> None:
        before = len(self.out)
        super().answer(unit)
        for one in self.out[before:]:
            for other in self.units.values():
                if other is not unit:
                    self.out.append(Out(other.serial, one.topic, {
                        **one.message, **self.header(other.serial, one.topic)}))  # fmt: skip


class EndedLeases(Master):
    """A lease ends a second before it is given."""

    def send(self, unit: Unit, topic: str, body: Message) -> None:
        if topic == "responses":
            over = self.stamp(max(0.0, self.now_s - 1.0))
            body = {topic: [{**one, "leaseExpiry": over} if "leaseExpiry" in one else one
                            for one in body[topic]]}  # fmt: skip
        super().send(unit, topic, body)


_wrong = Maker(FleetVariant, "", Master)


MUTANTS = [
    FleetVariant("publishes-at-qos-1", "FLT-TOP-01", "Publishes at QoS 1.", qos=1),
    FleetVariant("retains-orders", "FLT-TOP-02", "Publishes with RETAIN.", retain=True),
    _wrong("shows-pictures", "FLT-TOP-03", ShowsPictures),
    _wrong("same-header", "FLT-HDR-01", SameHeader),
    _wrong("local-time", "FLT-HDR-02", LocalTime),
    _wrong("own-serial", "FLT-HDR-03", OwnSerial),
    _wrong("misspelt", "FLT-ORD-01", Misspelt),
    _wrong("begins-ahead", "FLT-ORD-02", BeginsAhead),
    _wrong("counts-apart", "FLT-ORD-03", CountsApart),
    _wrong("reversed-edges", "FLT-ORD-04", Reversed),
    _wrong("releases-the-goal", "FLT-ORD-05", ReleasesTheGoal),
    _wrong("edge-too-many", "FLT-ORD-06", EdgeTooMany),
    _wrong("begins-at-one", "FLT-ORD-07", BeginsAtOne),
    _wrong("one-order-id", "FLT-ORD-08", OneOrderId),
    _wrong("mirrored", "FLT-ORD-09", Mirrored),
    _wrong("short-cut", "FLT-ORD-10", ShortCut),
    _wrong("same-update", "FLT-UPD-01", SameUpdate),
    _wrong("stitches-at-the-horizon", "FLT-UPD-02", StitchesAtTheHorizon),
    _wrong("changes-the-decision-point", "FLT-UPD-03", ChangesTheDecisionPoint),
    _wrong("takes-back", "FLT-UPD-04", TakesBack),
    _wrong("another-repeat", "FLT-RSN-02", AnotherRepeat),
    _wrong("old-key", "FLT-INS-01", OldKey),
    _wrong("one-action-id", "FLT-INS-03", OneActionId),
    _wrong("nameless-answers", "FLT-LEA-02", NamelessAnswers, "3.0"),
    _wrong("answers-all", "FLT-LEA-03", AnswersAll, "3.0"),
    _wrong("ended-leases", "FLT-LEA-05", EndedLeases, "3.0"),
    _wrong("wrong-version", "FLT-DOC-01", WrongVersion),
    FleetVariant("fragile", "FLT-ROB-02", "Dies of a message that it cannot read.", fragile=True),
    *OF_THE_MIND,
]
