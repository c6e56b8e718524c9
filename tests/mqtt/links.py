"""Numbered messages over a link of our broker, and what comes of them."""

from __future__ import annotations

from typing import Any

from tests.mqtt.bench import Place, Raw, on_broker
from twin.wires.mqtt.packets import Publish

COUNT = 2_000


async def stream(place: Place, count: int, topic: str = "s", gap_s: float = 0.01) -> list[Any]:
    """`count` numbered messages from `up` to `down`: (arrival after sending, number, payload)."""
    listener = await place.listener(topic, 0, "down")
    sender = await place.client("up")
    sent: dict[int, float] = {}
    got: list[Any] = []
    for number in range(count):
        sent[number] = place.clock.now_s()
        sender.send(Publish(topic, b"%06d" % number))
        await place.clock.sleep(gap_s)
        got += await drain(place, listener, 0.0)
    got += await drain(place, listener, 60.0)
    await listener.leave()
    await sender.leave()
    return [(at_s - sent.get(number, 0.0), number, body) for at_s, number, body in got]


async def drain(place: Place, listener: Raw, wait_s: float) -> list[Any]:
    """Everything that comes until nothing has come for `wait_s`."""
    found = []
    while True:
        try:
            packet = await listener.next(wait_s)
        except TimeoutError:
            return found
        if not isinstance(packet, Publish):
            return found
        body = packet.payload
        number = int(body) if body.isdigit() else -1
        found.append((place.clock.now_s(), number, body))


def with_fault(kind: str, pattern: str = "*", count: int = COUNT, **parameters: Any) -> Any:
    async def test(place: Place) -> Any:
        assert place.server is not None
        place.server.link(pattern).inject(kind, **parameters)
        got = await stream(place, count)
        return got, place

    return on_broker(test)
