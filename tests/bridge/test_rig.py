"""The fixture `bridge`: a user's test of a fleet manager, and what is left when it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("asyncua")

from twin.bridge_rig import BridgeProgram, BridgeRig, BridgeStep, load_bridge_program, play
from twin.cli import main
from twin.errors import GateTwinError

pytestmark = pytest.mark.no_cover

pytest_plugins = ["pytester"]
EXAMPLE = Path(__file__).parents[2] / "examples" / "test_my_fleet.py"


@pytest.mark.slow
def test_the_example_of_the_docs_is_green(pytester: pytest.Pytester) -> None:
    """Ten lines, a box each way, a breakdown: the reference fleet manager passes."""
    pytester.makepyfile(EXAMPLE.read_text(encoding="utf-8"))
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.slow
def test_a_failing_test_leaves_a_program_that_is_played_again(pytester: pytest.Pytester) -> None:
    """Nobody drives: the steps are saved, told in the report, and `gatetwin replay` plays them."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bridge(stack=None, seed=3)
        def test_nobody_drives(bridge):
            bridge.box("cn", perishable=True)
            bridge.inject("crane-cn", "power")
            bridge.wait(5)
            bridge.heal("crane-cn", "power")
            assert bridge.until_clear(limit_s=60)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["bridge.inject(target='crane-cn', kind='power'*"])
    path = next((pytester.path / ".gatetwin" / "failures").glob("*.json"))
    saved = load_bridge_program(path)
    assert [step.do for step in saved.steps] == ["box", "inject", "wait", "heal", "until_clear"]
    shas = []
    for _ in range(2):
        again = CliRunner().invoke(main, ["replay", str(path), "--json"])
        assert again.exit_code == 0, again.output  # sixty seconds break no rule
        shas.append(json.loads(again.output)["trace_sha256"])
    assert shas[0] == shas[1]


@pytest.mark.slow
def test_a_mark_chooses_phase_and_carrier(pytester: pytest.Pytester) -> None:
    """Phase 2 has its yards and thirty vehicles; a sky-rail's carriers are driven, and replayed."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.bridge(phase=2, stack=None)
        def test_phase_2(bridge):
            assert len(bridge.endpoints["fleet"]["vehicles"]) == 30
            bridge.box("vn-2", "cn-3")
            with pytest.raises(Exception, match="to_yard: vn-1 is on the side of vn-2"):
                bridge.box("vn-2", "vn-1")
            bridge.inject("lane-2", "closed")
            bridge.wait(60)
            assert {one.to_yard for one in bridge.bridge.transfers.book.values()} == {"cn-3"}

        @pytest.mark.bridge(carrier="sky-rail")
        def test_sky_rail(bridge):
            bridge.box("cn")
            bridge.inject("sky-01", "slow")
            bridge.wait(90)
            assert bridge.judge().held
            assert False, "so that it is saved"

        @pytest.mark.bridge(carrier="balloon")
        def test_no_such_carrier(bridge):
            pass

        @pytest.mark.bridge(carrier="sky-rail", phase=2)
        def test_no_rail_to_other_yards(bridge):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1, errors=2)
    result.stdout.fnmatch_lines(["*balloon*igv, sky-rail*", "*goes with carrier igv*"])
    path = next((pytester.path / ".gatetwin" / "failures").glob("*.json"))
    saved = load_bridge_program(path)
    assert (saved.carrier, saved.steps[0].arguments["to_yard"]) == ("sky-rail", "vn")
    again = CliRunner().invoke(main, ["replay", str(path), "--json"])
    assert again.exit_code == 0, again.output


@pytest.mark.slow
def test_wrong_steps_are_named() -> None:
    """An unknown yard, target or fault, a mass and a wait that cannot be."""
    with BridgeRig(stack=None) as rig:
        for wrong in (
            lambda: rig.box("xx"), lambda: rig.box(mass_kg=100.0), lambda: rig.wait(-1.0),
            lambda: rig.inject("igv-99", "slow"), lambda: rig.inject("igv-01", "lazy"),
            lambda: rig.until_clear(float("inf")),
        ):  # fmt: skip
            with pytest.raises(GateTwinError, match=r"xx|100|-1|igv-99|lazy|inf"):
                wrong()
        assert rig.received == set()


@pytest.mark.slow
def test_a_program_of_another_seed_is_another_run() -> None:
    """The seed draws the number of the box and everything else."""
    steps = [BridgeStep("box", {}), BridgeStep("wait", {"seconds": 30.0})]
    programs = (BridgeProgram(site="bac-luan-2", stack="none", seed=n, steps=steps) for n in (1, 2))
    assert len({play(one)[1] for one in programs}) == 2
