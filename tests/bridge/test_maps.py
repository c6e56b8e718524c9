"""Versions of the lane map: fetched by vehicles, brought by the fleet manager, in force in time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asyncua")

from fixtures.stack.fleet.messages import Writer, action, edge, node
from tests.bridge.rig import play
from tests.bridge.test_positioning import bare
from twin import faults as schedules
from twin import strict_toml
from twin.bridge import MANUFACTURER, MAP, Bridge
from twin.clock import Clock
from twin.devices.igv_maps import Maps
from twin.faults import Fault

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_fleet_gets_new_maps_in_time_and_after_the_fact() -> None:
    """Announced: idle vehicles change at once. Unannounced: all stand, fetch it, and go on."""
    faults = strict_toml.load(EXAMPLES / "bridge-maps.toml", schedules.Schedule).faults
    day = play(boxes=4, hours=0.4, drain_s=5400.0, seed=2, faults=faults)
    assert day.judgement.held, day.judgement.violations
    assert day.judgement["BRIDGE-12"].checked_count == 2 * len(day.bridge.igvs)
    assert all(one.received_s is not None for one in day.facts.crossings.values())
    for igv in day.bridge.igvs.values():
        assert igv.maps.stored == {(MAP, "3"): True}, "the old ones are deleted"
    steps = [one for one in day.kinds("igv.map") if one["version"] == "2"]
    assert [one["how"] for one in steps].count("download") == len(day.bridge.igvs)
    stood = [record.t_s for record in day.trace.records() if record.kind == "igv.alarm"]
    assert min(stood) == pytest.approx(540.0, abs=0.1)


@pytest.mark.covers
def test_what_a_vehicle_fetches_is_held_against_its_hash() -> None:
    """Corrupt, unknown and unavailable maps fail with their reason; an order on none is refused."""

    async def story(bridge: Bridge, clock: Clock) -> None:
        vehicle = bridge.fleet.vehicles["igv-01"]
        writer = Writer(MANUFACTURER, "igv-01", clock.day_start)

        async def ask(kind: str, id: str, **values: Any) -> tuple[str, str]:
            one = {**action(kind, id, mapId=MAP, **values), "blockingType": "NONE"}
            vehicle.receive(
                "instantActions", writer.message("instantActions", 0.0, {"actions": [one]})
            )
            async with asyncio.timeout(120.0):
                while (state := vehicle.logic.state_of(id)) is None or not state.ended:
                    await clock.sleep(1.0)
            return state.status.value, state.result or ""

        bridge.maps.inject("new_version", lead_s=400.0)
        bridge.maps.service.inject("corrupt")
        status, why = await ask("downloadMap", "a", mapVersion="2")
        assert (status, "SHA-256" in why) == ("FAILED", True)
        bridge.maps.service.heal("corrupt")
        assert "not on the map server" in (await ask("downloadMap", "b", mapVersion="7"))[1]
        wrong = await ask("downloadMap", "c", mapVersion="2", mapHash="0" * 64)
        assert wrong[0] == "FAILED"
        bridge.maps.service.inject("offline")
        assert "cannot be fetched" in (await ask("downloadMap", "d", mapVersion="2"))[1]
        bridge.maps.service.heal("offline")
        await clock.sleep(1.0)
        assert (await ask("downloadMap", "e", mapVersion="2"))[0] == "FINISHED"
        await clock.sleep(400.0)
        assert not vehicle.igv.localized
        at = vehicle.igv.carrier.pose
        nodes = [node("a", 0, (at.x_m, at.y_m), MAP), node("b", 2, (at.x_m + 20, at.y_m), MAP)]
        body = {"orderId": "o", "orderUpdateId": 0, "nodes": nodes,
                "edges": [edge("a", "b", 1, 2.0)]}  # fmt: skip
        vehicle.receive("order", writer.message("order", 0.0, body))
        assert vehicle.logic.order_id != "o", "an order on a map that is not in force is refused"
        assert (await ask("enableMap", "f", mapVersion="2"))[0] == "FINISHED"
        assert vehicle.igv.localized
        vehicle.receive("order", writer.message("order", 0.0, body))
        assert vehicle.logic.order_id == "o"

    bare(story)


def test_a_vehicle_that_does_not_look_at_its_map_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vehicle that thinks that every map fits drives on the old one: BRIDGE-12."""
    monkeypatch.setattr(Maps, "fits", property(lambda _: True))
    survey = Fault(
        target="map-office", kind="new_version", at_s=560.0, for_s=1.0, parameters={"lead_s": 0.0}
    )  # fmt: skip
    assert "BRIDGE-12" in play(boxes=1, faults=[survey]).judgement.broken
