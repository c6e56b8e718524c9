# ruff: noqa: D102 - overrides; each class says how it is broken
"""Cranes whose OPC UA server shows wrong values or breaks subscriptions."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from typing import Any

from asyncua import ua
from asyncua.server.internal_subscription import InternalSubscription

from twin.wires.opcua.model import Bound
from twin.wires.opcua.server import OpcUaServer

# ---------------------------------------------------------------- values


class _Bends(OpcUaServer, ABC):
    """Shows other values than there are."""

    @abstractmethod
    def bend(self, point: str, value: Any) -> Any: ...

    async def _write(self, bound: Bound, value: Any, status: str, stamp: Any, now: Any) -> None:
        await super()._write(bound, self.bend(bound.row.point, value), status, stamp, now)


class LongTape(_Bends):
    """Shows the trolley's place two per cent too far."""

    def bend(self, point: str, value: Any) -> Any:
        return 1.02 * value if point == "trolley_m" else value


class Flatters(_Bends):
    """Shows a mass that is five per cent too small."""

    def bend(self, point: str, value: Any) -> Any:
        return 0.95 * value if point == "load_kg" else value


class StrangeMode(_Bends):
    """Says mode 9, which no enumeration knows."""

    def bend(self, point: str, value: Any) -> Any:
        return 9 if point == "wind_mode" else value


class BrakeIsShy(_Bends):
    """Never says that the trolley's brake is released."""

    def bend(self, point: str, value: Any) -> Any:
        return False if point == "trolley_brake_released" else value


class CountsTwice(_Bends):
    """Counts two working cycles for each."""

    def bend(self, point: str, value: Any) -> Any:
        return 2 * value if point == "cycles" else value


class Brave(OpcUaServer):
    """A sensor that fails keeps its last value, and is good."""

    async def _write(self, bound: Bound, value: Any, status: str, stamp: Any, now: Any) -> None:
        if not status:
            await super()._write(bound, value, "", stamp, now)


class Ahead(OpcUaServer):
    """Its time stamps are two seconds ahead of its clock."""

    async def _write(self, bound: Bound, value: Any, status: str, stamp: Any, now: Any) -> None:
        await super()._write(bound, value, status, stamp + dt.timedelta(seconds=2), now)


class WrongNamespace(OpcUaServer):
    """Index 1 of its namespaces is the URI of somebody else's server."""

    def _build(self, server: Any) -> None:
        super()._build(server)
        cell = server.iserver.aspace[ua.NodeId(ua.ObjectIds.Server_NamespaceArray)]
        array = list(cell.attributes[ua.AttributeIds.Value].value.Value.Value)
        array[1] = "urn:factory:default"
        cell.attributes[ua.AttributeIds.Value].value = ua.DataValue(
            ua.Variant(array, ua.VariantType.String)
        )


class Millimetres(OpcUaServer):
    """Says that the hoist's place is in millimetres."""

    def _build(self, server: Any) -> None:
        super()._build(server)
        for key, node in server.iserver.aspace._nodes.items():
            if str(key.Identifier).endswith(".hoist.place.EngineeringUnits"):
                unit = node.attributes[ua.AttributeIds.Value].value.Value.Value
                unit.UnitId = int.from_bytes(b"MMT")


# ---------------------------------------------------------------- subscriptions


class _Listened(OpcUaServer, ABC):
    """Its subscriptions are broken in some way."""

    @abstractmethod
    def spoil(self, subscription: Any) -> None: ...

    async def _listen(self, server: Any, host: str, port: int) -> int:
        service = server.iserver.subscription_service
        create = service.create_subscription

        async def spoilt(*arguments: Any, **more: Any) -> Any:
            result = await create(*arguments, **more)
            self.spoil(service.subscriptions[result.SubscriptionId])
            return result

        service.create_subscription = spoilt
        return await super()._listen(server, host, port)


class Lazy(_Listened):
    """Agrees to half a second and publishes each second."""

    def spoil(self, subscription: InternalSubscription) -> None:
        if subscription.data.RevisedPublishingInterval == 500.0:
            publish, turn = subscription.publish_results, [0]

            async def seldom(requestdata: Any = None) -> bool:
                turn[0] += 1
                if turn[0] % 2 and requestdata is None and not subscription._startup:
                    subscription._keep_alive_count += 1
                    return False
                return bool(await publish(requestdata))

            subscription.publish_results = seldom


class Mute(_Listened):
    """Sends no keep-alives."""

    def spoil(self, subscription: InternalSubscription) -> None:
        def quiet() -> bool:
            return bool(
                subscription._startup
                or subscription._triggered_datachanges or subscription._triggered_events
            )  # fmt: skip

        subscription.has_published_results = quiet


class SkipsNumbers(_Listened):
    """Leaves out one number in five."""

    def spoil(self, subscription: InternalSubscription) -> None:
        pop = subscription._pop_publish_result

        def popped() -> Any:
            result = pop()
            if subscription._notification_seq % 5 == 0:
                subscription._notification_seq += 1
            return result

        subscription._pop_publish_result = popped


class _Queued(_Listened):
    """Keeps something else in its queues than it should."""

    @abstractmethod
    def keep(self, queue: list[Any], event: Any, size: int) -> None: ...

    def spoil(self, subscription: InternalSubscription) -> None:
        async def enqueue(mid: int, event: Any, size: int, queue: dict[int, list[Any]]) -> None:
            if mid not in queue:
                queue[mid] = [event]
            else:
                self.keep(queue[mid], event, size)

        subscription._enqueue_event = enqueue


class KeepsTheOldest(_Queued):
    """A full queue drops what is new."""

    def keep(self, queue: list[Any], event: Any, size: int) -> None:
        if size == 0 or len(queue) < size:
            queue.append(event)


class Coalesces(_Queued):
    """Drops every other value of a queue that is long enough."""

    _turn = 0

    def keep(self, queue: list[Any], event: Any, size: int) -> None:
        self._turn += 1
        if size == 1:
            queue[0] = event
        elif size == 0 or size > 1000 or self._turn % 2:
            queue.append(event)


class WaitsForAChange(_Listened):
    """Says nothing at first: only what changes is told."""

    def spoil(self, subscription: InternalSubscription) -> None:
        if subscription.data.RevisedPublishingInterval == 100.0:
            return

        async def nothing(*_: Any) -> None:
            """The first value is kept back."""

        subscription.monitored_item_srv.trigger_datachange = nothing


class NoEnds(OpcUaServer):
    """Tells the begin of a mission by an event, not its end."""

    def _changed(self, what: str) -> None:
        super()._changed("ended" if what == "mission" and self.device.cycle.state != 1 else what)
