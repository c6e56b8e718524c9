"""One subscription of a crane's client: notifications as they come, recorded under a label."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from asyncua import Client, ua
from asyncua.ua import status_codes

from twin.trace import Trace

EVENT_FIELDS = {
    "MissionEventType": ("MissionId", "MissionState", "ContainerNumber", "Trouble"),
    "ProtectionEventType": ("Function", "Active"),
}
_COMMON = ("Message", "Time", "Severity")


def status_name(code: int) -> str:
    """The name of a status code."""
    return str(status_codes.get_name_and_doc(code)[0])


def epoch_s(instant: dt.datetime | None) -> float | None:
    """A time stamp of the wire, which is UTC, as seconds since 1970."""
    if instant is None:
        return None
    return round(instant.replace(tzinfo=dt.UTC).timestamp(), 6)


def plain(data: Any) -> dict[str, Any]:
    """A data value as the trace can keep it."""
    if data is None:
        return {"value": None, "status": "", "source_s": None}
    value = data.Value.Value if data.Value is not None else None
    if isinstance(value, ua.LocalizedText):
        value = value.Text
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    if not isinstance(value, bool | int | float | str) and value is not None:
        value = str(value)[:200]
    return {
        "value": value, "status": data.StatusCode.name, "source_s": epoch_s(data.SourceTimestamp)
    }  # fmt: skip


def inside(data: Any) -> Any:
    """The value of a data value; None where it is bad."""
    if data is None or data.Value is None or not data.StatusCode.is_good():
        return None
    return data.Value.Value


class Feed:
    """What one subscription has said."""

    def __init__(self, label: str, trace: Trace) -> None:
        self.label, self._trace = label, trace
        self.now: dict[str, Any] = {}
        """The last value of each point."""
        self._names: dict[int, str] = {}
        self._id = 0
        self._fields: list[str] = []

    async def open(
        self, client: Client, items: list[tuple[str, ua.NodeId]], interval_s: float, queue: int,
        keep_alive: int,
    ) -> None:  # fmt: skip
        """Create the subscription and its items."""
        wanted = ua.CreateSubscriptionParameters()
        wanted.RequestedPublishingInterval = 1000 * interval_s
        wanted.RequestedLifetimeCount = 3 * max(keep_alive, 10_000)
        wanted.RequestedMaxKeepAliveCount = keep_alive
        wanted.MaxNotificationsPerPublish, wanted.PublishingEnabled = 10_000, True
        made = await client.uaclient.create_subscription(wanted, self._came)
        self._id = made.SubscriptionId
        self._trace(
            "wire", "opc.subscribed", label=self.label, keep_alive=made.RevisedMaxKeepAliveCount,
            interval_s=round(made.RevisedPublishingInterval / 1000, 6),
        )  # fmt: skip
        asked = ua.CreateMonitoredItemsParameters()
        asked.SubscriptionId = self._id
        asked.TimestampsToReturn = ua.TimestampsToReturn.Both
        for number, (name, node) in enumerate(items):
            self._names[number] = name
            asked.ItemsToCreate.append(
                _item(number, node, ua.AttributeIds.Value, interval_s, queue)
            )
        if items:
            results = await client.uaclient.create_monitored_items(asked)
            for (name, _), result in zip(items, results, strict=True):
                if not result.StatusCode.is_good():
                    self._trace("wire", "opc.refused", label=self.label, point=name,
                                status=result.StatusCode.name)  # fmt: skip

    async def events(self, client: Client, nodes: dict[str, ua.NodeId]) -> None:
        """Listen to the crane's events, too."""
        chosen_by = ua.EventFilter()
        base = ua.NodeId(ua.ObjectIds.BaseEventType)
        chosen = [(base, 0, name) for name in _COMMON]
        for kind, fields in EVENT_FIELDS.items():
            if f"event:{kind}" in nodes:
                node = nodes[f"event:{kind}"]
                chosen += [(node, node.NamespaceIndex, name) for name in fields]
        for node, space, name in chosen:
            operand = ua.SimpleAttributeOperand()
            operand.TypeDefinitionId, operand.AttributeId = node, ua.AttributeIds.Value
            operand.BrowsePath = [ua.QualifiedName(name, space)]
            chosen_by.SelectClauses.append(operand)
            self._fields.append(name)
        asked = ua.CreateMonitoredItemsParameters()
        asked.SubscriptionId = self._id
        asked.TimestampsToReturn = ua.TimestampsToReturn.Both
        one = _item(100_000, nodes["system"], ua.AttributeIds.EventNotifier, 0.0, 0)
        one.RequestedParameters.Filter = chosen_by
        asked.ItemsToCreate.append(one)
        (result,) = await client.uaclient.create_monitored_items(asked)
        if not result.StatusCode.is_good():
            self._trace("wire", "opc.refused", label=self.label, point="events",
                        status=result.StatusCode.name)  # fmt: skip

    def _came(self, result: ua.PublishResult) -> None:
        message = result.NotificationMessage
        changes: list[Any] = []
        for one in message.NotificationData or []:
            if isinstance(one, ua.DataChangeNotification):
                changes += one.MonitoredItems
            elif isinstance(one, ua.EventNotificationList):
                for event in one.Events:
                    self._event(event.EventFields)
        if self.label != "main":
            self._trace("wire", "opc.publish", label=self.label, number=message.SequenceNumber,
                        items=len(changes))  # fmt: skip
        for item in changes:
            name = self._names.get(item.ClientHandle, f"handle {item.ClientHandle}")
            seen = plain(item.Value)
            self.now[name] = seen["value"]
            self._trace("wire", "opc.change", label=self.label, point=name, **seen)

    def _event(self, fields: list[ua.Variant]) -> None:
        values: dict[str, Any] = {}
        for name, variant in zip(self._fields, fields, strict=False):
            value = variant.Value
            if isinstance(value, ua.LocalizedText):
                value = value.Text
            if isinstance(value, dt.datetime):
                value = epoch_s(value)
            if isinstance(value, bool | int | float | str):
                values[name] = value
        self._trace("wire", "opc.event", label=self.label, values=values)


def _item(
    handle: int, node: ua.NodeId, attribute: int, interval_s: float, queue: int
) -> ua.MonitoredItemCreateRequest:
    made = ua.MonitoredItemCreateRequest()
    made.ItemToMonitor.NodeId, made.ItemToMonitor.AttributeId = node, attribute
    made.MonitoringMode = ua.MonitoringMode.Reporting
    parameters = ua.MonitoringParameters()
    parameters.ClientHandle, parameters.SamplingInterval = handle, 1000 * interval_s
    parameters.QueueSize, parameters.DiscardOldest = queue, True
    made.RequestedParameters = parameters
    return made
