"""The same link between two real networks: ping and curl measure it, and nothing stays behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner

from fixtures import netns
from fixtures.link import BadLink, bad_link, link
from tests.needs import system
from twin.brokers import mosquitto
from twin.brokers.mosquitto import Variant
from twin.clock import Clock, run_real
from twin.trace import Trace
from twin.wires.tun import Operator

T = TypeVar("T")
DEADLINE_S = 40.0
pytestmark = [pytest.mark.slow, pytest.mark.system]


@pytest.fixture(autouse=True)
def _needs() -> None:
    if sys.platform == "linux":
        system(shutil.which("ip"), "`ip` is missing: install iproute2")
        system(shutil.which("ping"), "`ping` is missing: install iputils-ping")
        system(shutil.which("curl"), "`curl` is missing: install curl")
    reason = netns.missing()
    if reason:  # a right of the machine, which no package brings
        pytest.skip(reason)


def on_link(story: Callable[[BadLink, Clock], Awaitable[T]], *operators: Operator) -> T:
    """Play `story` on a link of these operators, on the wall clock."""

    async def main(clock: Clock) -> T:
        trace = Trace(clock, keep=False)
        async with bad_link(clock, trace, random.Random(11), operators) as found:
            async with asyncio.timeout(DEADLINE_S):
                return await story(found, clock)

    return run_real(main)


async def run(command: list[str]) -> str:
    """What a command prints; whether it ends well is the caller's to judge."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode()


class Ping:
    """What ping has measured: round trips by sequence number, doubles, and their order."""

    def __init__(self, text: str) -> None:
        self.text = text
        lines = re.findall(r"icmp_seq=(\d+) ttl=\d+ time=([\d.]+) ms(.*)", text)
        self.order = [int(number) for number, _, more in lines if "DUP" not in more]
        self.rtt_s = {int(n): float(ms) / 1000 for n, ms, more in lines if "DUP" not in more}
        self.doubles = sum("DUP" in more for _, _, more in lines)


async def ping(found: BadLink, count: int, gap_s: float) -> Ping:
    """`count` echo requests from the near to the far side."""
    words = ("ping", "-n", "-i", f"{gap_s:g}", "-c", str(count), "-W", "2", found.near.peer)
    return Ping(await run(found.near.command(*words)))


def test_a_round_trip_takes_twice_the_delay() -> None:
    """40 ms and up to 10 ms of jitter each way: ping measures 80 to 100 ms, and nothing is lost."""
    got = on_link(lambda found, _: ping(found, 40, 0.05), Operator("a", 0.04, 0.01))
    assert len(got.rtt_s) == 40, got.text
    times = sorted(got.rtt_s.values())
    assert times[0] >= 0.08
    # A busy machine makes some late, so the middle is what is held.
    assert times[20] == pytest.approx(0.09, abs=0.008)


def test_loss_has_its_probability_each_way() -> None:
    """A tenth is lost each way: 81 % of 600 requests are answered, within four deviations."""
    got = on_link(lambda found, _: ping(found, 600, 0.01), Operator("a", loss=0.1))
    share = 0.9 * 0.9
    deviation = (600 * share * (1 - share)) ** 0.5
    assert abs(len(got.rtt_s) - 600 * share) < 4 * deviation, got.text[-300:]


def test_doubles_and_changed_order_are_seen_by_ping() -> None:
    """Three tenths doubled, then three tenths overtaken, on the way to the far side alone."""

    async def story(found: BadLink, _: Clock) -> tuple[Ping, Ping]:
        menu = found.bridge.link
        menu.inject("duplicate", probability=0.3, direction="up")
        first = await ping(found, 200, 0.01)
        menu.heal("duplicate")
        menu.inject("reorder", probability=0.3, hold_s=0.05, direction="up")
        return first, await ping(found, 200, 0.01)

    first, second = on_link(story, Operator("a"))
    assert abs(first.doubles - 60) < 4 * (200 * 0.3 * 0.7) ** 0.5
    assert first.order == sorted(first.order)
    assert len(second.rtt_s) == 200
    assert second.order != sorted(second.order)
    held = sum(rtt_s >= 0.05 for rtt_s in second.rtt_s.values())
    assert abs(held - 60) < 4 * (200 * 0.3 * 0.7) ** 0.5


def test_a_handover_is_one_gap_and_another_operator_after_it() -> None:
    """Silence of 1.5 s at 2 s: as many requests in a row have no answer; then it takes longer."""

    async def story(found: BadLink, clock: Clock) -> Ping:
        clock.call_later(2.0, lambda: found.bridge.hand_over("b", 1.5))
        return await ping(found, 120, 0.05)

    got = on_link(story, Operator("a", 0.01), Operator("b", 0.04))
    lost = sorted(set(range(1, 121)) - set(got.rtt_s))
    assert len(lost) == pytest.approx(1.5 / 0.05, abs=6), got.text
    assert lost == list(range(lost[0], lost[-1] + 1))
    before = sorted(s for n, s in got.rtt_s.items() if n < lost[0])
    after = sorted(s for n, s in got.rtt_s.items() if n > lost[-1])
    assert before[len(before) // 2] == pytest.approx(0.02, abs=0.008)
    assert after[len(after) // 2] == pytest.approx(0.08, abs=0.008)


def test_tcp_survives_loss_and_a_handover(tmp_path: Path) -> None:
    """curl fetches 3 MB whole over two operators with loss, corruption and a gap of 1 s."""
    data = random.Random(2).randbytes(3_000_000)
    (tmp_path / "data").write_bytes(data)
    target = tmp_path / "got"

    async def story(found: BadLink, clock: Clock) -> tuple[str, int]:
        server = await asyncio.create_subprocess_exec(
            *found.far.command(
                sys.executable, "-m", "http.server", "8000", "--directory", str(tmp_path)
            ),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            found.bridge.link.inject("corrupt", probability=0.005, topic="tcp/8000")
            clock.call_later(2.0, lambda: found.bridge.hand_over("b", 1.0))
            said = await run(
                found.near.command(
                    "curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1",
                    "--limit-rate", "1M", "--max-time", "30", "-o", str(target),
                    "-w", "%{http_code}", f"http://{found.far.address}:8000/data",
                )
            )  # fmt: skip
            return said, found.bridge.dropped
        finally:
            server.kill()
            await server.wait()

    said, _ = on_link(story, Operator("a", 0.005, loss=0.005), Operator("b", 0.01, loss=0.005))
    assert said.endswith("200"), said
    got, sent = (hashlib.sha256(content).digest() for content in (target.read_bytes(), data))
    assert got == sent


async def hand_over_under_way(found: BadLink, clock: Clock) -> None:
    """A gap of 1.5 s, three seconds after the twenty vehicles have begun to talk."""
    while found.bridge.taken < 20 * 10:
        await clock.sleep(0.1)
    await clock.sleep(3.0)
    found.bridge.hand_over("b", 1.5)


def test_a_fleet_over_mosquitto_stands_a_handover(tmp_path: Path) -> None:
    """Twenty vehicles' states through a gap of 1.5 s: TCP sends them again, all come, some late."""
    system(mosquitto.binary(), "mosquitto is missing: install mosquitto")
    config = tmp_path / "mosquitto.conf"
    config.write_text(mosquitto.configuration(tmp_path, Variant(), netns.FAR, 1883))

    async def story(found: BadLink, clock: Clock) -> str:
        broker = await asyncio.create_subprocess_exec(
            *found.far.command(str(mosquitto.binary()), "-c", str(config)),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        handing_over = asyncio.ensure_future(hand_over_under_way(found, clock))
        try:
            await clock.sleep(1.0)
            return await run(
                found.near.command(
                    sys.executable, "-m", "twin.cli", "load", "mqtt", "--target", netns.FAR,
                    "--vehicles", "20", "--duration", "10", "--timeout", "8", "--json",
                )
            )  # fmt: skip
        finally:
            handing_over.cancel()
            broker.terminate()
            await broker.wait()

    said = on_link(story, Operator("a", 0.01), Operator("b", 0.02))
    state = json.loads(said[said.index("{") :])["names"]["state"]
    assert state["failures"] == {}
    assert state["ok"] > 300
    # To the broker and from it: 20 ms with one operator, 40 ms with the other.
    assert 0.02 <= state["response_s"]["p50"] < 0.06
    assert 1.0 < state["response_s"]["max"] < 8.0


def ours() -> list[str]:
    """Namespaces of this project that exist now."""
    said = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, timeout=10)
    return [line.split()[0] for line in said.stdout.splitlines() if line.startswith("gatetwin-")]


def test_nothing_stays_behind() -> None:
    """Namespaces are gone after the block, also where it fails, and after a killed process."""
    mine: set[str] = set()

    def fail() -> None:
        with netns.sides() as (near, far):
            mine.update((near.name, far.name))
            assert mine <= set(ours())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(mine) == 2
    assert not mine & set(ours())

    command = [sys.executable, "-c", "from fixtures.link import link; link()", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        child.kill()
    left = {told["near"]["namespace"], told["far"]["namespace"]}
    assert left <= set(ours())
    with netns.sides():
        assert not left & set(ours())


def test_the_command_runs_a_program_and_gives_its_exit_code() -> None:
    """0 and 1 are ping's own; 124 where it outlived the link; a signal ends it in order."""
    base = [sys.executable, "-c", "from fixtures.link import link; link()", "--operator", "a"]
    cases = (
        (("ping", "-c", "2", "-i", "0.1", "10.77.0.2"), 0),
        (("ping", "-c", "1", "-W", "1", "10.77.0.9"), 2),
        (("sleep", "30"), 124),
    )
    for words, expected in cases:
        done = subprocess.run(
            [*base, "--duration", "3", "--", *words], capture_output=True, text=True, timeout=20
        )
        if expected == 2:  # unreachable, or no answer: not ours to say which
            assert done.returncode in {1, 2}, done
        else:
            assert done.returncode == expected, done
    with subprocess.Popen([*base, "--json"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(10) == 0
    assert told["near"]["namespace"] not in ours()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--operator", "a:speed=1"), "speed"),
        (("--operator", "a", "--handover", "1:2:b"), "expected AT_S:GAP_S:OPERATOR"),
        (("--operator", "a", "--handover", "1"), "expected AT_S:GAP_S:OPERATOR"),
        (("--operator", "a:loss=7"), "loss: probability"),
    ],
)
def test_a_wrong_option_is_told(words: tuple[str, ...], message: str) -> None:
    """Before anything is made, with what was expected."""
    got = CliRunner().invoke(link, list(words))
    assert got.exit_code in {1, 2}
    assert message in got.output
