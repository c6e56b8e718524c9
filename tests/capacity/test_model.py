"""The whole model: determinism, common random numbers, lanes, energy, N-1, wrong input."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import simpy
from click.testing import CliRunner

from tests.capacity import bare
from twin import site as sites
from twin.capacity import demand
from twin.capacity.demand import Key
from twin.capacity.evaluate import evaluate
from twin.capacity.executor import replicate
from twin.capacity.journal import Journal
from twin.capacity.lane import Lane, LaneRules, Pauses
from twin.capacity.model import Run, simulate
from twin.capacity.plan import Part, Plan, SizingError, plan_for, without
from twin.capacity.size import Search, Target, _with_places, find_fleet
from twin.capacity.statistics import paired_quantile, t_interval
from twin.capacity.times import Times, crane_moves_s, times_of
from twin.cli import main
from twin.errors import ConfigError
from twin.report import words
from twin.report.capacity_figures import why_none
from twin.sizing import size

TIMES = times_of(bare.SITE)


def busy(boxes: float = 300, **changes: object) -> Plan:
    plan = plan_for(bare.SITE, boxes, igvs=10, cranes=2, days=1.5)
    return replace(plan, warmup_days=0.5, **changes)  # type: ignore[arg-type]


def run(plan: Plan, replication: int = 0, times: Times = TIMES) -> Run:
    return simulate(plan, times, Key(7, round(plan.boxes_per_day), replication))


def p95(plan: Plan, n: int = 10) -> list[float]:
    return [float(np.quantile(run(plan, r).wait_s, 0.95)) for r in range(n)]


@pytest.mark.slow
def test_one_seed_one_result_whatever_the_processes() -> None:
    """The same keys give the same waits and energy in this process and in two others."""
    keys = [Key(3, 300, n) for n in range(4)]
    ours, theirs = (replicate(jobs)(busy(), TIMES, keys) for jobs in (1, 2))
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.wait_s, b.wait_s)
        assert (a.energy_kwh, a.events, a.crane_use) == (b.energy_kwh, b.events, b.crane_use)
    assert not np.array_equal(ours[0].wait_s, ours[1].wait_s)


def test_fleets_meet_the_same_boxes() -> None:
    """What is drawn for a box depends on the key alone, and each source has its own stream."""
    small, large = (demand.boxes(busy(igvs=n), TIMES, Key(1, 300, 2)) for n in (3, 30))
    for name in demand.Boxes.__slots__:
        assert np.array_equal(getattr(small, name), getattr(large, name), equal_nan=True), name
    calm = demand.boxes(busy(breakdowns=False), TIMES, Key(1, 300, 2))
    assert np.array_equal(calm.lift_s, small.lift_s)
    dry = small.priority == 2  # plugs belong to both moves of a reefer
    assert abs(np.corrcoef(small.lift_s[dry], small.land_s[dry])[0, 1]) < 0.2


@pytest.mark.slow
def test_a_box_more_or_less_waits_no_longer_with_more_vehicles() -> None:
    """As FIFO servers, every single box waits no longer with one vehicle more (common numbers)."""
    waits = [
        simulate(bare.plan(0.03, igvs=n, handling_s=(0.0, 100.0), days=0.5, warmup_days=0.0),
                 bare.times(), Key(5, 2592, 0)).wait_s
        for n in (4, 5, 6)
    ]  # fmt: skip
    assert (waits[0] >= waits[1] - 1e-6).all()
    assert (waits[1] >= waits[2] - 1e-6).all()
    assert waits[0].mean() > waits[2].mean() + 1


@pytest.mark.slow
def test_more_vehicles_shorten_the_wait() -> None:
    """In the full model the mean p95 falls with the fleet until the cranes alone decide."""
    means = [float(np.mean(p95(busy(igvs=n)))) for n in (6, 9, 12)]
    assert means[0] > means[1] > means[2]


@pytest.mark.slow
def test_common_numbers_narrow_a_comparison() -> None:
    """The paired interval of one vehicle more is narrower than that of independent runs."""
    ours, more = ([run(busy(igvs=n), r).wait_s for r in range(20)] for n in (9, 10))
    other = [simulate(busy(igvs=10), TIMES, Key(8, 300, r)).wait_s for r in range(20)]
    assert paired_quantile(more, ours, 0.95).half < 0.8 * paired_quantile(other, ours, 0.95).half


def test_nobody_waits_for_ever_and_every_box_crosses() -> None:
    """Boxes of the counted day are all lifted; energy is that of the ways and of standing."""
    found = run(busy())
    assert found.unserved == 0
    assert sum(found.delivered) == len(found.wait_s)
    assert found.delivered[0] == int((found.side == 0).sum())
    assert found.wait_s.min() >= 0
    standing = TIMES.energy.base_kw * 24 * 10
    per_km = found.energy_kwh - standing
    km = TIMES.loaded.metres / 1000 * (len(found.wait_s) + found.trips_empty)
    assert 1.1 < per_km / km < 1.9


def test_the_far_box_comes_after_its_ways() -> None:
    """Alone, a box lands after lift, ways, gate and landing: the kinematic drive's sum."""
    plan = bare.plan(0.0005, lanes=1, free_lane=False, handling="constant",
                     handling_s=(60.0, 60.0), igvs=40, days=1.0, warmup_days=0.0)  # fmt: skip
    found = simulate(plan, TIMES, Key(0, 43, 0))
    alone = 120.0 + TIMES.gate_s + TIMES.loaded.driving_s(0)
    assert found.ready_to_landed_s.min() == pytest.approx(alone, abs=1e-6)


def test_crane_moves_are_those_of_the_emulated_crane() -> None:
    """Two to three minutes is what crane moves take; ours lie around it, none beyond."""
    moves = crane_moves_s()
    assert len(moves) >= 40
    assert all(45 < move < 240 for move in moves)
    assert 100 < sum(moves) / len(moves) < 180


# --- lanes -----------------------------------------------------------------------------------


def crossings(
    arrivals: list[tuple[float, int]], rules: LaneRules, breaks: float = float("nan"),
    pauses: list[tuple[float, float]] | None = None,
) -> list[tuple[float, int]]:  # fmt: skip
    """When each vehicle left the lane, 100 s long; the first may break down after `breaks` s."""
    env = simpy.Environment()
    link = Pauses(env, np.asarray(pauses or [], dtype=float).reshape(-1, 2))
    journal = Journal(env)
    lane, left = Lane(rules, link, journal), []

    def vehicle(at_s: float, side: int, breaks_s: float):  # type: ignore[no-untyped-def]
        yield env.timeout(at_s)
        trip = journal.gate(side, at_s, at_s)
        travel_s = 100.0 if len(arrivals[0]) == 2 else arrivals[trip][2]  # type: ignore[misc]
        yield from lane.cross(side, travel_s, breaks_s, 600.0, trip, trip)
        left.append((env.now, side))

    for number, (at_s, side, *_) in enumerate(arrivals):
        env.process(vehicle(at_s, side, float("nan") if number else breaks))
    env.run()
    return left


RULES = LaneRules(platoon=2, clearance_s=30.0, headway_s=6.0)


def test_platoons_alternate() -> None:
    """Two at most go while the other end waits; then clearance, and the other end."""
    left = crossings([(0, 0), (0, 0), (0, 0), (1, 1)], RULES)
    assert left == [(100, 0), (106, 0), (236, 1), (366, 0)]


def test_one_direction_goes_on_alone() -> None:
    """With nobody at the other end a platoon has no last vehicle."""
    assert crossings([(0, 0)] * 4, RULES) == [(100, 0), (106, 0), (112, 0), (118, 0)]


def test_a_fast_one_keeps_its_distance() -> None:
    """Who catches up leaves the lane a headway behind, also if the one ahead has just left."""
    fast = [(0, 0, 100.0), (0, 0, 96.0), (0, 0, 40.0)]
    assert crossings(fast, RULES) == [(100, 0), (106, 0), (112, 0)]  # type: ignore[arg-type]


def test_a_broken_vehicle_blocks_its_lane() -> None:
    """Who is behind it leaves after the tow; who waits enters after it, never before."""
    left = crossings([(0, 0), (0, 0), (60, 0)], RULES, breaks=50.0)
    assert left == [(650, 0), (656, 0), (750, 0)]


def test_no_network_no_motion() -> None:
    """A gap holds who is on the lane where he is, and nobody enters during it."""
    assert crossings([(0, 0), (45, 0)], RULES, pauses=[(40, 70)]) == [(130, 0), (170, 0)]


def test_by_telephone_one_at_a_time() -> None:
    """Without the link each vehicle needs a release, and the lane to itself."""
    rules = LaneRules(platoon=1, clearance_s=30.0, headway_s=6.0, release_s=60.0)
    assert crossings([(0, 0), (0, 0)], rules) == [(160, 0), (320, 0)]


# --- N-1 and sizing ----------------------------------------------------------------------------


@pytest.mark.slow
def test_n_minus_1_is_never_better() -> None:
    """One vehicle, crane, lane or the link less waits longer, under common numbers."""
    plan = busy(360, igvs=12)
    whole = p95(plan, 5)
    for part in (Part.IGV, Part.CRANE, Part.LINK):
        less = p95(without(plan, part), 5)
        assert sum(less) > sum(whole), part
    two = busy(360, igvs=12, lanes=2)
    assert sum(p95(without(two, Part.LANE), 5)) > sum(p95(two, 5))


def test_without_its_only_lane_nothing_crosses() -> None:
    """The report says so instead of hanging: nothing delivered, the backlog is counted."""
    found = run(without(busy(), Part.LANE))
    assert found.delivered == (0, 0)
    assert np.isinf(found.ready_to_landed_s).all()
    assert found.igv_use == 1.0  # all stand before the bridge
    assert found.unserved > 250


def test_opening_hours_hold_boxes_back() -> None:
    """With the site's hours no box is lifted at night."""
    plan = replace(plan_for(bare.SITE, 300, igvs=12, cranes=2, hours="site", days=2.0))
    assert plan.open_h == (7.0, 20.5)
    found = run(plan)
    assert found.unserved == 0
    assert found.wait_s.max() < 3 * 3600


@pytest.mark.slow
def test_stops_lengthen_waits() -> None:
    """Wind stops and network gaps make boxes wait longer; swapping shortens time off the road."""
    calm = sum(p95(busy(), 4))
    assert sum(p95(busy(wind_stops_per_day=12.0), 4)) > calm
    assert sum(p95(busy(network_gaps_per_day=200.0), 4)) > calm
    assert run(busy(battery="swap")).igv_down < run(busy()).igv_down


@pytest.mark.slow
def test_every_vehicle_is_needed() -> None:
    """The found fleet keeps the promise with confidence, one vehicle less does not."""
    target = Target(wait_s=400.0, fleet_max=30, replications=20, replications_max=20)
    plan = replace(plan_for(bare.SITE, 150, cranes=2, days=1.0), breakdowns=False)
    sizing = find_fleet(plan, TIMES, target, parts=[Part.IGV, Part.LANE])
    assert sizing.found is not None
    assert sizing.found.wait.high <= 400.0
    assert sizing.found.plan.igvs > 1
    lost = [e.plan.igvs for e in sizing.evaluations if not target.kept_by(e)]
    assert max(lost) in (sizing.found.plan.igvs - 1, sizing.found.plan.igvs - 2)
    assert sizing.one_less.mean > 0
    (_, vehicle), (_, lane) = sizing.n_minus_1
    assert vehicle.plan.igvs == sizing.found.plan.igvs - 1
    assert vehicle.replications == sizing.found.replications  # the same, so that pairs can be
    assert lane.unserved > 0
    assert sizing.found.unserved == 0
    assert not sizing.broken
    tried = {id(wait) for e in sizing.evaluations for wait in e.waits}
    assert not any(id(wait) in tried for wait in sizing.found.waits)  # confirmed with others


@pytest.mark.slow
def test_it_says_what_is_missing() -> None:
    """Where no fleet is enough, the part is named of which twice as many would do."""
    target = Target(fleet_max=40, replications=20, replications_max=20)
    plan = plan_for(bare.SITE, 300, cranes=1, lanes=1)
    plan = replace(plan, profile=bare.FLAT, days=0.3, warmup_days=0.05, breakdowns=False,
                   handling="constant", handling_s=(300.0, 150.0))  # fmt: skip
    sizing = find_fleet(plan, TIMES, target)
    assert sizing.found is None
    assert sizing.limiting is Part.CRANE
    assert sizing.would_do == (Part.CRANE,)
    assert words.text("cap_part_crane", "en") in " ".join(why_none(sizing, "en"))


@pytest.mark.slow
def test_lanes_are_found_like_cranes() -> None:
    """The fewest lanes that leave the fleet its share: one for little, two where one is full."""
    target = Target(fleet_max=60, replications=20, replications_max=20)
    for boxes, lanes in ((100, 1), (2000, 2)):
        plan = plan_for(bare.SITE, boxes, cranes=10)
        plan = replace(plan, profile=bare.FLAT, days=0.15, warmup_days=0.05, igvs=60)
        assert _with_places(Search(TIMES, target), plan, (1, 2)).lanes == lanes


def test_boxes_in_a_queue_before_the_bridge_are_no_promise_kept() -> None:
    """A fleet whose boxes are lifted at once but land too late does not keep the promise."""
    found = evaluate(busy(), [run(busy(), n) for n in range(4)], limit_s=300.0, quantile=0.95,
                     confidence=0.9)  # fmt: skip
    assert Target(wait_s=8000.0).kept_by(found)
    assert not Target(wait_s=8000.0, landed_s=600.0).kept_by(found)


# --- wrong input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes_per_day": 0.0}, "boxes a day: 0"),
        ({"igvs": -1}, "fleet, IGVs: -1"),
        ({"cranes": (2, 500)}, "far side: 500"),
        ({"lanes": 3}, "lanes: 3"),
        ({"warmup_days": 5.0}, "warm-up days: 5"),
        ({"profile": (0.0,) * 24}, "profile"),
    ],
)
def test_a_plan_that_cannot_be(change: dict[str, object], message: str) -> None:
    """Each wrong value is refused with its place, value and limit."""
    with pytest.raises(SizingError, match=message):
        replace(busy(), **change)  # type: ignore[arg-type]


def test_wrong_targets_and_samples() -> None:
    """Too few replications, a quantile of 1 and an interval of one value are refused."""
    with pytest.raises(SizingError, match="replications: 19; allowed: 20"):
        Target(replications=19)
    with pytest.raises(SizingError, match="quantile: 1"):
        Target(quantile=1.0)
    with pytest.raises(SizingError, match="at least 2 replications"):
        t_interval([1.0])
    bridge = msgspec.structs.replace(bare.SITE.bridge, cargo=None)
    bare_site = msgspec.structs.replace(bare.SITE, bridge=bridge)
    with pytest.raises(SizingError, match=r"has no \[bridge.cargo.crossing\]"):
        plan_for(bare_site, 200)


def test_a_crossing_in_a_site_file_is_checked() -> None:
    """A share of perishables above that of reefers is refused with line and key."""
    path = sites.SITES / "bac-luan-2.toml"
    text = path.read_text(encoding="utf-8").replace("reefer_share = 0.4", "reefer_share = 0.1")
    with pytest.raises(ConfigError, match=r"reefer_share.*below the share of perishables"):
        sites.loads(text, path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--boxes", "many"], "numbers with commas"),
        (["--boxes", "0"], "boxes a day: 0"),
        (["--replications", "3"], "replications: 3"),
        (["--precision", "0"], "precision: 0"),
        (["--jobs", "0"], "jobs: 0"),
        (["--days", "nan"], "days: nan"),
        (["--carrier", "sky-rail", "--lanes", "1"], "--lanes does not go with"),
        (["--carrier", "sky-rail", "--battery", "swap"], "--battery does not go with"),
        (["--carrier", "sky-rail", "--phase", "2"], "--phase does not go with"),
        (["--carrier", "sky-rail", "--without", "lane"], "--without does not go with"),
    ],
)
def test_the_command_refuses(arguments: list[str], message: str) -> None:
    """Exit code 2 and one line that names the value and the limit."""
    main.add_command(size, "size")
    result = CliRunner().invoke(main, ["size", "bac-luan-2", *arguments])
    assert result.exit_code == 2
    assert message in result.output


def _check_page(text: str) -> None:
    """Each plot has its place, each of its words is there in all languages."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = msgspec.json.decode(found[1])
    assert set(re.findall(r'id="plot-(\w+)"', text)) == set(data["charts"]) == {
        "size", "use", "less0",
    }  # fmt: skip
    plots = msgspec.json.encode(data["charts"]).decode()
    for key in set(re.findall(r'"#(\w+)"', plots)):
        assert all(data["words"][language][key] for language in words.LANGUAGES), key
    for language in words.LANGUAGES:
        assert words.text("cap_all", language) in text
        assert words.text("cap_case_igv", language) in text


@pytest.mark.covers
@pytest.mark.slow
def test_the_command(tmp_path: object) -> None:
    """A table's JSON, a page with its picture, and exit code 1 where no fleet is enough."""
    main.add_command(size, "size")
    short = ["size", "bac-luan-2", "--jobs", "1", "--days", "0.6", "--out", str(tmp_path),
             "--replications", "20", "--replications-max", "20"]  # fmt: skip
    result = CliRunner().invoke(
        main, [*short, "--boxes", "100", "--cranes", "2", "--without", "igv", "--json"]
    )
    assert result.exit_code == 0, result.output
    row = msgspec.json.decode((tmp_path / "size.json").read_bytes())["sizes"][0]  # type: ignore[operator]
    assert row["found"]
    assert row["wait_s"][2] <= 300
    assert row["without"]["igv"]["igvs"] == row["igvs"] - 1
    assert [one["violations"] for one in row["invariants"].values()] == [0, 0, 0]
    _check_page((tmp_path / "size.html").read_text(encoding="utf-8"))  # type: ignore[operator]
    result = CliRunner().invoke(
        main, [*short, "--boxes", "100", "--fleet-max", "1", "--no-n-minus-1"]
    )
    assert result.exit_code == 1
    assert "no fleet up to 1" in result.output.replace("\n", " ")


@pytest.mark.covers
@pytest.mark.slow
def test_the_command_sizes_a_sky_rail(tmp_path: object) -> None:
    """Two lanes, no chargers, N-1 of carriers, cranes and the link alone; its own estimates."""
    main.add_command(size, "size")
    result = CliRunner().invoke(
        main,
        ["size", "bac-luan-2", "--carrier", "sky-rail", "--boxes", "100", "--cranes", "2",
         "--jobs", "1", "--days", "0.6", "--replications", "20", "--replications-max", "20",
         "--out", str(tmp_path), "--json"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = msgspec.json.decode((tmp_path / "size.json").read_bytes())  # type: ignore[operator]
    assert report["carrier"] == "sky-rail"
    (row,) = report["sizes"]
    assert row["lanes"] == 2
    assert row["phase"] == 1
    assert set(row["without"]) == {"igv", "crane", "link"}
    assert row["use"]["charger"] == [0.0, 0.0, 0.0]
    assert "sky_rail.nodes.*" in report["assumes"][-1]
