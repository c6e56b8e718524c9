"""Rights on our own broker: who may connect, publish and read, and that no password is told."""

from __future__ import annotations

import pytest

from tests.mqtt.bench import Place, on_broker
from twin.errors import ConfigError
from twin.wires.mqtt import Access, acl_text, parse_acl
from twin.wires.mqtt.packets import Connect, Will


@pytest.mark.parametrize(
    ("user", "password", "enters"),
    [
        ("u", b"right", True), ("u", b"wrong", False), ("u", b"", False), ("u", None, False),
        ("nobody", b"", False), ("nobody", None, False), ("nobody", b"right", False),
        (None, None, False),
    ],
)  # fmt: skip
def test_who_may_connect(user: str | None, password: bytes | None, enters: bool) -> None:
    """A known name with its own password; an unknown one with none is not let in by accident."""
    assert Access({"u": "right", "void": ""}, anonymous=False).admits(user, password) is enters


TEXT = """\
# a comment
topic read notice/#
user fleet
topic readwrite uagv/#
topic deny uagv/secret
topic fleet/own
pattern write uagv/%u/state
pattern read uagv/%c/order
"""


def test_rights_follow_mosquitto_s_file() -> None:
    """Lines before a user are for nobody's; patterns are for all; deny wins; else refused."""
    access = Access(rules=parse_acl(TEXT))

    def may(right, topic, user=None, id_="c"):
        return access.allows(right, topic, user, id_)

    assert may("read", "notice/1")
    assert not may("write", "notice/1")
    assert not may("read", "notice/1", "fleet")
    assert may("read", "uagv/x", "fleet")
    assert may("write", "uagv/x", "fleet")
    assert not may("read", "uagv/secret", "fleet")
    assert may("write", "fleet/own", "fleet")
    assert may("write", "uagv/v1/state", "v1")
    assert not may("read", "uagv/v1/state", "v1")
    assert not may("write", "uagv/v1/state", "v2")
    assert may("read", "uagv/c/order")
    assert not may("read", "uagv/c/order", id_="d")


@pytest.mark.parametrize("name", ["+", "#", "a/b", ""])
def test_a_name_cannot_widen_a_pattern(name: str) -> None:
    """A client that calls itself + does not read everybody's orders."""
    access = Access(rules=parse_acl("pattern readwrite uagv/%c/order\n"))
    for topic in ("uagv/x/order", f"uagv/{name}/order", "uagv/a/b/order"):
        assert not access.allows("read", topic, None, name)


def test_rights_survive_their_text() -> None:
    """What `acl_text` writes, `parse_acl` reads as the same rights."""
    rules = parse_acl(TEXT)
    assert set(parse_acl(acl_text(rules))) == set(rules)


@pytest.mark.parametrize("line", ["topic", "topic read a/#/b", "users x", "user", "pattern"])
def test_a_wrong_line_is_named(line: str) -> None:
    """File, line number and keyword."""
    with pytest.raises(ConfigError, match=r"rights:2: "):
        parse_acl(f"\n{line}\n", "rights")


def test_what_may_not_be_published_is_acknowledged_and_goes_nowhere() -> None:
    """[MQTT-3.3.5-2]; a will neither; the trace says denied."""

    async def test(place: Place) -> None:
        listener = await place.listener("#", 1, "listener")
        client = await place.client("c", will=Will("no/will", b""))
        for qos in (0, 1, 2):
            await client.publish("no", b"x", qos, retain=True)
        await client.publish("yes", b"x", 1)
        client.cut()
        assert (await listener.message()).topic == "yes"
        await listener.quiet()
        assert [r["topic"] for r in place.kinds("mqtt.denied")] == ["no", "no", "no", "no/will"]
        assert place.server.broker.retained == {}

    rules = parse_acl("topic readwrite yes\ntopic read #\n")
    on_broker(test, access=Access(rules=rules))


def test_rights_go_with_the_user_name() -> None:
    """Two clients, two names: each reads its own and not the other's."""

    async def test(place: Place) -> None:
        one = await place.client("a", user="igv-1", password=b"1")
        two = await place.client("b", user="igv-2", password=b"2")
        for client in (one, two):
            await client.subscribe("+/order", 1)
        await one.publish("igv-2/order", b"not mine to say", 1)
        hub = await place.client("c", user="hub", password=b"3")
        for number in (1, 2):
            await hub.publish(f"igv-{number}/order", b"%d" % number, 1)
        assert (await one.message()).payload == b"1"
        assert (await two.message()).payload == b"2"
        await one.quiet()
        await two.quiet()

    rules = parse_acl("pattern read %u/order\nuser hub\ntopic write +/order\n")
    users = {"igv-1": "1", "igv-2": "2", "hub": "3"}
    on_broker(test, access=Access(users, anonymous=False, rules=rules))


def test_a_retained_message_is_not_read_without_the_right() -> None:
    """Neither live nor by a new subscription."""

    async def test(place: Place) -> None:
        sender = await place.client("s")
        await sender.publish("own/s", b"x", 1, retain=True)
        other = await place.listener("own/#", 1, "o")
        await sender.publish("own/s", b"y", 1)
        await other.quiet()
        mine = await place.client("s")
        await mine.subscribe("own/+", 0)
        assert (await mine.message()).payload == b"x"

    on_broker(test, access=Access(rules=parse_acl("pattern readwrite own/%c\n")))


def test_a_password_is_in_no_record() -> None:
    """Neither a right nor a wrong one, in no encoding."""

    async def test(place: Place) -> str:
        for word in (b"right-secret", b"wrong-secret"):
            raw = await place.raw()
            raw.send(Connect("c", user="u", password=word))
            await raw.next()
            await raw.close()
        await place.clock.sleep(1)
        return " ".join(str(record) for record in place.trace.records())

    access = Access(users={"u": "right-secret"})
    text = on_broker(test, access=access) + repr(access)
    assert "secret" not in text
    assert b"secret".hex() not in text
