"""The same table of behaviours against mosquitto, and our broker against mosquitto's clients.

Where the two brokers differ, the row is listed in `DIFFERENT`. A row of that list that mosquitto
passes after all is a failure, so that the list stays true.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests import needs
from tests.mqtt import behaviour
from tests.mqtt.behaviour import DIFFERENT
from tests.mqtt.bench import ANSWER_S, Place, at, on_broker
from twin.brokers import mosquitto
from twin.wires.mqtt import Access

pytestmark = [pytest.mark.system, pytest.mark.slow]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    needs.system(mosquitto.binary(), "mosquitto is not installed")
    with mosquitto.running() as found:
        yield found


def _held(port: int, name: str, test: Any) -> None:
    if name not in DIFFERENT:
        at(test, "127.0.0.1", port)
        return
    with pytest.raises((AssertionError, TimeoutError)):
        at(test, "127.0.0.1", port)


@pytest.mark.parametrize("name", behaviour.ROWS)
def test_mosquitto_behaves_alike(name: str) -> None:
    """The second witness of the table: what we call right is what mosquitto does."""
    needs.system(mosquitto.binary(), "mosquitto is not installed")
    with mosquitto.running() as fresh:  # rows leave retained messages behind
        _held(fresh, name, behaviour.ROWS[name])


@pytest.mark.parametrize("what", behaviour.WRONG)
def test_mosquitto_closes_on_the_same_packets(port: int, what: str) -> None:
    """What ends a connection here ends it there."""
    limit_s = 0.5 if what in DIFFERENT else ANSWER_S
    _held(port, what, lambda place: behaviour.closes(place, behaviour.WRONG[what][1], limit_s))


@pytest.mark.parametrize("what", behaviour.WRONG_CONNECT)
def test_mosquitto_refuses_the_same_connects(port: int, what: str) -> None:
    """What is no CONNECT here is none there."""
    _held(port, what, lambda place: behaviour.refuses(place, behaviour.WRONG_CONNECT[what][1]))


# --- mosquitto's own clients at our broker ----------------------------------------------------


async def _tool(name: str, place: Place, *words: str, given: bytes | None = None) -> Any:
    """Start `mosquitto_pub` or `mosquitto_sub` towards our broker."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        name, "-h", place.host, "-p", str(place.port), *words, stdin=pipe, stdout=pipe, stderr=pipe
    )
    if given is not None:
        process.stdin.write(given)
        process.stdin.close()
    return process


async def _ended(process: Any, timeout_s: float = 20.0) -> tuple[int, bytes, bytes]:
    async with asyncio.timeout(timeout_s):
        out, err = await process.communicate()
    return process.returncode, out, err


def _clients() -> None:
    needs.system(shutil.which("mosquitto_sub"), "mosquitto-clients is not installed")


async def _subscribed(place: Place, count: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(place.kinds("mqtt.subscribe")) < count:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_s_clients_talk_through_our_broker(qos: str) -> None:
    """What mosquitto_pub sends, 300 kB too, mosquitto_sub receives, at every QoS."""
    _clients()
    payload = bytes(range(32, 127)) * 3200

    async def test(place: Place) -> None:
        sub = await _tool(
            "mosquitto_sub", place, "-t", "a/#", "-q", qos, "-C", "2", "-N", "-W", "15"
        )
        await _subscribed(place)
        for words in (["-m", "short"], ["-s"]):
            given = payload if words == ["-s"] else b""
            pub = await _tool("mosquitto_pub", place, "-t", "a/b", "-q", qos, *words, given=given)
            assert await _ended(pub) == (0, b"", b"")
        assert await _ended(sub) == (0, b"short" + payload, b"")
        assert {r["qos"] for r in place.kinds("mqtt.tx")} == {int(qos)}

    on_broker(test, real=True)


def test_mosquitto_s_clients_see_retained_messages_wills_and_kept_sessions() -> None:
    """-r, --will-…, and -c -i: the three things a fleet manager lives by."""
    _clients()

    async def test(place: Place) -> None:
        pub = await _tool("mosquitto_pub", place, "-t", "r", "-m", "kept", "-r", "-q", "1")
        assert (await _ended(pub))[0] == 0
        will = ("--will-topic", "w", "--will-payload", "gone", "--will-retain", "--will-qos", "1")
        lost = await _tool("mosquitto_sub", place, "-t", "nothing", "-i", "lost", *will)
        await _subscribed(place)
        lost.kill()
        await _ended(lost)
        sub = await _tool(
            "mosquitto_sub", place, "-t", "r", "-t", "w", "-C", "2", "-F", "%t %r %q %p", "-q", "1"
        )
        code, out, _ = await _ended(sub)
        assert code == 0
        assert sorted(out.split(b"\n")) == [b"", b"r 1 1 kept", b"w 1 1 gone"]
        keep = ("-c", "-i", "keeper", "-t", "k", "-q", "1")
        assert (await _ended(await _tool("mosquitto_sub", place, *keep, "-E")))[0] == 0
        pub = await _tool("mosquitto_pub", place, "-t", "k", "-m", "while away", "-q", "1")
        assert (await _ended(pub))[0] == 0
        sub = await _tool("mosquitto_sub", place, *keep, "-C", "1")
        assert await _ended(sub) == (0, b"while away\n", b"")

    on_broker(test, real=True)


def test_mosquitto_s_client_is_told_that_it_may_not_come_in() -> None:
    """A wrong password ends it with its own words for code 5."""
    _clients()

    async def test(place: Place) -> None:
        pub = await _tool("mosquitto_pub", place, "-t", "a", "-m", "x", "-u", "fleet", "-P", "no")
        code, _, err = await _ended(pub)
        assert code == 5
        assert b"not authorised" in err
        pub = await _tool("mosquitto_pub", place, "-t", "a", "-m", "x", "-u", "fleet", "-P", "yes")
        assert (await _ended(pub))[0] == 0

    on_broker(test, real=True, access=Access(users={"fleet": "yes"}, anonymous=False))
