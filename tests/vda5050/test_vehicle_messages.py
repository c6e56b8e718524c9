"""A vehicle on MQTT: what it says and when, QoS, silence, a broker that dies, rubbish."""

from __future__ import annotations

import pytest

from tests.vda5050.rig import Rig, box, each, name, play
from tests.vda5050.schemas import check
from twin.devices.igv import Alarm, StopKind


@each
def test_it_comes_online_with_a_state(version: str) -> None:
    """ONLINE retained, then a state at once and the factsheet retained; never a retained state."""

    async def story(rig: Rig) -> None:
        heard, retained = rig.fleet.heard, rig.fleet.retained
        assert [one["connectionState"] for one in heard["connection"]] == ["ONLINE"]
        assert len(heard["state"]) == 1
        check(version, "factsheet", heard["factsheet"][0])
        late: dict[str, bool] = {}
        rig.fleet.client.unsubscribe("#")
        rig.fleet.client._on_message = lambda t, p, q, r: late.update({t.rpartition("/")[2]: r})
        rig.fleet.client.subscribe("#", 1)
        await rig.clock.sleep(1.0)
        assert late == {"connection": True, "factsheet": True}
        del retained

    rig = play(story, version)
    assert rig.fleet.heard["connection"][-1]["connectionState"] in ("ONLINE", "OFFLINE")


@each
def test_the_last_word_is_offline(version: str) -> None:
    """A vehicle that is stopped in order says OFFLINE, and its will stays silent."""

    async def story(rig: Rig) -> None:
        await rig.vehicle.stop()
        await rig.clock.sleep(1.0)

    rig = play(story, version)
    words = [one["connectionState"] for one in rig.fleet.heard["connection"]]
    assert words == ["ONLINE", "OFFLINE"]


def test_states_come_with_every_event_and_at_least_each_30_s() -> None:
    """Silence is never longer than the limit of the standard, also for an idle vehicle."""

    async def story(rig: Rig) -> None:
        seen = rig.fleet.heard["state"]
        begin = len(seen)
        await rig.clock.sleep(61.0)
        assert len(seen) - begin == 2

    play(story)


def test_header_ids_have_no_gap() -> None:
    """Each topic counts by one, also through a loss of the connection."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "ABC"))
        await rig.idle()
        for topic in ("state", "visualization"):
            ids = [one["headerId"] for one in rig.fleet.heard[topic]]
            assert ids == list(range(ids[0], ids[0] + len(ids)))

    play(story)


@each
def test_silence_on_the_radio(version: str) -> None:
    """The will speaks, the vehicle drives to the last released node and stays, then comes back."""

    async def story(rig: Rig) -> None:
        broken = name(rig, "CONNECTIONBROKEN", "CONNECTION_BROKEN")
        await rig.order(rig.scribe.way("o", "ABC", released=2, step_m=100.0))
        await rig.clock.sleep(5.0)
        rig.igv.inject("network_silence")
        await rig.until(lambda: rig.fleet.heard["connection"][-1]["connectionState"] == broken)
        states = len(rig.fleet.heard["state"])
        await rig.clock.sleep(90.0)
        assert len(rig.fleet.heard["state"]) == states
        assert rig.carrier.pose.x_m == pytest.approx(100.0, abs=1e-6)
        rig.igv.heal("network_silence")
        await rig.until(lambda: rig.fleet.heard["connection"][-1]["connectionState"] == "ONLINE")
        await rig.clock.sleep(0.5)
        assert rig.fleet.state["lastNodeId"] == "B"
        await rig.order(rig.scribe.way("o", "BC", update=1, first=2, step_m=100.0))
        await rig.idle()

    play(story, version)


def test_the_broker_dies_and_comes_back() -> None:
    """It reconnects by itself and says ONLINE and its state again."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "ABC", released=2, step_m=100.0))
        port = rig.port
        await rig.server.stop()
        await rig.clock.sleep(60.0)
        assert rig.carrier.pose.x_m == pytest.approx(100.0, abs=1e-6)
        rig.fleet.heard.clear()
        await rig.server.start(port=port)
        await rig.until(lambda: "state" in rig.fleet.heard, 120.0)
        assert [one["connectionState"] for one in rig.fleet.heard["connection"]] == ["ONLINE"]
        assert rig.fleet.state["lastNodeId"] == "B"

    play(story)


def test_a_prefix_of_one_s_own() -> None:
    """Topic names are fixed, the levels before them are not."""

    async def story(rig: Rig) -> None:
        assert rig.vehicle.topic("state") == "gate/border/gatetwin/igv-01/state"
        await rig.order(rig.scribe.way("o", "AB"))
        await rig.idle()

    play(story, prefix="gate/border")


@each
def test_rubbish_does_not_stop_it(version: str) -> None:
    """Broken payloads on every topic are answered or passed over; the order goes on."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=100.0))
        for topic in rig.vehicle.dialect.topics:
            for payload in (b"", b"{", b"[]", b"\x00\xff", b'{"actions": 7}', b'{"zoneSet": {}}'):
                rig.send(topic, payload)
        await rig.clock.sleep(1.0)
        await rig.until(lambda: rig.vehicle.logic.last_node_id == "B")

    play(story, version, judge=None)


def test_hibernation_and_shutdown() -> None:
    """3.0: HIBERNATING ends the states until stopHibernation; shutdown says OFFLINE."""

    async def story(rig: Rig) -> None:
        words = rig.fleet.heard["connection"]
        await rig.now("startHibernation", id="h")
        await rig.clock.sleep(1.0)
        assert words[-1]["connectionState"] == "HIBERNATING"
        assert rig.fleet.status("h") == "FINISHED"
        states = len(rig.fleet.heard["state"])
        await rig.clock.sleep(120.0)
        assert len(rig.fleet.heard["state"]) == states
        await rig.now("stopHibernation")
        assert words[-1]["connectionState"] == "ONLINE"
        await rig.now("shutdown")
        await rig.clock.sleep(2.0)
        assert words[-1]["connectionState"] == "OFFLINE"

    play(story, "3.0")


@each
def test_qos_and_retain_of_each_topic(version: str) -> None:
    """QoS 1 for connection alone; retained are connection and factsheet, nothing else."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB"))
        await rig.now("factsheetRequest")
        await rig.idle()

    rig = play(story, version)
    seen = {
        (r.payload["topic"].rpartition("/")[2], r.payload["qos"], r.payload["retain"])
        for r in rig.trace.records()
        if r.kind == "mqtt.rx" and "igv-01" in r.payload["client"]
    }
    assert seen == {
        ("connection", 1, True),
        ("factsheet", 0, True),
        ("state", 0, False),
        ("visualization", 0, False),
    }


def test_one_seed_one_trace() -> None:
    """The same story twice is the same trace."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, box())
        pick = rig.scribe.action("pick", id="p")
        await rig.order(rig.scribe.way("o", "ABC", actions={"A": [pick]}))
        rig.igv.inject("gnss", fix="float")
        await rig.idle()

    assert play(story).trace.sha256() == play(story).trace.sha256()


def test_every_fault_stands_in_the_trace() -> None:
    """Whatever is injected and healed is recorded, and leaves a vehicle that still works."""

    async def story(rig: Rig) -> None:
        for kind in rig.igv.FAULTS:
            rig.igv.inject(kind)
            await rig.clock.sleep(20.0)
            rig.igv.heal(kind)
            rig.igv.acknowledge()
            rig.igv.restart()
            await rig.clock.sleep(90.0)
        assert rig.igv.alarms.keys() <= {Alarm.LOW_BATTERY}
        assert rig.igv.stop is StopKind.NONE
        order = rig.scribe.way("o", "AB", step_m=30.0)
        await rig.order(order)
        await rig.idle()
        assert rig.fleet.state["lastNodeId"] == "B"

    rig = play(story)
    kinds = [r.payload["kind"] for r in rig.trace.records() if r.kind == "fault.begin"]
    assert kinds == list(rig.igv.FAULTS)
