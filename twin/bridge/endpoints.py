"""Every endpoint of a bridge with its protocol, its profile and its map: what a stack can reach."""

from __future__ import annotations

from typing import Any

from twin.bridge.bridge import Bridge
from twin.bridge.vehicles import MANUFACTURER, PREFIX
from twin.partner.transfer_service import ROUTES
from twin.profiles import opcua
from twin.wires.vda5050.vehicle import Vehicle


def endpoints(bridge: Bridge) -> list[dict[str, Any]]:
    """Plain data, without addresses and secrets; `map` has rows of equal keys."""
    found = [
        {
            "endpoint": "broker", "protocol": "mqtt", "profile": "MQTT 3.1.1",
            "map": [
                {"topic": f"{PREFIX}/{MANUFACTURER}/ID/#", "user": "ID", "may": "readwrite"},
                {"topic": f"{PREFIX}/#", "user": "fleet", "may": "readwrite"},
            ],
        }
    ]  # fmt: skip
    found += [_vehicle(name, one) for name, one in bridge.fleet.vehicles.items()]
    found += [
        {"endpoint": name, "protocol": "opc-ua", "profile": opcua.load().title, "map": _nodes(name)}
        for name in bridge.yards.cranes
    ]
    routes = [{"request": f"{method} {path}", "answer": doc} for method, path, doc in ROUTES]
    found.append(
        {"endpoint": "transfers", "protocol": "rest", "profile": "docs/bridge.md", "map": routes}
    )
    return found


def _vehicle(name: str, vehicle: Vehicle) -> dict[str, Any]:
    rows = [
        {
            "topic": vehicle.topic(topic), "from": "vehicle" if rule.sent else "fleet manager",
            "qos": rule.qos, "retained": rule.retain,
        }
        for topic, rule in vehicle.dialect.topics.items()
    ]  # fmt: skip
    version = f"VDA 5050 {vehicle.dialect.version}"
    return {"endpoint": name, "protocol": "mqtt", "profile": version, "map": rows}


def _nodes(crane: str) -> list[dict[str, Any]]:
    """Variables that show a point of the crane, and the methods of its missions."""
    profile = opcua.load()
    shown = [
        {
            "node": f"{crane}.{row.id}", "data": row.data, "access": "rw" if row.write else "r",
            "what": f"{row.point} {row.unit}".strip(),
        }
        for row in profile.instances.rows if row.point
    ]  # fmt: skip
    return shown + [
        {
            "node": f"{crane}.missions {method.name}",
            "data": ", ".join(f"{name}: {data}" for name, data in method.inputs),
            "access": "call", "what": method.doc,
        }
        for method in profile.methods
    ]  # fmt: skip
