"""Two lanes and several cranes on each side; one lane closed; one part less; no link."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

pytest.importorskip("asyncua")

from fixtures.fleet_mutants import FLEET_CAUGHT_BY, FLEET_MUTANTS
from tests.bridge.rig import Day, play
from twin import site
from twin.bridge.cargo import Telephone
from twin.bridge.less import Part, nothing_crosses, without
from twin.cli import main
from twin.clock import Clock, run_virtual
from twin.faults import Fault
from twin.judge.bridge import BRIDGE
from twin.judge.bridge_facts import BridgeFacts, FaultSpan, Tow, VehicleFacts, ZoneStay
from twin.site_bridge_checks import problems

PHASE_2 = site.load("bac-luan-2").in_phase(2)
CLOSED = Fault(target="lane-1", kind="closed", at_s=60.0, for_s=2_400.0)


def small() -> site.Site:
    """Phase 2 with two yards on each side and six vehicles."""
    cargo = PHASE_2.bridge.cargo
    assert cargo is not None
    yards = [*cargo.side("home")[:2], *cargo.side("far")[:2]]
    fleet = msgspec.structs.replace(cargo.fleet, size=6)
    return PHASE_2.with_cargo(msgspec.structs.replace(cargo, yards=yards, fleet=fleet))


@pytest.fixture(scope="module")
def closed() -> Day:
    """Six boxes, and the first lane closed for forty minutes."""
    return play(boxes=6, hours=0.3, on=small(), faults=[CLOSED])


@pytest.mark.slow
def test_with_one_lane_closed_the_other_alternates(closed: Day) -> None:
    """Every box arrives, both ways over the lane that is left, and no rule is broken."""
    assert closed.judgement.held, closed.judgement.violations
    assert {one.state for one in closed.bridge.transfers.book.values()} == {"received"}
    assert closed.judgement["BRIDGE-13"].checked_count == 1
    assert {stay.side for stay in closed.facts.zones["lane-2"]} == {"home", "far"}
    assert not [s for s in closed.facts.zones.get("lane-1", ()) if s.from_s < CLOSED.at_s + 2_400]


@pytest.mark.slow
def test_boxes_are_shared_among_the_cranes_of_a_side(closed: Day) -> None:
    """Trucks stand under both cranes of their side, and each box has its receipt of its yard."""
    assert {one.from_yard for one in closed.facts.crossings.values()} == {
        "vn-1", "vn-2", "cn-1", "cn-2"
    }  # fmt: skip
    places = {(r["container"], r["yard"]) for r in closed.stack.receipts}
    assert len(places) == 6
    truth = {box: on[0].split(":")[0] for _, _, box, on in closed.facts.where if "stack" in on[0]}
    assert dict(places) == truth


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sees_no_closing", "asks_for_no_lane"])
def test_wrong_managers_of_lanes_are_caught(name: str) -> None:
    """One drives into a closed lane, the other into vehicles that come towards it."""
    day = play(
        boxes=6, hours=0.3, drain_s=1_500.0, on=small(), faults=[CLOSED], make=FLEET_MUTANTS[name]
    )
    assert FLEET_CAUGHT_BY[name] in day.judgement.broken


@pytest.mark.slow
def test_without_the_link_one_vehicle_at_a_time_is_on_a_lane() -> None:
    """Releases by telephone take their time, lanes are exclusive zones, and all arrive."""
    day = play(boxes=4, hours=0.2, on=without(small(), Part.LINK), link=False)
    assert day.judgement.held, day.judgement.violations
    assert day.bridge.finished == 4
    assert not any(stay.one_way for stay in day.facts.zones["lane-1"])


def stay(zone: str, from_s: float, vehicle: str, side: str, until_s: float) -> ZoneStay:
    return ZoneStay(from_s, vehicle, side, not zone.endswith(".line"), 0, until_s)


@pytest.mark.parametrize(
    ("stays", "broken"),
    [
        ([("lane-1", 0.0, "a", "home", 90.0), ("lane-2", 5.0, "b", "far", 95.0)], False),
        ([("lane-1", 0.0, "a", "home", 90.0), ("lane-1", 5.0, "b", "far", 95.0)], True),
        ([("lane-1", 0.0, "a", "home", 90.0), ("lane-1", 5.0, "b", "home", 95.0)], False),
        ([("lane-1.line", 0.0, "a", "home", 9.0), ("lane-2.line", 5.0, "b", "home", 9.0)], False),
        ([("lane-2.line", 0.0, "a", "home", 9.0), ("lane-2.line", 5.0, "b", "home", 9.0)], True),
    ],
)
def test_each_lane_is_judged_by_itself(
    stays: list[tuple[str, float, str, str, float]], broken: bool
) -> None:
    """Against each other in one lane, or together at its line: never. On two: as they like."""
    facts = BridgeFacts()
    for one in stays:
        facts.zones.setdefault(one[0], []).append(stay(*one))
    assert bool(BRIDGE["BRIDGE-04"].judge(facts).violations) == broken


@pytest.mark.parametrize(("from_s", "broken"), [(50.0, False), (189.0, False), (191.0, True)])
def test_nobody_drives_into_a_closed_lane(from_s: float, broken: bool) -> None:
    """Who was there before, or had been told already, is no breach; who comes later is."""
    facts = BridgeFacts(faults=[FaultSpan("lane-1", "closed", 100.0, 1, 900.0)])
    facts.zones["lane-1"] = [stay("lane-1", from_s, "a", "home", from_s + 90.0)]
    assert bool(BRIDGE["BRIDGE-13"].judge(facts).violations) == broken


@pytest.mark.parametrize(
    ("lane", "from_s", "moves_s", "broken"),
    [
        ("lane-1", 150.0, None, True),  # drives in
        ("lane-1", 50.0, 150.0, True),  # sets off in there
        ("lane-1", 50.0, 60.0, False),  # stands since before
        ("lane-1", 250.0, 260.0, False),  # comes when the lane is free again
        ("lane-2", 150.0, 160.0, False),
    ],
)
def test_nobody_drives_in_a_lane_during_a_tow(
    lane: str, from_s: float, moves_s: float | None, broken: bool
) -> None:
    """While the towed vehicle is in its lane others neither come nor move; elsewhere they may."""
    facts = BridgeFacts(tows=[Tow("a", 100.0, 1, 300.0)])
    facts.zones["lane-1"] = [stay("lane-1", 0.0, "a", "home", 200.0)]
    facts.zones.setdefault(lane, []).append(stay(lane, from_s, "b", "home", 400.0))
    if moves_s is not None:
        facts.vehicles["b"] = VehicleFacts(events=[(moves_s, "igv.move", 2, {})])
    assert bool(BRIDGE["BRIDGE-14"].judge(facts).violations) == broken


@pytest.mark.parametrize("part", list(Part))
def test_what_is_left_is_a_site_again(part: Part) -> None:
    """With one part less Phase 2 is still a site in which everything can be reached."""
    less, before = without(PHASE_2, part).bridge.cargo, PHASE_2.bridge.cargo
    assert less is not None
    assert before is not None
    assert list(problems(less, 618.0)) == []
    counts = [(len(c.yards), len(c.lanes), c.fleet.size) for c in (before, less)]
    lost = [a - b for a, b in zip(*counts, strict=True)]
    assert lost == {
        Part.IGV: [0, 0, 1], Part.CRANE: [1, 0, 0], Part.LANE: [0, 1, 0], Part.LINK: [0, 0, 0]
    }[part]  # fmt: skip


def test_phase_1_has_no_second_lane_and_crane() -> None:
    """Nothing crosses without them, and the reason is said."""
    one = site.load("bac-luan-2")
    assert nothing_crosses(one, Part.CRANE) == "the home side has no other crane"
    assert nothing_crosses(one, Part.LANE) == "there is no other lane"
    assert not nothing_crosses(one, Part.IGV)
    assert not any(nothing_crosses(PHASE_2, part) for part in Part)


def test_calls_are_one_at_a_time() -> None:
    """Two releases that are due together are told one call after the other."""

    async def story(clock: Clock) -> list[float]:
        heard: list[float] = []
        telephone = Telephone(clock, 60.0)
        for _ in range(2):
            telephone.call(lambda: heard.append(clock.now_s()))
        await clock.sleep(150.0)
        telephone.call(lambda: heard.append(clock.now_s()))
        await clock.sleep(61.0)
        return heard

    assert run_virtual(story) == [60.0, 120.0, 210.0]


@pytest.mark.covers
@pytest.mark.slow
def test_the_command_tells_n_and_n_minus_1(tmp_path: Path) -> None:
    """What cannot cross is said and is no broken rule; the figures stand beside N."""
    done = CliRunner().invoke(
        main,
        ["run", "bac-luan-2", "--smart-lane", "--hours", "0.01", "--boxes", "0",
         "--without", "crane", "--without", "igv", "--out", str(tmp_path)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "n-1.json").read_text())
    assert [row["without"] for row in rows] == ["N", "crane", "igv"]
    assert rows[1]["reason"] == "nothing crosses: the home side has no other crane"
    assert rows[2]["kpis"]["invariants_broken"] == []
    assert "Without crane nothing crosses" in done.output
    assert "no other crane" in (tmp_path / "report.html").read_text(encoding="utf-8")
