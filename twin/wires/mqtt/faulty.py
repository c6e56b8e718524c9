"""What travels through the pipes of a connection, and how its payload goes wrong."""

from __future__ import annotations

import random

from msgspec import Struct, structs

from twin.wires.impair import spoil
from twin.wires.mqtt.packets import Malformed, Packet, Publish


class Lost(Struct, frozen=True):
    """The end of a connection as the broker will see it."""

    reason: str


class Close(Struct, frozen=True):
    """The end of a connection as the client will see it."""

    reason: str


class Out(Struct, frozen=True):
    """A packet to a client; its last `payload_bytes` are the payload of a PUBLISH."""

    data: bytes
    payload_bytes: int = 0


Item = Packet | Malformed | Lost


def topic_of(item: Item) -> str | None:
    """The topic of a PUBLISH; None for everything else."""
    return item.topic if type(item) is Publish else None


def corrupt_in(item: Item, how: str, rng: random.Random) -> Item:
    """The same PUBLISH with its payload spoilt."""
    if type(item) is not Publish or not item.payload:
        return item
    return structs.replace(item, payload=spoil(item.payload, 0, how, rng))


def corrupt_out(item: Out | Close, how: str, rng: random.Random) -> Out | Close:
    """The same packet with its payload spoilt."""
    if type(item) is not Out or not item.payload_bytes:
        return item
    start = len(item.data) - item.payload_bytes
    return Out(spoil(item.data, start, how, rng), item.payload_bytes)
