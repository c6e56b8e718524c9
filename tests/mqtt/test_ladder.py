"""The ladder of brokers: which rung is taken and why, and that each rung really works."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.mqtt import engine
from tests.mqtt.bench import Place, at
from twin.brokers import ladder, mosquitto
from twin.brokers.certificates import Authority
from twin.brokers.ladder import Broker, Choice
from twin.brokers.mosquitto import Variant
from twin.clock import Clock, run_real
from twin.errors import HarnessError
from twin.wires.mqtt import MqttClient, Settings, Will, parse_acl
from twin.wires.mqtt.session import Message

pytest_plugins = ["pytester"]

RUNGS = ["container", "process", "inproc"]
USERS = {"igv-1": "one", "igv-2": "two", "fleet": "three"}
RULES = parse_acl(
    """
    user fleet
    topic readwrite uagv/v2/#
    topic deny uagv/v2/acme/igv-2/state
    pattern write uagv/v2/acme/%u/state
    pattern read uagv/v2/acme/%u/order
    pattern readwrite uagv/v2/by-id/%c
    """
)


def start(rung: str, variant: Variant | None = None) -> Any:
    """The broker of a rung, or a skip with the reason."""
    if rung == "container":
        engine.need()
    if rung == "process":
        needs.system(mosquitto.binary(), "mosquitto is not installed")
    choice = ladder.choose(rung, image=engine.IMAGE)
    return ladder.start(choice, variant, image=engine.IMAGE)


def client(clock: Clock, broker: Broker, name: str, **options: Any) -> tuple[MqttClient, list]:
    got: list[tuple[str, bytes]] = []
    made = MqttClient(
        Settings(broker.host, broker.port, name, **options),
        loop=clock.loop, rng=random.Random(name),
        on_message=lambda topic, payload, *_: got.append((topic, payload)),
    )  # fmt: skip
    return made, got


async def until(ready: Any, timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():
            await asyncio.sleep(0.01)


# --- each rung --------------------------------------------------------------------------------


@pytest.mark.covers
@pytest.mark.system
@pytest.mark.slow
@pytest.mark.parametrize("rung", RUNGS)
def test_each_rung_serves_on_loopback_alone(rung: str) -> None:
    """A message goes round, its version is told, and no other address of this host listens."""

    async def test(place: Place) -> None:
        listener = await place.listener("a", 1)
        other = await place.client("other")
        await other.publish("a", b"x", 1)
        assert (await listener.message()).payload == b"x"

    with start(rung) as broker:
        assert broker.kind == rung
        assert {"container": "sha256:", "process": "mosquitto 2", "inproc": "gatetwin"}[
            rung
        ] in broker.version
        at(test, broker.host, broker.port)
        for address in _own_addresses():
            with pytest.raises(OSError, match=r"refused|timed out"):
                socket.create_connection((address, broker.port), timeout=1).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((broker.host, broker.port), timeout=1).close()


def _own_addresses() -> list[str]:
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    return [entry[4][0] for entry in found if not entry[4][0].startswith("127.")]


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.parametrize("rung", RUNGS)
def test_users_and_topic_rights(rung: str) -> None:
    """No name or a wrong password: refused. Then each writes and reads what its rules say."""

    async def main(clock: Clock, broker: Broker) -> None:
        for options in ({}, {"user": "fleet", "password": "no"}, {"user": "x", "password": ""}):
            refused, _ = client(clock, broker, "refused", backoff=None, **options)
            refused.start()
            await until(lambda one=refused: one.refusals == 1)
            refused.kill()
        fleet, heard = client(clock, broker, "hub", user="fleet", password="three")
        igv, orders = client(clock, broker, "veh", user="igv-1", password="one")
        fleet.subscribe("uagv/v2/#", 1)
        igv.subscribe("#", 1)
        for one in (fleet, igv):
            one.start()
            await one.wait_connected()
        await asyncio.sleep(0.2)
        for topic in ("acme/igv-1/state", "acme/igv-2/state", "acme/igv-1/order", "by-id/veh"):
            igv.publish(f"uagv/v2/{topic}", b"from the vehicle", 1)
        await until(lambda: len(heard) == 2)
        for topic in ("acme/igv-1/order", "acme/igv-2/order", "acme/igv-2/state"):
            fleet.publish(f"uagv/v2/{topic}", b"from the fleet", 1)
        # Its own orders come back to the fleet; igv-2/state is denied to it both ways.
        await until(lambda: len(heard) == 4 and len(orders) == 2)
        await asyncio.sleep(0.2)
        assert sorted(heard) == [
            ("uagv/v2/acme/igv-1/order", b"from the fleet"),
            ("uagv/v2/acme/igv-1/state", b"from the vehicle"),
            ("uagv/v2/acme/igv-2/order", b"from the fleet"),
            ("uagv/v2/by-id/veh", b"from the vehicle"),
        ]
        assert sorted(orders) == [
            ("uagv/v2/acme/igv-1/order", b"from the fleet"),
            ("uagv/v2/by-id/veh", b"from the vehicle"),
        ]
        for one in (fleet, igv):
            await one.stop()

    with start(rung, Variant(users=USERS, rules=RULES)) as broker:
        run_real(lambda clock: main(clock, broker))


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.parametrize("rung", RUNGS)
def test_tls(rung: str, tmp_path: Path) -> None:
    """Who trusts the authority comes in, with a large message; who does not, does not."""
    authority = Authority(tmp_path)
    identity = authority.issue("broker")

    async def main(clock: Clock, broker: Broker) -> None:
        trusting = authority.client_context()
        one, got = client(clock, broker, "one", tls=trusting)
        one.subscribe("big", 1)
        one.start()
        await one.wait_connected()
        payload = random.Random(0).randbytes(300_000)
        await asyncio.sleep(0.2)
        one.publish("big", payload, 1)
        await until(lambda: got == [("big", payload)])
        await one.stop()
        for context in (ssl.create_default_context(), None):
            other, _ = client(clock, broker, "other", tls=context, backoff=None)
            other.start()
            with pytest.raises(HarnessError, match="did not connect"):
                await other.wait_connected(1.0)
            other.kill()

    with start(rung, Variant(tls=(identity, authority))) as broker:
        run_real(lambda clock: main(clock, broker))


@pytest.mark.system
@pytest.mark.slow
def test_client_certificates(tmp_path: Path) -> None:
    """mosquitto lets in only who shows a certificate of the authority."""
    authority = Authority(tmp_path)
    variant = Variant(tls=(authority.issue("broker"), authority), client_certificates=True)

    async def main(clock: Clock, broker: Broker) -> None:
        known, _ = client(
            clock, broker, "known", tls=authority.client_context(authority.issue("igv-1"))
        )
        known.start()
        await known.wait_connected()
        await known.stop()
        unknown, _ = client(clock, broker, "unknown", tls=authority.client_context(), backoff=None)
        unknown.start()
        with pytest.raises(HarnessError, match="did not connect"):
            await unknown.wait_connected(1.0)
        unknown.kill()

    with start("process", variant) as broker:
        run_real(lambda clock: main(clock, broker))


@pytest.mark.covers
@pytest.mark.system
@pytest.mark.slow
def test_the_tls_variant_runs_in_virtual_time_too(tmp_path: Path) -> None:
    """Handshake and messages on one virtual loop."""
    from tests.mqtt.bench import on_broker

    authority = Authority(tmp_path)

    async def test(place: Place) -> None:
        one, got = place.paho("one", tls=authority.client_context(), will=Will("w", b"x"))
        one.subscribe("a", 1)
        one.start()
        await one.wait_connected()
        one.publish("a", bytes(100_000), 1)
        await place.clock.sleep(100)
        assert one.connected
        assert len(got) == 1
        for number in range(50):  # many small ones share a TLS record
            place.server.broker.publish(Message("a", b"%d" % number))
        await place.clock.sleep(0.001)
        assert len(got) == 51
        await one.stop()

    on_broker(test, tls=authority.server_context(authority.issue("broker")))


# --- the choice -------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with or without an engine, an image and a mosquitto."""

    def build(*, engine_: str = "", image: str = "", binary: bool = True) -> None:
        monkeypatch.setattr(ladder, "engine_fault", lambda: engine_)
        monkeypatch.setattr(ladder, "image_fault", lambda _: image)
        monkeypatch.setattr(mosquitto, "binary", lambda: "/bin/mosquitto" if binary else None)

    return build


def test_auto_goes_down_the_ladder_and_says_why(machine: Any) -> None:
    """Container, then process, then our own."""
    machine()
    assert ladder.choose("auto").kind == "container"
    machine(image="image x: not found")
    found = ladder.choose("auto")
    assert (found.kind, found.why) == ("process", "no container (image x: not found)")
    machine(engine_="no container engine", binary=False)
    found = ladder.choose("auto")
    assert found.kind == "inproc"
    assert found.why == "no container (no container engine) and no mosquitto on this machine"


def test_what_is_asked_for_is_taken_or_an_error(machine: Any) -> None:
    """No silent fallback from an explicit rung, and --require forbids it to auto."""
    machine(engine_="no container engine", binary=False)
    for asked in ("container", "process"):
        with pytest.raises(HarnessError, match=f"--broker {asked}"):
            ladder.choose(asked)
    assert ladder.choose("inproc") == Choice("inproc", "--broker inproc")
    with pytest.raises(HarnessError, match="--require container: the broker would be inproc"):
        ladder.choose("auto", require="container")


@pytest.mark.parametrize("asked", ["gate.example:1883", "127.0.0.1:1", "[::1]:8883"])
def test_an_address_is_taken_as_it_is(asked: str) -> None:
    """Host and port, also IPv6."""
    found = ladder.choose(asked)
    assert found.kind == "url"
    assert f"{found.address[0]}:{found.address[1]}" == asked.replace("[", "").replace("]", "")


@pytest.mark.parametrize(
    "asked", ["gate.example", ":1883", "host:0", "host:99999", "host:x", "docker"]
)
def test_what_is_no_rung_is_named(asked: str) -> None:
    """The error lists what can be said."""
    with pytest.raises(HarnessError, match="auto, container, process, inproc or HOST:PORT"):
        ladder.choose(asked)


def test_an_address_where_no_broker_answers_is_an_error() -> None:
    """A port that takes connections and says nothing is no broker; it does not hang."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        choice = ladder.choose(f"127.0.0.1:{silent.getsockname()[1]}")
        silent.listen()
        with (
            pytest.raises(HarnessError, match=r"no MQTT 3\.1\.1 broker answers"),
            ladder.start(choice),
        ):
            pass


# --- the pytest plugin ------------------------------------------------------------------------

TEST = """
from twin.wires.mqtt import Settings

def test_it(broker):
    from twin.brokers.mosquitto import answers
    assert answers(broker.host, broker.port)
    assert broker.kind == {kind!r}
"""


@pytest.mark.slow
def test_a_user_s_test_gets_a_broker(pytester: pytest.Pytester) -> None:
    """The fixture `broker` with --broker inproc; the header says which and why."""
    pytester.makepyfile(TEST.format(kind="inproc"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--broker", "inproc")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["gatetwin broker: inproc, because --broker inproc"])
    result.stdout.fnmatch_lines(["gatetwin broker: inproc (gatetwin) at 127.0.0.1:*"])


@pytest.mark.slow
def test_a_broker_by_its_address(pytester: pytest.Pytester) -> None:
    """--broker HOST:PORT uses what is there already."""
    pytester.makepyfile(TEST.format(kind="url"))
    with ladder.start(ladder.choose("inproc")) as there:
        result = pytester.runpytest_inprocess(
            "-p", "no:cacheprovider", "--broker", f"{there.host}:{there.port}"
        )
    result.assert_outcomes(passed=1)


def test_require_ends_the_session_instead_of_falling_back(
    pytester: pytest.Pytester, machine: Any
) -> None:
    """A usage error before any test runs, with the reason."""
    machine(engine_="no container engine: none", binary=False)
    pytester.makepyfile(TEST.format(kind="container"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--require", "container")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--require container: the broker would be inproc*"])


def test_nothing_is_started_or_looked_for_at_import(pytester: pytest.Pytester) -> None:
    """Collecting a test that names the fixture imports no container library."""
    pytester.makepyfile("def test_it(broker): pass\n")
    pytester.makeconftest(
        "import sys\n"
        "def pytest_collection_finish(session):\n"
        "    assert not {'docker', 'testcontainers'} & set(sys.modules)\n"
    )
    result = pytester.runpytest_subprocess("--collect-only", "-q", "-p", "no:cacheprovider")
    assert result.ret == 0
