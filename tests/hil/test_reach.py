"""A bench that is not there is one clear line, before the first case and without evidence."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil.errors import BenchError, Unreachable
from hil.kits.barrier import KIT
from hil.papers import Pics, Pixit
from hil.session import Roles, Session
from twin.cli import main
from twin.clock import Clock, run_virtual
from twin.trace import Trace


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.slow
def test_a_bench_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Place, address, limit and next step in one line; exit 2; no table and no bundle."""
    monkeypatch.chdir(tmp_path)
    KIT.write_templates(tmp_path / "bench", "came-gard")
    file = tmp_path / "bench" / "bench.toml"
    device, control = free_port(), free_port()
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("15020", str(device)).replace("15080", str(control)))
    done = CliRunner().invoke(main, ["certify", "barrier", "--bench", str(file)])
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("gatetwin:")]
    assert f"no connection to 127.0.0.1:{device} within" in line
    assert "check power, cable and the address in bench.toml" in line
    assert f"http://127.0.0.1:{control}/v1/power" in line
    assert "BAR-" not in done.output
    assert len(done.output.splitlines()) < 10
    assert not list(tmp_path.rglob("*.tar.gz"))


class Wire:
    """Answers from a time on, or never."""

    device = "thing"

    def __init__(self, clock: Clock, answers_at_s: float) -> None:
        self._clock, self.answers_at_s = clock, answers_at_s
        self.connected = False

    async def connect(self, limit_s: float | None = None) -> None:
        await self._clock.sleep(limit_s or 1.0)
        if self._clock.now_s() < self.answers_at_s:
            raise Unreachable("thing wire: no connection to 192.0.2.1:502 within 1 s")
        self.connected = True

    def close(self) -> None:
        self.connected = False


class Power:
    """A switch; perhaps one that nobody can reach."""

    def __init__(self, error: str = "") -> None:
        self.error, self.on = error, False

    async def switch(self, on: bool) -> None:
        if self.error:
            raise BenchError(self.error)
        self.on = on


PICS = Pics(device="thing", profile="any")


class Plain(Session[Pics, Pixit]):
    async def sample(self) -> None: ...

    async def ready(self, start: str, *, insist: bool = False) -> None: ...


def reach(answers_at_s: float, power: Power | None) -> tuple[float, Any]:
    """Seconds that it took, and the error or None."""

    async def script(clock: Clock) -> tuple[float, Any]:
        wire = Wire(clock, answers_at_s)
        session = Plain(clock, Trace(clock), wire, Roles(power=power), PICS, Pixit())
        try:
            await session.reach()
        except Unreachable as error:
            return clock.now_s(), error
        assert not wire.connected, "the first case makes its own connection"
        return clock.now_s(), None

    return run_virtual(script)


def test_who_answers_is_not_kept_waiting() -> None:
    """A device that is there costs one connection, and its power is left alone."""
    power = Power()
    assert reach(0.0, power) == (1.0, None)
    assert not power.on


def test_a_device_that_is_switched_off_is_switched_on_and_waited_for() -> None:
    """It gets the time that it needs to start."""
    power = Power()
    took_s, error = reach(12.0, power)
    assert error is None
    assert power.on
    assert 12.0 <= took_s < 14.0


def test_one_that_never_answers_ends_at_the_limit() -> None:
    """The message tells the address, and for how long the power has been on."""
    took_s, error = reach(1e9, Power())
    assert "no connection to 192.0.2.1:502" in str(error)
    assert "its power is on, since 30 s" in str(error)
    assert 30.0 < took_s < 35.0


def test_both_reasons_are_told_when_the_power_cannot_be_switched() -> None:
    """What is wrong with the wire is not hidden by what is wrong with the bench."""
    _, error = reach(1e9, Power("bench control http://192.0.2.2: no"))
    assert "192.0.2.1:502" in str(error)
    assert "bench control http://192.0.2.2" in str(error)


def test_without_a_switch_there_is_nothing_to_wait_for() -> None:
    """Nobody can switch it on: one try is enough."""
    took_s, error = reach(5.0, None)
    assert took_s == 1.0
    assert isinstance(error, Unreachable)
