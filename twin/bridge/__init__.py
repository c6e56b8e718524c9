"""The cargo side of a bridge: the only place where vehicles, cranes, yards and boxes meet.

`bridge.py` starts and stops the whole; `yards.py` furnishes yards and their cranes, `vehicles.py`
the fleet, `cargo.py` lets boxes come and offers their transfers, `wire_list.py` tells a stack where
to connect.
"""

from twin.bridge.bridge import OPENS_H, Bridge
from twin.bridge.cargo import Flow, Truckers
from twin.bridge.carriers import CarrierKind
from twin.bridge.vehicles import MANUFACTURER, MAP, PREFIX, Vehicles
from twin.bridge.wire_list import graph_of
from twin.bridge.yards import Yards

__all__ = [
    "MANUFACTURER", "MAP", "OPENS_H", "PREFIX", "Bridge", "CarrierKind", "Flow", "Truckers",
    "Vehicles", "Yards", "graph_of",
]  # fmt: skip
