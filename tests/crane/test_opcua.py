"""The crane's OPC UA server in virtual time: sampling, faults, quirks, limits, broken clients."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

pytest.importorskip("asyncua")

from asyncua import Client, ua

from tests.crane.ground import NUMBERS, Site
from twin.clock import Clock, run_virtual
from twin.devices.crane_words import MissionState
from twin.errors import ConfigError, HarnessError, UnknownName
from twin.profiles import opcua as profiles
from twin.profiles.opcua import instances
from twin.wires.opcua import clockwork, serve_crane
from twin.wires.opcua.methods import Methods
from twin.wires.opcua.model import PROTECTIONS, unit_id
from twin.wires.opcua.security import Account, Role, make_identity

logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class Port:
    """A site, its server, and clients for one test."""

    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.site = Site(clock)
        self.server = serve_crane(self.site.crane, clock=clock, trace=self.site.trace, **options)
        self.port = 0

    @asynccontextmanager
    async def client(self, **more: Any) -> AsyncIterator[Client]:
        """A connected client; `user` and `password` if given."""
        client = Client(f"opc.tcp://127.0.0.1:{self.port}/", timeout=more.pop("timeout", 30))
        for name, value in more.items():
            getattr(client, f"set_{name}")(value)
        await client.connect()
        try:
            yield client
        finally:
            with suppress(Exception):
                await client.disconnect()

    def node(self, client: Client, name: str) -> Any:
        return client.get_node(ua.NodeId(f"crane-1.{name}", 6))


def play(test: Callable[[Port], Awaitable[None]], *, seed: int = 0, **options: Any) -> Port:
    kept: list[Port] = []

    async def main(clock: Clock) -> None:
        port = Port(clock, **options)
        kept.append(port)
        port.port = await port.server.start()
        try:
            async with asyncio.timeout(100_000):
                await test(port)
        finally:
            await port.server.stop()

    run_virtual(main, seed=seed)
    return kept[0]


async def start(client: Client, port: Port, box: str = NUMBERS[0]) -> list[Any]:
    found: list[Any] = await port.node(client, "missions").call_method(
        "6:StartMission", "m1", box, "truck-1", "igv-1", 24_000.0
    )
    return found


class Watcher:
    def __init__(self) -> None:
        self.values: list[tuple[Any, Any, Any]] = []
        self.events: list[Any] = []

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        item = data.monitored_item.Value
        self.values.append((value, item.SourceTimestamp, item.StatusCode.name))

    def event_notification(self, event: Any) -> None:
        self.events.append(event)


def test_a_mission_over_the_wire_moves_the_box_and_is_told_by_events() -> None:
    """Start, samples of the hoist and the event of the end, all at the clock's civil time."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            watcher = Watcher()
            subscription = await client.create_subscription(100, watcher)
            await subscription.subscribe_data_change(p.node(client, "hoist.place"))
            await subscription.subscribe_events(
                p.node(client, "system"), [ua.NodeId(ua.ObjectIds.BaseEventType)]
            )
            assert await start(client, p) == [True, ""]
            assert await p.site.until_over() is MissionState.DONE
            await p.clock.sleep(1)
            assert [e.Message.Text for e in watcher.events] == [
                "mission m1: running", "mission m1: done"
            ]  # fmt: skip
            end = p.clock.day_start.astimezone(dt.UTC) + dt.timedelta(seconds=p.clock.now_s() - 1.3)
            told = watcher.events[-1].Time.replace(tzinfo=dt.UTC)
            assert abs((told - end).total_seconds()) < 1.0
            places = [value for value, _, _ in watcher.values]
            assert min(places) == pytest.approx(3.791, abs=0.001)
            stamps = [stamp for _, stamp, _ in watcher.values]
            assert stamps == sorted(stamps)
            assert len(places) > 150

    play(test)


def test_one_seed_gives_one_trace_and_none_depends_on_the_process() -> None:
    """Two runs with a client, a subscription and a mission have one hash."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            subscription = await client.create_subscription(200, Watcher())
            await subscription.subscribe_data_change(p.node(client, "gantry.place"))
            await start(client, p)
            await p.clock.sleep(60)
            await p.node(client, "missions").call_method("6:Stop")
            await p.clock.sleep(20)
            await p.node(client, "missions").call_method("6:ResumeMission")
            await p.site.until_over()

    hashes = {play(test, seed=4).site.trace.sha256() for _ in range(2)}
    assert len(hashes) == 1


def test_orders_are_traced_with_what_they_cause() -> None:
    """The mission's first record names the call as its cause."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            await start(client, p)
            await p.clock.sleep(1)

    records = list(play(test).site.trace.records())
    call = next(r for r in records if r.kind == "opcua.call")
    mission = next(r for r in records if r.kind == "crane.mission")
    assert call.payload["method"] == "StartMission"
    assert mission.cause == call.id
    answer = next(r for r in records if r.kind == "opcua.called")
    assert answer.payload == {"status": "Good", "answers": [True, ""]}


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("gantry.plus", ua.Variant(50.0, ua.VariantType.Double), None),
        ("gantry.plus", ua.Variant(-1.0, ua.VariantType.Double), "BadOutOfRange"),
        ("gantry.plus", ua.Variant(float("nan"), ua.VariantType.Double), "BadOutOfRange"),
        ("gantry.plus", ua.Variant(1, ua.VariantType.Int32), "BadTypeMismatch"),
        ("gantry.plus", ua.Variant([1.0], ua.VariantType.Double), "BadTypeMismatch"),
        ("gantry.plus.on", ua.Variant(True, ua.VariantType.Boolean), None),
        ("hoist.place", ua.Variant(1.0, ua.VariantType.Double), "BadNotWritable"),
        ("no.such", ua.Variant(1.0, ua.VariantType.Double), "BadNodeIdUnknown"),
    ],
)
def test_writes_are_checked_as_the_standard_says(name: str, value: Any, status: str | None) -> None:
    """Wrong types, ranges and nodes have their own status, and change nothing."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            before = dict(p.site.crane.limits.percent), dict(p.site.crane.limits.on)
            write = p.node(client, name).write_value(ua.DataValue(value))
            if status is None:
                await write
                await p.clock.sleep(0.1)
                assert await p.node(client, name).read_value() == value.Value
                assert (p.site.crane.limits.percent, p.site.crane.limits.on) != before
            else:
                with pytest.raises(getattr(ua.uaerrors, status)):
                    await write
                assert (p.site.crane.limits.percent, p.site.crane.limits.on) == before

    play(test)


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("StartMission", [], "BadArgumentsMissing"),
        ("Stop", [1.0], "BadTooManyArguments"),
        ("SetMode", [True], "BadInvalidArgument"),
        ("Jog", ["trolley", float("inf")], "BadInvalidArgument"),
        ("TurnLocks", ["yes"], "BadInvalidArgument"),
    ],
)
def test_calls_with_wrong_arguments_are_refused(
    method: str, arguments: list[Any], error: str
) -> None:
    """Too few, too many and wrong types are the statuses of OPC 10000-4."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            with pytest.raises(getattr(ua.uaerrors, error)):
                await p.node(client, "missions").call_method(f"6:{method}", *arguments)

    play(test)


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("ResumeMission", [], "no mission is suspended"),
        ("CancelMission", [], "no mission is under way"),
        ("Jog", ["trolley", 0.5], "mode FULLAUTOMATIC"),
        ("Jog", ["sideways", 0.5], "not one of: gantry, trolley, hoist"),
        ("SetMode", [ua.Variant(9, ua.VariantType.Int32)], "no CraneOperationalModeEnum"),
        ("TurnLocks", [True], "mode FULLAUTOMATIC"),
    ],
)
def test_orders_that_cannot_be_are_answered_in_words(
    method: str, arguments: list[Any], words: str
) -> None:
    """Accepted is false and Reason says why."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            accepted, reason = await p.node(client, "missions").call_method(
                f"6:{method}", *arguments
            )
            assert accepted is False
            assert words in reason

    play(test)


def test_a_session_must_be_activated_before_anything_is_answered() -> None:
    """Without ActivateSession reading is refused, also without security."""

    async def test(p: Port) -> None:
        client = Client(f"opc.tcp://127.0.0.1:{p.port}/")
        await client.connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            await client.create_session()
            with pytest.raises(ua.uaerrors.UaStatusCodeError):
                await p.node(client, "hoist.place").read_value()
        finally:
            client.disconnect_socket()
            await p.clock.sleep(0.1)

    play(test)


ACCOUNTS = {"op": Account("right", Role.OPERATOR), "eye": Account("look", Role.OBSERVER)}


@pytest.mark.parametrize(
    ("user", "password"), [("op", "wrong"), ("ghost", "right"), ("op", ""), (None, None)]
)
def test_wrong_credentials_are_refused_and_traced_without_the_password(
    user: str | None, password: str | None
) -> None:
    """Nobody comes in, and no password is in the trace."""

    async def test(p: Port) -> None:
        more = {} if user is None else {"user": user, "password": password}
        with pytest.raises(ua.uaerrors.UaStatusCodeError):
            async with p.client(**more):
                pass

    port = play(test, accounts=ACCOUNTS)
    assert all(r["event"] != "activated" for r in port.site.kinds("opcua.session"))
    if password:
        assert not any(password == v for r in port.site.trace.records() for v in r.payload.values())


def test_an_observer_reads_and_orders_nothing() -> None:
    """Role by role."""

    async def test(p: Port) -> None:
        async with p.client(user="eye", password="look") as client:
            assert await p.node(client, "mode").read_value() == 3
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await start(client, p)
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await p.node(client, "gantry.plus").write_value(50.0)

    play(test, accounts=ACCOUNTS)


@pytest.mark.slow
def test_sign_and_encrypt_works_in_virtual_time() -> None:
    """Basic256Sha256 alone: a client without security finds no endpoint, one with it works."""

    async def test(p: Port) -> None:
        with pytest.raises(ua.UaError):
            async with p.client(user="op", password="right"):
                pass
        own = make_identity("urn:test:client", clockwork.civil(p.clock))
        from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
        from asyncua.crypto.uacrypto import CertProperties

        client = Client(f"opc.tcp://127.0.0.1:{p.port}/")
        client.application_uri = "urn:test:client"
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            CertProperties(own.certificate, "pem"),
            CertProperties(own.key, "pem"),
        )
        client.set_user("op")
        client.set_password("right")
        async with client:
            assert await start(client, p) == [True, ""]

    play(test, accounts=ACCOUNTS, secure=True, plain=False)


def test_bad_quality_and_stale_values_reach_the_client() -> None:
    """One point turns bad and good again; frozen values keep their old time stamps."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            load = p.node(client, "hoist.load.mass")
            p.server.inject("bad_quality", point="load_kg", status="BadSensorFailure")
            await p.clock.sleep(1.5)
            value = await load.read_data_value(raise_on_bad_status=False)
            assert value.StatusCode.name == "BadSensorFailure"
            p.server.heal("bad_quality")
            await p.clock.sleep(1.5)
            assert (await load.read_data_value()).StatusCode.is_good()
            p.server.inject("stale")
            place = p.node(client, "gantry.place")
            before = await place.read_data_value()
            await start(client, p)
            await p.clock.sleep(5)
            frozen = await place.read_data_value()
            assert (frozen.Value.Value, frozen.SourceTimestamp) == (
                before.Value.Value, before.SourceTimestamp
            )  # fmt: skip
            assert p.site.body.state(next(iter(p.site.body._axes)))[0] > 0
            p.server.heal("stale")
            await p.clock.sleep(1)
            assert (await place.read_data_value()).Value.Value > 1.0

    play(test)


def test_links_break_as_ordered_and_mend() -> None:
    """Dropped once, down until healed, silent, slow: each as its name says."""

    async def test(p: Port) -> None:
        async with p.client(timeout=3) as client:
            p.server.inject("session_drop")
            await p.clock.sleep(0.1)
            with pytest.raises(Exception):  # noqa: B017, PT011 - the client has several names for it
                await p.node(client, "mode").read_value()
        p.server.heal("session_drop")
        p.server.inject("link_down")
        with pytest.raises(Exception):  # noqa: B017, PT011
            async with p.client(timeout=3):
                pass
        p.server.heal("link_down")
        async with p.client(timeout=3) as client:
            p.server.inject("slow", delay_s=1.0)
            began = p.clock.now_s()
            await p.node(client, "mode").read_value()
            assert 0.9 < p.clock.now_s() - began < 1.2
            p.server.heal("slow")
            p.server.inject("silent")
            with pytest.raises((TimeoutError, ConnectionError)):
                await p.node(client, "mode").read_value()
            p.server.heal("silent")
        async with p.client() as client:
            assert await p.node(client, "mode").read_value() == 3

    play(test)


def test_quirks_are_as_they_say() -> None:
    """`restamp` renews time stamps of what did not change; `local-time` is seven hours ahead."""

    async def read(p: Port) -> dt.datetime:
        async with p.client() as client:
            await p.clock.sleep(10)
            value = await p.node(client, "mode").read_data_value()
            stamp: dt.datetime = value.SourceTimestamp
            return stamp.replace(tzinfo=dt.UTC)

    def age_s(**quirks: bool) -> float:
        ages: list[float] = []

        async def test(p: Port) -> None:
            stamp = await read(p)
            ages.append((clockwork.civil(p.clock) - stamp).total_seconds())

        play(test, quirks=quirks)
        return ages[0]

    assert 9.5 < age_s() < 11
    assert age_s(restamp=True) < 1.5
    assert -7 * 3600 + 9 < age_s(**{"local-time": True}) < -7 * 3600 + 11
    with pytest.raises(UnknownName, match="quirk of profile opc40020"):
        play(read, quirks={"nonsense": True})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"HELF\x00\x00\x00\x00", b"HELF\x08\x00\x00\x00",
        b"MSGF\xff\xff\xff\x7f" + bytes(20), b"HELF\xff\x00\x00\x00half",
        b"OPNF\x20\x00\x00\x00" + bytes(24),
    ],
)  # fmt: skip
def test_a_broken_client_is_dropped_in_time_and_the_next_is_served(data: bytes) -> None:
    """No garbage holds a connection for more than the deadline, or the server at all."""

    async def test(p: Port) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", p.port)
        writer.write(data)
        with suppress(ConnectionError):
            async with asyncio.timeout(40):
                while await reader.read(100):
                    pass
        writer.close()
        async with p.client() as client:
            assert await p.node(client, "mode").read_value() == 3

    play(test)


def test_more_clients_than_the_controller_takes_are_refused() -> None:
    """The ninth connection is closed at once; when one leaves there is room again."""

    async def test(p: Port) -> None:
        streams = [await asyncio.open_connection("127.0.0.1", p.port) for _ in range(8)]
        await p.clock.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", p.port)
        with suppress(ConnectionError):
            assert await reader.read(10) == b""
        writer.close()
        for _, other in streams:
            other.close()
        await p.clock.sleep(0.1)
        async with p.client() as client:
            assert await p.node(client, "mode").read_value() == 3

    port = play(test)
    assert [r["reason"] for r in port.site.kinds("opcua.conn") if r["event"] == "refused"] == [
        "all 8 connections are taken"
    ]


def test_every_point_of_the_profile_is_there_and_every_method_is_known() -> None:
    """The profile fits the device; a wrong point, type or value is an error of the file."""

    async def test(p: Port) -> None:
        assert Methods(p.site.crane).check(p.server.profile) == []
        with pytest.raises(HarnessError, match="already started"):
            await p.server.start()

    port = play(test)
    shown = {bound.row.point for bound in port.server._space.bound}
    assert shown <= set(port.site.crane.points)
    assert len(shown) > 60
    with pytest.raises(UnknownName, match="OPC UA profile"):
        profiles.load("types")


def test_every_variable_can_be_read() -> None:
    """Constants of the profile, too, are coded as their data types say."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            rows = instances(p.server.profile, "crane-1", PROTECTIONS)
            nodes = [p.node(client, row.id) for row in rows if row.data]
            values = await client.uaclient.read_attributes(
                [node.nodeid for node in nodes], ua.AttributeIds.Value
            )
            bad = [node for node, value in zip(nodes, values, strict=True)
                   if value.StatusCode.name not in ("Good", "BadNotSupported")]  # fmt: skip
            assert not bad
            assert len(nodes) > 100

    play(test)


def test_a_wrong_profile_names_its_row(tmp_path: Any) -> None:
    """An undefined type, a variable without a value and a double id are refused."""
    text = (profiles.FOLDER / "crane.toml").read_text(encoding="utf-8")
    for old, new, words in [
        ('type = "C:2112"', 'type = "C:9999"', "'C:9999' is not defined"),
        ('data = "Int32", point = "trouble"', 'data = "Int32"', "exactly one of point"),
        ('id = "cycles"', 'id = "trouble"', "there twice"),
    ]:
        path = tmp_path / "wrong.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        profiles._load.cache_clear()
        with pytest.raises(ConfigError, match=words):
            profiles.load(path)


def test_units_are_those_of_opc_10000_8() -> None:
    """MTR is 5067858 and KGM 4933453, the numbers of the published table."""
    assert unit_id("MTR") == 5067858
    assert unit_id("KGM") == 4933453


@pytest.mark.slow
def test_a_day_without_clients_is_cheap_and_an_hour_with_one_is_300_times_real_time() -> None:
    """Idle with one subscribed client, the server is far faster than real time."""
    from time import process_time

    async def test(p: Port) -> None:
        await p.clock.sleep(86_400)
        async with p.client() as client:
            subscription = await client.create_subscription(1000, Watcher())
            await subscription.subscribe_data_change(p.node(client, "hoist.place"))
            began = process_time()
            await p.clock.sleep(600)
            assert 600 / (process_time() - began) > 300

    play(test)
