"""What the rows of the table of behaviours are made with."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from tests.mqtt.bench import Place
from twin.wires.mqtt.packets import Publish

Row = Callable[[Place], Coroutine[Any, Any, None]]


def into(rows: dict[str, Row]) -> Callable[..., Callable[[Row], Row]]:
    """A mark that puts a coroutine into `rows`; it names the clauses, which test_page reads."""

    def row(*_clauses: str) -> Callable[[Row], Row]:
        def take(test: Row) -> Row:
            rows[test.__name__] = test
            return test

        return take

    return row


def plain(topic: str, payload: bytes = b"", qos: int = 0, retain: bool = False) -> tuple[Any, ...]:
    return topic, payload, qos, retain


def seen(packet: Publish) -> tuple[Any, ...]:
    return packet.topic, packet.payload, packet.qos, packet.retain
