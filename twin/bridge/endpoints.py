"""Every endpoint of a bridge with its protocol, its profile and its map: what a stack can reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from twin.bridge import cold_chain
from twin.bridge.bridge import Bridge
from twin.bridge.vehicles import MANUFACTURER, PREFIX
from twin.partner import transfer_service
from twin.profiles import opcua, wire_points
from twin.wires import hdmap, tic40
from twin.wires.modbus import ModbusServer
from twin.wires.nmea import NmeaServer
from twin.wires.vda5050.vehicle import Vehicle


def endpoints(bridge: Bridge) -> list[dict[str, Any]]:
    """Plain data, without addresses and secrets; `map` has rows of equal keys."""
    found = [
        {
            "endpoint": "broker", "protocol": "mqtt", "profile": "MQTT 3.1.1",
            "map": [
                {"topic": f"{PREFIX}/{MANUFACTURER}/ID/#", "user": "ID", "may": "readwrite"},
                {"topic": f"{PREFIX}/#", "user": "fleet", "may": "readwrite"},
                *({"topic": rule.topic, "user": rule.user, "may": rule.right}
                  for rule in cold_chain.RULES),
            ],
        }
    ]  # fmt: skip
    found += [_vehicle(name, one) for name, one in bridge.fleet.vehicles.items()]
    found += [
        {"endpoint": name, "protocol": "opc-ua", "profile": opcua.load().title, "map": _nodes(name)}
        for name in bridge.yards.cranes
    ]
    found.append(_rest("transfers", "docs/bridge.md", transfer_service.ROUTES))
    found += [_receiver(name, one) for name, one in bridge.positioning.cables.items()]
    found.append(_rest("maps", "docs/devices/map-service.md", hdmap.ROUTES))
    racks = bridge.cold_chain.servers.values()
    found += [_rack(one) for one in racks]
    if racks:
        found.append(_reefers())
    return found


def endpoints_of(wire_list: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Id, protocol and address of what a wire list names, as `endpoints` lists it.

    Vehicles and the reefers' messages have no address of their own: they are on the broker.
    """

    def at(entry: Mapping[str, Any]) -> str:
        return f"{entry['host']}:{entry['port']}"

    fleet, yards = wire_list["fleet"], wire_list["yards"]
    yield "broker", "mqtt, TLS" if "tls" in fleet else "mqtt", at(fleet)
    for vehicle in fleet["vehicles"]:
        yield vehicle["id"], "mqtt", ""
    for yard in yards:
        yield yard["crane"]["id"], yard["crane"]["protocol"], yard["crane"]["url"]
    yield "transfers", "rest", wire_list["transfers"]["url"]
    for receiver in wire_list["positioning"]["receivers"]:
        yield receiver["id"], receiver["protocol"], at(receiver)
    yield "maps", "rest", wire_list["maps"]["url"]
    racks = [yard["rack"]["modbus"] for yard in yards if yard["rack"]]
    for rack in racks:
        yield rack["id"], rack["protocol"], at(rack)
    if racks:
        yield "reefers", wire_list["reefers"]["protocol"], ""


def _rest(name: str, page: str, routes: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    rows = [{"request": f"{method} {path}", "answer": doc} for method, path, doc in routes]
    return {"endpoint": name, "protocol": "rest", "profile": page, "map": rows}


def _receiver(vehicle: str, wire: NmeaServer) -> dict[str, Any]:
    profile = wire.profile
    rows = [
        {"sentence": f"{profile.talker}{name}", "rate_hz": profile.rate_hz, "from": "receiver"}
        for name in profile.sentences
    ]
    return {
        "endpoint": f"{vehicle}.gnss", "protocol": "nmea-tcp", "profile": profile.title,
        "map": rows,
    }  # fmt: skip


def _rack(wire: ModbusServer) -> dict[str, Any]:
    rows = [
        {
            "point": name, "table": point["table"], "address": point["address"],
            "encoding": point["encoding"], "access": point["access"],
        }
        for name, point in wire_points(wire.profile).items()
    ]  # fmt: skip
    return {
        "endpoint": wire.device.id, "protocol": "modbus-tcp", "profile": wire.profile.name,
        "map": rows,
    }  # fmt: skip


def _reefers() -> dict[str, Any]:
    """What monitoring tells and takes on the broker."""
    rows = [
        {
            "topic": tic40.topic(cold_chain.PREFIX, "NUMBER", end), "from": by, "qos": 1,
            "retained": kept,
        }
        for end, by, kept in (("rms", "monitoring", True), ("tos", "fleet manager", False))
    ]  # fmt: skip
    return {
        "endpoint": "reefers", "protocol": "tic40-mqtt", "profile": "TIC 4.0", "map": rows
    }  # fmt: skip


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
