"""What a VDA 5050 fleet needs of its broker, feature by feature, with paho on both brokers.

Nine were looked at when brokers were compared; MQTT 5, the ninth, is not spoken by ours, which
says so (test_rules.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests import needs
from tests.mqtt.bench import Place, at, on_broker
from twin.brokers import mosquitto
from twin.wires.mqtt import Will

BASE = "uagv/v2/acme/igv-1"
WILL = Will(f"{BASE}/connection", b'{"connectionState": "CONNECTIONBROKEN"}', 1, True)

Feature = Callable[[Place], Awaitable[None]]
FEATURES: dict[str, Feature] = {}


def feature(test: Feature) -> Feature:
    FEATURES[test.__name__] = test
    return test


async def until(ready: Callable[[], Any], timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():
            await asyncio.sleep(0.01)


async def master(place: Place) -> tuple[Any, list]:
    """A fleet manager that listens to all connection topics."""
    made, got = place.paho("master")
    made.subscribe("uagv/v2/+/+/connection", 1)
    made.start()
    await made.wait_connected()
    await asyncio.sleep(0.1)
    return made, got


async def vehicle(place: Place, **options: Any) -> tuple[Any, list]:
    """A vehicle that is ONLINE, and listens to its orders."""
    made, got = place.paho("igv-1", will=WILL, backoff=None, **options)
    made.subscribe(f"{BASE}/order", 0)
    made.start()
    await made.wait_connected()
    made.publish(f"{BASE}/connection", b'{"connectionState": "ONLINE"}', 1, retain=True)
    return made, got


BROKEN = (f"{BASE}/connection", WILL.payload, 1, False)


@feature
async def will_on_an_abrupt_close(place: Place) -> None:
    """CONNECTIONBROKEN at once."""
    hub, got = await master(place)
    igv, _ = await vehicle(place)
    await until(lambda: len(got) == 1)
    igv.kill()
    await until(lambda: len(got) == 2)
    assert got[-1] == BROKEN
    await hub.stop()


@feature
async def will_on_keep_alive_expiry(place: Place) -> None:
    """CONNECTIONBROKEN although the socket stays: the client is alive and says nothing."""
    hub, got = await master(place)
    igv, _ = await vehicle(place, keep_alive_s=2)
    await until(lambda: len(got) == 1)
    igv._stop_timer()  # no PINGREQ any more
    await until(lambda: len(got) == 2)
    assert got[-1] == BROKEN
    igv.kill()
    await hub.stop()


@feature
async def will_on_take_over(place: Place) -> None:
    """A second client of the same name: the first one's will is said."""
    hub, got = await master(place)
    igv, _ = await vehicle(place)
    await until(lambda: len(got) == 1)
    second, _ = await vehicle(place)
    await until(lambda: len(got) == 3)
    assert got[1] == BROKEN
    assert b"ONLINE" in got[2][1]
    assert not igv.connected
    await second.stop()
    await hub.stop()


@feature
async def no_will_on_disconnect(place: Place) -> None:
    """OFFLINE, then DISCONNECT: nothing more comes."""
    hub, got = await master(place)
    igv, _ = await vehicle(place)
    igv.publish(f"{BASE}/connection", b"OFFLINE", 1, retain=True)
    await until(lambda: len(got) == 2)
    await igv.stop()
    await asyncio.sleep(0.5)
    assert [message[1] for message in got[1:]] == [b"OFFLINE"]
    await hub.stop()


@feature
async def connection_and_factsheet_are_retained_with_their_qos(place: Place) -> None:
    """A master that comes later sees both, as retained; connection at QoS 1; order never."""
    igv, _ = await vehicle(place)
    igv.publish(f"{BASE}/factsheet", b"{}", 0, retain=True)
    igv.publish(f"{BASE}/state", b"{}", 0)
    await asyncio.sleep(0.3)
    late, got = place.paho("late")
    late.subscribe("uagv/v2/#", 1)
    late.start()
    await until(lambda: len(got) == 2)
    await asyncio.sleep(0.3)
    assert sorted((topic.rsplit("/")[-1], qos, kept) for topic, _, qos, kept in got) == [
        ("connection", 1, True),
        ("factsheet", 0, True),
    ]
    await igv.stop()
    await late.stop()


@feature
async def a_kept_session_is_queued_for(place: Place) -> None:
    """QoS 1 messages of a master's radio silence arrive when it is back."""
    hub, got = place.paho("master", clean=False)
    hub.subscribe("uagv/v2/+/+/connection", 1)
    hub.start()
    await hub.wait_connected()
    await asyncio.sleep(0.1)
    hub.kill()
    igv, _ = await vehicle(place)
    await asyncio.sleep(0.2)
    igv.kill()
    await asyncio.sleep(0.2)
    hub.start()
    await until(lambda: len(got) >= 2)
    assert [message[1] for message in got[:2]] == [b'{"connectionState": "ONLINE"}', WILL.payload]
    await hub.stop()


@feature
async def order_and_state_pass_at_qos_0_and_1(place: Place) -> None:
    """Each side hears the other, at the lower QoS of both."""
    hub, heard = place.paho("master")
    hub.subscribe(f"{BASE}/state", 1)
    hub.start()
    await hub.wait_connected()
    igv, orders = await vehicle(place)
    await asyncio.sleep(0.2)
    hub.publish(f"{BASE}/order", b"{}", 1)
    igv.publish(f"{BASE}/state", b"0", 0)
    igv.publish(f"{BASE}/state", b"1", 1)
    await until(lambda: len(orders) == 1 and len(heard) == 2)
    assert orders[0][2] == 0
    assert [message[2] for message in heard] == [0, 1]
    await igv.stop()
    await hub.stop()


@feature
async def an_order_of_300_kb_arrives(place: Place) -> None:
    """A map or a long order in one message."""
    igv, orders = await vehicle(place)
    await asyncio.sleep(0.2)
    hub, _ = place.paho("master")
    hub.start()
    await hub.wait_connected()
    hub.publish(f"{BASE}/order", b"x" * 300_000, 0)
    await until(lambda: len(orders) == 1)
    assert len(orders[0][1]) == 300_000
    await igv.stop()
    await hub.stop()


@pytest.mark.parametrize("name", FEATURES)
def test_ours(name: str) -> None:
    """Each feature in virtual time."""
    on_broker(FEATURES[name])  # type: ignore[arg-type]


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.parametrize("name", FEATURES)
def test_mosquitto_too(name: str) -> None:
    """The same with mosquitto, so the features are the fleet's and not ours."""
    needs.system(mosquitto.binary(), "mosquitto is not installed")
    with mosquitto.running() as port:
        at(FEATURES[name], "127.0.0.1", port)  # type: ignore[arg-type]
