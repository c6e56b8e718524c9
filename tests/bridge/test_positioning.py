"""Satellite positions on the bridge: what receivers say, and what vehicles make of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec
import pynmea2
import pytest

pytest.importorskip("asyncua")

from fixtures.stack.fleet.messages import Writer, edge, node
from tests.bridge.rig import play
from twin import site
from twin.bridge import MANUFACTURER, MAP, Bridge
from twin.clock import Clock, run_virtual
from twin.devices.igv import Fix
from twin.faults import Fault
from twin.geodesy import Geographic, Plane
from twin.site_bridge import Canopy
from twin.trace import Trace

pytestmark = pytest.mark.slow
OUTAGE = Fault(target="sky", kind="jammed", at_s=500.0, for_s=900.0)


def bare(
    story: Callable[[Bridge, Clock], Awaitable[None]], canopies: list[Canopy] | None = None
) -> Trace:
    """Play a story on a bridge without cargo and without a stack."""
    plan = site.load("bac-luan-2")
    assert plan.bridge.cargo is not None
    cargo = msgspec.structs.replace(plan.bridge.cargo, canopies=canopies or [])
    bridged = msgspec.structs.replace(plan.bridge, cargo=cargo)
    traces: list[Trace] = []

    async def main(clock: Clock) -> None:
        traces.append(Trace(clock))
        bridge = Bridge(msgspec.structs.replace(plan, bridge=bridged), clock, traces[0])
        await bridge.start()
        await story(bridge, clock)
        await bridge.stop()

    run_virtual(main)
    return traces[0]


def drive(bridge: Bridge, name: str, to_x_m: float) -> None:
    """Order a vehicle to drive straight ahead."""
    vehicle = bridge.fleet.vehicles[name]
    at = vehicle.igv.carrier.pose
    nodes = [node("a", 0, (at.x_m, at.y_m), MAP), node("b", 2, (to_x_m, at.y_m), MAP)]
    order = {"orderId": "o", "orderUpdateId": 0, "nodes": nodes, "edges": [edge("a", "b", 1, 9.0)]}
    writer = Writer(MANUFACTURER, name, bridge.clock.day_start)
    vehicle.receive("order", writer.message("order", 0.0, order))


def test_a_reader_of_the_wire_finds_the_vehicle_on_the_map() -> None:
    """Parsed by pynmea2 and set on the map by the wire list, GGA is within 10 cm of the truth."""

    async def story(bridge: Bridge, clock: Clock) -> None:
        entry = bridge.wire_list["positioning"]["receivers"][0]
        origin = bridge.wire_list["positioning"]["origin"]
        igv = bridge.igvs[entry["vehicle"]]
        drive(bridge, "igv-01", -500.0)
        await clock.sleep(20.0)
        reader, writer = await asyncio.open_connection(entry["host"], entry["port"])
        while not (line := await reader.readline()).startswith(b"$GNGGA"):
            pass
        age_s = bridge.positioning.receivers["igv-01"].parameters.latency_s
        truth, speed_m_s = igv.carrier.pose, igv.carrier.speed_m_s
        gga = pynmea2.parse(line.decode().strip(), check=True)
        assert gga.gps_qual == 4
        plane = Plane(Geographic(origin["latitude_deg"], origin["longitude_deg"], -20.0))
        seen = plane.local(Geographic(gga.latitude, gga.longitude, -20.0))
        assert speed_m_s > 6.0
        assert math.hypot(seen.north_m - truth.x_m + age_s * speed_m_s, seen.east_m) < 0.1
        believed = igv.believed
        assert 0 < math.hypot(believed.x_m - truth.x_m, believed.y_m - truth.y_m) < 0.1
        writer.close()

    trace = bare(story)
    sources = {record.source for record in trace.records() if record.kind == "nmea.tx"}
    assert sources == {"igv-01.gnss"}, "a receiver without a listener sends nothing"


def test_under_a_short_roof_a_vehicle_reckons_and_goes_on() -> None:
    """Entering, leaving, float after 5 s, fixed after 12 s; it never stops and is never unsure."""

    async def story(bridge: Bridge, clock: Clock) -> None:
        igv = bridge.igvs["igv-01"]
        drive(bridge, "igv-01", -450.0)
        await clock.sleep(150.0)
        assert not igv.driving
        assert igv.carrier.pose.x_m == pytest.approx(-450.0, abs=0.01)

    roof = Canopy(from_x_m=-700.0, to_x_m=-670.0, from_y_m=-4.0, to_y_m=4.0)
    records = list(bare(story, [roof]).records())
    fixes = [record.payload["fix"] for record in records if record.kind == "igv.fix"]
    assert fixes == [one.value for one in (Fix.DEAD_RECKONING, Fix.FLOAT, Fix.FIXED)]
    places = [record.payload["x"] for record in records if record.kind == "igv.position"]
    assert places[0] == pytest.approx(-700.0, abs=4.0)
    slow = [r.t_s for r in records if r.kind == "igv.position" and r.source == "igv-01"]
    # the roof's 30 m and then 12 s: at the reduced speed of 3 m/s about 8 and 12 s
    assert 16.0 < slow[-1] - slow[0] < 24.0


def test_under_a_long_roof_a_vehicle_stands_before_its_drift_is_too_large() -> None:
    """0.5 % of the way and 2 cm reach half a metre after 96 m: there it stands, and says so."""

    async def story(bridge: Bridge, clock: Clock) -> None:
        igv = bridge.igvs["igv-01"]
        drive(bridge, "igv-01", -450.0)
        await clock.sleep(300.0)
        assert (igv.fix, igv.localized, igv.driving) == (Fix.LOST, False, False)
        assert igv.uncertainty_m == pytest.approx(0.5, abs=0.01)
        entered_x_m = -700.0
        assert igv.carrier.pose.x_m - entered_x_m == pytest.approx(96.0, abs=4.0)

    roof = Canopy(from_x_m=-700.0, to_x_m=-400.0, from_y_m=-4.0, to_y_m=4.0, share=0.1)
    bare(story, [roof])


HEARD: list[tuple[str, dict[str, float], Fix]] = [
    ("link_down", {}, Fix.DEAD_RECKONING),
    ("silent", {}, Fix.DEAD_RECKONING),
    ("late", {"delay_s": 0.4}, Fix.FIXED),
    ("late", {"delay_s": 2.0}, Fix.DEAD_RECKONING),
    ("checksum", {"share": 0.3}, Fix.FIXED),
    ("checksum", {"share": 1.0}, Fix.DEAD_RECKONING),
]


def test_a_vehicle_hears_its_receiver_over_the_wire() -> None:
    """What is cut, silent, too late or spoilt through and through gives no position."""

    async def story(bridge: Bridge, clock: Clock) -> None:
        del clock
        igv, cable = bridge.igvs["igv-03"], bridge.positioning.cables["igv-03"]
        for kind, parameters, fix in HEARD:
            cable.inject(kind, **parameters)
            assert igv.fix is fix, (kind, parameters)
            cable.heal(kind)
            assert igv.fix is Fix.FIXED

    bare(story)


def blinded(bridge: Bridge) -> None:
    """Vehicles that trust their odometers for ten kilometres."""
    for igv in bridge.igvs.values():
        igv.parameters = replace(igv.parameters, drift_limit_m=50.0)


def test_a_vehicle_that_drives_blind_is_caught() -> None:
    """The same outage: honest vehicles stand, those without a limit break BRIDGE-09."""
    day = play(boxes=1, faults=[OUTAGE])
    assert day.judgement.held, day.judgement.violations
    assert day.judgement["BRIDGE-09"].checked_count == len(day.bridge.igvs)
    assert play(boxes=1, faults=[OUTAGE], before=blinded).judgement.broken == ["BRIDGE-09"]
