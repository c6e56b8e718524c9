"""What a fleet manager and a crane scheduler are told: where to connect, and the lane graph."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from twin.bridge import cold_chain
from twin.bridge.radio import Radio
from twin.bridge.vehicles import MANUFACTURER, MAP, PREFIX, vehicle_ids
from twin.site_bridge import Cargo, Yard


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a bridge lets in: passwords by user, and the token of the transfers."""

    passwords: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def draw(cls, cargo: Cargo, rng: random.Random) -> Self:
        """New ones for the fleet manager, the crane scheduler and every vehicle."""
        users = ["fleet", "scheduler", *vehicle_ids(cargo), cold_chain.USER]
        passwords = {name: f"{rng.getrandbits(64):016x}" for name in users}
        return cls(passwords, f"{rng.getrandbits(128):032x}")


def wire_list(
    site: str, cargo: Cargo, host: str, *, radio: Radio, broker_port: int,
    crane_ports: Mapping[str, int], service_port: int, users: Mapping[str, str],
    credentials: Credentials, vehicles: Iterable[str],
) -> dict[str, Any]:  # fmt: skip
    """The whole list; its form is described in docs/bridge.md. `users`: of the broker."""
    shown = f"[{host}]" if ":" in host else host
    password = credentials.passwords["scheduler"]
    return {
        "version": 2,
        "site": site,
        "fleet": {
            "protocol": "mqtt", "host": radio.host or host, "port": broker_port,
            **({"user": "fleet", "password": users["fleet"]} if users else {}),
            **({"tls": {"ca": str(radio.ca)}} if radio.ca is not None else {}),
            "prefix": PREFIX, "manufacturer": MANUFACTURER,
            "map": MAP, "vehicles": [{"id": name, "vda5050": "2.1.0"} for name in vehicles],
        },
        "graph": graph_of(cargo),
        "yards": [
            _yard_of(spec, f"opc.tcp://{shown}:{crane_ports[spec.crane]}/", password)
            for spec in cargo.yards
        ],
        "transfers": {
            "protocol": "rest", "url": f"http://{shown}:{service_port}/v1",
            "token": credentials.token,
        },
    }  # fmt: skip


def _yard_of(spec: Yard, url: str, password: str) -> dict[str, Any]:
    return {
        "id": spec.id, "side": spec.side, "bays": list(spec.bays), "parks": list(spec.parks),
        "stack": [f"stack-{i + 1}" for i in range(len(spec.stack_gantry_m))],
        "crane": {
            "id": spec.crane, "protocol": "opc-ua", "url": url, "user": "scheduler",
            "password": password, "namespace": "urn:gatetwin:crane",
        },
    }  # fmt: skip


def graph_of(cargo: Cargo) -> dict[str, Any]:
    """The lane graph as the stack gets it."""
    return {
        "nodes": [{"id": n.id, "x_m": n.x_m, "y_m": n.y_m} for n in cargo.nodes],
        "edges": [
            {"from": a, "to": b, "speed_m_s": speed} for a, b, speed in cargo.edges()
        ],
        "lanes": [
            {"id": lane.id, "nodes": list(lane.nodes), "mode": lane.mode, "platoon": lane.platoon,
             "clearance_s": lane.clearance_s, "at_once": lane.at_once}
            for lane in cargo.lanes
        ],
        "line": {"x_m": cargo.line_m, "zone_m": cargo.line_zone_m},
    }  # fmt: skip
