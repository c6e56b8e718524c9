"""paho on the run's own loop: keep alive, reconnection, many of them, and one order of events."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from itertools import pairwise

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.mqtt.bench import Place, on_broker
from twin.clock import run_virtual
from twin.errors import HarnessError
from twin.wires.mqtt import Access, Backoff, MqttClient, Settings, Will


def test_a_message_goes_round_at_every_qos() -> None:
    """Published by paho, through the broker, received by paho."""

    async def test(place: Place) -> None:
        one, got = place.paho("one")
        two, _ = place.paho("two")
        one.subscribe("a/#", 2)
        one.start()
        two.start()
        await one.wait_connected()
        await two.wait_connected()
        for qos in (0, 1, 2):
            assert two.publish("a/b", b"%d" % qos, qos)
        two.publish("a/big", bytes(300_000), 1)
        await place.clock.sleep(1)
        # paho hands on QoS 2 when it is released, which a later QoS 1 may overtake
        assert {(m[0], m[2]) for m in got} == {("a/b", 0), ("a/b", 1), ("a/b", 2), ("a/big", 1)}
        assert len(got) == 4
        one.unsubscribe("a/#")
        await place.clock.sleep(1)
        two.publish("a/b", b"nobody")
        await place.clock.sleep(1)
        assert len(got) == 4
        await one.stop()
        await two.stop()

    on_broker(test)


def test_what_the_socket_does_not_take_at_once_is_written_later() -> None:
    """Six megabytes in one go: all arrives, in order, and the loop is not watched for ever."""

    async def test(place: Place) -> None:
        one, got = place.paho("one")
        one.subscribe("big", 1)
        one.start()
        await one.wait_connected()
        for number in range(20):
            one.publish("big", b"%02d" % number + bytes(300_000), 1)
        await place.clock.sleep(1)
        assert [int(message[1][:2]) for message in got] == list(range(20))
        assert not one._write_watched
        await one.stop()

    on_broker(test)


def test_a_silent_client_stays_for_a_day() -> None:
    """Its PINGREQ comes within each keep alive, in virtual time too."""

    async def test(place: Place) -> None:
        client, _ = place.paho("quiet", keep_alive_s=15)
        client.start()
        await client.wait_connected()
        heard: list[float] = []
        (connection,) = place.server.connections
        take = connection._take
        connection._take = lambda item: (heard.append(place.clock.now_s()), take(item))
        await place.clock.sleep(86_400)
        assert client.connected
        gaps = [after - before for before, after in pairwise(heard)]
        assert len(heard) > 5_000
        assert max(gaps) < 12.0  # well within [MQTT-3.1.2-23]
        await client.stop()
        await place.clock.sleep(1)
        assert [r["event"] for r in place.kinds("mqtt.conn")] == ["open", "close"]

    on_broker(test)


def test_a_lost_client_comes_back_with_growing_pauses() -> None:
    """While the broker is away each pause is longer, up to the limit; then it subscribes anew."""

    async def test(place: Place) -> None:
        client, got = place.paho("back", backoff=Backoff(1.0, 8.0, 0.0))
        lost: list[float] = []
        client._on_disconnect = lambda _: lost.append(place.clock.now_s())
        client.subscribe("x", 1)
        client.start()
        await client.wait_connected()
        place.server.inject("down")
        await place.clock.sleep(40)
        assert not client.connected
        assert not client.publish("x", b"lost")
        gaps = [round(after - before, 3) for before, after in pairwise(lost)]
        assert gaps == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
        place.server.heal("down")
        await client.wait_connected(9.0)
        other, _ = place.paho("other")
        other.start()
        await other.wait_connected()
        other.publish("x", b"again", 1)
        await place.clock.sleep(1)
        assert got == [("x", b"again", 1, False)]
        lost.clear()
        place.server.inject("down")
        await place.clock.sleep(2.0)
        assert len(lost) == 2, "after a success the first pause is short again"

    on_broker(test)


def test_a_dead_link_is_noticed_once() -> None:
    """No PINGRESP: one loss is told, and one attempt to connect again is made."""

    async def test(place: Place) -> None:
        client, _ = place.paho("v", keep_alive_s=4, backoff=Backoff(60.0, 60.0, 0.0))
        lost: list[str] = []
        client._on_disconnect = lost.append
        client.start()
        await client.wait_connected()
        place.server.link("v").inject("half_open")
        await place.clock.sleep(30)
        assert lost == ["Keep alive timeout"]
        place.server.link("v").heal("half_open")
        await place.clock.sleep(60)
        assert [r["event"] for r in place.kinds("mqtt.conn")] == ["open", "close", "open"]
        await client.stop()

    on_broker(test)


def test_a_killed_client_leaves_its_will_and_can_start_again() -> None:
    """`kill` is a loss of power, `stop` a DISCONNECT, `cut` a fault of the network."""

    async def test(place: Place) -> None:
        listener = await place.listener("w", 1)
        client, _ = place.paho("v", will=Will("w", b"gone"))
        for ending in ("kill", "cut"):
            if not client.connected:
                client.start()
            await client.wait_connected()
            getattr(client, ending)()
            assert (await listener.message()).payload == b"gone"
        await client.wait_connected()
        await client.stop()
        await listener.quiet()
        with pytest.raises(HarnessError, match="already started"):
            client.start() or client.start()
        client.kill()

    on_broker(test)


def test_wrong_credentials_are_refused_and_tried_again_with_pauses() -> None:
    """No endless hammering, and the text of the failure shows no password."""

    async def test(place: Place) -> None:
        client, _ = place.paho("v", user="fleet", password="wrong-secret")
        client.start()
        with pytest.raises(HarnessError, match="refused 4 times") as failed:
            await client.wait_connected(10.0)
        assert "secret" not in str(failed.value)
        client.kill()

    on_broker(test, access=Access(users={"fleet": "right-secret"}, anonymous=False))


def test_a_broker_that_never_answers_is_given_up() -> None:
    """A socket that is open and silent ends at the connect timeout."""

    async def main(clock) -> list[str]:
        silent = socket.create_server(("127.0.0.1", 0))
        reasons: list[str] = []
        client = MqttClient(
            Settings("127.0.0.1", silent.getsockname()[1], "v", backoff=None),
            loop=clock.loop, rng=random.Random(0), on_disconnect=reasons.append,
        )  # fmt: skip
        client.start()
        await clock.sleep(60)
        silent.close()
        return reasons

    assert run_virtual(main) == ["no CONNACK in time"]


def test_nobody_listens() -> None:
    """A refused connection without back-off is told once."""

    async def main(clock) -> list[str]:
        reasons: list[str] = []
        client = MqttClient(
            Settings("127.0.0.1", 1, "v", backoff=None),
            loop=clock.loop, rng=random.Random(0), on_disconnect=reasons.append,
        )  # fmt: skip
        client.start()
        await clock.sleep(5)
        return reasons

    (reason,) = run_virtual(main)
    assert "Connect call failed" in reason


@pytest.mark.slow
def test_five_hundred_clients_in_one_process() -> None:
    """All connect, publish at 2 Hz for ten virtual seconds, and nothing is lost."""

    async def test(place: Place) -> None:
        hub, got = place.paho("hub")
        hub.subscribe("f/+/state")
        fleet = [place.paho(f"v{n}", will=Will(f"f/{n}/connection", b"x"))[0] for n in range(500)]
        for client in (hub, *fleet):
            client.start()
        for client in (hub, *fleet):
            await client.wait_connected()
        await asyncio.sleep(0.1)  # the hub's SUBACK
        for _ in range(20):
            for number, client in enumerate(fleet):
                assert client.publish(f"f/{number}/state", bytes(980))
            await asyncio.sleep(0.5)
        assert len(got) == 10_000
        for client in (hub, *fleet):
            client.kill()

    on_broker(test, detail="connections")


def test_what_is_used_of_paho_is_there() -> None:
    """A release of paho without these names would take the short ways from us without a word."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    assert isinstance(client._out_packet, deque)
    assert isinstance(client._last_msg_out, float)
    assert {"command", "packet"} <= client._in_packet.keys()
    assert client._sock is None
    for name in ("_handle_publish", "_packet_queue", "_raise_for_invalid_topic", "_sock_close"):
        assert callable(getattr(client, name))


def test_messages_keep_their_order_and_come_whole_over_a_full_socket() -> None:
    """What a full socket does not take at once waits, and what follows goes after it."""

    async def test(place: Place) -> None:
        hub, got = place.paho("hub")
        hub.subscribe("big/#")
        sender, _ = place.paho("sender")
        for client in (hub, sender):
            client.start()
            await client.wait_connected()
        await place.clock.sleep(0.1)
        sock = sender._paho.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sent = [(f"big/{n}", bytes([n]) * 100_000, n % 2) for n in range(6)]
        short = 0
        for topic, payload, qos in sent:
            assert sender.publish(topic, payload, qos)
            short += bool(sender._paho._out_packet)
        assert short, "the socket took it all: nothing was tried"
        async with asyncio.timeout(20):
            while len(got) < len(sent):
                await asyncio.sleep(0.01)
        assert [(topic, payload) for topic, payload, _, _ in got] == [one[:2] for one in sent]
        for client in (hub, sender):
            await client.stop()

    on_broker(test, real=True)


def test_a_topic_with_a_wildcard_is_refused() -> None:
    """The short way asks what paho asks."""

    async def test(place: Place) -> None:
        client, _ = place.paho("v")
        client.start()
        await client.wait_connected()
        for qos in (0, 1):
            with pytest.raises(ValueError, match="wildcards"):
                client.publish("a/+/b", b"", qos)
        await client.stop()

    on_broker(test)


def test_a_message_to_a_socket_that_broke_is_a_loss() -> None:
    """The short way meets a reset connection: the loss is told, and the client comes back."""

    async def test(place: Place) -> None:
        client, _ = place.paho("v", backoff=Backoff(1.0, 1.0, 0.0))
        lost: list[str] = []
        client._on_disconnect = lost.append
        client.start()
        await client.wait_connected()
        client._paho.socket().shutdown(socket.SHUT_RDWR)
        client.publish("x", b"1")
        await place.clock.sleep(0.5)
        assert len(lost) == 1
        await client.wait_connected(5.0)
        await client.stop()

    on_broker(test)


def test_the_short_way_overtakes_nothing() -> None:
    """Messages of QoS 1 and 0 by turns, in one turn of the loop, arrive in their order."""

    async def test(place: Place) -> None:
        hub, got = place.paho("hub")
        hub.subscribe("x", 0)
        sender, _ = place.paho("sender")
        for client in (hub, sender):
            client.start()
            await client.wait_connected()
        await place.clock.sleep(0.1)
        for number in range(10):
            sender.publish("x", b"%d" % number, (number + 1) % 2)
        await place.clock.sleep(1)
        assert [int(payload) for _, payload, _, _ in got] == list(range(10))
        for client in (hub, sender):
            await client.stop()

    on_broker(test)
