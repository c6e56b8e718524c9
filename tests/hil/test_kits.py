"""What is true of every kit: its register, its suite, its mutants, its papers and its pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from hil import cli, docs, matrix
from hil import kit as kits
from hil.register import audit
from hil.runner import judge
from hil.verdict import Verdict
from twin.clock import Clock, run_virtual
from twin.errors import ConfigError
from twin.trace import Record, from_rows, hash_records

ROOT = Path(__file__).parents[2]
OTHERS = [name for name in kits.names() if name != "barrier"]
"""The barrier's kit has tests of its own; they are older and go further."""

EACH = {
    "camera": 5,
    "crane": 48,
    "gnss": 18,
    "map-service": 12,
    "reefer": 30,
    "weighbridge": 8,
    "igv": 12,
    "fleet": 24,
    "remote-io": 3,
}
"""Where suite and mutants are many, one mutant in so many; `certify matrix` runs them all."""

FINE = (Verdict.PASS, Verdict.NOT_APPLICABLE)

BESIDES_MAX = 5
"""A defect that shows in more requirements than this makes a poor proof of a single test."""


def recorded(device: str, profile: str) -> list[Record]:
    """What the suite writes down about a good twin."""
    kit = kits.load(device)

    async def main(clock: Clock) -> list[Record]:
        pics, pixit = kit.emulated_pics(profile), kit.emulated_pixit(profile)
        return await matrix.record(clock, kit, profile, pics, pixit)

    return run_virtual(main)


class Good(NamedTuple):
    """A kit and what its suite wrote down about each of its good twins."""

    kit: kits.Kit
    runs: dict[str, list[Record]]


@pytest.fixture(scope="module", params=OTHERS)
def good(request: pytest.FixtureRequest) -> Good:
    """Recorded once for all tests that look at it."""
    kit = kits.load(request.param)
    return Good(kit, {profile: recorded(kit.device, profile) for profile in kit.good})


def cases(what: str) -> list[Any]:
    """(device, name) for everything of that kind in every kit."""
    found = []
    for device in OTHERS:
        kit = kits.load(device)
        names = {
            "mutants": [variant.name for variant in kit.mutants],
            "judges": sorted(kit.suite.judges),
            "profiles": list(kit.good),
        }[what]
        found += [pytest.param(device, name, id=f"{device}-{name}") for name in names]
    return found


@pytest.mark.parametrize("device", kits.names())
def test_register_suite_and_mutants_fit(device: str) -> None:
    """Every MUST has a test or a written reason, and a mutant; no id is unknown."""
    kit = kits.load(device)
    kills = [variant.kills for variant in kit.mutants]
    names = kit.pics_type.__struct_fields__
    assert audit(kit.register, kit.suite.judges, kills, names) == []
    assert {kit.mutant(name).name for name in kit.health} == set(kit.health)


@pytest.mark.no_cover
@pytest.mark.parametrize(("device", "name"), cases("mutants"))
def test_each_mutant_is_killed_by_its_own_test(device: str, name: str) -> None:
    """A device that breaks one requirement fails exactly the test of that requirement."""
    row = matrix.row(name, device=device, own=True)
    assert row.ok, f"{row.kills}: {row.verdicts[row.kills]}: {row.texts[row.kills]}"


@pytest.mark.slow
@pytest.mark.timeout(1200)  # many mutants, beside other workers
@pytest.mark.parametrize("device", OTHERS)
def test_the_whole_matrix(device: str) -> None:
    """Each mutant fails its own requirement, and few others."""
    mutants = [variant.name for variant in kits.load(device).mutants][:: EACH.get(device, 1)]
    rows = matrix.matrix(device, mutants, jobs=1)
    assert matrix.complaints(rows) == []
    besides = {row.name: len([one for one in row.failed if one != row.kills]) for row in rows}
    assert max(besides.values()) <= BESIDES_MAX, besides


@pytest.mark.covers
@pytest.mark.slow
def test_good_twins_pass_everything_and_leave_nothing_out(good: Good) -> None:
    """Over all profiles nothing testable stays NOT_APPLICABLE: no test is dead code."""
    seen = set()
    for records in good.runs.values():
        results = judge(records, good.kit.suite, good.kit.register)
        bad = {r.requirement: r.text for r in results if r.verdict not in FINE}
        assert bad == {}
        seen |= {r.requirement for r in results if r.verdict is Verdict.PASS}
    assert seen == {item.id for item in good.kit.register if not item.not_testable}


@pytest.mark.slow
def test_a_run_is_reproducible(good: Good) -> None:
    """The same seed gives the same trace, byte for byte."""
    for profile, records in good.runs.items():
        again = recorded(good.kit.device, profile)
        assert hash_records(again) == hash_records(records), profile


@pytest.mark.slow
def test_no_judge_breaks_on_a_cut_record(good: Good) -> None:
    """Wherever a record ends, every judge has an answer and does not crash."""
    for profile, records in good.runs.items():
        cut_and_judge(good.kit, profile, records)


def cut_and_judge(kit: kits.Kit, profile: str, records: list[Record]) -> None:
    """Let each judge of `kit` see the first eighths of its case."""
    pics, pixit = kit.emulated_pics(profile), kit.emulated_pixit(profile)
    for name, (case, judge_one) in kit.suite.judges.items():
        begin = next((i for i, r in enumerate(records)
                      if r.kind == "case.begin" and r.payload["case"] == case), None)  # fmt: skip
        if begin is None:
            continue  # the PICS of this profile excludes it
        end = next(i for i, r in enumerate(records) if i > begin and r.kind == "case.end")
        part = records[begin : end + 1]
        for share in range(1, 8):
            cut = part[: max(1, len(part) * share // 8)]
            verdict = judge_one(kit.suite.view(cut, pics, pixit)).verdict
            assert isinstance(verdict, Verdict), name


@pytest.mark.parametrize(("device", "name"), cases("judges"))
def test_no_judge_passes_an_empty_record(device: str, name: str) -> None:
    """A case that did nothing proves nothing: never PASS, and never an exception."""
    kit = kits.load(device)
    case, judge_one = kit.suite.judges[name]
    empty = from_rows([(0, "case", "case.begin", -1, {"case": case})])
    for profile in kit.good:
        view = kit.suite.view(empty, kit.emulated_pics(profile), kit.emulated_pixit(profile))
        assert judge_one(view).verdict in (Verdict.INCONCLUSIVE, Verdict.FAIL)


@pytest.mark.parametrize(("device", "profile"), cases("profiles"))
def test_templates_are_files_to_begin_with(tmp_path: Path, device: str, profile: str) -> None:
    """What `certify init` writes is read back as what the good emulator is."""
    kit = kits.load(device)
    files = kit.write_templates(tmp_path / "bench", profile)
    folder = files[0].parent
    assert kit.load_pics(folder / "pics.toml") == kit.emulated_pics(profile)
    assert kit.load_pixit(folder / "pixit.toml") == kit.emulated_pixit(profile)
    assert kit.load_product(folder / "product.toml") == kit.product
    assert kit.load_bench(folder / "bench.toml").bench.id == "bench-1"
    with pytest.raises(ConfigError, match="not for"):
        kits.load("barrier").load_pics(folder / "pics.toml")


@pytest.mark.covers
@pytest.mark.slow
@pytest.mark.parametrize("device", OTHERS)
def test_an_emulator_in_another_process(tmp_path: Path, device: str) -> None:
    """Over real TCP against a process that it shares nothing with, the PICS is found true."""
    wanted = kits.load(device).suite.declaration
    speed = "6" if device in ("igv", "fleet") else "3"  # their declarations take minutes
    done = CliRunner().invoke(
        cli.certify,
        [device, "--emulated", "--speed", speed, "--no-health", "--json", "--only", wanted,
         "--out", str(tmp_path)],
    )  # fmt: skip
    body = json.loads(done.stdout)
    verdicts = {row["requirement"]: row["verdict"] for row in body["results"]}
    assert verdicts[wanted] == "PASS"
    assert body["device"] == device
    assert CliRunner().invoke(cli.certify, ["rejudge", body["bundle"]]).exit_code == 2


@pytest.mark.parametrize("device", kits.names())
def test_the_page_of_requirements_is_up_to_date(device: str) -> None:
    """docs/requirements-*.md is what the register, the suite and the mutants say."""
    shown = (ROOT / f"docs/requirements-{device}.md").read_text(encoding="utf-8")
    assert shown == docs.page(device), "run: python -m hil.docs"


@pytest.mark.parametrize("device", kits.names())
def test_every_kit_can_be_listed(device: str) -> None:
    """`certify requirements` names every statement with its case and its mutant."""
    done = CliRunner().invoke(cli.certify, ["requirements", device, "--json"])
    rows = json.loads(done.stdout)
    assert [row["id"] for row in rows] == [item.id for item in kits.load(device).register]
    assert CliRunner().invoke(cli.certify, [device, "--help"]).exit_code == 0
