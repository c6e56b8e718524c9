"""An emulator at another speed than its bench is told in one line; devices' clocks may be poor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil import kit as kits
from hil.emulator import Emulator
from hil.errors import BenchError
from hil.pace import check_pace, stamp_s
from twin.cli import main
from twin.clock import Clock, run_virtual


def pace(look_at: Callable[[float], float | None]) -> None:
    """Compare with a device whose time is `look_at` of the bench's."""

    async def script(clock: Clock) -> None:
        async def look() -> float | None:
            return look_at(clock.now_s())

        await check_pace(clock, "device", look)

    run_virtual(script)


def jumping() -> Iterator[float]:
    """What is added to a clock that is set by two minutes between the first two looks."""
    yield 0.0
    while True:
        yield 120.0


def test_the_same_speed_passes_whatever_the_date() -> None:
    """Another day, a drift, whole seconds, a clock that is being set, none, one that stands."""
    steps = jumping()
    pace(lambda t: t + 1e9)
    pace(lambda t: 1.001 * t)
    pace(lambda t: float(int(t + 0.99)))
    pace(lambda t: t + next(steps))
    pace(lambda _: None)
    pace(lambda _: 7.0)


@pytest.mark.parametrize("speed", [0.1, 0.5, 2.0, 5.0, 100.0])
def test_another_speed_is_named(speed: float) -> None:
    """The line has both speeds and the next step."""
    with pytest.raises(BenchError, match=f"at speed {speed:.3g}\\? Give both the same speed"):
        pace(lambda t: speed * t)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2000-01-01T00:00:02.25Z", 2.25),
        ("2000-01-01T00:00:02+07:00", 2.0),
        ("2000-01-01T00:00:02", 2.0),
        ("2000-01-01T00:00:020700", None),
        (None, None),
        ("soon", None),
    ],
)
def test_stamps_are_read_as_devices_write_them(text: object, seconds: float | None) -> None:
    """ISO 8601 with and without zone and fraction; anything else is no stamp."""
    assert stamp_s(text) == seconds


@pytest.mark.slow
@pytest.mark.parametrize("device", ["igv", "camera"])
def test_a_fast_emulator_on_a_bench_in_real_time_is_one_line(device: str, tmp_path: Path) -> None:
    """Where a wire has stamps, `bench.speed = 1` against `--speed 4` ends with exit code 2."""
    kit = kits.load(device)
    with Emulator(device, kit.good[0], speed=4.0) as emulator:
        file = kit.write_templates(tmp_path, kit.good[0], emulator.where)[0]
        text = file.read_text(encoding="utf-8")
        assert "speed = 4" in text
        file.write_text("\n".join(line for line in text.splitlines() if "speed = 4" not in line))
        done = CliRunner().invoke(main, ["certify", device, "--no-health", "--bench", str(file)])
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.output.splitlines() if "its own time stamps" in line]
    assert "which runs at speed 1: an emulator at speed" in line
