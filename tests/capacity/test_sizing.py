"""Finding a fleet: what is needed, what is missing, what is refused, and the command."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest
from click.testing import CliRunner

from tests.capacity import bare
from tests.capacity.busy import TIMES, busy, run
from twin import site as sites
from twin.capacity.evaluate import evaluate
from twin.capacity.plan import Part, SizingError, plan_for
from twin.capacity.size import Search, Target, _with_places, find_fleet
from twin.capacity.statistics import t_interval
from twin.cli import main
from twin.errors import ConfigError
from twin.report import words
from twin.report.capacity_figures import why_none
from twin.sizing import size


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
