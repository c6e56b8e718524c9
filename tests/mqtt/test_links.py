"""Link faults: whom they touch, what a gap does, how they begin and end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mqtt.bench import Place, on_broker
from tests.mqtt.links import drain
from twin import faults as fault_schedule
from twin.devices.base import FaultError
from twin.errors import UnknownName
from twin.wires.impair import Link
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.packets import Bare, ConnAck, Connect, Publish, Will


def test_a_delayed_link_delays_everything_on_it() -> None:
    """Ping and connection too, both ways: a round trip is twice the delay."""

    async def test(place: Place) -> tuple[float, float]:
        place.server.link("far").inject("delay", delay_s=1.0)
        began = place.clock.now_s()
        client = await place.client("far")
        connected_s = place.clock.now_s() - began
        await client.alive()
        return connected_s, place.clock.now_s() - began - connected_s

    assert on_broker(test) == pytest.approx((2.0, 2.0))


def test_a_topic_filter_touches_its_topics_alone() -> None:
    """Delay on a/#: b passes, and pings pass."""

    async def test(place: Place) -> tuple[list[str], list[str]]:
        listener = await place.listener("#", 0, "down")
        place.server.link("down").inject("delay", delay_s=1.0, topic="a/#")
        sender = await place.client("up")
        for topic in ("a/1", "b/1", "a/2"):
            await sender.publish(topic)
        await place.clock.sleep(0.5)
        early = [(await listener.message()).topic]
        await listener.alive()
        late = [(await listener.message()).topic for _ in range(2)]
        return early, late

    assert on_broker(test) == (["b/1"], ["a/1", "a/2"])


def test_a_pattern_touches_its_clients_alone() -> None:
    """Loss of everything on igv-*: the crane's messages all arrive."""

    async def test(place: Place) -> set[bytes]:
        listener = await place.listener("t", 0, "control")
        place.server.link("igv-*").inject("loss", probability=1.0)
        for name in ("igv-1", "crane-1", "igv-2"):
            client = await place.client(name)
            await client.publish("t", name.encode())
        return {body for _, _, body in await drain(place, listener, 5.0)}

    assert on_broker(test) == {b"crane-1"}


def test_a_half_open_link_passes_nothing_and_keeps_the_sockets() -> None:
    """The broker gives up after 1.5 keep alives and says the will; the client sees nothing until
    the link heals, and then only the end."""

    async def test(place: Place) -> None:
        listener = await place.listener("w", 1, "control")
        client = await place.client("igv", keep_alive_s=10, will=Will("w", b"lost"))
        await place.clock.sleep(1.0)
        place.server.link("igv").inject("half_open")
        client.send(Bare(p.PINGREQ))
        began = place.clock.now_s()
        assert (await listener.next(60)).payload == b"lost"
        assert place.clock.now_s() - began == pytest.approx(14.0)
        with pytest.raises(TimeoutError):
            await client.next(300)
        place.server.link("igv").heal("half_open")
        assert await client.closed()
        await client.close()
        await place.clock.sleep(5)
        assert len(place.server.connections) == 1

    on_broker(test)


def test_a_half_open_link_that_heals_in_time_lost_nothing() -> None:
    """TCP sends again: what was held arrives in order, and the session goes on."""

    async def test(place: Place) -> None:
        listener = await place.listener("t", 1, "control")
        client = await place.client("igv", keep_alive_s=10)
        link = place.server.link("igv")
        link.inject("half_open", direction="up")
        for number in range(5):
            client.send(Publish("t", b"%d" % number))
        await place.clock.sleep(8)
        link.heal("half_open")
        assert [(await listener.message()).payload for _ in range(5)] == [
            b"0",
            b"1",
            b"2",
            b"3",
            b"4",
        ]
        await client.alive()

    on_broker(test)


@pytest.mark.parametrize("after", ["all", "nothing", "reset"])
def test_a_handover_is_a_gap_that_ends_by_itself(after: str) -> None:
    """Silence for its time; then all that was sent arrives, or nothing of it, or the
    connection is cut and the will is said."""

    async def test(place: Place) -> tuple[list[Any], bool]:
        listener = await place.listener("#", 0, "control")
        client = await place.client("igv", will=Will("w", b"cut"))
        place.server.link("igv").inject("handover", gap_s=3.0, after=after)
        began = place.clock.now_s()
        for number in range(3):
            client.send(Publish("t", b"%d" % number))
            await place.clock.sleep(0.5)
        found = await drain(place, listener, 10.0)
        assert all(at_s - began == pytest.approx(3.0) for at_s, _, _ in found)
        alive = after != "reset"
        if alive:
            await client.alive()
        else:
            assert await client.closed()
        assert place.kinds("fault.end") == [{"target": "broker.link.igv", "kind": "handover"}]
        return [body for _, _, body in found], alive

    bodies, _ = on_broker(test)
    assert bodies == {"all": [b"0", b"1", b"2"], "nothing": [], "reset": [b"cut"]}[after]


def test_the_end_of_a_connection_is_never_lost_in_a_gap() -> None:
    """Messages may be; that the client has gone is known when the gap is over."""

    async def test(place: Place) -> None:
        listener = await place.listener("#", 0, "control")
        client = await place.client("igv", will=Will("w", b"gone"))
        place.server.link("igv").inject("handover", gap_s=3.0, after="nothing")
        client.send(Publish("t", b"lost"))
        await place.clock.sleep(0.5)
        client.cut()
        assert (await listener.message()).payload == b"gone"
        await listener.quiet()

    on_broker(test)


def test_a_gap_that_was_healed_does_not_end_the_next_one() -> None:
    """Healed after 1 of 3 s and begun anew after 2: the second lasts its own 3 s."""

    async def test(place: Place) -> float:
        listener = await place.listener("t", 0, "control")
        client = await place.client("igv")
        link = place.server.link("igv")
        link.inject("handover", gap_s=3.0)
        await place.clock.sleep(1.0)
        link.heal("handover")
        await place.clock.sleep(1.0)
        link.inject("handover", gap_s=3.0)
        began = place.clock.now_s()
        client.send(Publish("t", b"x"))
        await listener.message()
        return place.clock.now_s() - began

    assert on_broker(test) == pytest.approx(3.0)


def test_a_client_that_leaves_over_a_held_link_is_seen_late() -> None:
    """Its socket is gone, the broker does not know; after healing the will is said once."""

    async def test(place: Place) -> None:
        listener = await place.listener("w", 0, "control")
        client = await place.client("igv", will=Will("w", b"lost"))
        link = place.server.link("igv")
        link.inject("half_open")
        client.cut()
        await place.clock.sleep(30)
        assert "igv" in place.server.broker.clients
        again = await place.raw()
        again.send(Connect("igv"))  # it comes back, and nobody hears it
        await place.clock.sleep(5)
        link.heal("half_open")
        assert (await listener.message()).payload == b"lost"
        assert await again.next() == ConnAck(0)
        await again.alive()
        await listener.quiet()

    on_broker(test)


def test_faults_of_two_links_add_up_and_heal_alone() -> None:
    """0.5 s of the one and 0.25 s of the other; without one the other remains."""

    async def test(place: Place) -> list[float]:
        client = await place.client("igv-7")
        found = []
        one, two = place.server.link("igv-*"), place.server.link("*-7")
        one.inject("delay", delay_s=0.5, direction="up")
        two.inject("delay", delay_s=0.25, direction="up")
        for heal in (None, one, two):
            if heal is not None:
                heal.heal("delay")
            began = place.clock.now_s()
            await client.alive()
            found.append(place.clock.now_s() - began)
        return found

    assert on_broker(test) == pytest.approx([0.75, 0.25, 0.0])


def test_a_schedule_file_reaches_the_links() -> None:
    """`twin.faults` plans them as those of any device, and the menu lists them."""

    async def test(place: Place) -> list[Any]:
        targets = place.server.targets
        rows = fault_schedule.menu(targets)
        assert {row["kind"] for row in rows if row["target"] == "broker.link"} == {
            "delay", "loss", "duplicate", "reorder", "corrupt", "half_open", "handover",
        }  # fmt: skip
        assert [row["kind"] for row in rows if row["target"] == "broker"] == ["down"]
        plan = [
            fault_schedule.Fault(
                target="broker.link", kind="delay", at_s=10, for_s=5, parameters={"delay_s": 1.0}
            )
        ]
        fault_schedule.schedule(plan, targets, place.clock)
        client = await place.client("any")
        found = []
        for _ in range(3):
            began = place.clock.now_s()
            await client.alive()
            found.append(round(place.clock.now_s() - began, 6))
            await place.clock.sleep(11 - found[-1] if len(found) == 1 else 8)
        return found

    assert on_broker(test) == [0.0, 2.0, 0.0]


@pytest.mark.parametrize(
    ("error", "kind", "parameters"),
    [
        (UnknownName, "rain", {}),
        (UnknownName, "loss", {"share": 0.1}),
        (FaultError, "loss", {"probability": 1.5}),
        (FaultError, "loss", {"topic": "a/#/b"}),
        (FaultError, "delay", {"delay_s": -1.0}),
        (FaultError, "handover", {"after": "later"}),
        (FaultError, "half_open", {"direction": "sideways"}),
    ],
)
def test_a_wrong_fault_is_refused(error: type, kind: str, parameters: dict[str, Any]) -> None:
    """Before anything changes, with the name of link and fault."""

    async def test(place: Place) -> Link:
        link = place.server.link()
        with pytest.raises(error, match=r"broker\.link"):
            link.inject(kind, **parameters)
        return link

    assert on_broker(test).faults == {}


def test_nothing_is_left_of_connections_that_are_over() -> None:
    """Ended in every way, over a bad link: no connection, no packet, no timer remains."""

    async def test(place: Place) -> None:
        place.server.link("*").inject("delay", delay_s=0.5)
        left, cut, wrong = [await place.client(name, keep_alive_s=60) for name in "abc"]
        seen = list(place.server.connections)
        left.send(Bare(p.DISCONNECT))
        wrong.send(b"\xf0\x00")
        cut.send(Publish("t", b"x"))
        await place.clock.sleep(0.1)
        cut.cut()
        await place.clock.sleep(5.0)
        assert not place.server.connections
        for connection in seen:
            assert connection._watch is None
            assert connection._up.clear is False  # the fault is still on
            assert (connection._up._heap, connection._up._timer) == ([], None)
            assert (connection._down._heap, connection._down._timer) == ([], None)

    on_broker(test)


def test_a_broker_that_is_down_forgets_or_remembers() -> None:
    """Connections die without wills; retained messages and sessions go or stay, as asked."""

    async def test(place: Place) -> list[bool]:
        found = []
        for forgets in (False, True):
            client = await place.client("keeper", clean=False)
            await client.unsubscribe("r")
            await client.publish("r", b"kept", 1, retain=True)
            place.server.inject("down", forgets=forgets)
            assert await client.closed()
            refused = await place.raw()
            assert await refused.closed()
            place.server.heal("down")
            back = await place.client("keeper", clean=False)
            await back.subscribe("r", 0)
            try:
                found.append((await back.next(1.0)).payload == b"kept")
            except TimeoutError:
                found.append(False)
            found.append(back.connack.session_present)
            await back.leave()
        return found

    assert on_broker(test) == [True, True, False, False]
