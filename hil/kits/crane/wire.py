"""A crane's own wire: OPC UA clients that find it by its browse names, and record what comes.

The library is asyncua, whose names stay in this module, `link`, `atlas` and `feed`: what is
recorded are names of points, statuses and plain values.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties

from hil.drivers.raw import Endpoint, RawLink
from hil.errors import Unreachable
from twin.clock import Clock
from twin.profiles.opcua import OpcUaProfile
from twin.trace import Trace
from twin.wires.opcua import clockwork
from twin.wires.opcua.security import Identity, make_identity

from .atlas import Atlas
from .feed import Feed, status_name
from .link import Link, within
from .words import CLIENT_URI, STATE

logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what breaks is recorded, not logged

SESSION_S = 60.0
"""Sessions that were cut off are the server's to forget after this time."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who comes, and by which policy; the password never shows."""

    user: str = ""
    password: str = ""
    policy: str = "None"

    def __repr__(self) -> str:
        return f"Login({self.user!r}, policy={self.policy!r})"

    def but(self, user: str, password: str) -> Login:
        """Somebody else by the same policy."""
        return replace(self, user=user, password=password)

    def by(self, policy: str) -> Login:
        """The same user by another policy."""
        return replace(self, policy=policy)


@cache
def _identity(day: str) -> Identity:
    return make_identity(CLIENT_URI, dt.datetime.fromisoformat(day))


class CraneWire:
    """The crane as its clients see it; the only way to the device under test."""

    def __init__(
        self, endpoint: Endpoint, profile: OpcUaProfile, crane: str, login: Login, clock: Clock,
        trace: Trace, *, limit_s: float,
    ) -> None:  # fmt: skip
        self.endpoint, self.profile, self.crane, self.own = endpoint, profile, crane, login
        self.clock, self.trace, self.limit_s = clock, trace, limit_s
        self.main: Link | None = None
        self.feed: Feed | None = None
        self.namespaces: list[str] = []
        self.nodes: dict[str, ua.NodeId] = {}
        self.index: dict[str, int] = {}
        self._raw = 0

    @property
    def connected(self) -> bool:
        """Whether the main client's connection stands."""
        return self.main is not None and self.main.alive

    @property
    def now(self) -> dict[str, Any]:
        """The last value of each point that the main client listens to."""
        return self.feed.now if self.feed is not None else {}

    async def connect(self, limit_s: float | None = None) -> None:
        """The main client comes, finds the crane and listens to its state, or `Unreachable`.

        It takes eight questions to open a session, so a shorter `limit_s` than the driver's own is
        not kept.
        """
        self.close()
        limit = max(limit_s or 0.0, self.limit_s)
        where = f"crane wire: no session at {self.endpoint.host}:{self.endpoint.port}"
        link, status = await self._come("main", self.own, limit)
        if link is None:
            raise Unreachable(
                f"{where} within {limit:g} s ({status}); check power, cable, bench.toml and the "
                "user of pixit.toml"
            )
        self.main = link
        try:
            await Atlas(link, self).find(self.profile, self.crane)
            self.feed = await link.listen("main", STATE, interval_s=0.1, events=True)
        except ua.UaError as error:
            self.close()
            raise Unreachable(f"{where}: it cannot be browsed: {error}") from error
        await self.clock.sleep(0.15)  # the first notification has what is so now

    async def leave(self) -> None:
        """The main client goes in order, so that its session and subscription end with it."""
        if self.main is not None:
            await leave(self.main)
        self.close()

    def close(self) -> None:
        """The main client goes, without a word: a server has to cope with that."""
        if self.main is not None:
            drop(self.main)
        self.main = self.feed = None

    async def survey(self) -> None:
        """Record what each node of the profile is, as the main client sees it."""
        assert self.main is not None
        await Atlas(self.main, self).survey(self.profile, self.crane)

    async def login(self, label: str, login: Login, *, finds: bool = True) -> Link | None:
        """One client more; `opc.login` says what became of it."""
        link, status = await self._come(label, login, self.limit_s)
        self.trace("wire", "opc.login", label=label, user=login.user, policy=login.policy,
                   status=status)  # fmt: skip
        if link is not None and finds:
            await Atlas(link, self).find(self.profile, self.crane)
        return link

    async def stranger(self, label: str) -> Link | None:
        """A client that has a session and does not activate it."""
        client = self._client(Login())

        async def come() -> None:
            await client.connect_socket()
            await client.send_hello()
            await client.open_secure_channel()
            await client.create_session()

        try:
            await within(self.limit_s, come())
        except (OSError, TimeoutError, ua.UaError):
            client.disconnect_socket()
            return None
        return Link(self, label, client)

    async def raw(self, label: str) -> RawLink:
        """A connection for bytes that are no OPC UA."""
        self._raw += 1
        return await RawLink.open(
            self.endpoint, self._raw, label, self.clock, self.trace, count=lambda _: 0
        )

    def _client(self, login: Login) -> Client:
        clockwork.tame(self.clock)
        client = Client(
            f"opc.tcp://{self.endpoint.host}:{self.endpoint.port}/", timeout=self.limit_s,
            watchdog_intervall=self.limit_s,
        )  # fmt: skip
        client.session_timeout = round(1000 * SESSION_S)
        if login.user:
            client.set_user(login.user)
            client.set_password(login.password)
        return client

    async def _come(self, label: str, login: Login, limit_s: float) -> tuple[Link | None, str]:
        client = self._client(login)

        async def come() -> None:
            if login.policy != "None":
                day = clockwork.civil(self.clock).date().isoformat()
                own = _identity(f"{day}T00:00:00+00:00")
                client.application_uri = CLIENT_URI
                await client.set_security(
                    SecurityPolicyBasic256Sha256, CertProperties(own.certificate, "pem"),
                    CertProperties(own.key, "pem"), mode=ua.MessageSecurityMode.SignAndEncrypt,
                )  # fmt: skip
            await client.connect()

        try:
            await within(limit_s, come())
        except ua.UaStatusCodeError as error:
            status = status_name(error.code)
        except (OSError, TimeoutError, ua.UaError) as error:
            status = type(error).__name__
        else:
            return Link(self, label, client), "Good"
        with contextlib.suppress(Exception):  # whatever is left of it
            client.disconnect_socket()
        return None, status


def drop(link: Link) -> None:
    """Cut a client's connection from our side, as a cable that is pulled."""
    client = link.client
    for name in ("_supervisor_task", "_stale_watchdog_task", "_renew_channel_task"):
        task = getattr(client, name, None)
        if task is not None:
            task.cancel()
    publishing = client.uaclient._publish_task
    if publishing is not None:
        publishing.cancel()
    with contextlib.suppress(Exception):  # it may be cut already
        client.disconnect_socket()


async def leave(link: Link, limit_s: float = 5.0) -> None:
    """Close a client's session and connection in order."""
    with contextlib.suppress(Exception):  # a server that does not answer is no failure here
        await within(limit_s, link.client.disconnect())
    drop(link)
