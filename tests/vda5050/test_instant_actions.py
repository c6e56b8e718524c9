"""Instant actions, on the logic alone: cancel, pause, hibernate, and what is wrong with one."""

from __future__ import annotations

from fixtures.vda5050_orders import raw
from tests.vda5050.bench import Bench, start
from twin.wires.vda5050.actions import Status
from twin.wires.vda5050.effects import Outcome, Pause, Resume, Send
from twin.wires.vda5050.instant import receive_instant_actions


def test_cancel_ends_everything_and_then_itself(bench: Bench) -> None:
    """Waiting actions fail, the vehicle stops, then cancelOrder is FINISHED and it is idle."""
    actions = {"C": [bench.scribe.action("pick", id="p")]}
    bench.send(bench.scribe.way("o", "ABC", actions=actions))
    bench.go()
    assert bench.now("cancelOrder", id="c") == "RUNNING"
    assert bench.logic.route() is None
    assert bench.status("p") == "FAILED"
    assert bench.upcoming == ["B", "C"], "it still moves"
    bench.go(driving=False)
    assert (bench.status("c"), bench.logic.idle, bench.upcoming) == ("FINISHED", True, [])
    state = bench.state()
    assert (state["orderId"], state["edgeStates"]) == ("o", [])


def test_failed_actions_of_a_cancel_do_not_block_the_next_order(bench: Bench) -> None:
    """1.6 item 2 (269): FAILED is an end, so the vehicle is idle."""
    bench.send(bench.scribe.way("o", "AB", actions={"A": [bench.scribe.action("pick", id="p")]}))
    bench.now("cancelOrder")
    assert bench.status("p") == "FAILED"
    assert bench.send(bench.scribe.way("next", "AB")) is Outcome.ACCEPTED
    assert bench.status("p") == "none", "the action states of the old order are gone"


def test_a_running_instant_action_is_no_active_order(bench: Bench) -> None:
    """1.6 item 2 (76): an instant action that runs does not keep a new order out."""
    assert bench.now("startCharging", id="s") == "RUNNING"
    assert bench.send(bench.scribe.way("o", "AB")) is Outcome.ACCEPTED
    assert bench.status("s") == "RUNNING"


def test_what_cannot_be_cancelled_runs_out(bench: Bench) -> None:
    """cancelOrder is RUNNING until an action that cannot be broken off has ended as it did."""
    start(bench, "HARD", kind="drop")
    bench.logic.action_changed("HARD0", Status.RUNNING)
    assert bench.now("cancelOrder", id="c") == "RUNNING"
    assert bench.status("HARD0") == "RUNNING"
    update = bench.scribe.way("o", "BC", update=1, first=2)
    assert bench.send(update) is Outcome.REJECTED, "1.6 item 8 (346)"
    assert bench.send(bench.scribe.way("new", "AB")) is Outcome.REJECTED
    bench.end("HARD0")
    assert (bench.status("HARD0"), bench.status("c")) == ("FINISHED", "FINISHED")


def test_no_new_order_while_a_cancel_is_under_way(bench: Bench) -> None:
    """Nothing of the old order is left, but it still moves: the next order has to wait."""
    action = bench.scribe.action("detectObject", "NONE", id="d")
    bench.send(bench.scribe.way("o", "AB", actions={"B": [action]}))
    bench.go()
    bench.logic.node_reached(2)
    assert bench.now("cancelOrder", id="c") == "RUNNING"
    assert bench.logic.idle
    bench.stub.x = 0.0
    assert bench.send(bench.scribe.way("new", "AB")) is Outcome.REJECTED
    bench.go(driving=False)
    assert bench.status("c") == "FINISHED"
    assert bench.send(bench.scribe.way("new", "AB")) is Outcome.ACCEPTED


def test_no_update_follows_a_cancel(bench: Bench) -> None:
    """3.0 ORDER_UPDATE_FOLLOWING_CANCEL; 2.x orderUpdateError."""
    bench.send(bench.scribe.way("o", "AB"))
    bench.now("cancelOrder")
    assert bench.send(bench.scribe.way("o", "BC", update=1, first=2)) is Outcome.REJECTED
    three = bench.dialect.name == "3.0"
    assert bench.errors == ["ORDER_UPDATE_FOLLOWING_CANCEL" if three else "orderUpdateError"]


def test_cancel_without_an_order_fails(bench: Bench) -> None:
    """FAILED, and an error that refers to the action; it is gone with the next order."""
    assert bench.now("cancelOrder", id="c") == "FAILED"
    three = bench.dialect.name == "3.0"
    assert bench.errors == ["NO_ORDER_TO_CANCEL" if three else "noOrderToCancel"]
    error = bench.state()["errors"][0]
    assert {"referenceKey": "actionId", "referenceValue": "c"} in error["errorReferences"]
    bench.send(bench.scribe.way("o", "AB"))
    assert bench.errors == []


def test_cancel_of_another_order_fails() -> None:
    """3.0: an orderId that does not match is NO_ORDER_TO_CANCEL, and the order goes on."""
    bench = Bench("3.0")
    bench.send(bench.scribe.way("o", "AB"))
    assert bench.now("cancelOrder", orderId="p") == "FAILED"
    assert bench.upcoming == ["B"]
    assert bench.now("cancelOrder", orderId="o") == "FINISHED"


def test_cancel_may_run_to_the_next_node() -> None:
    """The switch for line-guided vehicles: the route ends at the next node, then all is over."""
    bench = Bench("2.1", cancel_stop="next_node")
    bench.send(bench.scribe.way("o", "ABCD"))
    bench.go()
    assert bench.now("cancelOrder", id="c") == "RUNNING"
    route = bench.logic.route()
    assert route is not None
    assert [step.node.node_id for step in route.steps] == ["B"]
    bench.reach(2)
    assert (bench.status("c"), bench.upcoming, bench.logic.last_node_id) == ("FINISHED", [], "B")


def test_pause_and_resume(bench: Bench) -> None:
    """startPause ends when the vehicle stands; actions that can pause do, and go on afterwards."""
    ids = start(bench, "NONE", kind="detectObject")
    bench.go()
    assert bench.now("startPause", id="p") == "RUNNING"
    assert (bench.status(ids[0]), bench.logic.route()) == ("PAUSED", None)
    assert Pause(ids[0]) in bench.effects
    bench.go(driving=False)
    assert bench.status("p") == "FINISHED"
    assert bench.state()["paused"] is True
    assert bench.now("stopPause") == "FINISHED"
    assert (bench.status(ids[0]), bench.logic.route() is not None) == ("RUNNING", True)
    assert Resume(ids[0]) in bench.effects
    assert bench.state()["paused"] is False


def test_paused_is_shown_as_the_switch_says() -> None:
    """2.1's text has PAUSED, its schema does not; "schema" shows RUNNING."""
    for rule, shown in (("text", "PAUSED"), ("schema", "RUNNING")):
        bench = Bench("2.1", paused_status=rule)
        ids = start(bench, "NONE")
        bench.now("startPause")
        states = {one["actionId"]: one["actionStatus"] for one in bench.state()["actionStates"]}
        assert states[ids[0]] == shown


def test_stop_pause_does_not_override_a_person(bench: Bench) -> None:
    """What a person stopped at the vehicle a message does not start."""
    bench.logic.set_paused(True)
    bench.stub.by_hand = "the emergency stop is pressed"
    assert bench.now("stopPause") == "FAILED"
    assert bench.logic.paused


def test_an_unknown_instant_action_fails(bench: Bench) -> None:
    """FAILED in the state, and an error that refers to it."""
    assert bench.now("fly", id="f") == "FAILED"
    assert bench.errors == [
        "INVALID_INSTANT_ACTION" if bench.dialect.name == "3.0" else "instantActionError"
    ]
    bench.now("stateRequest")
    assert bench.errors == [], "gone with the next instant action that is accepted"


def test_a_pick_is_no_instant_action(bench: Bench) -> None:
    """Scopes count: what an order may ask for is not an instant action."""
    assert bench.now("pick") == "FAILED"


def test_every_instant_action_is_reflected(bench: Bench) -> None:
    """1.6 item 3: each stands in the state, in the list that the version has."""
    assert bench.now("stateRequest", id="s") == "FINISHED"
    assert bench.now("factsheetRequest", id="f") == "FINISHED"
    key = "instantActionStates" if bench.dialect.name == "3.0" else "actionStates"
    assert {one["actionId"] for one in bench.state()[key]} == {"s", "f"}
    assert Send("state") in bench.effects
    assert Send("factsheet") in bench.effects


def test_a_repeated_instant_action_is_done_once(bench: Bench) -> None:
    """QoS 0 may deliver twice: the same actionId is not done again."""
    message = raw(bench.scribe.now("startCharging", id="s"))
    receive_instant_actions(bench.logic, message)
    receive_instant_actions(bench.logic, message)
    bench._take()
    assert bench.begun == ["s"]


def test_an_action_id_is_used_again(bench: Bench) -> None:
    """Masters in the field call every pause "pause": each is done, and it is a finding."""
    for _ in range(2):
        assert bench.now("startPause", id="pause") == "FINISHED"
        assert bench.logic.paused
        assert bench.now("stopPause", id="resume") == "FINISHED"
        assert not bench.logic.paused
    assert {one.id for one in bench.logic.findings} == {"instant-id-reused"}


def test_the_key_of_an_old_library_is_understood(bench: Bench) -> None:
    """1.6 item 9: `instantActions` instead of `actions`, noted as a finding."""
    message = bench.scribe.now("stateRequest", id="s")
    message["instantActions"] = message.pop("actions")
    assert receive_instant_actions(bench.logic, raw(message))
    assert bench.status("s") == "FINISHED"
    assert [finding.id for finding in bench.logic.findings] == ["instant-key"]


def test_malformed_instant_actions_are_answered(bench: Bench) -> None:
    """Truncated JSON on instantActions is a validation error too."""
    assert not receive_instant_actions(bench.logic, raw(bench.scribe.now("cancelOrder"))[:-3])
    three = bench.dialect.name == "3.0"
    assert bench.errors == ["VALIDATION_FAILURE" if three else "validationError"]


def test_intervened_takes_only_a_cancel() -> None:
    """3.0 table 10: an order goes on afterwards; only cancelOrder is taken meanwhile."""
    bench = Bench("3.0")
    bench.send(bench.scribe.way("o", "AB"))
    bench.stub.mode = "INTERVENED"
    bench.logic.mode_changed()
    assert bench.now("startCharging") == "FAILED"
    assert bench.now("stateRequest") == "FINISHED"
    assert bench.now("cancelOrder") == "FINISHED"


def test_instant_actions_are_cleared_on_request() -> None:
    """3.0: clearInstantActions removes what has ended, and only that."""
    bench = Bench("3.0")
    bench.now("stateRequest", id="s")
    bench.now("startCharging", id="r")
    assert bench.now("clearInstantActions", id="c") == "FINISHED"
    shown = {one["actionId"] for one in bench.state()["instantActionStates"]}
    assert shown == {"r", "c"}


def test_hibernation() -> None:
    """3.0: the order is cleared, the vehicle stands, and then it hears stopHibernation alone."""
    bench = Bench("3.0")
    bench.send(bench.scribe.way("o", "AB"))
    bench.go()
    assert bench.now("startHibernation", id="h") == "RUNNING"
    bench.go(driving=False)
    assert (bench.status("h"), bench.logic.hibernating) == ("FINISHED", True)
    assert bench.logic.idle
    assert bench.now("stateRequest") == "none"
    assert bench.send(bench.scribe.way("p", "AB")) is Outcome.REJECTED
    assert bench.now("stopHibernation") == "FINISHED"
    assert not bench.logic.hibernating


def test_shutdown_needs_an_idle_vehicle() -> None:
    """3.0 table 4: refused while an order is active."""
    bench = Bench("3.0")
    bench.send(bench.scribe.way("o", "AB"))
    assert bench.now("shutdown") == "FAILED"


def test_header_ids_count_each_topic(bench: Bench) -> None:
    """1.2: headerId grows by one per topic, and wraps at 2**32."""
    bench.state()
    assert bench.state()["headerId"] == 1
    bench.writer.header_ids["state"] = (1 << 32) - 1
    assert bench.state()["headerId"] == 0
    assert bench.writer.header("connection")["headerId"] == 0
