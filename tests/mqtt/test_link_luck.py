"""Link faults by chance: each has its measure, and the seed alone decides whom it hits."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.mqtt.bench import Place, on_broker
from tests.mqtt.links import COUNT, drain, stream, with_fault


@pytest.mark.slow
def test_loss_has_its_probability_and_every_loss_is_traced() -> None:
    """Of 2,000 messages a tenth is lost, within four standard deviations."""
    got, place = with_fault("loss", "up", probability=0.1)
    lost = COUNT - len(got)
    assert abs(lost - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert len(place.kinds("link.lost")) == lost
    assert [number for _, number, _ in got] == sorted({number for _, number, _ in got})


@pytest.mark.slow
def test_bursts_have_their_length_and_the_same_share() -> None:
    """The Gilbert model: mean run of losses 5, stationary loss 20 %."""
    got, _ = with_fault("loss", "up", count=6_000, probability=0.2, burst=5.0)
    numbers = [-1, *(number for _, number, _ in got), 6_000]
    runs = [after - before - 1 for before, after in pairwise(numbers) if after - before > 1]
    assert sum(runs) / len(runs) == pytest.approx(5.0, rel=0.2)
    assert sum(runs) / 6_000 == pytest.approx(0.2, rel=0.2)


@pytest.mark.slow
def test_duplicates_have_their_probability() -> None:
    """A tenth arrives twice, at once; nothing is missing."""
    got, place = with_fault("duplicate", "down", probability=0.1)
    assert {number for _, number, _ in got} == set(range(COUNT))
    extra = len(got) - COUNT
    assert abs(extra - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert len(place.kinds("link.duplicated")) == extra


@pytest.mark.slow
def test_reordering_holds_some_back_and_loses_none() -> None:
    """A tenth is 0.1 s late, so about ten later ones pass it; the rest is at once."""
    got, _ = with_fault("reorder", "up", probability=0.1, hold_s=0.1)
    assert sorted(number for _, number, _ in got) == list(range(COUNT))
    late = [delay for delay, _, _ in got if delay > 0.05]
    assert abs(len(late) - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5
    assert max(late) == pytest.approx(0.1, abs=0.011)
    overtakes = sum(before > after for (_, before, _), (_, after, _) in pairwise(got))
    assert overtakes > 100


@pytest.mark.slow
def test_corruption_changes_one_byte_of_the_payload() -> None:
    """Length and topic stay; one byte of six differs; a tenth is touched."""
    got, place = with_fault("corrupt", "down", probability=0.1)
    wrong = 0
    for index, (_, _, body) in enumerate(got):
        different = sum(a != b for a, b in zip(body, b"%06d" % index, strict=True))
        assert different <= 1
        wrong += different
    assert wrong == len(place.kinds("link.corrupted"))
    assert abs(wrong - 200) < 4 * (COUNT * 0.1 * 0.9) ** 0.5


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_delay_and_jitter_keep_the_order(direction: str) -> None:
    """Each arrives between delay and delay + jitter later (each way), none before another."""

    async def test(place: Place) -> list[Any]:
        place.server.link("up").inject("delay", delay_s=0.5, jitter_s=0.3, direction=direction)
        return await stream(place, 300)

    got = on_broker(test)
    assert [number for _, number, _ in got] == list(range(300))
    delays = [delay for delay, _, _ in got]
    if direction == "down":  # the sender's own link back does not carry the messages
        assert max(delays) < 0.011
        return
    assert min(delays) >= 0.5
    assert max(delays) <= 0.811
    assert max(delays) - min(delays) > 0.2


def test_one_link_s_luck_is_not_another_s() -> None:
    """A fault on b leaves the losses of a as they are; another seed changes them."""

    def losses(seed: int, also: Callable[[Place], None]) -> list[bytes]:
        async def test(place: Place) -> list[bytes]:
            listener = await place.listener("t", 0, "control")
            place.server.link("a").inject("loss", probability=0.5)
            also(place)
            a, b = await place.client("a"), await place.client("b")
            for number in range(40):
                await a.publish("t", b"%06d" % number)
                await b.publish("u", b"%06d" % number)
            return [body for _, _, body in await drain(place, listener, 5.0)]

        return on_broker(test, seed=seed)

    plain = losses(1, lambda _: None)
    assert plain == losses(1, lambda place: place.server.link("b").inject("loss"))
    assert plain != losses(2, lambda _: None)
    assert 5 < len(plain) < 35


def test_two_clients_do_not_share_their_luck() -> None:
    """The same fault on both: other messages of each are lost."""

    async def test(place: Place) -> dict[bytes, list[int]]:
        listener = await place.listener("t/+", 0, "control")
        place.server.link("igv-*").inject("loss", probability=0.5)
        clients = {name: await place.client(f"igv-{name}") for name in "ab"}
        found: dict[bytes, list[int]] = {}
        for number in range(40):
            for name, client in clients.items():
                await client.publish(f"t/{name}", name.encode() + b"%d" % number)
        for _, _, body in await drain(place, listener, 5.0):
            found.setdefault(body[:1], []).append(int(body[1:]))
        return found

    found = on_broker(test)
    assert found[b"a"] != found[b"b"]
