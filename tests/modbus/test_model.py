"""The server against the spec model: random and mutated frames, and deep pipelining."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.modbus.bench import Raw, Rig, adu, model_of, on_bench
from tests.modbus.frames import pdus, traffic
from tests.modbus.model import Model
from twin.wires.modbus import Application

FRAMES_EACH = 10


async def _converse(rig: Rig, model: Model, sends: list[bytes], cuts: random.Random) -> None:
    """Send each frame in fragments; every answer and every close is the model's."""
    client, rest = await rig.connect(), b""
    for data in sends:
        expected, rest, closes = model.stream(rest + data)
        while data:
            size = cuts.choice([1, 2, 7, 300, 300, 300])
            client.send(data[:size])
            data = data[size:]
            await asyncio.sleep(0)
        assert [await client.answer() for _ in expected] == expected
        if closes:
            assert await client.closed()
            client = await rig.connect()
    if not rest:
        assert (
            await client.ask(adu(b"\3\0\0\0\1", 77)) == model.stream(adu(b"\3\0\0\0\1", 77))[0][0]
        )
    assert model_of(rig.device) == model


def _frames_are_answered_as_the_model_says(sends: list[bytes], seed: int) -> None:
    async def check(rig: Rig) -> None:
        await _converse(rig, model_of(rig.device), sends, random.Random(seed))

    on_bench(check, seed=seed)


_many = st.lists(traffic, min_size=FRAMES_EACH, max_size=FRAMES_EACH)
_relaxed = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@given(_many, st.integers(0, 1000))
@settings(max_examples=15, deadline=None, suppress_health_check=_relaxed)
def test_random_frames(sends: list[bytes], seed: int) -> None:
    """Whatever frames come, fragmented as they like, answers and memory are the model's."""
    _frames_are_answered_as_the_model_says(sends, seed)


@pytest.mark.slow
@given(_many, st.integers(0, 1000))
@settings(max_examples=1000, deadline=None, suppress_health_check=_relaxed)
def test_ten_thousand_random_frames(sends: list[bytes], seed: int) -> None:
    """The same for 1,000 conversations of 10 frames."""
    _frames_are_answered_as_the_model_says(sends, seed)


@given(st.lists(pdus, min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_the_application_layer_alone(requests: list[bytes]) -> None:
    """Without a socket, each request PDU gets the model's answer and leaves its memory."""

    async def check(rig: Rig) -> None:
        model = model_of(rig.device)
        application = Application(rig.device, rig.server.profile)
        for pdu in requests:
            assert application.answer(pdu) == model.pdu(pdu), pdu.hex()
        assert model_of(rig.device) == model

    on_bench(check)


def _request(rng: random.Random) -> bytes:
    function = rng.choice([1, 2, 3, 4, 3, 3, 23, 43])
    if function == 23:  # writes to itself what it reads: order between clients does not matter
        return bytes([23, 0, rng.randrange(40), 0, rng.randrange(1, 9), 0, 99, 0, 1, 2, 0, 0])
    if function == 43:
        return bytes([43, 14, rng.randrange(6), rng.randrange(8)])
    return bytes([function, 0, rng.randrange(50), 0, rng.randrange(12)])


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_twenty_deep_pipelining_from_sixteen_connections(rounds: int) -> None:
    """16 clients with 20 requests in flight each get all answers, right and in order."""

    async def one(client: Raw, model: Model, number: int) -> int:
        rng, right = random.Random(number), 0
        for turn in range(rounds):
            requests = [adu(_request(rng), rng.randrange(65536)) for _ in range(20)]
            client.send(b"".join(requests))
            expected, _, _ = model.stream(b"".join(requests))
            assert [await client.answer() for _ in requests] == expected, (number, turn)
            right += len(expected)
        return right

    async def check(rig: Rig) -> None:
        model = model_of(rig.device)
        clients = [await rig.connect() for _ in range(16)]
        done = await asyncio.gather(*(one(c, model, n) for n, c in enumerate(clients)))
        assert sum(done) == 16 * 20 * rounds

    on_bench(check)
