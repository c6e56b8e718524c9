"""The clock: virtual time over real sockets, SimPy on the loop, and what ends a run."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.clock import NS, Clock, Session, VirtualLoop, ns, run_real, run_virtual
from twin.errors import DeadlockError, HarnessError
from twin.trace import Trace


def test_sleep_costs_no_wall_time_and_lands_on_the_nanosecond() -> None:
    """Ten thousand sleeps of 0.1 s end at exactly 1000 s."""

    async def main(clock: Clock) -> int:
        for _ in range(10_000):
            await clock.sleep(0.1)
        return clock.now_ns()

    # asyncio adds floats: 1e-9 of a second over a thousand seconds is the rounding of its sums
    assert abs(run_virtual(main) - 1_000 * NS) <= 1


async def _echo_day(clock: Clock, clients: int) -> list[tuple[int, int]]:
    """Clients talk to one TCP server at the same instants; in which order it hears them."""
    heard: list[tuple[int, int]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.readexactly(1):
                heard.append((clock.now_ns(), data[0]))
                await clock.sleep(0.25)
                writer.write(data)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(bytes([number]))
            assert await reader.readexactly(1) == bytes([number])
            await clock.sleep(1.0)
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    server.close()
    return heard


def test_one_seed_gives_one_order_of_events_over_real_tcp() -> None:
    """Whoever is ready at the same instant is served in an order that the seed alone decides."""
    orders = [
        tuple(run_virtual(lambda clock: _echo_day(clock, 8), seed=seed))
        for seed in (1, 1, 2, 3, 4, 5)
    ]
    assert orders[0] == orders[1]
    assert len(set(orders)) >= 4, "other seeds must explore other orders"


def test_an_answer_on_the_wire_comes_before_a_timeout_in_virtual_time() -> None:
    """Time does not jump past a socket that has something to read."""

    async def main(clock: Clock) -> None:
        heard = await asyncio.wait_for(_echo_day(clock, 2), timeout=10)
        assert len(heard) == 6

    run_virtual(main)


def test_nobody_can_wake_up_is_an_error_that_names_the_waiter() -> None:
    """Waiting for ever is found at once, with the task and the place."""

    async def waits_for_nothing(clock: Clock) -> None:
        await clock.loop.create_future()

    with pytest.raises(DeadlockError, match=r"no timer is due.*waits_for_nothing"):
        run_virtual(waits_for_nothing)


def test_a_loop_that_answers_itself_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two coroutines that wake each other at one instant do not hang the run."""
    monkeypatch.setattr("twin.loops._STALL_POLLS", 1_000)

    async def spins(clock: Clock) -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(DeadlockError, match="stands at 0"):
        run_virtual(spins)


def test_simpy_and_asyncio_share_one_now() -> None:
    """A process of the world and a coroutine see the same instants, in order."""

    async def main(clock: Clock) -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        def process() -> Any:
            for _ in range(3):
                yield clock.timeout(1.0)
                seen.append(("world", clock.env.now / NS))

        clock.env.process(process())
        for _ in range(3):
            await clock.sleep(0.75)
            seen.append(("wire", clock.now_s()))
        await clock.sleep(1.0)
        return seen

    assert run_virtual(main) == [
        ("wire", 0.75), ("world", 1.0), ("wire", 1.5), ("world", 2.0), ("wire", 2.25),
        ("world", 3.0),
    ]  # fmt: skip


def test_what_a_wire_triggers_enters_the_world_at_the_present_instant() -> None:
    """An event from outside happens now, not at the time of the world's last event."""

    async def main(clock: Clock) -> int:
        event = clock.env.event()
        await clock.sleep(2.5)
        event.succeed()
        await clock.happened(event)
        return clock.env.now

    assert run_virtual(main) == ns(2.5)


def test_an_error_in_the_world_ends_the_run_with_that_error() -> None:
    """A process that breaks is not swallowed by the loop."""

    async def main(clock: Clock) -> None:
        def process() -> Any:
            yield clock.timeout(1.0)
            raise ValueError("the arm fell off")

        clock.env.process(process())
        await clock.sleep(100)

    with pytest.raises(ValueError, match="the arm fell off"):
        run_virtual(main)


def test_an_error_in_a_callback_ends_the_run_with_that_error() -> None:
    """Neither is one that asyncio would only log."""

    async def main(clock: Clock) -> None:
        clock.loop.call_later(1, lambda: 1 / 0)
        await clock.sleep(100)

    with pytest.raises(ZeroDivisionError):
        run_virtual(main)


@given(st.lists(st.floats(0, 50), max_size=20), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_timers_fire_in_order_of_time(delays: list[float], seed: int) -> None:
    """Whatever the delays, callbacks of the world run in order and never early."""

    async def main(clock: Clock) -> list[tuple[int, int]]:
        fired: list[tuple[int, int]] = []
        for delay in delays:
            due = clock.now_ns() + ns(delay)
            clock.call_later(delay, lambda due=due: fired.append((due, clock.env.now)))  # type: ignore[misc]
        await clock.sleep(60)
        return fired

    fired = run_virtual(main, seed=seed)
    assert len(fired) == len(delays)
    assert all(due == at for due, at in fired)
    assert fired == sorted(fired)


def test_scaled_time_runs_faster_than_the_wall() -> None:
    """At speed 100, half a second takes a few milliseconds."""

    async def main(clock: Clock) -> tuple[float, float]:
        def process() -> Any:
            yield clock.timeout(0.2)

        await clock.happened(clock.env.process(process()))
        await clock.sleep(0.3)
        return clock.now_s(), clock.env.now / NS

    now_s, world_s = run_real(main, speed=100)
    assert 0.5 <= now_s < 20
    assert world_s >= 0.2


def test_waiting_until_an_instant_ends_although_floats_are_not_whole_nanoseconds() -> None:
    """A wait in steps until `loop.time()` has reached a float deadline comes to its end."""

    async def main(clock: Clock) -> float:
        deadline_s = 1976 / 7 + 5e-14  # a frame grid of a seventh of a second
        while (left_s := deadline_s - clock.loop.time()) > 0:
            await asyncio.sleep(left_s)
        return clock.now_s()

    assert run_virtual(main) == pytest.approx(1976 / 7)


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_timers_of_one_instant_keep_their_order_whatever_else_is_set(
    others_s: list[int], count: int
) -> None:
    """Timers that have nothing to do with them (a progress bar's) change nothing."""

    async def main(clock: Clock) -> list[int]:
        fired: list[int] = []
        for number in range(count):
            if number < len(others_s):
                clock.loop.call_later(others_s[number], lambda: None)
            clock.loop.call_at(2.0, fired.append, number)
        for other_s in others_s[count:]:
            clock.loop.call_later(other_s, lambda: None)
        await clock.sleep(5)
        return fired

    assert run_virtual(main) == list(range(count))


def test_speed_must_be_positive() -> None:
    """A speed of 0 would stand still for ever."""

    async def main(clock: Clock) -> None: ...

    with pytest.raises(HarnessError, match="clock speed is 0"):
        run_real(main, speed=0)


def test_real_time_serves_the_world_too() -> None:
    """On the wall clock a process of 20 ms takes at least 20 ms, and causes precede effects."""

    async def main(clock: Clock) -> list[int]:
        times: list[int] = []

        def process() -> Any:
            for _ in range(4):
                yield clock.timeout(0.005)
                times.append(clock.env.now)

        await clock.happened(clock.env.process(process()))
        assert clock.now_ns() >= times[-1]
        return times

    times = run_real(main)
    assert times == [times[0] + ns(0.005) * n for n in range(4)]


def test_a_session_keeps_time_between_calls() -> None:
    """Between two calls of run nothing happens and no time passes."""
    with Session.virtual(seed=3) as session:
        session.run(session.clock.sleep(1.5))
        first = session.clock.now_s()
        session.run(session.clock.sleep(0.5))
        assert (first, session.clock.now_s()) == (1.5, 2.0)


def test_the_loop_refuses_to_forget_a_pending_socket() -> None:
    """A large answer arrives whole within a short virtual time-out."""

    async def main(clock: Clock) -> int:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"x" * 2_000_000)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        data = await asyncio.wait_for(reader.read(), timeout=0.001)
        writer.close()
        server.close()
        return len(data)

    assert run_virtual(main) == 2_000_000


def test_civil_time_carries_its_offset() -> None:
    """Hanoi and Beijing name one instant with two offsets."""

    async def main(clock: Clock) -> tuple[str, str]:
        await clock.sleep(3600.5)
        return clock.business_time(7), clock.business_time(8)

    assert run_virtual(main) == (
        "2023-05-30T01:00:00.500+07:00", "2023-05-30T02:00:00.500+08:00",
    )  # fmt: skip


def test_trace_hash_is_the_same_run_after_run() -> None:
    """The hash of a run over TCP depends on the seed alone."""

    async def main(clock: Clock) -> str:
        trace = Trace(clock)
        for at_ns, number in await _echo_day(clock, 5):
            trace("server", "heard", at=at_ns, number=number)
        return hashlib.sha256(trace.sha256().encode()).hexdigest()

    assert run_virtual(main, seed=9) == run_virtual(main, seed=9)


def test_a_virtual_loop_begins_at_zero() -> None:
    """A start at the epoch would lose the nanoseconds in a float."""
    loop = VirtualLoop()
    assert loop.time() == 0.0
    loop.close()


@pytest.mark.parametrize("digits", [0, 2, 3, 9])
def test_stamps_are_the_civil_time_to_the_digit(digits: int) -> None:
    """UTC, cut and never rounded up, as `datetime` writes it; also over the end of a second."""

    async def main(clock: Clock) -> None:
        clock.begin_day(
            datetime(2024, 2, 29, 6, 59, 58, 250_000, tzinfo=timezone(timedelta(hours=7)))
        )
        for wait_s in (0.0, 0.749_999_999, 0.000_000_001, 86_400.0):
            await clock.sleep(wait_s)
            moment = clock.day_start.astimezone(UTC) + timedelta(
                microseconds=clock.now_ns() // 1000
            )
            text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{clock.now_ns() % 1000:03d}"
            assert clock.utc_stamp(digits) == text[: 20 + digits if digits else 19] + "Z"

    run_virtual(main)


def test_the_real_clock_has_the_machines_day_and_all_others_their_own() -> None:
    """Only at speed 1 are stamps the machine's date and time, whatever day the run is told."""
    own = datetime(2026, 6, 1, tzinfo=UTC)

    async def main(clock: Clock) -> datetime:
        clock.begin_day(own)
        return datetime.fromisoformat(clock.business_time())

    real = run_real(main)
    assert abs((real - datetime.now(UTC)).total_seconds()) < 5.0
    assert run_virtual(main) == own
    assert abs((run_real(main, speed=50.0) - own).total_seconds()) < 500.0


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_a_wires_timer_is_never_early(speed: float) -> None:
    """`wake` comes at the asked time or a little later on the wall clock."""

    async def main(clock: Clock) -> list[float]:
        late = []
        for wait_s in (0.0, 0.0004, 0.0123, 0.05):
            began_ns, woken = clock.now_ns(), asyncio.Event()
            clock.wake(wait_s * speed, woken.set)
            await woken.wait()
            late.append((clock.now_ns() - began_ns) / NS / speed - wait_s)
        return late

    late = run_real(main, speed=speed)
    assert min(late) > -1e-6
    assert min(late) < 0.01
