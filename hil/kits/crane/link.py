"""One OPC UA client of a crane: what it asks and what it is answered, under a label."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from asyncua import Client, ua

from hil.errors import Unreachable

from .feed import Feed, epoch_s, inside, plain, status_name
from .words import Typed

if TYPE_CHECKING:
    from .wire import CraneWire

T = TypeVar("T")

_GONE = {
    "BadConnectionClosed", "BadSecureChannelClosed", "BadSessionClosed", "BadSessionIdInvalid",
    "BadTimeout", "BadCommunicationError", "BadServerHalted", "BadShutdown",
    "BadSecureChannelIdInvalid", "BadTcpSecureChannelUnknown",
}  # fmt: skip


async def within(limit_s: float, work: Awaitable[T]) -> T:
    """As `asyncio.timeout`, for a library whose cancellations are of a class of their own.

    A cancellation that comes with the answer is no `CancelledError` to `asyncio.timeout`.
    """
    scope = asyncio.timeout(limit_s)
    try:
        async with scope:
            return await work
    except asyncio.CancelledError:
        if scope.expired():
            raise TimeoutError from None
        raise


class Link:
    """One client of the crane; every answer is recorded under its label."""

    def __init__(self, wire: CraneWire, label: str, client: Client) -> None:
        self.label, self.client, self._wire = label, client, wire
        self.nodes: dict[str, ua.NodeId] = {}

    @property
    def alive(self) -> bool:
        """Whether its connection stands."""
        protocol = self.client.uaclient.protocol
        return protocol is not None and not protocol.is_closed

    async def asked(self, work: Awaitable[T]) -> T:
        """The answer, or `Unreachable` when there is none; a refusal is `ua.UaStatusCodeError`."""
        try:
            return await within(self._wire.limit_s, work)
        except (OSError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
        except ua.UaStatusCodeError as error:
            if (name := status_name(error.code)) not in _GONE:
                raise
            reason = name
        except ua.UaError as error:
            reason = f"{type(error).__name__}: {error}"
        raise Unreachable(f"crane wire: no answer within {self._wire.limit_s:g} s: {reason}")

    async def read(
        self, points: Iterable[str], attribute: int = ua.AttributeIds.Value
    ) -> list[Any]:
        """Data values of points, as asyncua has them; None for one that the crane has not."""
        names = list(points)
        there = [name for name in names if name in self.nodes]
        parameters = ua.ReadParameters()
        parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        for name in there:
            one = ua.ReadValueId()
            one.NodeId, one.AttributeId = self.nodes[name], attribute
            parameters.NodesToRead.append(one)
        got = await self.asked(self.client.uaclient.read(parameters)) if there else []
        found = dict(zip(there, got, strict=True))
        return [found.get(name) for name in names]

    async def show(self, label: str, *points: str) -> dict[str, Any]:
        """Read points and record them as `opc.read` under `label`; their values."""
        try:
            got = await self.read(points)
        except ua.UaStatusCodeError as error:
            self.note("opc.refused", label=label, status=status_name(error.code))
            return {}
        values: dict[str, Any] = {}
        for name, data in zip(points, got, strict=True):
            seen = plain(data)
            values[name] = seen["value"]
            self.note("opc.read", label=label, point=name, **seen)
        return values

    async def time_s(self) -> float | None:
        """CurrentTime of the server, as seconds since 1970; None where it is bad."""
        one = ua.ReadValueId()
        one.NodeId = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        one.AttributeId = ua.AttributeIds.Value
        try:
            (data,) = await self.asked(
                self.client.uaclient.read(ua.ReadParameters(NodesToRead=[one]))
            )
        except ua.UaStatusCodeError:
            return None
        return epoch_s(inside(data))

    async def call(self, label: str, method: str, *arguments: Any, of: str = "missions") -> bool:
        """Call a method and record the answer; whether the crane has accepted.

        Arguments have the types of the profile, but for those that are `Typed`.
        """
        request = ua.CallMethodRequest()
        request.ObjectId = self.nodes.get(of, ua.NodeId("no-such-object", 1))
        request.MethodId = self.nodes.get(method, ua.NodeId("no-such-method", 1))
        declared = {row.name: row.inputs for row in self._wire.profile.methods}.get(method, [])
        kinds = [kind for _, kind in declared] + ["Double"] * len(arguments)
        request.InputArguments = [
            _variant(one, kind) for one, kind in zip(arguments, kinds, strict=False)
        ]
        inputs: list[str] = []
        outputs: list[Any] = []
        try:
            (result,) = await self.asked(self.client.uaclient.call([request]))
        except ua.UaStatusCodeError as error:
            status = status_name(error.code)
        else:
            status = result.StatusCode.name
            inputs = [one.name for one in result.InputArgumentResults or []]
            outputs = [one.Value for one in result.OutputArguments or []]
        accepted = status == "Good" and bool(outputs) and outputs[0] is True
        reason = str(outputs[1] or "") if len(outputs) > 1 else ""
        self.note("opc.call", label=label, method=method, status=status, inputs=inputs,
                  accepted=accepted, reason=reason)  # fmt: skip
        return accepted

    async def write(self, label: str, point: str, value: Typed) -> str:
        """Write a point and record the status."""
        one = ua.WriteValue()
        one.NodeId = self.nodes.get(point, ua.NodeId("no-such-node", 1))
        one.AttributeId, one.Value = (
            ua.AttributeIds.Value,
            ua.DataValue(_variant(value, value.kind)),
        )
        try:
            (result,) = await self.asked(
                self.client.uaclient.write(ua.WriteParameters(NodesToWrite=[one]))
            )
            status = result.name
        except ua.UaStatusCodeError as error:
            status = status_name(error.code)
        self.note("opc.write", label=label, point=point, status=status)
        return str(status)

    async def listen(
        self, label: str, points: Iterable[str], *, interval_s: float, queue: int = 0,
        keep_alive: int = 10_000, events: bool = False,
    ) -> Feed:  # fmt: skip
        """A subscription to points, and to the crane's events; all that comes is recorded."""
        feed = Feed(label, self._wire.trace)
        items = [(name, self.nodes[name]) for name in points if name in self.nodes]
        try:
            await self.asked(feed.open(self.client, items, interval_s, queue, keep_alive))
            if events and "system" in self.nodes:
                await self.asked(feed.events(self.client, self.nodes))
        except ua.UaStatusCodeError as error:
            self.note("opc.refused", label=label, status=status_name(error.code))
        return feed

    def note(self, kind: str, **payload: Any) -> None:
        """Record."""
        self._wire.trace("wire", kind, **payload)


def _variant(value: Any, kind: str) -> ua.Variant:
    if isinstance(value, Typed):
        value, kind = value.value, value.kind
    return ua.Variant(value, ua.VariantType[kind])
