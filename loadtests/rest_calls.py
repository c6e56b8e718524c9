"""The calls that a gate makes to the customs service (REST v1), as data.

One place for both generators: the open driver sends them with aiohttp, Locust with its own
client. What is sent depends on the seed and the arrival's number alone.

The release of one declaration always carries one idempotency key and one body, so a repeated
arrival is answered by a replay; 409 means that somebody else released it before us, which is a
correct answer of the service and no failure.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated
from urllib.parse import quote

import msgspec

from loadtests.errors import CallFailed, LoadError
from twin.documents import containers, declarations, plates

BUSINESS_TIME = "2023-05-15T08:00:00+07:00"
"""Fixed, so that the same seed sends the same bytes; the service records it and no more."""

MIX: Mapping[str, int] = MappingProxyType(
    {"gate decision": 5, "gate record": 4, "near lookup": 1, "alarm": 1}
)
"""Arrivals by kind and weight: every decision is followed by a record but for those diverted."""


class Truck(msgspec.Struct, frozen=True):
    """One declared truck to ask about; `declaration` is empty where none is known."""

    plate: Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
    declaration: str = ""
    container: str | None = None
    gross_kg: int = 30_000
    direction: str = "in"

    @property
    def lane(self) -> str:
        """The smart lane it would use."""
        return f"{self.direction}-1"


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request: `name` is what it is counted under, `good` the answers that are right."""

    name: str
    method: str
    path: str
    good: tuple[int, ...] = (200,)
    body: bytes = b""
    key: str = ""

    def headers(self, token: str) -> dict[str, str]:
        """Headers with the bearer token and, where it has one, the idempotency key."""
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self.body:
            headers["Content-Type"] = "application/json"
        if self.key:
            headers["Idempotency-Key"] = self.key
        return headers

    def check(self, status: int) -> None:
        """Raise `CallFailed` unless the answer is a right one."""
        if status not in self.good:
            raise CallFailed(f"http {status}", f"{self.method} {self.path}")


def kind_of(number: int, seed: int) -> str:
    """What arrival `number` is, drawn by the weights of `MIX`."""
    return random.Random(f"{seed} kind {number}").choices(list(MIX), list(MIX.values()))[0]


def calls_of(number: int, seed: int, trucks: Sequence[Truck]) -> list[HttpCall]:
    """The calls of arrival `number`, in order."""
    truck = trucks[random.Random(f"{seed} truck {number}").randrange(len(trucks))]
    match kind_of(number, seed):
        case "gate decision":
            return gate_decision(truck, seed)
        case "gate record":
            return [gate_record(truck, f"load-{seed}-{number}")]
        case "near lookup":
            path = f"/v1/declarations?near={quote(truck.plate)}"
            return [HttpCall("GET /v1/declarations?near", "GET", path)]
        case _:
            return [alarm(truck, raised=number % 2 == 0)]


def gate_decision(truck: Truck, seed: int) -> list[HttpCall]:
    """What stands between a plate that was read and an arm that opens."""
    lookup = HttpCall(
        "GET /v1/declarations?plate", "GET", f"/v1/declarations?plate={quote(truck.plate)}"
    )
    if not truck.declaration:
        return [lookup]
    number = quote(truck.declaration)
    body = {
        "declaration": truck.declaration,
        "plate": truck.plate,
        "gross_kg": truck.gross_kg,
        "lane": truck.lane,
        "business_time": BUSINESS_TIME,
        "container": truck.container,
    }
    return [
        lookup,
        HttpCall(
            "GET /v1/declarations/{number}/channel", "GET", f"/v1/declarations/{number}/channel"
        ),
        HttpCall("GET /v1/preclearances/{number}", "GET", f"/v1/preclearances/{number}"),
        HttpCall(
            "POST /v1/releases",
            "POST",
            "/v1/releases",
            good=(201, 409),
            body=_json(body),
            key=f"load-{seed}-{truck.declaration}",
        ),
    ]


def gate_record(truck: Truck, key: str) -> HttpCall:
    """The gate reports that a truck was turned away: the one event that changes no state."""
    body = {
        "lane": truck.lane,
        "direction": truck.direction,
        "event": "diverted",
        "plate": truck.plate,
        "declaration": truck.declaration or None,
        "release": None,
        "gross_kg": truck.gross_kg,
        "business_time": BUSINESS_TIME,
    }
    return HttpCall("POST /v1/gate-records", "POST", "/v1/gate-records", (201,), _json(body), key)


def alarm(truck: Truck, *, raised: bool) -> HttpCall:
    """An alarm of a lane begins or ends."""
    body = {
        "lane": truck.lane,
        "code": "load.test",
        "text": "raised by a load test",
        "raised": raised,
        "business_time": BUSINESS_TIME,
    }
    return HttpCall("POST /v1/alarms", "POST", "/v1/alarms", (202,), _json(body))


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def synthetic_trucks(seed: int, count: int = 200) -> list[Truck]:
    """Valid plates that nobody declared: lookups are answered with an empty list."""
    rng = random.Random(f"{seed} trucks")
    return [
        Truck(
            plate=plates.make_plate(rng, rng.choice(("VN", "CN"))),
            container=containers.make(rng),
            gross_kg=14_000 + declarations.make_goods(rng, "in")[1],
        )
        for _ in range(count)
    ]


def trucks_of_listing(text: bytes) -> list[Truck]:
    """Trucks from the service's own list of declarations (`GET /v1/declarations`)."""
    rows = msgspec.json.decode(text, type=list[_Listed])
    return [
        Truck(row.plate, row.number, row.container, row.declared_gross_kg, row.direction)
        for row in rows
    ]


class _Listed(msgspec.Struct):
    number: str
    direction: str
    plate: str
    container: str | None
    declared_gross_kg: int


def read_trucks(path: Path) -> list[Truck]:
    """Trucks from a JSON file, a list of {plate, declaration, container, gross_kg, direction}."""
    try:
        trucks = msgspec.json.decode(path.read_bytes(), type=list[Truck])
    except OSError as error:
        raise LoadError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LoadError(f"{path}: not a list of trucks: {error}") from error
    if not trucks:
        raise LoadError(f"{path}: the list of trucks is empty; next: put at least one in it")
    return trucks
