"""The reference manager's vehicles without work: charging that an order ends, bare yards."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from types import SimpleNamespace
from typing import Any, cast

from fixtures.stack.fleet.fleet import Fleet
from fixtures.stack.fleet.graph import Graph
from fixtures.stack.fleet.messages import Writer
from fixtures.stack.fleet.parking import Parking
from fixtures.stack.fleet.traffic import Traffic
from fixtures.stack.fleet.vehicle import Vehicle
from fixtures.stack.fleet.yard import Yard

BEGAN = dt.datetime(2026, 5, 31, tzinfo=dt.UTC)
ROAD = {"road": (250.0, 10.0)}
PLACES = {
    f"{yard}-{kind}{n}": (x + 30.0 * n, y)
    for yard, x in (("one", 0.0), ("two", 500.0))
    for kind, y in (("bay", 0.0), ("park", 20.0))
    for n in range(1, 4)
}
GRAPH = {
    "nodes": [{"id": name, "x_m": x, "y_m": y} for name, (x, y) in {**PLACES, **ROAD}.items()],
    "edges": [
        {"from": a, "to": b, "speed_m_s": 5.0}
        for name in PLACES for a, b in ((name, "road"), ("road", name))
    ],
}  # fmt: skip


class Yards:
    """Two yards of one side, and vehicles whose words are given; nothing answers."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.graph = Graph(GRAPH, set(PLACES))
        self.traffic = Traffic([], asyncio.get_running_loop().time, lambda: None)
        self.vehicles: dict[str, Vehicle] = {}
        self.spawn = asyncio.ensure_future
        self.yards = [
            Yard(
                name, "home", [f"{name}-bay{n}" for n in range(1, 4)],
                [f"{name}-park{n}" for n in range(1, 4)], [],
                cast("Any", SimpleNamespace(wishes=0)),
            )
            for name in ("one", "two")
        ]  # fmt: skip
        self.parking = Parking(cast("Fleet", self), self.yards, charge_below=0.85, wait_above=0.5)

    def stands(self, name: str, place: str, *, charge: float = 90.0, **more: Any) -> Vehicle:
        """The vehicle tells that it stands there; `more` is of its state or its battery."""
        if name not in self.vehicles:
            self.vehicles[name] = Vehicle(
                name, Writer("maker", name, BEGAN), self.graph, self.traffic, "map",
                lambda topic, message: self.sent.append((topic, json.loads(message))),
                lambda _: True,
            )  # fmt: skip
            self.vehicles[name].receive("connection", b'{"connectionState": "ONLINE"}')
        x, y = PLACES[place]
        battery = {"batteryCharge": charge, "charging": more.pop("charging", False)}
        state = {
            "headerId": more.pop("number", 0), "timestamp": BEGAN.isoformat(), "orderId": "",
            "orderUpdateId": 0, "lastNodeId": place, "lastNodeSequenceId": 0, "nodeStates": [],
            "driving": False, "operatingMode": "AUTOMATIC", "batteryState": battery,
            "agvPosition": {"x": x, "y": y}, **more,
        }  # fmt: skip
        self.vehicles[name].receive("state", json.dumps(state).encode())
        return self.vehicles[name]

    def goal(self, name: str) -> str | None:
        """The stop to which this vehicle has been sent, if it has."""
        owned = [place for place, owner in self.traffic.owner.items() if owner == name]
        return next((one for one in owned if one in PLACES and one != self.vehicles[name].at), None)

    async def look(self) -> None:
        """Once, and then let who is to drive be told."""
        self.parking.look()
        await asyncio.sleep(0.01)


def test_an_order_ends_a_charge_that_begins_beside_it() -> None:
    """startCharging crosses the order on its way: the vehicle must not charge until it is full."""

    async def main() -> list[str]:
        site = Yards()
        vehicle = site.stands("v1", "one-park1", charge=60.0)
        site.traffic.claim("v1", "one-bay1")
        drive = asyncio.ensure_future(vehicle.drive("one-bay1"))
        await asyncio.sleep(0.01)
        order = next(one for topic, one in site.sent if topic == "v1/order")
        nodes = [
            {"nodeId": one["nodeId"], "sequenceId": one["sequenceId"], "released": True}
            for one in order["nodes"][1:]
        ]
        site.stands(
            "v1", "one-park1", charge=60.0, charging=True, number=1, orderId=order["orderId"],
            nodeStates=nodes,
        )  # fmt: skip
        await asyncio.sleep(0.01)
        drive.cancel()
        return [
            action["actionType"]
            for topic, one in site.sent if topic == "v1/instantActions" for action in one["actions"]
        ]  # fmt: skip

    assert "stopCharging" in asyncio.run(main())


def test_a_bare_yard_gets_a_vehicle_from_one_that_has_two() -> None:
    """Before any truck is there one of two leaves its yard for a bay of the other."""

    async def main() -> list[str | None]:
        site = Yards()
        site.stands("v1", "one-bay1")
        site.stands("v2", "one-bay2")
        await site.look()
        await site.look()
        return [site.goal("v1"), site.goal("v2")]

    went = asyncio.run(main())
    assert [one for one in went if one] == ["two-bay1"]


def test_nobody_leaves_a_yard_bare_for_another() -> None:
    """With one vehicle for two yards, and one that comes laden to the other, nobody moves."""

    async def main() -> list[str | None]:
        site = Yards()
        site.stands("v1", "one-bay1")
        await site.look()
        alone = site.goal("v1")
        site.stands("v2", "one-bay2").busy = True
        site.parking.comes("v2", site.yards[1], "two-bay1")
        await site.look()
        return [alone, site.goal("v1")]

    assert asyncio.run(main()) == [None, None]


def test_who_is_unloaded_soon_counts_and_who_broke_down_does_not() -> None:
    """A laden vehicle is its goal's supply until it has a fatal error."""

    async def main() -> list[list[float]]:
        site = Yards()
        vehicle = site.stands("v1", "two-bay1")
        vehicle.busy = True
        site.parking.comes("v1", site.yards[1], "two-bay1")
        before = site.parking.due_s(site.yards[1])
        error = {"errorType": "motor", "errorLevel": "FATAL"}
        site.stands("v1", "two-bay1", number=1, errors=[error])
        return [before, site.parking.due_s(site.yards[1])]

    assert asyncio.run(main()) == [[150.0], []]


def test_a_laden_vehicle_goes_where_vehicles_are_missing() -> None:
    """Who waits in the nearer yard makes it the worse one; a truck there makes up for that."""

    async def main() -> list[bool]:
        site = Yards()
        laden = site.stands("v1", "one-park1")
        laden.busy = True
        one, two = site.yards
        bare = site.parking.cost_s(laden, one, 0) < site.parking.cost_s(laden, two, 0)
        site.stands("v2", "one-bay1")
        full = site.parking.cost_s(laden, one, 0) < site.parking.cost_s(laden, two, 0)
        asked = site.parking.cost_s(laden, one, 1) < site.parking.cost_s(laden, two, 0)
        return [bare, full, asked]

    assert asyncio.run(main()) == [True, False, True]


def test_the_crane_has_the_shortest_way_between_bay_truck_and_stack() -> None:
    """Of free bays the one beside the truck, of free places of the stack the one beside the bay."""
    along_m = {"bay-1": 90.0, "bay-2": 10.0, "truck-1": 15.0, "near": 20.0, "far": 80.0}
    yard = Yard(
        "one", "home", ["bay-1", "bay-2"], [], ["far", "near"],
        cast("Any", SimpleNamespace(wishes=0)), along_m,
    )  # fmt: skip
    assert yard.handy == ["bay-1", "bay-2"]
    yard.truck = "truck-1"
    assert yard.handy == ["bay-2", "bay-1"]
    assert [yard.place_for(box, "bay-2") for box in ("A", "B", "C")] == ["near", "far", None]


def test_without_a_layout_places_keep_their_order() -> None:
    """A wire list that does not tell where places are is no error: none is nearer than others."""
    yard = Yard(
        "one", "home", ["bay-1", "bay-2"], [], ["stack-1", "stack-2"],
        cast("Any", SimpleNamespace(wishes=0)),
    )  # fmt: skip
    yard.truck = "truck-1"
    assert yard.handy == ["bay-1", "bay-2"]
    assert yard.place_for("A", "bay-2") == "stack-1"
