"""Push: the camera posts each event to a host that somebody registered with it.

The order of events is kept; one that the host does not take is sent again, marked as a
retransmission, until its attempts are used up. Only addresses in digits are taken: a name would
need a resolver thread, which virtual time forbids.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

import aiohttp

from twin.devices.camera import Reading
from twin.errors import GateTwinError

QUEUE_MAX: Final = 256
"""Events kept for a host that does not answer; the oldest is dropped first."""


class HostError(GateTwinError):
    """A registration that the camera does not take; the client gets a 400 with the reason."""


@dataclass(frozen=True, slots=True)
class HttpHost:
    """Where to post: one entry of `/ISAPI/Event/notification/httpHosts`."""

    id: str
    path: str
    address: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}{self.path}"

    def tree(self) -> dict[str, Any]:
        """As the camera shows it."""
        return {
            "id": self.id,
            "url": self.path,
            "protocolType": "HTTP",
            "parameterFormatType": "XML",
            "addressingFormatType": "ipaddress",
            "ipAddress": self.address,
            "portNo": self.port,
            "httpAuthenticationMethod": "none",
        }


def parse_xml(body: bytes) -> ET.Element:
    """The root of a small XML document without a document type; raises `HostError`."""
    if b"<!" in body:
        raise HostError("the document has a DOCTYPE or a comment, which this camera refuses")
    try:
        return ET.fromstring(body.decode("utf-8"))  # noqa: S314 - no DOCTYPE, so no entities
    except (ET.ParseError, UnicodeDecodeError, ValueError) as error:
        raise HostError(f"not well-formed XML: {error}") from error


def parse_host(body: bytes, id: str) -> HttpHost:
    """The registration in a PUT body (a host, or a list with one); raises `HostError`."""
    texts: dict[str, str] = {}
    for element in parse_xml(body).iter():
        texts.setdefault(element.tag.rpartition("}")[2], (element.text or "").strip())
    if texts.get("protocolType", "HTTP") != "HTTP":
        raise HostError(f"protocolType {texts['protocolType']!r}: only HTTP is served")
    if texts.get("httpAuthenticationMethod", "none") != "none":
        raise HostError("httpAuthenticationMethod: only none is served")
    try:
        address = ipaddress.ip_address(texts.get("ipAddress", ""))
    except ValueError:
        raise HostError(f"ipAddress {texts.get('ipAddress')!r} is no IP address") from None
    if address.is_multicast or address.is_unspecified:
        raise HostError(f"ipAddress {address} is not a host")
    port = texts.get("portNo", "80")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or not 1 <= int(port) <= 65535:
        raise HostError(f"portNo {port!r} is not 1 to 65535")
    path = texts.get("url", "/") or "/"
    if not path.startswith("/") or not path.isascii() or not path.isprintable():
        raise HostError(f"url {path!r} must be a path that begins with /")
    return HttpHost(id, path, str(address), int(port))


Compose = Callable[[Reading, bool], tuple[str, bytes]]
"""(reading, retransmission) to content type and body."""


class Pusher:
    """Posts readings to one host, in order, each with a deadline."""

    def __init__(
        self,
        host: HttpHost,
        compose: Compose,
        told: Callable[[Reading, int], None],
        able: Callable[[], bool],
        *,
        timeout_s: float,
        attempts: int,
        retry_s: float,
    ) -> None:
        self.host = host
        self.dropped = 0
        self._compose, self._told, self._able = compose, told, able
        self._timeout_s, self._attempts, self._retry_s = timeout_s, attempts, retry_s
        self._queue: asyncio.Queue[Reading] = asyncio.Queue(QUEUE_MAX)
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"push {host.id}")

    def put(self, reading: Reading) -> None:
        """Queue a reading."""
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait(reading)

    async def stop(self) -> None:
        """Give up what is still queued."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        connector = aiohttp.TCPConnector(force_close=True, use_dns_cache=False)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            while True:
                reading = await self._queue.get()
                await self._deliver(session, reading)

    async def _deliver(self, session: aiohttp.ClientSession, reading: Reading) -> None:
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(self._retry_s)
            if not self._able():
                continue  # a camera without network posts nothing and knows of no answer
            kind, body = self._compose(reading, attempt > 0)
            status = await self._post(session, kind, body)
            self._told(reading, status)
            if 200 <= status < 300:
                return
        self.dropped += 1

    async def _post(self, session: aiohttp.ClientSession, kind: str, body: bytes) -> int:
        """The host's status, or 0 if nobody answered in time."""
        headers = {"Content-Type": kind}
        try:
            async with session.post(
                self.host.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0
