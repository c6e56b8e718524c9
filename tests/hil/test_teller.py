"""What a certification tells while it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.cli_print import Teller
from hil.kit import load
from hil.runner import drive
from twin.clock import Clock, run_virtual
from twin.trace import Trace


def test_the_rest_is_reckoned_from_the_share_that_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not before a tenth is done, nor at the end; what comes before the first case is left out."""
    times: Iterator[float] = iter((0.0, 0.0, 100.0, 160.0, 220.0))
    tell = Teller(lambda: next(times))
    tell("health check", 0.0)
    tell("1/3 a", 0.0)
    tell("2/3 b", 0.05)
    tell("2/3 b", 0.25)
    tell("3/3 c", 0.8)
    tell("safe", 1.0)
    assert capsys.readouterr().err.splitlines() == [
        "  health check",
        "  1/3 a",
        "  2/3 b",
        "  2/3 b (about 3 min to go)",
        "  3/3 c (about 30 s to go)",
        "  safe",
    ]


def test_a_run_tells_each_case_and_a_share_that_grows_to_one() -> None:
    """From 0 at the first case, by the limits of the cases, to 1 when the device is safe."""
    told: list[tuple[str, float]] = []
    kit = load("light")

    async def main(clock: Clock) -> None:
        pics, pixit = kit.emulated_pics(kit.good[0]), kit.emulated_pixit(kit.good[0])
        trace = Trace(clock)
        bench = kit.emulate(clock, kit.good[0], None, Trace(clock), engine="kinematic")
        port = await bench.start()
        session = kit.beside(clock, trace, bench, port, pics, pixit)
        await drive(
            session, kit.suite, kit.register, progress=lambda text, done: told.append((text, done))
        )
        await bench.stop()

    run_virtual(main)
    shares = [done for _, done in told]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(set(shares))
    assert told[0][0].startswith(f"1/{len(told) - 1} ")
    assert told[-1][0].startswith("safe state")
