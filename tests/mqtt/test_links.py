"""Link faults: what each does, to whom, by how much, and that the seed alone decides."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.mqtt.bench import Place, Raw, on_broker
from twin import faults as fault_schedule
from twin.devices.base import FaultError
from twin.errors import UnknownName
from twin.wires.impair import Link
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.packets import Bare, ConnAck, Connect, Publish, Will

COUNT = 2_000


async def stream(place: Place, count: int, topic: str = "s", gap_s: float = 0.01) -> list[Any]:
    """`count` numbered messages from `up` to `down`: (arrival after sending, number, payload)."""
    listener = await place.listener(topic, 0, "down")
    sender = await place.client("up")
    sent: dict[int, float] = {}
    got: list[Any] = []
    for number in range(count):
        sent[number] = place.clock.now_s()
        sender.send(Publish(topic, b"%06d" % number))
        await place.clock.sleep(gap_s)
        got += await drain(place, listener, 0.0)
    got += await drain(place, listener, 60.0)
    await listener.leave()
    await sender.leave()
    return [(at_s - sent.get(number, 0.0), number, body) for at_s, number, body in got]


async def drain(place: Place, listener: Raw, wait_s: float) -> list[Any]:
    """Everything that comes until nothing has come for `wait_s`."""
    found = []
    while True:
        try:
            packet = await listener.next(wait_s)
        except TimeoutError:
            return found
        if not isinstance(packet, Publish):
            return found
        body = packet.payload
        number = int(body) if body.isdigit() else -1
        found.append((place.clock.now_s(), number, body))


def with_fault(kind: str, pattern: str = "*", count: int = COUNT, **parameters: Any) -> Any:
    async def test(place: Place) -> Any:
        assert place.server is not None
        place.server.link(pattern).inject(kind, **parameters)
        got = await stream(place, count)
        return got, place

    return on_broker(test)


@pytest.mark.slow
def test_loss_has_its_probability_and_every_loss_is_traced() -> None:
    """Of 2,000 messages a tenth is lost, within four standard deviations."""
    got, place = with_fault("loss", "up", probability=0.1)
    lost = COUNT - len(got)
    assert abs(lost - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert len(place.kinds("link.lost")) == lost
    assert [number for _, number, _ in got] == sorted({number for _, number, _ in got})


@pytest.mark.slow
def test_bursts_have_their_length_and_the_same_share() -> None:
    """The Gilbert model: mean run of losses 5, stationary loss 20 %."""
    got, _ = with_fault("loss", "up", count=6_000, probability=0.2, burst=5.0)
    numbers = [-1, *(number for _, number, _ in got), 6_000]
    runs = [after - before - 1 for before, after in pairwise(numbers) if after - before > 1]
    assert sum(runs) / len(runs) == pytest.approx(5.0, rel=0.2)
    assert sum(runs) / 6_000 == pytest.approx(0.2, rel=0.2)


@pytest.mark.slow
def test_duplicates_have_their_probability() -> None:
    """A tenth arrives twice, at once; nothing is missing."""
    got, place = with_fault("duplicate", "down", probability=0.1)
    assert {number for _, number, _ in got} == set(range(COUNT))
    extra = len(got) - COUNT
    assert abs(extra - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert len(place.kinds("link.duplicated")) == extra


@pytest.mark.slow
def test_reordering_holds_some_back_and_loses_none() -> None:
    """A tenth is 0.1 s late, so about ten later ones pass it; the rest is at once."""
    got, _ = with_fault("reorder", "up", probability=0.1, hold_s=0.1)
    assert sorted(number for _, number, _ in got) == list(range(COUNT))
    late = [delay for delay, _, _ in got if delay > 0.05]
    assert abs(len(late) - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert max(late) == pytest.approx(0.1, abs=0.011)
    overtakes = sum(before > after for (_, before, _), (_, after, _) in pairwise(got))
    assert overtakes > 100


@pytest.mark.slow
def test_corruption_changes_one_byte_of_the_payload() -> None:
    """Length and topic stay; one byte of six differs; a tenth is touched."""
    got, place = with_fault("corrupt", "down", probability=0.1)
    wrong = 0
    for index, (_, _, body) in enumerate(got):
        different = sum(a != b for a, b in zip(body, b"%06d" % index, strict=True))
        assert different <= 1
        wrong += different
    assert wrong == len(place.kinds("link.corrupted"))
    assert abs(wrong - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_delay_and_jitter_keep_the_order(direction: str) -> None:
    """Each arrives between delay and delay + jitter later (each way), none before another."""

    async def test(place: Place) -> list[Any]:
        place.server.link("up").inject("delay", delay_s=0.5, jitter_s=0.3, direction=direction)
        return await stream(place, 300)

    got = on_broker(test)
    assert [number for _, number, _ in got] == list(range(300))
    delays = [delay for delay, _, _ in got]
    if direction == "down":  # the sender's own link back does not carry the messages
        assert max(delays) < 0.011
        return
    assert min(delays) >= 0.5
    assert max(delays) <= 0.811
    assert max(delays) - min(delays) > 0.2


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


def test_one_link_s_luck_is_not_another_s() -> None:
    """A fault on b leaves the losses of a as they are; another seed changes them."""

    def losses(seed: int, also: Callable[[Place], None]) -> list[bytes]:
        async def test(place: Place) -> list[bytes]:
            listener = await place.listener("t", 0, "control")
            place.server.link("a").inject("loss", probability=0.5)
            also(place)
            a, b = await place.client("a"), await place.client("b")
            for number in range(40):
                await a.publish("t", b"%06d" % number)
                await b.publish("u", b"%06d" % number)
            return [body for _, _, body in await drain(place, listener, 5.0)]

        return on_broker(test, seed=seed)

    plain = losses(1, lambda _: None)
    assert plain == losses(1, lambda place: place.server.link("b").inject("loss"))
    assert plain != losses(2, lambda _: None)
    assert 5 < len(plain) < 35


def test_two_clients_do_not_share_their_luck() -> None:
    """The same fault on both: other messages of each are lost."""

    async def test(place: Place) -> dict[bytes, list[int]]:
        listener = await place.listener("t/+", 0, "control")
        place.server.link("igv-*").inject("loss", probability=0.5)
        clients = {name: await place.client(f"igv-{name}") for name in "ab"}
        found: dict[bytes, list[int]] = {}
        for number in range(40):
            for name, client in clients.items():
                await client.publish(f"t/{name}", name.encode() + b"%d" % number)
        for _, _, body in await drain(place, listener, 5.0):
            found.setdefault(body[:1], []).append(int(body[1:]))
        return found

    found = on_broker(test)
    assert found[b"a"] != found[b"b"]


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
