"""The cargo side of a bridge: the only place where vehicles, cranes, yards and boxes meet.

`bridge.py` starts and stops the whole; `yards.py` furnishes yards and their cranes, `vehicles.py`
the fleet, `cargo.py` lets boxes come and offers their transfers, `radio.py` knows the broker,
`wire_list.py` tells a stack where to connect, `endpoints.py` what is there.
"""

from twin.bridge.bridge import OPENS_H, Bridge
from twin.bridge.cargo import Flow, Truckers
from twin.bridge.carriers import CarrierKind, cargo_of, in_phase, with_vehicles
from twin.bridge.endpoints import endpoints, endpoints_of
from twin.bridge.radio import Radio, Wish, radio_of
from twin.bridge.vehicles import MANUFACTURER, MAP, PREFIX, Vehicles, access
from twin.bridge.wire_list import Credentials, graph_of
from twin.bridge.yards import Yards

__all__ = [
    "MANUFACTURER", "MAP", "OPENS_H", "PREFIX", "Bridge", "CarrierKind", "Credentials", "Flow",
    "Radio", "Truckers", "Vehicles", "Wish", "Yards", "access", "cargo_of", "endpoints",
    "endpoints_of",
    "graph_of", "in_phase", "radio_of",
    "with_vehicles",
]  # fmt: skip
