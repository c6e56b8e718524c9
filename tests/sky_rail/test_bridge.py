"""The same cargo on a sky-rail: the reference fleet manager, unchanged, over the same wires."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("asyncua")

from fixtures.fleet_mutants import FLEET_MUTANTS
from tests.bridge.rig import FROM_PARKS, Day, play
from tests.vda5050.schemas import check
from twin import faults as schedules
from twin import site, strict_toml
from twin.bridge import Bridge, CarrierKind
from twin.clock import Clock, run_virtual
from twin.errors import HarnessError
from twin.faults import Fault
from twin.judge.bridge_facts import collect_bridge
from twin.judge.bridge_kpis import bridge_kpis
from twin.trace import Trace
from twin.world.boxes import Consignment

pytestmark = pytest.mark.slow
SKY = CarrierKind.SKY_RAIL
EXAMPLE = Path(__file__).parents[2] / "examples" / "bridge-sky-rail.toml"


@cache
def day() -> Day:
    """One box each way, without any fault."""
    return play(carrier=SKY)


def test_one_box_crosses_each_way_by_rail_and_is_signed_for() -> None:
    """Truck, crane, table, carrier, table, crane, stack; every rule is held."""
    assert day().judgement.held, day().judgement.violations
    assert {one.state for one in day().bridge.transfers.book.values()} == {"received"}
    for one in day().facts.crossings.values():
        on = [places[0] for _, _, box, places in day().facts.where if box == one.box]
        kinds = [place.rstrip("0123456789") for place in on]
        here, there = one.from_yard, one.to_yard
        assert kinds == [
            f"{here}:truck-", f"crane-{here}", f"{here}:{here}-r", "sky-", f"{there}:{there}-r",
            f"crane-{there}", f"{there}:stack-",
        ]  # fmt: skip


def test_every_message_is_valid_by_the_official_schemas() -> None:
    """States, factsheets and connections of carriers, orders and actions of the manager."""
    seen = set()
    for record in day().trace.records():
        if record.kind in ("vda5050.rx", "vda5050.tx"):
            check("2.1", record.payload["topic"], record.payload["payload"].encode())
            seen.add(record.payload["topic"])
    assert {"order", "state", "factsheet", "connection"} <= seen


def test_the_signals_of_the_line_never_held_a_right_fleet_manager() -> None:
    """Claims of nodes are enough by themselves; the line's own protection is a second one."""
    assert not day().kinds("rail.signal")


def test_the_same_seed_gives_the_same_trace() -> None:
    """Nothing of the rail is left to chance but the seed."""
    again, other = (play(carrier=SKY, seed=seed).trace.sha256() for seed in (1, 2))
    assert day().trace.sha256() == again != other


def _demand(kind: CarrierKind) -> list[Consignment]:
    async def main(clock: Clock) -> list[Consignment]:
        return Bridge(site.load("bac-luan-2"), clock, Trace(clock), seed=7, carrier=kind).plan(24.0)

    return run_virtual(main)


def test_both_carriers_meet_the_same_demand() -> None:
    """Same seed: same boxes, masses, times and releases, to the last bit."""
    assert _demand(SKY) == _demand(CarrierKind.IGV)


def test_without_current_for_two_minutes_every_box_arrives_all_the_same() -> None:
    """All stand, nothing starts by itself, the manager restarts them; a gale only delays."""
    faults = strict_toml.load(EXAMPLE, schedules.Schedule).faults
    broken = play(carrier=SKY, faults=faults)
    assert broken.judgement.held, broken.judgement.violations
    assert {one.state for one in broken.bridge.transfers.book.values()} == {"received"}
    assert broken.end_s > day().end_s + 60.0
    power = [(r.payload["on"], r.t_ns) for r in broken.trace.records() if r.kind == "rail.power"]
    assert [on for on, _ in power] == [False, True]
    moving = [
        record for record in broken.trace.records()
        if record.kind == "igv.move" and "braking" not in record.payload
        and power[0][1] < record.t_ns < power[1][1]
    ]  # fmt: skip
    assert not moving, "nothing sets out without current"
    assert broken.kinds("rail.wind")


def test_a_carrier_that_breaks_down_over_the_river_brings_its_box_by_its_back_up_drive() -> None:
    """The manager and its order stay as they are; the box is late, and every rule is held."""
    length_m = day().bridge.site.bridge.length_m
    laden = next(
        record for record in day().trace.records()
        if record.kind == "igv.move" and record.payload["load_kg"] > 0
        and 0.4 * length_m < record.payload["x"] < 0.6 * length_m
    )  # fmt: skip
    carrier = laden.source.removesuffix(".body")
    faults = [Fault(target=carrier, kind="breakdown", at_s=laden.t_s + 1.0)]
    broken = play(carrier=SKY, faults=faults)
    assert broken.judgement.held, broken.judgement.violations
    assert {one.state for one in broken.bridge.transfers.book.values()} == {"received"}
    assert broken.end_s > day().end_s + 600.0
    (called,), (engaged,) = broken.kinds("rail.rescue_called"), broken.kinds("rail.rescue")
    assert 0.0 < called["x"] < length_m
    assert abs(engaged["x"] - called["x"]) < 150.0  # it has braked softly, and stood


def _blind(bridge: Bridge) -> None:
    """The mutant of the line: every signal shows clear."""
    assert bridge.line is not None
    bridge.line.claim = lambda _car, _node: True  # type: ignore[method-assign]  # the mistake


def test_a_manager_that_reserves_nothing_is_saved_by_the_signals_and_caught_without_them() -> None:
    """BRIDGE-04 judges blocks: only with both protections gone two carriers are in one."""
    wrong = FLEET_MUTANTS["trusts_the_plan"]
    stands = [Fault(target="sky-05", kind="motor_fault", at_s=545.0, for_s=500.0)]
    saved = play(carrier=SKY, boxes=6, drain_s=120.0, make=wrong, faults=stands, options=FROM_PARKS)
    assert "BRIDGE-04" not in saved.judgement.broken
    assert "sky-05" in {one["held_by"] for one in saved.kinds("rail.signal")}
    caught = play(
        carrier=SKY,
        boxes=6,
        drain_s=120.0,
        make=wrong,
        faults=stands,
        options=FROM_PARKS,
        before=_blind,
    )
    assert "BRIDGE-04" in caught.judgement.broken


def test_a_manager_that_ignores_the_far_side_is_caught() -> None:
    """The line between the countries is the same for carriers above it."""
    caught = play(carrier=SKY, boxes=1, make=FLEET_MUTANTS["ignores_the_far_side"])
    assert "BRIDGE-01" in caught.judgement.broken


def test_a_sky_rail_has_no_rigid_bodies() -> None:
    """The error says which engine there is."""

    async def main(clock: Clock) -> None:
        with pytest.raises(HarnessError, match="not in mujoco"):
            Bridge(site.load("bac-luan-2"), clock, Trace(clock), engine="mujoco", carrier=SKY)

    run_virtual(main)


def test_a_report_says_which_carrier_it_was() -> None:
    """The figures of a run name it; runs from before there was a choice were IGVs."""

    async def main(clock: Clock) -> list[str]:
        found = []
        for said in ({"carrier": "sky-rail"}, {}):
            trace = Trace(clock)
            trace("run", "run.start", site="bac-luan-2", seed=1, **said)
            found.append(bridge_kpis(collect_bridge(trace.records())).carrier)
        return found

    assert run_virtual(main) == ["sky-rail", "igv"]
