"""Mutated packets: whatever comes, the broker answers by the rules or closes, and lives."""

from __future__ import annotations

import random

import pytest

from tests.mqtt.bench import Place, on_broker
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import encode
from twin.wires.mqtt.packets import Ack, Bare, Connect, Publish, Subscribe, Unsubscribe, Will

_CONNECT = encode(Connect("fuzz", True, 30, Will("w", b"x", 1, True), "user", b"pass"))
_SEEDS = [
    _CONNECT,
    encode(Publish("a/b", b"payload" * 20, 1, True, False, 5)),
    encode(Publish("a/b", b"", 0)),
    encode(Publish("a", b"x" * 200, 2, packet_id=9)),
    encode(Subscribe(3, (("a/+", 1), ("#", 2)))),
    encode(Unsubscribe(4, ("a/+", "#"))),
    *(encode(Ack(kind, 5)) for kind in (p.PUBACK, p.PUBREC, p.PUBREL, p.PUBCOMP)),
    encode(Bare(p.PINGREQ)),
    encode(Bare(p.DISCONNECT)),
]


def mutated(draw: random.Random) -> bytes:
    """One to three packets with some bytes changed, cut, doubled or moved."""
    data = bytearray(b"".join(draw.choices(_SEEDS, k=draw.randint(1, 3))))
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) or 1)
        match draw.randrange(5):
            case 0 if data:
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                data[at:at] = draw.randbytes(draw.randint(1, 6))
            case 2:
                del data[at : at + draw.randint(1, 6)]
            case 3 if data:
                data[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF))
            case _:
                data += data[at : at + 20]
    return bytes(data)


@pytest.mark.slow
def test_ten_thousand_mutated_packets_hurt_nobody_else() -> None:
    """No crash, no hang; a bystander's messages all arrive and the broker ends clean."""

    async def test(place: Place) -> tuple[int, str]:
        draw = random.Random(20_240_601)
        good = await place.listener("bystander", 1, "bystander")
        sender = await place.client("sender")
        errors = 0
        for number in range(10_000):
            fuzzer = await place.raw()
            place.raws.pop()
            if draw.random() < 0.8:
                fuzzer.send(_CONNECT)
            fuzzer.send(mutated(draw))
            if number % 100 == 0:
                await sender.publish("bystander", b"%d" % number, 1)
                while (got := await good.message()).topic != "bystander":
                    pass
                assert got.payload == b"%d" % number
            await place.clock.sleep(0.01)
            if draw.random() < 0.5:
                fuzzer.cut()
            await fuzzer.close()
        await place.clock.sleep(60)
        assert place.server is not None
        assert place.trace is not None
        assert set(place.server.broker.clients) == {"bystander", "sender"}
        assert len(place.server.connections) == 2
        for record in place.trace.records():
            errors += record.payload.get("reason", "").startswith("protocol error")
        return errors, place.trace.sha256()

    errors, _ = on_broker(test)
    assert errors > 3_000, "the mutations should mostly be wrong packets"
