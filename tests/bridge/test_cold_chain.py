"""Refrigerated boxes cross the bridge: what they measure, who is told, and who goes first."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

pytest.importorskip("asyncua")

from fixtures.fleet_cold_mutants import COLD_CAUGHT_BY, COLD_MUTANTS
from tests.bridge.rig import Day, play
from twin import faults as schedules
from twin import strict_toml
from twin.bridge import Bridge
from twin.faults import Fault
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_kpis import bridge_kpis
from twin.report.bridge_page import bridge_page
from twin.report.bridge_terminal import print_bridge
from twin.wires.tic40 import topic
from twin.world.boxes import Consignment

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
WARM = Fault(
    target="trucks", kind="genset_off", at_s=0.0, for_s=120.0, parameters={"hours": 4.0}
)  # fmt: skip


def cold(*reefers: int, count: int) -> Callable[[Bridge], list[Consignment]]:
    """Boxes that come one after the other, all from one side; those of `reefers` are cold."""

    def consignments(bridge: Bridge) -> list[Consignment]:
        found = []
        for number, one in enumerate(bridge.plan(1.0, 24 * count)):
            is_cold = number in reefers
            box = replace(one.box, reefer=is_cold, perishable=is_cold)
            t_s = 60.0 + 100.0 * number
            found.append(replace(one, box=box, t_s=t_s, from_yard="vn", to_yard="cn"))
        return found

    return consignments


def order(bridge: Bridge, when_s: float) -> None:
    """Have the terminal ask for another set point of the first box."""

    def send() -> None:
        number = next(iter(bridge.cold_chain.units))
        container, setpoint = {"ContainerID": number}, {"TemperatureSetpoint": 2.0}
        body = {"ContainerData": [container], "SetpointData": [setpoint]}
        bridge.cold_chain._publish(topic("terminal", number, "tos"), json.dumps(body).encode(), 1)

    bridge.clock.call_later(when_s, send)


def orders(bridge: Bridge) -> None:
    """While the box is on its truck, and when it hangs on the rack."""
    order(bridge, 70.0)
    order(bridge, 1500.0)


def messages(day: Day, number: str) -> list[dict[str, object]]:
    """What was told of a box, in order."""
    return [
        json.loads(bytes.fromhex(record.payload["payload"])) for record in day.trace.records()
        if record.kind == "tic40.tx" and number in record.payload["topic"]
    ]  # fmt: skip


@pytest.mark.covers
def test_the_cold_chain_breaks_and_is_mended() -> None:
    """Warm boxes come, go first, are plugged in and cool; every alarm is in report and figures."""
    faults = strict_toml.load(EXAMPLES / "bridge-reefer.toml", schedules.Schedule).faults
    day = play(hours=1.0, drain_s=3600.0, seed=4, faults=faults, before=orders,
               consignments=cold(0, 1, 2, 4, count=5))  # fmt: skip
    assert day.judgement.held, day.judgement.violations
    assert all(one.received_s is not None for one in day.facts.crossings.values())
    assert len(day.kinds("fault.begin")) == len(day.kinds("fault.end")) == len(faults)
    for rule in ("BRIDGE-10", "BRIDGE-11"):
        assert day.judgement[rule].checked_count, f"{rule} had nothing to judge"
    assert [one["reason"] for one in day.kinds("tic40.refused")] == ["on no rack"]
    assert [one["setpoint_c"] for one in day.kinds("reefer.setpoint")] == [2.0]
    unplugged = [record for record in day.trace.records() if record.kind != "reefer.plug"]
    assert judge_bridge(unplugged).broken == ["BRIDGE-11"], "a plug that nobody puts in is seen"
    kpis = bridge_kpis(day.facts)
    alarms = kpis.cold_chain.alarms
    assert alarms
    assert kpis.cold_chain.boxes == 4
    for alarm in alarms:
        assert alarm.return_c > alarm.setpoint_c + 3.0
        told = messages(day, alarm.box)
        air = [one["MonitoringData"][0]["SensorData"][0]["ReturnTemperature"] for one in told]  # type: ignore[index]
        assert any(value == pytest.approx(alarm.return_c, abs=0.1) for value in air)
        powered = [one["Events"][-1]["ContainerPowered"] for one in told]  # type: ignore[index]
        assert powered[0] is False
        assert True in powered, "it was never plugged in"
    console = Console(record=True, width=120)
    print_bridge(console, kpis, day.judgement)
    page = bridge_page(day.bridge.site, day.facts, day.judgement, kpis)
    assert all(alarm.box in page for alarm in alarms)
    text = console.export_text()
    assert all(alarm.box in text for alarm in alarms)
    units = {reefer.box: reefer for reefer in day.facts.cold.reefers.values()}
    assert max(one.excursion_s for one in units.values()) > 0


def test_each_careless_fleet_manager_is_caught() -> None:
    """Warm cargo that is held back; a reefer that is set where there is no socket."""
    plays = {
        "holds_the_warm": lambda make: play(
            hours=0.5, drain_s=3600.0, faults=[WARM], make=make, consignments=cold(0, count=4)
        ),
        "any_place_will_do": lambda make: play(
            hours=0.9, drain_s=60.0, make=make, consignments=cold(0, count=1)
        ),
    }
    assert plays.keys() == COLD_MUTANTS.keys()
    for name, make in COLD_MUTANTS.items():
        day = plays[name](make)
        assert day.judgement.broken == [COLD_CAUGHT_BY[name]], day.judgement.violations
