"""What a barrier shows to its wires, and what it takes from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.devices.barrier_wear import motor_load
from twin.devices.barrier_words import COMMANDS, CONTACTS
from twin.devices.base import Writer

if TYPE_CHECKING:
    from twin.devices.barrier import Barrier


def offer(barrier: Barrier) -> None:
    """Add every point of `barrier`."""
    p, add = barrier.parameters, barrier.add_point
    add("board_id", lambda: p.board_id, doc="board class and id")
    add("fw_major", lambda: p.firmware[0], doc="firmware version, first number")
    add("fw_minor", lambda: p.firmware[1], doc="firmware version, second number")
    add("fw_patch", lambda: p.firmware[2], doc="firmware version, third number")
    add("serial", lambda: p.serial, doc="serial number, 14 characters at most")
    add("gate_status", lambda: barrier.status.value, doc="what the controller believes")
    add(
        "position_percent",
        barrier.position_percent,
        unit="%",
        doc="0 closed to 100 open, or `unknown`",
    )
    add("needs_calibration", lambda: not barrier.calibrated, doc="the ends are not known")
    add("limit_open", lambda: barrier.limit("open"), doc="limit switch open")
    add("limit_closed", lambda: barrier.limit("closed"), doc="limit switch closed")
    add("obstacle", lambda: barrier.obstacle, doc="the last move met an obstacle")
    add("safety_input", lambda: barrier.safety_input, doc="photocell or safety loop is active")
    add(
        "inputs",
        lambda: _inputs(barrier),
        doc="bits: 0 safety, 1 open, 2 close, 3 stop contact, "
        "4 limit open, 5 limit closed (our order)",
    )
    add("last_error", lambda: int(barrier.last_error), doc="see BarrierError; 0 none")
    add("operations", lambda: _ever_made(barrier), doc="open and close operations ever made")
    add(
        "partial_operations",
        lambda: barrier.partial_operations,
        doc="operations since the last reset",
    )
    add("board_temperature_c", barrier.temperature_c, unit="°C", doc="board temperature")
    add(
        "motor_load_percent",
        lambda: round(100 * motor_load(barrier.arm.parameters), 1),
        unit="%",
        doc="engineering: torque that lifts the closed arm, of the motor's limit",
    )
    for name in COMMANDS:
        add(name, lambda: False, _order(barrier, name), doc=f"order: {name}")
    for name in CONTACTS:
        _contact(barrier, name)


def _order(barrier: Barrier, name: str) -> Writer:
    def write(value: bool | float, cause: int = -1, /) -> None:
        if value:
            barrier.command(name, cause=cause)

    return write


def _contact(barrier: Barrier, name: str) -> None:
    def write(value: bool | float, cause: int = -1, /) -> None:
        barrier.contact(name, bool(value), cause=cause)

    barrier.add_point(
        f"contact_{name}",
        lambda: barrier.contacts[name],
        write,
        doc=f"terminal {name}: closed by a relay or a button",
    )


def _inputs(barrier: Barrier) -> int:
    bits = (
        barrier.safety_input,
        *barrier.contacts.values(),
        barrier.limit("open"),
        barrier.limit("closed"),
    )
    return sum(bit << index for index, bit in enumerate(bits))


def _ever_made(barrier: Barrier) -> int:
    """Its counter also knows what it did before this run."""
    return barrier.operations + round(2 * barrier.wear.before("drive"))
