"""Push: registered hosts get every event, in order, with retransmission after a failure."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from PIL import Image

from tests.camera.rig import NAMESPACE, Rig, form_parts, on_rig, text, truck
from twin.wires.isapi.push import QUEUE_MAX, HostError, HttpHost, parse_host

HOSTS = "/ISAPI/Event/notification/httpHosts"


class Host:
    """A host that takes pushed events; `answers` are used up first, then 200."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        self.port = 0
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._take))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.Response:
        assert (request.method, request.path) == ("POST", "/anpr")
        self.bodies.append((request.headers["Content-Type"], await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def alerts(self) -> list[ET.Element]:
        """The event documents taken so far."""
        return [ET.fromstring(form_parts(*body)[0][1]) for body in self.bodies]


def registration(port: int, **changes: str) -> bytes:
    fields = {
        "id": "1", "url": "/anpr", "protocolType": "HTTP", "parameterFormatType": "XML",
        "addressingFormatType": "ipaddress", "ipAddress": "127.0.0.1", "portNo": str(port),
        "httpAuthenticationMethod": "none",
    } | changes  # fmt: skip
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        '<?xml version="1.0"?><HttpHostNotificationList version="2.0" '
        'xmlns="http://www.isapi.org/ver20/XMLSchema">'
        f"<HttpHostNotification>{inner}</HttpHostNotification></HttpHostNotificationList>"
    ).encode()


async def call(rig: Rig, method: str, path: str, **kwargs: Any) -> tuple[int, bytes]:
    async with rig.client() as session, session.request(method, path, **kwargs) as answer:
        return answer.status, await answer.read()


async def _two_trucks(rig: Rig) -> None:
    for number in range(2):
        mover = rig.drive(truck(f"14C1234{number}", id=f"v{number}"))
        await rig.clock.sleep(20)
        rig.lane.remove(mover)


def test_a_registered_host_gets_each_event_with_its_pictures() -> None:
    """PUT registers, GET shows it, each truck is posted once as a form, DELETE ends it."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        host = Host()
        await host.start()
        status, _ = await call(rig, "PUT", f"{HOSTS}/1", data=registration(host.port))
        assert status == 200
        _, shown = await call(rig, "GET", HOSTS)
        assert text(ET.fromstring(shown), "HttpHostNotification/portNo") == str(host.port)
        _, one = await call(rig, "GET", f"{HOSTS}/1")
        assert text(ET.fromstring(one), "url") == "/anpr"
        await _two_trucks(rig)
        assert [text(alert, "ANPR/licensePlate") for alert in host.alerts()] == [
            "14C12340", "14C12341",
        ]  # fmt: skip
        names = [name for name, _ in form_parts(*host.bodies[0])]
        assert names == ["anpr.xml", "licensePlatePicture.jpg", "detectionPicture.jpg"]
        for _, data in form_parts(*host.bodies[0])[1:]:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        assert (await call(rig, "DELETE", f"{HOSTS}/1"))[0] == 200
        rig.camera.inject("ghost")
        await rig.clock.sleep(5)
        assert len(host.bodies) == 2
        await host.stop()

    rig = on_rig(check)
    events = rig.records("isapi.event")
    assert [(e.payload["via"], e.payload["status"]) for e in events] == [("push", 200)] * 2


def test_a_new_registration_replaces_the_old_one() -> None:
    """A second PUT to the same place moves the events to the new host; nobody gets them twice."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        old, new = Host(), Host()
        for host in (old, new):
            await host.start()
            await call(rig, "PUT", f"{HOSTS}/1", data=registration(host.port))
        assert len([t for t in asyncio.all_tasks() if t.get_name() == "push 1"]) == 1
        rig.camera.inject("ghost")
        await rig.clock.sleep(5)
        assert (len(old.bodies), len(new.bodies)) == (0, 1)
        await old.stop()
        await new.stop()

    on_rig(check)


def test_a_refused_event_is_sent_again_as_a_retransmission() -> None:
    """After a 500 the event comes again marked as retransmission; order is kept."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        host = Host()
        host.answers = [500, 500]
        await host.start()
        await call(rig, "PUT", f"{HOSTS}/1", data=registration(host.port))
        await _two_trucks(rig)
        told = [
            (text(alert, "ANPR/licensePlate"), text(alert, "isDataRetransmission"))
            for alert in host.alerts()
        ]
        assert told == [
            ("14C12340", "false"), ("14C12340", "true"), ("14C12340", "true"),
            ("14C12341", "false"),
        ]  # fmt: skip
        await host.stop()

    on_rig(check)


def test_a_host_that_is_away_loses_events_but_stops_nothing() -> None:
    """With nobody at the port, attempts end by deadline; the host gets what comes later."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        host = Host()
        await host.start()
        await host.stop()
        await call(rig, "PUT", f"{HOSTS}/1", data=registration(host.port))
        rig.drive(truck("14C11111"))
        await rig.clock.sleep(60)
        await host.start()
        rig.camera.inject("ghost", plate="14C22222")
        await rig.clock.sleep(5)
        assert [text(alert, "ANPR/licensePlate") for alert in host.alerts()] == ["14C22222"]
        assert rig.server is not None
        assert rig.server._hosts["1"].dropped == 1
        await host.stop()

    rig = on_rig(check)
    assert [e.payload["status"] for e in rig.records("isapi.event")] == [0, 0, 0, 200]


def test_a_silent_host_is_given_up_by_deadline() -> None:
    """A host that accepts and never answers costs its time limit per attempt, no more."""

    async def check(rig: Rig) -> None:
        await rig.serve()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.read()
            finally:
                writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await call(rig, "PUT", f"{HOSTS}/2", data=registration(port))
        rig.camera.inject("ghost")
        await rig.clock.sleep(3 * 5 + 2 * 5 + 1)
        assert rig.server is not None
        assert rig.server._hosts["2"].dropped == 1
        server.close()

    on_rig(check)


def test_the_queue_for_a_host_is_bounded() -> None:
    """More events than the queue holds drop the oldest, never the camera."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        host = Host()
        await host.start()
        await call(rig, "PUT", f"{HOSTS}/1", data=registration(host.port))
        assert rig.server is not None
        pusher = rig.server._hosts["1"]
        rig.camera.inject("ghost")
        for _ in range(QUEUE_MAX + 5):
            pusher.put(rig.readings[0])
        assert pusher.dropped >= 5
        await rig.server.stop()
        await host.stop()

    on_rig(check)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ipAddress": "example.org"}, "no IP address"),
        ({"ipAddress": "0.0.0.0"}, "not a host"),
        ({"ipAddress": "224.0.0.1"}, "not a host"),
        ({"portNo": "0"}, "portNo"),
        ({"portNo": "65536"}, "portNo"),
        ({"portNo": "x"}, "portNo"),
        ({"url": "anpr"}, "begins with /"),
        ({"url": "/a\nHost: b"}, "begins with /"),
        ({"protocolType": "HTTPS"}, "only HTTP"),
        ({"httpAuthenticationMethod": "MD5digest"}, "only none"),
    ],
)
def test_a_registration_that_cannot_be_served_is_refused(changes: dict[str, str], why: str) -> None:
    """Each field that the camera cannot serve is refused with its name."""
    with pytest.raises(HostError, match=why):
        parse_host(registration(80, **changes), "1")


@pytest.mark.parametrize("id", ["0", "9", "x", "１"])
def test_only_eight_places(id: str) -> None:
    """A place outside 1 to 8 is a 400 and registers nothing."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        status, body = await call(rig, "PUT", f"{HOSTS}/{id}", data=registration(80))
        assert status == 400
        assert ET.fromstring(body).tag == f"{NAMESPACE}ResponseStatus"

    on_rig(check)


def test_ipv6_hosts_have_brackets() -> None:
    """An IPv6 host becomes a URL with brackets."""
    assert HttpHost("1", "/a", "::1", 8080).url == "http://[::1]:8080/a"
    assert parse_host(registration(80, ipAddress="::1"), "1").address == "::1"


@pytest.mark.parametrize("kind", ["offline", "frozen"])
def test_a_camera_without_network_posts_nothing(kind: str) -> None:
    """What is queued when the camera fails is not posted while it is away."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        host = Host()
        host.answers = [500]
        await host.start()
        await call(rig, "PUT", f"{HOSTS}/1", data=registration(host.port))
        rig.camera.inject("ghost")
        await rig.clock.sleep(1)
        assert len(host.bodies) == 1
        rig.camera.inject(kind)
        await rig.clock.sleep(60)
        assert len(host.bodies) == 1
        rig.camera.heal(kind)
        await rig.clock.sleep(1)
        rig.camera.heal("ghost")
        rig.camera.inject("ghost")
        await rig.clock.sleep(1)
        assert len(host.bodies) == 2
        await host.stop()

    on_rig(check)
