"""From a truck's lane to the signed receipt and home again, with both reference stacks."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("asyncua")

from click.testing import CliRunner

from fixtures.chain_mutants import CHAIN_CAUGHT_BY, CHAIN_MUTANTS
from tests.chain.rig import FRUIT, OTHER, Piece, play
from tests.listening import listening
from tests.report.reading import check_plots
from twin import faults as schedules
from twin import site as sites
from twin import strict_toml
from twin.bridge import CarrierKind, endpoints_of
from twin.chain import Chain
from twin.chain.day import plan
from twin.cli import main
from twin.clock import Clock, run_virtual
from twin.errors import GateTwinError
from twin.faults import Fault
from twin.judge import judge
from twin.judge.chain import CHAIN, judge_chain
from twin.judge.chain_kpis import chain_kpis, stages_s
from twin.report.chain_page import chain_page, reason
from twin.serve_chain import ChainOrder, serve_chain
from twin.serving import Place
from twin.trace import Trace, read_trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("chain-*.toml"))
LATE_RED = Fault(
    target="papers", kind="turns_red", at_s=0.0, for_s=9000.0, parameters={"after_s": 0.0}
)
DAY = dt.date(2023, 5, 30)
HONEST = [("in", 10.0, OTHER), ("out", 20.0, FRUIT), ("out", 200.0, OTHER)]


@pytest.fixture(scope="module")
def honest() -> Piece:
    """One container from beyond the line, two to it."""
    return play(HONEST)


@pytest.fixture(scope="module")
def exceptions() -> Piece:
    """E1 to E4, one truck each, and one that is right."""

    def while_it_comes(target: str, kind: str, at_s: float, **more: float) -> Fault:
        return Fault(target=target, kind=kind, at_s=at_s - 5, for_s=10.0, parameters=more)

    faults = [
        while_it_comes("papers", "channel_red", 10),
        while_it_comes("papers", "other_box", 70),
        while_it_comes("papers", "heavy_box", 130),
        while_it_comes("papers", "overweight", 190),
        while_it_comes("far-side", "no_preclearance", 250),
        msgspec.structs.replace(LATE_RED, at_s=600.0),
    ]
    hauls = [("out", t_s, OTHER) for t_s in (10.0, 70.0, 130.0, 190.0, 250.0, 299.0)]
    return play(hauls, faults=faults, until_s=3000.0)


def test_a_container_goes_from_its_lane_to_its_receipt_and_its_truck_home(honest: Piece) -> None:
    """Lane, scan, crane, vehicle, bridge, crane, receipt; the truck passes a lane home, empty."""
    assert honest.judgement.held, honest.judgement.told
    assert honest.received() == {1, 2, 3}
    for number in (2, 3):
        haul = honest.haul(number)
        order = [haul.bound_s, haul.portal_s, haul.scanned[0][0], haul.queued_s, haul.offered_s]
        order += [haul.lifts[0][0], haul.left_crane_s, haul.home_s]
        assert order == sorted(order)  # type: ignore[type-var]  # none is missing
        back = honest.facts.lanes.stays[f"{haul.vehicle}E"]
        assert back.truth("direction") == "in"
        assert back.truth("laden") is False
        assert back.crossings
    fetched = honest.facts.lanes.stays["T0001"]
    assert fetched.truth("container") == honest.haul(1).container
    assert fetched.crossings[0].t_s > (honest.haul(1).collected_s or 1e9)


def test_the_box_weighs_what_the_truck_has_lost(honest: Piece) -> None:
    """Truck laden on the way out, less truck empty on the way back, is the container."""
    for number in (2, 3):
        stays, haul = honest.facts.lanes.stays, honest.haul(number)
        names = haul.vehicle, f"{haul.vehicle}E"
        laden, empty = (stays[name].truth("gross_kg") for name in names)
        bound = next(b for b in honest.kinds("haul.bound") if b["vehicle"] == haul.vehicle)
        assert laden - empty == pytest.approx(bound["mass_kg"], abs=250)


def test_stages_add_up_to_the_whole(honest: Piece) -> None:
    """No time of a haul is counted twice or lost: to the receipt, and after it."""
    kpis = chain_kpis(honest.facts)
    for haul in honest.facts.hauls.values():
        ends = [haul.home_s if not haul.export else haul.collected_s]
        took = stages_s(honest.facts, haul)
        if ends[0] is not None:
            assert sum(took.values()) == pytest.approx(ends[0] - haul.bound_s)
    assert kpis.end_to_end_s["out"]["perishable"].n == 1
    assert kpis.end_to_end_s["out"]["other"].n == 1
    assert kpis.hauls["out"].truck_home == 2


@pytest.mark.covers
def test_the_page_carries_every_container(honest: Piece) -> None:
    """The report names each container and each verdict, and needs no network."""
    page = drawn(honest)
    assert all(haul.container in page for haul in honest.facts.hauls.values())
    assert all(name in page for name in CHAIN)
    assert "src=" not in page.split("<script>")[0]
    check_plots(page)


def drawn(piece: Piece, language: str = "en") -> str:
    """The report of a piece."""
    kpis = chain_kpis(piece.facts)
    return chain_page(piece.chain.site, piece.facts, piece.judgement, kpis, language=language)


@pytest.mark.covers
def test_the_page_says_in_each_language_why_a_box_did_not_go(exceptions: Piece) -> None:
    """All three are in one page, which opens in the one that was asked for."""
    page = drawn(exceptions, "zh")
    assert '<html lang="zh" data-lang="zh">' in page
    out = {why for one in chain_kpis(exceptions.facts).hauls.values() for why in one.out}
    assert {"diverted at the lane", "sent away from the crane"} <= out
    for text in ("diverted at the lane", "bị chuyển hướng ở làn", "在车道被分流", "从吊机处遣离"):
        assert text in page, text
    with pytest.raises(GateTwinError, match="en, vi, zh"):
        drawn(exceptions, "fr")


@pytest.mark.covers
@pytest.mark.parametrize(
    ("why", "zh"),
    [
        ("referred at the scan: channel red", "查验机处转人工：红色通道"),
        ("referred at the scan: revoked", "查验机处转人工：放行被撤回"),
        ("referred at the scan: something new", "something new"),
    ],
)
def test_reasons_have_words_or_stay_as_they_are(why: str, zh: str) -> None:
    """A reason that words.toml does not know is told as the trace has it."""
    assert zh in reason(why)


def test_the_same_seed_gives_the_same_trace() -> None:
    """Lanes, trucks, cranes and both stacks leave nothing to chance but the seed."""
    first, again = (play([("out", 10.0, FRUIT)], until_s=900.0) for _ in range(2))
    assert first.trace.sha256() == again.trace.sha256()


def test_lanes_are_judged_as_without_the_bridge(honest: Piece) -> None:
    """Records of cranes and vehicles change no verdict of a lane."""
    alone = [
        record for record in honest.trace.records()
        if not record.source.startswith(("crane", "igv", "transfers", "broker"))
    ]  # fmt: skip
    for result in judge(alone).invariants:
        assert honest.judgement[result.id].checked_count == result.checked_count


# --- exceptions ----------------------------------------------------------------------------------


def test_red_before_the_lane_is_inspected(exceptions: Piece) -> None:
    """E1: the lane diverts it, and no crane ever sees it."""
    assert exceptions.haul(1).out == "diverted at the lane"
    assert exceptions.haul(1).offered_s is None


def test_red_under_the_crane_is_not_lifted(exceptions: Piece) -> None:
    """E1, late: released and scanned, then red; people take the truck out, the box still on it."""
    haul = exceptions.haul(6)
    assert (haul.offered_s, haul.lifts) != (None, [])
    assert haul.lifts == []
    assert haul.out == "sent away from the crane"


def test_another_container_stays_on_its_truck(exceptions: Piece) -> None:
    """E2: the spreader's cameras read another number; it never crosses."""
    haul = exceptions.haul(2)
    assert haul.box != haul.container
    assert haul.out == "sent away from the crane"
    assert not any(haul.box in event.boxes for event in exceptions.facts.bridge.line)


def test_overweight_is_refused_by_lane_or_crane(exceptions: Piece) -> None:
    """E3: the lane weighs the truck; a box heavier than its paper is set down by the crane."""
    assert exceptions.haul(4).out == "diverted at the lane"
    assert exceptions.haul(3).out == "sent away from the crane"
    assert "carrier_held" in {
        one.failure for one in exceptions.chain.bridge.transfers.book.values()
    }


def test_without_preclearance_nothing_reaches_the_crane(exceptions: Piece) -> None:
    """E4: the far side never answers; the lane waits, then diverts."""
    haul = exceptions.haul(5)
    assert haul.out == "diverted at the lane"
    assert (haul.out_s or 0) - haul.bound_s > 200
    assert exceptions.received() == set()
    assert exceptions.judgement.held, exceptions.judgement.told


def test_after_an_outage_of_the_partner_everything_goes_on() -> None:
    """E5: silent far side and no book; who is released already waits and crosses once, after it."""
    faults = [
        Fault(target="far-side", kind="silent", at_s=150.0, for_s=700.0),
        Fault(target="transfers", kind="down", at_s=400.0, for_s=400.0),
    ]
    piece = play([("out", 10.0, FRUIT)], faults=faults)
    assert piece.judgement.held, piece.judgement.told
    assert piece.received() == {1}
    [transfer] = piece.facts.bridge.crossings.values()
    assert transfer.permitted_s is not None
    assert transfer.permitted_s > 850.0
    assert piece.judgement["LANE-03"].state == "held"


@pytest.mark.covers
def test_each_example_names_what_there_is() -> None:
    """Every scenario file is read against the targets of a whole site."""

    async def targets(clock: Clock) -> set[tuple[str, str]]:
        found = Chain(sites.load("bac-luan-2"), clock, Trace(clock)).targets
        for path in EXAMPLES:
            schedules.load(path, found, 7.0)
        return {(name, kind) for name in ("papers", "far-side") for kind in found[name].FAULTS}

    known = run_virtual(targets)
    used = {
        (fault.target, fault.kind)
        for path in EXAMPLES for fault in strict_toml.load(path, schedules.Schedule).faults
    }  # fmt: skip
    assert known <= used
    assert [path.name[6:8] for path in EXAMPLES] == ["e1", "e2", "e3", "e4", "e5"]


# --- the judge -----------------------------------------------------------------------------------

OTHER_BOX = Fault(target="papers", kind="other_box", at_s=0.0, for_s=9000.0)


@pytest.mark.parametrize("name", CHAIN_MUTANTS)
def test_each_wrong_fleet_manager_is_caught_by_its_rule(name: str) -> None:
    """A judge that lets one of them through is no judge."""
    hauls, faults, fleet, until_s = [("out", 10.0, FRUIT)], [LATE_RED], None, 900.0
    if name == "takes_what_is_there":
        faults, until_s = [OTHER_BOX], 1100.0
    elif name == "heavy_first":
        hauls = [("out", 10.0, OTHER), ("out", 40.0, OTHER), ("out", 200.0, FRUIT)]
        faults, fleet, until_s = [], 1, 2000.0
    piece = play(hauls, faults=faults, make=CHAIN_MUTANTS[name], fleet=fleet, until_s=until_s)
    assert CHAIN_CAUGHT_BY[name] in piece.judgement.broken


def test_every_rule_has_a_mutant() -> None:
    """No rule is there that nothing has ever broken."""
    assert set(CHAIN_CAUGHT_BY.values()) == set(CHAIN)


@pytest.mark.parametrize(
    ("drop", "missing"),
    [
        ("partner.release", "release at the lane"), ("vehicle.crossed", "passage of a lane"),
        ("haul.scanned", "clear scan"), ("transfer.released", "home side's release"),
    ],
)  # fmt: skip
def test_a_lift_needs_each_of_its_conditions(honest: Piece, drop: str, missing: str) -> None:
    """A trace in which one of them never happened breaks E2E-01, and says which."""
    records = [record for record in honest.trace.records() if record.kind != drop]
    result = judge_chain(records)["E2E-01"]
    assert not result.held
    assert any(missing in violation.text for violation in result.violations)


@pytest.mark.covers
def test_a_receipt_for_another_number_is_seen(honest: Piece) -> None:
    """E2E-03 compares the receipt with the declaration, not with the stack's belief."""
    records = [
        record._replace(payload={**record.payload, "container": "QNHU4418980"})
        if record.kind == "haul.bound" else record
        for record in honest.trace.records()
    ]  # fmt: skip
    codes = {one.code for one in judge_chain(records)["E2E-03"].violations}
    assert codes == {"receipt_of_another", "crossed_without_papers"}


@pytest.mark.covers
@pytest.mark.parametrize(
    "call",
    [
        ["--fleet-stack", "a:b", "--day", "2023-05-30"],
        ["--fleet-stack", "a:b", "--stack", "c:d", "--smart-lane"],
        ["--smart-lane", "--day", "2023-05-30", "--phase", "2"],
        ["--smart-lane", "--day", "2023-05-30", "--without", "igv"],
        ["--smart-lane", "--day", "2023-05-30", "--broker", "process"],
        ["--smart-lane", "--day", "2023-05-31"],
        [],
    ],
)
def test_wrong_calls_are_refused_in_a_line(call: list[str]) -> None:
    """Nothing is run; the line names the option or the days that there are."""
    result = CliRunner().invoke(main, ["run", "bac-luan-2", *call])
    assert result.exit_code == 2
    assert result.output.startswith("gatetwin: ")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("carrier", "first"), [(CarrierKind.IGV, 22_500), (CarrierKind.SKY_RAIL, 22_600)]
)
def test_lanes_and_bridge_are_served_together(
    carrier: CarrierKind, first: int, tmp_path: Path
) -> None:
    """One list has the sections of both; ports are in a row, and these alone are open."""
    before, opened = listening(), set[int]()
    place = Place(
        endpoints=tmp_path / "e.json", first_port=first, for_s=0.5, trace=tmp_path / "t.parquet",
        stacks=("reference", "reference-fleet"),
    )  # fmt: skip

    def ready(*_: object) -> None:
        opened.update(listening() - before)

    site = sites.load("bac-luan-2")
    serve_chain(ChainOrder(site, DAY, place, carrier=carrier, speed=60.0), ready)
    told = json.loads((tmp_path / "e.json").read_text())
    wheres = [where for _, _, where in endpoints_of(told) if where]
    ports = [int(re.findall(r":(\d+)", where)[-1]) for where in wheres]
    lanes = [
        lane[role]["port"] for lane in told["lanes"]
        for role in ("barrier", "io", "scale", "camera") if "port" in lane[role]
    ]  # fmt: skip
    customs = int(re.findall(r":(\d+)", told["services"]["customs"]["url"])[-1])
    assert sorted([*lanes, customs, *ports]) == list(range(first, max(ports) + 1))
    # the reference stack's page for operators is served besides
    assert {*lanes, customs, *ports} <= opened
    assert len(opened) == len(lanes) + 1 + len(ports) + 1
    kinds = {record.kind for record in read_trace(tmp_path / "t.parquet")}
    assert {"vehicle.arrived", "modbus.rx", "vda5050.tx", "run.end"} <= kinds


def test_a_container_goes_by_sky_rail() -> None:
    """With other carriers the same trucks, papers and receipts; no rule is broken."""
    piece = play(HONEST[1:2], carrier=CarrierKind.SKY_RAIL, until_s=2400.0)
    assert piece.judgement.held, piece.judgement.told
    assert piece.received() == {1}


@pytest.mark.covers
def test_the_command_leaves_three_pages(tmp_path: Path) -> None:
    """Half a minute with nothing for the cranes: the folder, judged, drawn and played again."""
    call = ["run", "bac-luan-2", "--smart-lane", "--day", "2023-05-30", "--hours", "0.01"]
    result = CliRunner().invoke(main, [*call, "--boxes", "0", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {
        "trace.parquet", "kpis.json", "verdicts.json", "report.html", "lanes.html", "bridge.html",
    }  # fmt: skip
    judged = CliRunner().invoke(main, ["judge", str(tmp_path), "--json"])
    assert judged.exit_code == 0
    assert "E2E-01" in judged.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert CliRunner().invoke(main, ["report", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
    again = CliRunner().invoke(main, ["replay", str(tmp_path)])
    assert again.exit_code == 0, again.output
    assert "The same run, record for record" in again.output


# --- the day -------------------------------------------------------------------------------------


@pytest.mark.covers
def test_a_day_is_divided_and_nobody_is_lost() -> None:
    """Every truck of the count comes once: to a lane, or as one that waits for its import."""
    site = sites.load("bac-luan-2")
    count = site.traffic.days[0]
    day = plan(site, count, 3, None, site.hours.open_s)
    total = count.in_laden + count.in_empty + count.out_laden + count.out_empty
    names = [one.vehicle.id for one in day.lanes] + [one.vehicle.id for one in day.imports]
    assert len(set(names)) == len(names) == total
    assert {haul.vehicle.why for haul in day.imports} == {"ok"}
    few = plan(site, count, 3, 7, site.hours.open_s)
    assert (len(few.exports), len(few.imports)) == (4, 3)
    hour = plan(site, count, 3, None, 3600.0)
    assert all(one.t_s <= 3600 for one in hour.lanes)


def test_more_containers_than_the_day_has_are_refused() -> None:
    """The error names the number and the limit."""
    site = sites.load("bac-luan-2")
    with pytest.raises(Exception, match=r"500 containers out are asked for; .* at most \d+"):
        plan(site, site.traffic.days[0], 3, 1000, 3600.0)
