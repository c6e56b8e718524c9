"""Bad hours on the bridge: a slice of the campaign, and programs that once broke something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncua")

from fixtures.bridge_hours import FAULTED, Hours, draw, play
from fixtures.stack.fleet.traffic import Lane, Traffic

pytestmark = pytest.mark.no_cover

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


def test_a_seed_is_a_program_and_all_of_it_ends() -> None:
    """The same seed, the same faults; each ends within the bad time."""
    one, again, other = (draw(seed) for seed in ("0/1", "0/1", "0/2"))
    assert one == again != other
    for fault in one.faults:
        assert fault.at_s is not None
        assert fault.for_s is not None
        assert fault.at_s + fault.for_s <= one.bad_s + 0.11


@pytest.mark.parametrize(
    ("ways", "vehicles", "own"),
    [
        ({}, "igv-06", "battery_dead"), ({"phase": 2}, "igv-30", "battery_dead"),
        ({"carrier": "sky-rail"}, "sky-06", "hoist_fault"),
    ],
)  # fmt: skip
def test_a_program_is_of_its_phase_and_carrier(
    ways: dict[str, Any], vehicles: str, own: str
) -> None:
    """Faults are of vehicles that are there, and of kinds that they have."""
    drawn = [draw(f"phase/{n}", **ways) for n in range(8)]
    assert {"phase": drawn[0].phase, "carrier": drawn[0].carrier}.items() >= ways.items()
    faults = [fault for one in drawn for fault in one.faults]
    assert max(one.target for one in faults if one.target[:4] in ("igv-", "sky-")) == vehicles
    kinds = {one.kind for one in faults}
    assert own in kinds
    assert ("battery_dead" in kinds) != ("hoist_fault" in kinds)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ways", "boxes", "bad_s"), [({"phase": 2}, 0, 120.0), ({"carrier": "sky-rail"}, 1, 240.0)]
)
def test_bad_minutes_of_phase_2_and_of_a_sky_rail(
    ways: dict[str, Any], boxes: int, bad_s: float
) -> None:
    """All rules hold there, too, and what was brought comes across."""
    played = play(draw("suite/1", boxes=boxes, bad_s=bad_s, **ways))
    assert played.told == []
    assert played.faulted > 100
    over = played.seen.get("transfer.received", 0) + played.seen.get("transfer.failed", 0)
    assert over == boxes


@pytest.mark.slow
def test_ten_bad_minutes_hold_every_rule() -> None:
    """Every effect of a link happened, on thousands of messages; nothing broke, work went on."""
    played = play(draw("suite/0", boxes=2, bad_s=600.0))
    assert played.told == []
    assert set(played.effects) == {kind.removeprefix("link.") for kind in FAULTED}
    assert played.faulted > 1500
    assert played.seen["transfer.received"] + played.seen.get("transfer.failed", 0) == 2


@pytest.mark.slow
@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_what_was_found_stays_mended(path: Path) -> None:
    """Every rule holds in a program that once broke one."""
    assert play(Hours.load(path)).told == []


def test_who_turns_at_the_mouth_of_the_lane_has_it_alone() -> None:
    """Found by seed 17: round the last node and back, while another one was to come out there."""
    now = [0.0]
    traffic = Traffic(
        [
            {
                "id": "lane-1",
                "mode": "alternating",
                "nodes": ["a", "b", "c"],
                "platoon": 4,
                "clearance_s": 30.0,
            }
        ],
        lambda: now[0],
        lambda: None,
    )
    assert traffic.claim_next("coming", ["in", "a", "b", "c", "out"], 1)
    assert not traffic.claim_next("turning", ["near", "c", "out"], 1)
    traffic.keep_only("coming", [])
    now[0] = 31.0
    assert traffic.claim_next("turning", ["near", "c", "out"], 1)


def test_nobody_waits_in_the_lane_for_who_does_not_ask_any_more() -> None:
    """A vehicle that broke down while it waited does not end the platoons of the others."""
    now = [0.0]
    lane = Lane(["a", "b"], 1, 30.0, lambda: now[0])
    assert lane.enter("first", True)
    assert not lane.enter("broken", False)
    lane.leave("first")
    assert not lane.enter("second", True)
    now[0] = 20.0
    assert lane.enter("second", True)
