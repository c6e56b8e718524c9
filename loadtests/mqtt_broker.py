"""Where an MQTT broker is and how to come in: `mqtt://`, `mqtts://`, user, certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from loadtests.errors import LoadError

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""As registered with IANA."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker and the way in; the password stays out of every text."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Without the secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def broker_address(
    target: str,
    user: str = "",
    password: str = "",
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
) -> BrokerAddress:
    """Read `HOST[:PORT]`, `mqtt://…` or `mqtts://…`; raises `LoadError`.

    `mqtts`, or a `ca`, asks for TLS: the broker's certificate must be good for its host name, by
    `ca` or by the authorities of the machine. `cert` and `key` are shown where it asks for them.
    """
    parts = urlsplit(target if "://" in target else f"mqtt://{target}")
    try:
        port = parts.port
    except ValueError as error:
        raise LoadError(f"{_safe(target)}: {error}") from error
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise LoadError(
            f"{_safe(target)}: not a broker; expected HOST:PORT, mqtt://HOST:PORT or "
            "mqtts://HOST:PORT"
        )
    secure = parts.scheme == "mqtts" or ca is not None
    if (cert or key) and not secure:
        raise LoadError("a client certificate needs TLS; next: give mqtts://HOST:PORT or --ca")
    return BrokerAddress(
        parts.hostname,
        port if port is not None else PORTS["mqtts" if secure else "mqtt"],
        user or (unquote(parts.username) if parts.username else None),
        password or (unquote(parts.password) if parts.password else None),
        _context(ca, cert, key) if secure else None,
    )


def _context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(path) for path in (ca, cert, key) if path)
        raise LoadError(f"{files}: not usable for TLS: {error}") from error
    return context


def _safe(target: str) -> str:
    """The text without a user or password in it."""
    scheme, mark, rest = target.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"
