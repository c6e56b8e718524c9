"""A gate in a test's hands: it runs with the reference stack, it can be broken and played again."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests import needs
from twin.devices.base import FaultError
from twin.errors import HarnessError, TraceError, UnknownName
from twin.faults import Fault
from twin.gate import Fidelity
from twin.rig import Program, Rig, Step, load_program, play


@pytest.mark.parametrize("lane", ["in-1", "in-2", "out-1", "out-2"])
def test_a_truck_passes_every_smart_lane(lane: str) -> None:
    """Each mix of barrier and scale wires lets an honest truck through, all invariants held."""
    with Rig(lanes=[lane]) as rig:
        rig.vehicle()
        assert rig.until_clear(300)
        assert rig.gate.world.counts.crossed == 1
        assert rig.judge().held


@pytest.mark.parametrize(
    "why",
    ["channel_red", "channel_yellow", "no_declaration", "overweight", "weight_mismatch",
     "plate_mismatch", "not_precleared"],
)  # fmt: skip
def test_a_truck_that_must_not_pass_is_diverted(why: str) -> None:
    """Whatever is wrong with a truck, it leaves by the divert arrow and the record says so."""
    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle(why=why)
        assert rig.until_clear(900)
        assert rig.gate.world.counts.diverted == 1
        assert rig.judge().held


def test_the_same_steps_give_the_same_trace() -> None:
    """Seed and steps decide everything; another seed is another run."""

    def run(seed: int) -> str:
        with Rig(lanes=["in-1"], seed=seed) as rig:
            rig.vehicle(hesitates_s=3.0)
            rig.vehicle(why="channel_red")
            rig.until_clear()
            return rig.trace.sha256()

    assert run(4) == run(4)
    assert run(4) != run(5)


def test_a_program_is_saved_and_played_to_the_same_trace(tmp_path: Path) -> None:
    """What a rig did can be written down and done again, record for record."""
    with Rig(lanes=["in-1"], seed=2) as rig:
        rig.vehicle(follows=True)
        rig.inject("in-1.barrier", "slow", factor=0.5)
        rig.wait(60)
        rig.heal("in-1.barrier", "slow")
        rig.wait(60)
        rig.program.save(tmp_path / "p.json")
        recorded = rig.trace.sha256()
    judgement, again = play(load_program(tmp_path / "p.json"))
    assert again == recorded
    assert judgement.held


def test_a_wrong_program_is_named(tmp_path: Path) -> None:
    """A missing file, a foreign file and an unknown step are TraceErrors with the path."""
    with pytest.raises(TraceError, match="cannot be read"):
        load_program(tmp_path / "none.json")
    (tmp_path / "x.json").write_text('{"gatetwin_program": 1, "site": "x", "step": []}')
    with pytest.raises(TraceError, match=r"x\.json: is not a saved program"):
        load_program(tmp_path / "x.json")


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    """Lanes, targets, faults, parameters and stacks: a misspelling is told, never ignored."""
    with pytest.raises(UnknownName, match=r"Known: .*reference"):
        Rig(stack="refrence")
    with pytest.raises(HarnessError, match="it has in-1"), Rig(lanes=["in-9"]):
        pass
    with Rig(lanes=["in-1"], stack=None) as rig:
        with pytest.raises(UnknownName, match=r"did you mean 'in-1\.barrier'"):
            rig.inject("in-1.barier", "stuck")
        with pytest.raises(UnknownName, match="did you mean 'stuck'"):
            rig.inject("in-1.barrier", "stuk")
        with pytest.raises(UnknownName, match="did you mean 'factor'"):
            rig.inject("in-1.barrier", "slow", facto=1)
        with pytest.raises(FaultError, match=r"in-1\.barrier: slow: factor: 7 .*outside"):
            rig.inject("in-1.barrier", "slow", factor=7)
        with pytest.raises(UnknownName, match="lane of bac-luan-2"):
            rig.vehicle("in-7")


def test_numbers_out_of_range_are_refused() -> None:
    """What no truck and no clock can do is told with its limit, and nothing of it is noted."""
    with Rig(lanes=["in-1"], stack=None) as rig:
        with pytest.raises(HarnessError, match="plate_dirt: 5 is not 0 to 1"):
            rig.vehicle(plate_dirt=5)
        with pytest.raises(HarnessError, match="hesitates_s: -1 is not 0 or more"):
            rig.vehicle(hesitates_s=-1)
        with pytest.raises(HarnessError, match="seconds: nan is not 0 or more"):
            rig.wait(float("nan"))
        with pytest.raises(HarnessError, match="limit_s: inf is not 0 or more"):
            rig.until_clear(float("inf"))
        assert rig.program.steps == []


def test_a_gate_without_a_stack_stands_still() -> None:
    """Nobody opens: the truck stands at the red lamp, and nothing is broken by that but waiting."""
    with Rig(lanes=["in-1"], stack=None) as rig:
        rig.vehicle()
        rig.wait(300)
        assert rig.gate.world.counts.gone == 0
        assert not any(record.kind == "arm.motion" for record in rig.records)


def test_faults_come_and_go_at_their_times() -> None:
    """A scheduled fault begins and ends on the clock, and both are in the trace."""
    with Rig(lanes=["in-1"], stack=None) as rig:
        begin_s = rig.now_s + 10
        rig.gate.plan_faults(
            [Fault(target="in-1.loops", kind="stuck", at_s=begin_s, for_s=5,
                   parameters={"channel": "exit"})]
        )  # fmt: skip
        rig.wait(20)
        seen = [(r.kind, r.t_s) for r in rig.records if r.kind.startswith("fault.")]
    assert seen == [("fault.begin", begin_s), ("fault.end", begin_s + 5)]


def test_a_step_reads_as_the_call_that_made_it() -> None:
    """A program prints as Python that a person can paste."""
    program = Program(site="bac-luan-2", steps=[Step("wait", {"seconds": 5.0})])
    assert str(program) == "rig.wait(seconds=5.0)"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pybullet", "mujoco"])
def test_a_lane_of_rigid_bodies_runs_as_the_kinematic_one(engine: str) -> None:
    """With either engine a truck passes, all invariants hold, and it takes as long to 2 %."""
    needs.system(importlib.util.find_spec(engine), f"{engine}: pip install 'gatetwin[physics]'")

    def passage_s(fidelity: Fidelity) -> float:
        with Rig(lanes=["in-1"], fidelity=fidelity, engine=engine) as rig:
            rig.vehicle()
            assert rig.until_clear(300)
            assert rig.judge().held
            left = next(record for record in rig.records if record.kind == "vehicle.left")
            return float(left.payload["left_s"])

    assert passage_s("physics") == pytest.approx(passage_s("kinematic"), rel=0.02)


def test_an_officer_serves_a_traditional_lane() -> None:
    """Without any wire, papers are looked at, good trucks pass and bad ones are sent aside."""
    with Rig(lanes=["in-3"], stack=None) as rig:
        rig.vehicle("in-3")
        rig.vehicle("in-3", why="overweight")
        rig.vehicle("in-3", follows=True)
        assert rig.until_clear(1_500)
        counts = rig.gate.world.counts
        assert (counts.crossed, counts.diverted) == (2, 1)
        assert rig.judge().held
        held_s = [r.payload["authority_s"] for r in rig.records if r.kind == "vehicle.left"]
        low_s, high_s = rig.site.traffic.officer.service_s
        assert all(low_s <= time_s <= high_s for time_s in held_s)
