"""Releases taken back, transfers withdrawn, vehicles that do not come: what follows."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("asyncua")

from fixtures.bridge_hours import resumes
from tests.bridge.rig import FROM_PARKS, Day, play
from twin.faults import Fault

pytestmark = pytest.mark.slow


def cancelled(day: Day) -> set[str]:
    """Vehicles that were told to cancel their order."""
    return {
        record.source.removesuffix(".vda5050")
        for record in day.trace.records()
        if record.kind == "vda5050.rx" and record.payload["topic"] == "instantActions"
        for one in json.loads(record.payload["payload"])["actions"]
        if one["actionType"] == "cancelOrder"
    }


def states(day: Day) -> list[str]:
    return [one.state for one in day.bridge.transfers.book.values()]


def test_a_revoked_release_holds_the_box_until_it_is_given_again() -> None:
    """The far side takes its release back before the permit: no permit, no crossing, then both."""
    day = play(
        options=FROM_PARKS,
        faults=[Fault(target="transfers", kind="revoked", at_s=400.0, for_s=400.0)],
    )
    assert day.judgement.held, day.judgement.violations
    assert states(day) == ["received"] * 2
    first = min(day.facts.crossings.values(), key=lambda one: one.ready_s)
    far = [(t_s, on) for t_s, side, on in first.released if side == "far"]
    assert [on for _, on in far] == [True, False, True]
    assert (far[1][0], far[2][0]) == (400.0, 800.0)
    assert first.permitted_s is not None
    assert first.permitted_s >= 800.0
    assert not resumes(day.facts)


def test_a_withdrawn_transfer_ends_the_way_to_it() -> None:
    """Withdrawn while its vehicle drives there: cancelOrder, the truck leaves, work goes on."""
    day = play(
        options=FROM_PARKS,
        faults=[Fault(target="transfers", kind="withdrawn", at_s=200.0, for_s=10.0)],
    )
    assert day.judgement.held, day.judgement.violations
    assert states(day) == ["failed", "received"]
    assert cancelled(day) == {"igv-01"}
    assert [one["how"] for one in day.kinds("box.gone")] == ["sent away"]
    idle = day.stack.vehicles["igv-01"]
    assert idle.at in day.stack.yards["vn"].parks
    assert [node for node, owner in day.stack.traffic.owner.items() if owner == "igv-01"] == [
        idle.at
    ]


def test_a_vehicle_that_breaks_down_on_its_way_is_replaced_and_used_again() -> None:
    """Another one fetches the box; the mended one drops its order and is there for the next."""
    broken = Fault(target="igv-01", kind="motor_fault", at_s=200.0, for_s=900.0)
    day = play(options=FROM_PARKS, faults=[broken])
    assert day.judgement.held, day.judgement.violations
    assert states(day) == ["received"] * 2
    first = min(day.facts.crossings.values(), key=lambda one: one.ready_s)
    carriers = {on[0] for _, _, box, on in day.facts.where if box == first.box}
    assert "igv-01" not in carriers
    assert any(one.startswith("igv-") for one in carriers)
