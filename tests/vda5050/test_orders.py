"""Acceptance, rejection and progress of orders, on the logic alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fixtures.vda5050_orders import raw
from tests.vda5050.bench import Bench
from twin.wires.vda5050.effects import Outcome


def name(bench: Bench, two: str, three: str) -> str:
    return three if bench.dialect.name == "3.0" else two


def test_an_order_is_driven_node_by_node(bench: Bench) -> None:
    """The first node counts as passed at once; the others leave the state as they are reached."""
    order = bench.scribe.way("o", "ABC")
    assert bench.send(order) is Outcome.ACCEPTED
    assert (bench.logic.last_node_id, bench.upcoming) == ("A", ["B", "C"])
    assert [e["edgeId"] for e in bench.state()["edgeStates"]] == ["A-B", "B-C"]
    bench.reach(2)
    assert (bench.logic.last_node_sequence_id, bench.upcoming) == (2, ["C"])
    bench.reach(4)
    assert bench.logic.idle
    state = bench.state()
    assert (state["orderId"], state["lastNodeId"], state["nodeStates"]) == ("o", "C", [])


def test_the_vehicle_stops_at_the_last_released_node(bench: Bench) -> None:
    """The route ends at the decision point; what is not released is shown and never driven."""
    bench.send(bench.scribe.way("o", "ABCD", released=2))
    route = bench.logic.route()
    assert route is not None
    assert [step.node.node_id for step in route.steps] == ["B"]
    bench.reach(2)
    assert bench.logic.route() is None
    assert bench.upcoming == ["C", "D"]
    assert not bench.logic.node_reached(4)
    assert not bench.logic.idle, "a horizon is left: it waits for an update"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda o: o["nodes"].clear(),
        lambda o: o["edges"].pop(),
        lambda o: o["nodes"][1].update(sequenceId=3),
        lambda o: o["edges"][0].update(sequenceId=7),
        lambda o: o["nodes"][0].update(released=False),
        lambda o: o["nodes"][1].update(released=False),
        lambda o: o["edges"][0].update(released=False),
        lambda o: o["nodes"][0].update(nodeId=""),
        lambda o: o["nodes"][0].pop("actions"),
        lambda o: o.update(orderId=7),
        lambda o: o.update(orderUpdateId=-1),
        lambda o: o.update(orderUpdateId=1 << 33),
        lambda o: o.update(serialNumber="another"),
        lambda o: o.update(version="9.0.0"),
        lambda o: o["nodes"][0]["nodePosition"].update(x="0"),
        lambda o: o["nodes"][0]["nodePosition"].update(theta=4.0),
        lambda o: o["edges"][0].update(actions=[{"actionType": "pick"}]),
        lambda o: o["nodes"][1].update(
            actions=[{"actionType": "pick", "actionId": "1", "blockingType": "MAYBE"}]
        ),
        lambda o: o["edges"][0].update(
            trajectory={"degree": 3, "controlPoints": [{"x": 0, "y": 0}]}
        ),
    ],
)
def test_a_malformed_order_is_refused_and_named(bench: Bench, spoil: Any) -> None:
    """Every kind of malformed order gives the validation error and changes nothing else."""
    order = bench.scribe.way("o", "ABC")
    spoil(order)
    assert bench.send(order) is Outcome.REJECTED
    assert bench.errors == [name(bench, "validationError", "VALIDATION_FAILURE")]
    assert bench.logic.idle
    assert bench.logic.order_id == ""
    error = bench.state()["errors"][0]
    assert error["errorLevel"] == "WARNING"
    assert error["errorDescription"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"headerId": NaN}',
        b"\xff\xfe",
        b'"' + b"a" * 10,
        b"[" * 5000,
        *(b'{"a":' + b"[" * deep + b"]" * deep + b"}" for deep in (100, 300, 600, 900)),
        b'{"a": "' + b"x" * (1 << 20) + b'"}',
    ],
)
def test_what_is_no_json_object_is_a_validation_error(bench: Bench, payload: bytes) -> None:
    """Truncated, foreign or absurd payloads are answered, not dropped in silence."""
    assert bench.send(payload) is Outcome.REJECTED
    assert bench.errors == [name(bench, "validationError", "VALIDATION_FAILURE")]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_know_are_refused(bench: Bench, number: str) -> None:
    """NaN and infinity never enter the vehicle."""
    payload = raw(bench.scribe.way("o", "AB")).replace(b'"x": 0.0', f'"x": {number}'.encode(), 1)
    assert number.encode() in payload
    assert bench.send(payload) is Outcome.REJECTED


def test_every_prefix_of_an_order_is_refused(bench: Bench) -> None:
    """A message cut anywhere is never half taken."""
    payload = raw(bench.scribe.way("o", "AB"))
    for end in range(0, len(payload) - 1, 7):
        assert bench.send(payload[:end]) is Outcome.REJECTED
    assert bench.send(payload) is Outcome.ACCEPTED
    assert bench.errors == [], "the warning ends when an order is accepted"


def test_unknown_keys_pass(bench: Bench) -> None:
    """The schemas allow keys that nobody knows; a vehicle does too."""
    order = bench.scribe.way("o", "AB")
    order["vendor"] = {"x": [1, 2]}
    order["nodes"][0]["more"] = None
    assert bench.send(order) is Outcome.ACCEPTED


def test_another_order_does_not_replace_a_running_one(bench: Bench) -> None:
    """OTHER_ORDER_ACTIVE: the old order goes on."""
    bench.send(bench.scribe.way("o", "ABC"))
    assert bench.send(bench.scribe.way("p", "AB")) is Outcome.REJECTED
    assert bench.errors == [name(bench, "orderError", "OTHER_ORDER_ACTIVE")]
    assert (bench.logic.order_id, bench.upcoming) == ("o", ["B", "C"])
    reference = {"referenceKey": "orderId", "referenceValue": "p"}
    assert reference in bench.state()["errors"][0]["errorReferences"]


def test_an_update_stitches_at_the_last_released_node(bench: Bench) -> None:
    """1.6 item 1: not at the horizon's last node; the horizon may be replaced."""
    way = bench.scribe.way
    bench.send(way("o", "ABCD", released=2))
    wrong = way("o", "DE", update=1, first=6)
    assert bench.send(wrong) is Outcome.REJECTED
    assert bench.errors == [name(bench, "orderUpdateError", "VALIDATION_FAILURE")]
    assert (bench.logic.order_update_id, bench.upcoming) == (0, ["B", "C", "D"])
    assert bench.send(way("o", "BXY", update=5, first=2, released=2)) is Outcome.UPDATED
    assert (bench.logic.order_update_id, bench.upcoming) == (5, ["B", "X", "Y"])
    assert bench.errors == []


def test_the_rest_of_the_old_base_is_not_taken_again(bench: Bench) -> None:
    """An update that resends the whole base does not begin at the decision point."""
    bench.send(bench.scribe.way("o", "ABC"))
    again = bench.scribe.way("o", "ABCD", update=1)
    assert bench.send(again) is Outcome.REJECTED


def test_an_update_may_drop_the_horizon(bench: Bench) -> None:
    """With the decision point alone, the horizon and its actions are gone."""
    way, action = bench.scribe.way, bench.scribe.action
    bench.send(way("o", "ABC", released=2, actions={"C": [action("pick", id="later")]}))
    assert bench.status("later") == "WAITING"
    assert bench.send(way("o", "B", update=1, first=2)) is Outcome.UPDATED
    assert (bench.upcoming, bench.status("later")) == (["B"], "none")
    bench.reach(2)
    assert bench.logic.idle


def test_a_completed_order_may_be_continued(bench: Bench) -> None:
    """lastNodeId and lastNodeSequenceId are the decision point of a completed order."""
    way = bench.scribe.way
    bench.send(way("o", "AB"))
    bench.reach(2)
    assert bench.send(way("o", "BC", update=1, first=2)) is Outcome.UPDATED
    bench.reach(4)
    assert bench.logic.last_node_sequence_id == 4


def test_the_same_update_is_ignored(bench: Bench) -> None:
    """A resend (openTCS sends until it sees its ids) changes nothing and is no error."""
    order = bench.scribe.way("o", "AB")
    bench.send(order)
    before = bench.logic.revision
    assert bench.send({**order, "headerId": 17}) is Outcome.IGNORED
    assert bench.logic.revision == before
    assert bench.errors == []


def test_the_same_update_with_other_content(bench: Bench) -> None:
    """3.0 warns with SAME_ORDER_UPDATE_ID, 2.x ignores; neither takes it."""
    bench.send(bench.scribe.way("o", "ABC"))
    outcome = bench.send(bench.scribe.way("o", "AX"))
    assert bench.upcoming == ["B", "C"]
    if bench.dialect.name == "3.0":
        assert (outcome, bench.errors) == (Outcome.REJECTED, ["SAME_ORDER_UPDATE_ID"])
    else:
        assert (outcome, bench.errors) == (Outcome.IGNORED, [])
        assert [finding.id for finding in bench.logic.findings] == ["same-update"]


def test_an_outdated_update_is_refused(bench: Bench) -> None:
    """A lower orderUpdateId is reported and the order goes on."""
    way = bench.scribe.way
    bench.send(way("o", "AB"))
    bench.send(way("o", "BC", update=4, first=2))
    assert bench.send(way("o", "CD", update=3, first=4)) is Outcome.REJECTED
    assert bench.errors == [name(bench, "orderUpdateError", "OUTDATED_ORDER_UPDATE")]


def test_a_stitch_node_with_other_actions_is_refused(bench: Bench) -> None:
    """The decision point must come again as it was; new actions go to a node behind it."""
    scribe = bench.scribe
    bench.send(scribe.way("o", "AB"))
    new = scribe.way("o", "BC", update=1, first=2, actions={"B": [scribe.action("pick")]})
    assert bench.send(new) is Outcome.REJECTED
    bench.reach(2)
    behind = scribe.way("o", "BB", update=1, first=2)
    behind["nodes"][1]["actions"] = [scribe.action("pick", id="new")]
    behind["nodes"][1]["nodePosition"] = behind["nodes"][0]["nodePosition"]
    assert bench.send(behind) is Outcome.UPDATED
    bench.reach(4)
    assert bench.begun == ["new"]


def test_actions_of_the_stitch_node_do_not_run_again(bench: Bench) -> None:
    """Resent actions of the decision point keep their state."""
    scribe = bench.scribe
    pick = scribe.action("pick", id="once")
    bench.send(scribe.way("o", "AB", actions={"B": [pick]}))
    bench.reach(2)
    bench.end("once")
    assert (
        bench.send(scribe.way("o", "BC", update=1, first=2, actions={"B": [pick]}))
        is Outcome.UPDATED
    )
    bench.reach(4)
    assert (bench.begun, bench.status("once")) == (["once"], "FINISHED")


def test_a_new_order_begins_where_the_vehicle_is(bench: Bench) -> None:
    """The first node is trivially reachable: within its deviation, or refused."""
    bench.stub.x = 30.0
    assert bench.send(bench.scribe.way("o", "AB")) is Outcome.REJECTED
    assert bench.errors == [name(bench, "orderError", "START_NODE_OUT_OF_RANGE")]
    wide = bench.scribe.way("o", "AB")
    wide["nodes"][0] = bench.scribe.node("A", 0, deviation=31.0)
    assert bench.send(wide) is Outcome.ACCEPTED


def test_omitted_theta_is_no_demand(bench: Bench) -> None:
    """1.6 item 8: without theta any heading is right; with one, its deviation counts."""
    bench.stub.theta = 2.0
    order = bench.scribe.way("o", "AB")
    turned = copy.deepcopy(order)
    turned["nodes"][0]["nodePosition"] |= {"theta": 0.0, "allowedDeviationTheta": 0.1}
    assert bench.send(turned) is Outcome.REJECTED
    assert bench.send(order) is Outcome.ACCEPTED


def test_a_vehicle_that_is_lost_takes_no_order(bench: Bench) -> None:
    """Without localization no start node is reachable."""
    bench.stub.localized = False
    assert bench.send(bench.scribe.way("o", "AB")) is Outcome.REJECTED


@pytest.mark.parametrize(
    ("spoil", "two", "three"),
    [
        (lambda o: o["edges"][0].update(direction="left"), "orderError", "UNSUPPORTED_PARAMETER"),
        (lambda o: o["nodes"][1]["nodePosition"].update(mapId="?"), "orderError", "UNKNOWN_MAP_ID"),
        (lambda o: o["nodes"][1].pop("nodePosition"), "orderError", "NO_ROUTE_TO_TARGET"),
        (
            lambda o: o["nodes"][1].update(
                actions=[{"actionType": "fly", "actionId": "f", "blockingType": "NONE"}]
            ),
            "orderError",
            "INVALID_ORDER_ACTION",
        ),
    ],
)
def test_what_the_vehicle_cannot_do(bench: Bench, spoil: Any, two: str, three: str) -> None:
    """Each inability has its type, and the running order is left alone."""
    order = bench.scribe.way("o", "ABC")
    spoil(order)
    assert bench.send(order) is Outcome.REJECTED
    assert bench.errors == [name(bench, two, three)]
    bench.state()


def test_a_mode_that_takes_no_orders(bench: Bench) -> None:
    """1.6 item 8: an order in MANUAL is refused until the mode allows orders again."""
    bench.stub.mode = "MANUAL"
    bench.logic.mode_changed()
    assert bench.send(bench.scribe.way("o", "AB")) is Outcome.REJECTED
    assert bench.errors == [name(bench, "orderError", "MOBILE_ROBOT_NOT_AVAILABLE")]
    bench.stub.mode = "AUTOMATIC"
    bench.logic.mode_changed()
    assert bench.errors == []


@pytest.mark.parametrize(
    ("mode", "cleared", "forgotten"),
    [
        ("SEMIAUTOMATIC", False, False),
        ("INTERVENED", False, False),
        ("MANUAL", True, False),
        ("SERVICE", True, True),
        ("TEACH_IN", True, True),
        ("STARTUP", True, True),
    ],
)
def test_modes_and_the_order(bench: Bench, mode: str, cleared: bool, forgotten: bool) -> None:
    """3.0 table 10: which modes clear the order and the last node."""
    bench.send(bench.scribe.way("o", "AB", actions={"B": [bench.scribe.action("pick", id="p")]}))
    bench.stub.mode = mode
    bench.logic.mode_changed()
    assert bench.logic.idle is cleared
    assert (bench.logic.last_node_id == "") is forgotten
    assert bench.status("p") == ("FAILED" if cleared else "WAITING")
    assert (bench.logic.route() is None) is (mode != "SEMIAUTOMATIC")
    bench.state()


def test_an_order_too_long_for_the_vehicle(bench: Bench) -> None:
    """More nodes than the factsheet announces: refused, and 3.0 has its own word."""
    names = [f"n{i}" for i in range(501)]
    assert bench.send(bench.scribe.way("o", names)) is Outcome.REJECTED
    assert bench.errors == [name(bench, "orderError", "INSUFFICIENT_MEMORY")]


def test_a_loop_is_told_apart_by_its_sequence_ids(bench: Bench) -> None:
    """1.6 item 10: the same node twice in one order, each reached once."""
    bench.send(bench.scribe.way("o", ["A", "B", "A", "B"]))
    for sequence in (2, 4, 6):
        bench.reach(sequence)
    assert bench.logic.idle
    assert not bench.logic.node_reached(2)


def test_a_new_order_counts_from_zero_in_3() -> None:
    """3.0 6.1.2 (4); 2.x has no such rule."""
    for version, outcome in (("2.1", Outcome.ACCEPTED), ("3.0", Outcome.REJECTED)):
        bench = Bench(version)
        assert bench.send(bench.scribe.way("o", "AB", update=2)) is outcome


def test_equality_is_asked_first_unless_the_letter_is_wanted() -> None:
    """1.6 item 11: 3.0 checks (6) and (8) contradict each other; the reading is a switch."""
    for first, kind in ((True, "SAME_ORDER_UPDATE_ID"), (False, "OUTDATED_ORDER_UPDATE")):
        bench = Bench("3.0", equality_first=first)
        bench.send(bench.scribe.way("o", "ABC"))
        assert bench.send(bench.scribe.way("o", "AX")) is Outcome.REJECTED
        assert bench.errors == [kind]


def test_the_wrong_spelling_of_a_deviation_is_understood() -> None:
    """1.6 item 9: allowedDeviationXy is read, and noted as a finding."""
    bench = Bench("2.1")
    bench.stub.x = 3.0
    order = bench.scribe.way("o", "AB")
    place = order["nodes"][0]["nodePosition"]
    del place["allowedDeviationXY"]
    place["allowedDeviationXy"] = 5.0
    assert bench.send(order) is Outcome.ACCEPTED
    assert [finding.id for finding in bench.logic.findings] == ["deviation-case"]


def test_an_ellipse_is_not_a_circle() -> None:
    """3.0 6.6.2.1: the half axes count along their own directions."""
    for theta, outcome in ((0.0, Outcome.ACCEPTED), (1.57, Outcome.REJECTED)):
        bench = Bench("3.0")
        bench.stub.x = 3.0
        order = bench.scribe.way("o", "AB")
        ellipse = {"a": 4.0, "b": 1.0, "theta": theta}
        order["nodes"][0]["nodePosition"]["allowedDeviationXY"] = ellipse
        assert bench.send(order) is outcome


def test_findings_and_errors_do_not_grow_without_end(bench: Bench) -> None:
    """A master that sends rubbish for ever cannot fill the vehicle's memory."""
    for number in range(500):
        order = bench.scribe.way(f"o{number}", "AB")
        order["nodes"].clear()
        bench.send(order)
    assert len(bench.logic.problems.active) <= bench.logic.limits["state.errors"]
    bench.state()
