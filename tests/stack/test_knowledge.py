"""The event feed: repeated, reordered and late events, and who waits for them."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from fixtures.stack.knowledge import Event, Knowledge
from twin.clock import Clock, run_virtual


def event(number: int, second: int, type: str = "channel", **data: str) -> Event:
    offset = "+07:00" if number % 2 else "+08:00"
    hour = 7 if number % 2 else 8
    return Event(
        number, f"E{number}", type, f"2023-05-30T{hour:02d}:00:{second:02d}{offset}",
        "301", None, dict(data),
    )  # fmt: skip


@given(st.permutations(range(6)), st.integers(0, 1000))
def test_the_latest_by_business_time_holds(order: list[int], seed: int) -> None:
    """Whatever order and however often events come, with two UTC offsets, the last one counts."""
    channels = ["green", "red", "yellow", "green", "yellow", "red"]
    events = [event(number, number, channel=channels[number]) for number in range(6)]
    rng = random.Random(seed)
    known = Knowledge()
    for number in order:
        for _ in range(rng.randint(1, 3)):
            known.take(events[number])
    assert known.get("channel", "301") == "red"


def test_an_event_is_taken_once() -> None:
    """A repetition under another sequence number is known by its event id."""
    known = Knowledge()
    assert known.take(event(1, 1, channel="green"))
    assert not known.take(event(1, 1, channel="green"))


def test_each_kind_of_event_is_understood() -> None:
    """Pre-clearance, revocation and the officer's plate are facts of their own."""
    known = Knowledge()
    known.take(event(1, 1, "preclearance", status="acknowledged"))
    known.take(event(3, 1, "revoked", why="customs"))
    known.take(
        Event(5, "E5", "manual_plate", "2023-05-30T07:00:00+07:00", None, "in-1",
              {"check": "C1", "plate": "14C12345", "action": "corrected"})
    )  # fmt: skip
    assert known.get("preclearance", "301") == "acknowledged"
    assert known.get("revoked", "301") == "revoked"
    assert known.get("check", "C1") == "14C12345"
    assert known.get("channel", "301") is None


def test_who_waits_is_woken_by_news_and_by_the_deadline() -> None:
    """A wait ends with the statement, or in time without it, never later."""

    async def main(clock: Clock) -> None:
        known = Knowledge()
        clock.loop.call_later(5.0, known.learn, "check", "C2", "x", "2023-05-30T07:00:00+07:00")
        clock.loop.call_later(9.0, known.learn, "check", "C1", "y", "2023-05-30T07:00:00+07:00")
        async with asyncio.timeout(1000):
            assert await known.heard("check", "C1", 20.0) == "y"
            assert clock.now_s() == 9.0
            assert await known.heard("check", "C3", 20.0) is None
            assert clock.now_s() == 29.0

    run_virtual(main)
