"""Actions of orders, on the logic alone: blocking, failing, retrying, triggers."""

from __future__ import annotations

import pytest

from tests.vda5050.bench import Bench, start
from twin.wires.vda5050.effects import Abort, Outcome


@pytest.mark.parametrize(
    ("blocking", "begun", "drives"),
    [
        (("NONE", "NONE"), 2, True),
        (("NONE", "SOFT"), 2, False),
        (("SOFT", "HARD"), 1, False),
        (("HARD", "NONE"), 1, False),
        (("NONE", "HARD", "NONE"), 1, False),
    ],
)
def test_blocking_types(bench: Bench, blocking: tuple[str, ...], begun: int, drives: bool) -> None:
    """NONE and SOFT run together, HARD alone; SOFT and HARD keep the vehicle standing."""
    ids = start(bench, *blocking)
    bench.go(driving=False)  # whatever happens meanwhile
    assert bench.begun == ids[:begun]
    assert (bench.logic.route() is not None) is drives
    for number in range(len(ids)):
        bench.end(bench.begun[number])
    assert bench.begun == ids, "nothing overtakes, and nothing is left out"
    assert bench.logic.route() is not None


def test_single_drives_and_is_alone() -> None:
    """3.0 table 3: SINGLE allows driving and no other action."""
    bench = Bench("3.0")
    ids = start(bench, "SINGLE", "NONE")
    assert bench.begun == ids[:1]
    assert bench.logic.route() is not None
    bench.end(ids[0])
    assert bench.begun == ids


def test_single_is_not_in_2() -> None:
    """A blocking type that the version does not have is a validation error."""
    bench = Bench("2.1")
    order = bench.scribe.way(
        "o", "AB", actions={"A": [bench.scribe.action("detectObject", "SINGLE")]}
    )
    assert bench.send(order) is Outcome.REJECTED
    assert bench.errors == ["validationError"]


def test_a_soft_action_waits_until_the_vehicle_stands(bench: Bench) -> None:
    """The route ends where standing is needed; the action begins at standstill."""
    action = bench.scribe.action("pick", "SOFT", id="p")
    bench.send(bench.scribe.way("o", "ABC", actions={"B": [action]}))
    route = bench.logic.route()
    assert route is not None
    assert [step.node.node_id for step in route.steps] == ["B"]
    bench.go()
    assert bench.logic.node_reached(2)
    bench._take()
    assert bench.begun == []
    bench.go(driving=False)
    assert (bench.begun, bench.status("p")) == (["p"], "INITIALIZING")


def test_a_hard_edge_action_is_done_at_the_edge_s_beginning(bench: Bench) -> None:
    """1.6 item 7 (340): HARD on an edge lets the vehicle stand, then it drives on."""
    action = bench.scribe.action("finePositioning", "HARD", id="f")
    bench.send(bench.scribe.way("o", "ABC", edge_actions={"B-C": [action]}))
    bench.reach(2)
    assert bench.begun == ["f"]
    assert bench.logic.route() is None
    bench.end("f")
    bench.reach(4)
    assert bench.logic.idle


@pytest.mark.parametrize(
    ("rule", "status"), [("finish", "FINISHED"), ("fail", "FAILED"), ("wait", "RUNNING")]
)
def test_an_edge_action_at_the_edge_s_end(rule: str, status: str) -> None:
    """1.6 item 7 (344): three readings, one switch."""
    bench = Bench("2.1", edge_action_at_end=rule)
    action = bench.scribe.action("detectObject", "NONE", id="d")
    bench.send(bench.scribe.way("o", "ABC", edge_actions={"A-B": [action]}))
    bench.reach(2)
    assert bench.status("d") == status
    assert (Abort("d") in bench.effects) is (rule != "wait")


def test_horizon_actions_wait(bench: Bench) -> None:
    """Actions of the horizon are shown as WAITING and do not begin."""
    action = bench.scribe.action("pick", id="p")
    bench.send(bench.scribe.way("o", "ABC", released=2, actions={"C": [action]}))
    bench.reach(2)
    assert (bench.status("p"), bench.begun) == ("WAITING", [])
    shown = {one["actionId"]: one["actionStatus"] for one in bench.state()["actionStates"]}
    assert shown == {"p": "WAITING"}


def test_a_failure_that_may_be_retried() -> None:
    """3.0: RETRIABLE, then retry runs it again, or skipRetry ends it as FAILED."""
    bench = Bench("3.0")
    actions = [bench.scribe.action("pick", id="p", retriable=True)]
    bench.send(bench.scribe.way("o", "AB", actions={"A": actions}))
    bench.end("p", failed=True)
    assert (bench.status("p"), bench.logic.route()) == ("RETRIABLE", None)
    assert bench.now("retry", actionId="p") == "FINISHED"
    assert bench.begun == ["p", "p"]
    bench.end("p", failed=True)
    assert bench.now("skipRetry", actionId="p") == "FINISHED"
    assert bench.status("p") == "FAILED"
    assert bench.now("retry", actionId="p") == "FAILED"


def test_a_failed_pick(bench: Bench) -> None:
    """The action fails with an error; 3.0 calls it critical, so the vehicle does not drive on."""
    bench.send(bench.scribe.way("o", "AB", actions={"A": [bench.scribe.action("pick", id="p")]}))
    bench.end("p", failed=True, result="no load here")
    assert (bench.status("p"), bench.errors) == ("FAILED", ["actionFailed"])
    assert (bench.logic.route() is None) is (bench.dialect.name == "3.0")
    assert not bench.logic.idle, "whatever its level, an error never clears the order"


def test_a_trigger_releases_what_waits() -> None:
    """3.0: trigger ends waitForTrigger; without one waiting it fails."""
    bench = Bench("3.0")
    assert bench.now("trigger") == "FAILED"
    bench.send(
        bench.scribe.way("o", "AB", actions={"A": [bench.scribe.action("waitForTrigger", id="w")]})
    )
    assert bench.logic.route() is None
    assert bench.now("trigger") == "FINISHED"
    assert bench.status("w") == "FINISHED"
    assert bench.logic.route() is not None


def test_what_safety_holds_goes_on_only_when_let_go(bench: Bench) -> None:
    """A hold pauses running actions and forbids driving; pausing meanwhile outlasts it."""
    ids = start(bench, "NONE")
    bench.logic.set_held(True)
    assert (bench.status(ids[0]), bench.logic.route()) == ("PAUSED", None)
    bench.now("startPause")
    bench.logic.set_held(False)
    assert (bench.status(ids[0]), bench.logic.route()) == ("PAUSED", None)
    bench.now("stopPause")
    assert bench.status(ids[0]) == "RUNNING"
