"""The barrier, driven over Modbus TCP by any sequence of orders, vehicles and faults."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fixtures.barrier_machine import BarrierMachine
from twin.devices.barrier import Barrier, GateStatus

SETTINGS = settings(
    max_examples=60, stateful_step_count=15, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
)  # fmt: skip


@pytest.mark.slow
def test_the_registers_never_lie_about_the_arm() -> None:
    """Whatever happens, status and position agree with the arm, and a sound barrier obeys."""
    run_state_machine_as_test(BarrierMachine, settings=SETTINGS)


class SaysOpenAtOnce(Barrier):
    """Planted: shows the order as if it were the position."""

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        super().command(name, cause=cause, via=via)
        if name == "open" and self.online:
            self.status = GateStatus.OPEN


@pytest.mark.slow
def test_a_barrier_that_shows_orders_as_positions_is_found_in_one_step() -> None:
    """The planted lie shrinks to the single order that shows it."""

    class Planted(BarrierMachine):
        BARRIER = SaysOpenAtOnce
        FAULTS = ("slow",)

    with pytest.raises(AssertionError, match="the wire says open") as caught:
        run_state_machine_as_test(Planted, settings=SETTINGS)
    notes = [n for n in getattr(caught.value, "__notes__", []) if "state." in n]
    lines = [line.strip() for line in "\n".join(notes).splitlines()]
    checks = ("state.teardown()", "state.the_wire_tells_the_truth()")
    steps = [line for line in lines if line.startswith("state.") and line not in checks]
    assert steps == ["state.order(order='open')"]
