"""Where the vehicles' MQTT broker is: our own on the bridge's loop, or one in the world outside.

Only the first can run in virtual time and has a menu of faults. A mosquitto, in a process or in a
container, gets the bridge's users, their topic rights and, if wanted, a certificate; a broker that
is there already has users of its own, which a file tells. With TLS ours runs in a thread: paho
shakes hands without letting the loop run, so nobody on that loop could answer.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from twin import strict_toml
from twin.bridge import cold_chain
from twin.bridge.vehicles import access, vehicle_ids
from twin.brokers import IMAGE, Authority, Choice, Variant, choose, start
from twin.devices.base import Faulty
from twin.errors import ConfigError, HarnessError
from twin.site_bridge import Cargo, Strict


@dataclass(frozen=True, slots=True)
class Radio:
    """One broker; the plain `Radio()` is our own, without TLS."""

    host: str = ""
    """Empty: our own, wherever the bridge is served."""
    port: int = 0
    label: str = "inproc"
    users: Mapping[str, str] | None = field(default=None, repr=False)
    """Its own names and passwords; None: those that the bridge has drawn."""
    ca: Path | None = None
    """The authority that signed its certificate; None: no TLS."""

    @property
    def own(self) -> bool:
        """Whether it is ours."""
        return not self.host

    def client_tls(self) -> ssl.SSLContext | None:
        """What a vehicle needs to trust it."""
        return None if self.ca is None else ssl.create_default_context(cafile=str(self.ca))


class Elsewhere:
    """A broker that the bridge only uses: nothing to start, and no faults."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.targets: Mapping[str, Faulty] = {}

    async def start(self, host: str, port: int = 0) -> int:  # noqa: ARG002 - as our own has it
        """It runs already; its port."""
        return self._port

    async def stop(self) -> None:
        """It goes on."""

    def link(self, pattern: str) -> Any:
        """None: its links are not in our hands."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which broker is wanted: as `--broker`, `--broker-file`, `--broker-image` and `--tls` say."""

    broker: str = "inproc"
    file: Path | None = None
    image: str = IMAGE
    tls: bool = False

    @property
    def plain(self) -> bool:
        """Whether this is our own as it always is."""
        return self == Wish()


class BrokerFile(Strict, frozen=True, kw_only=True):
    """What a broker that is there already wants of its clients."""

    users: dict[str, str] = msgspec.field(default_factory=dict)
    """Name to password, of `fleet`, `rms` and every vehicle; empty: anybody comes in."""
    ca: str | None = None
    """PEM file of the authority that signed its certificate, beside this file; left out: no TLS."""


@contextmanager
def radio_of(
    wish: Wish, cargo: Cargo, passwords: Mapping[str, str], host: str = "127.0.0.1"
) -> Iterator[Radio]:
    """The broker of `wish` while the block runs, on the wall clock; or `HarnessError`.

    `passwords` by user, for a broker that is ours to furnish.
    """
    choice = choose(wish.broker, image=wish.image)
    if wish.file is not None and choice.kind != "url":
        raise HarnessError(f"--broker-file {wish.file}: only a broker at HOST:PORT has one")
    if choice.kind == "url":
        yield _of_file(wish, choice, cargo)
        return
    if choice.kind == "inproc" and not wish.tls:
        yield Radio(label=f"inproc: {choice.why}")
        return
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise HarnessError(
            f"--host {host}: this broker ({choice.kind}{', TLS' * wish.tls}) listens on loopback "
            "alone; take inproc without TLS, or start your own and give its HOST:PORT"
        )
    with tempfile.TemporaryDirectory(prefix="gatetwin-tls-") as name:
        authority = Authority(Path(name)) if wish.tls else None
        ca = None if authority is None else authority.certificate
        rights = access(cargo, passwords)
        identity = None if authority is None else (authority.issue("broker"), authority)
        variant = Variant(users=rights.users, rules=rights.rules, tls=identity)
        with start(choice, variant, wish.image) as found:
            yield Radio(found.host, found.port, str(found), ca=ca)


def _of_file(wish: Wish, choice: Choice, cargo: Cargo) -> Radio:
    if wish.tls and wish.file is None:
        raise HarnessError("--tls: name the authority of your broker as `ca` in --broker-file")
    told, ca = BrokerFile(), None
    if wish.file is not None:
        told = strict_toml.load(wish.file, BrokerFile)
        ca = None if told.ca is None else wish.file.parent / told.ca
        missing = [
            name
            for name in ["fleet", cold_chain.USER, *vehicle_ids(cargo)]
            if name not in told.users
        ]
        if told.users and missing:
            raise ConfigError(wish.file, None, "users", f"has no password for {missing[0]}")
        if ca is not None and not ca.is_file():
            raise ConfigError(wish.file, None, "ca", f"{ca}: there is no such file")
    if ca is None:  # with TLS it shows itself when the vehicles connect
        with start(choice):
            pass
    return Radio(*choice.address, choice.why, users=told.users, ca=ca)
