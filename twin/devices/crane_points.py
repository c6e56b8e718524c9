"""What a crane shows to its wires, and what it takes from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.devices.base import Writer
from twin.devices.crane_words import CraneMode, Protection
from twin.world.crane import Axis

if TYPE_CHECKING:
    from twin.devices.crane import Crane

CATEGORY = {Axis.HOIST: 0, Axis.TROLLEY: 1, Axis.GANTRY: 2}
"""CraneMotionDeviceCategoryEnum (OPC 40020-1, 8.3)."""

LIMITER = {
    Protection.EMERGENCY_STOP: 0, Protection.WIND: 3, Protection.OVERLOAD: 1,
    Protection.SLACK_ROPE: 3, Protection.TWIST_LOCK: 3,
}  # fmt: skip
"""ProtectiveFunctionEnum (OPC 40020-1, 8.4): 0 other, 1 force limiter, 3 motion limiter."""

ROBOT_MODE = {
    CraneMode.MANUAL: 2, CraneMode.MAINTENANCE: 1, CraneMode.SEMIAUTOMATIC: 3,
    CraneMode.FULLAUTOMATIC: 4,
}  # fmt: skip
"""OperationalModeEnumeration (OPC 40010-1): 1 manual reduced, 2 manual high, 3 and 4 automatic."""


def offer(crane: Crane) -> None:
    """Add every point of `crane`."""
    point = crane.add_point
    for axis in Axis:
        _axis(crane, axis)
        for plus in (True, False):
            _limit(crane, axis, plus)
    point("load_kg", crane.load_kg, unit="kg", doc="load cells under the spreader")
    point("sway_m", crane.sway_m, unit="m", doc="largest swing of the load from here on")
    point("wind_m_s", crane.wind_m_s, unit="m/s", doc="anemometer, gust of 3 s")
    for number in range(4):
        _corner(crane, number)
    point("slack", crane.slack, doc="slack-rope switch")
    point("system_on", lambda: crane.powered, doc="the drives have power")
    point("mode", lambda: int(crane.mode), doc="CraneOperationalModeEnum")
    point("robot_mode", lambda: ROBOT_MODE.get(crane.mode, 0), doc="OperationalModeEnumeration")
    point("external_control", crane.external_control, doc="ExternalControlRequestEnum")
    point("trouble", lambda: int(crane.trouble), doc="why the crane stopped last")
    point("mission", lambda: crane.cycle.name, doc="id of the present or last mission")
    point("mission_state", lambda: int(crane.cycle.state), doc="where it stands")
    point("step", lambda: int(crane.cycle.step), doc="step of the move cycle")
    point("box", lambda: crane.cycle.read_number, doc="number that the spreader's cameras read")
    point("cycles", lambda: crane.cycles, doc="working cycles")
    point("brakings", lambda: crane.brakings, doc="emergency brakings")
    point("dwp", crane.dwp, unit="%", doc="designed working period left (ISO 12482)")
    for protection in Protection:
        _protection(crane, protection)
    point("protective_stop", lambda: bool(crane.active), doc="a protective function is active")
    point(
        "limit_all_on", lambda: crane.limits.all_on, _take(crane, "all_on"),
        doc="the speed limits of all axes are in force",
    )  # fmt: skip


def _take(crane: Crane, name: str) -> Writer:
    def write(value: bool | float, cause: int = -1, /) -> None:
        setattr(crane.limits, name, bool(value))
        crane.trace(crane.id, "device.command", cause, point=f"limit_{name}", value=bool(value))
        crane.changed("limits")

    return write


def _axis(crane: Crane, axis: Axis) -> None:
    body, name, point = crane.body, axis.value, crane.add_point
    rated = body.parameters.limits(axis).speed_m_s
    point(f"{name}_m", lambda: body.state(axis)[0], unit="m", doc=f"place of the {name}")
    point(f"{name}_m_s", lambda: body.state(axis)[1], unit="m/s", doc="its speed")
    point(f"{name}_m_s2", lambda: body.state(axis)[2], unit="m/s²", doc="its acceleration")
    point(f"{name}_rated_m_s", lambda: rated, unit="m/s", doc="its rated speed")
    point(f"{name}_moving", lambda: body.moving(axis), doc="its drive runs")
    point(f"{name}_brake_released", lambda: body.moving(axis), doc="its brake is open")
    point(f"{name}_run_m", lambda: crane.moved_m(axis), unit="m", doc="way in all")
    point(f"{name}_category", lambda: CATEGORY[axis], doc="CraneMotionDeviceCategoryEnum")


def _limit(crane: Crane, axis: Axis, plus: bool) -> None:
    name, limits = f"{axis.value}_limit_{'plus' if plus else 'minus'}", crane.limits
    way = "increasing" if plus else "decreasing"

    def write_percent(value: bool | float, cause: int = -1, /) -> None:
        limits.percent[axis, plus] = float(value)
        crane.trace(crane.id, "device.command", cause, point=name, value=float(value))
        crane.changed("limits")

    def write_on(value: bool | float, cause: int = -1, /) -> None:
        limits.on[axis, plus] = bool(value)
        crane.trace(crane.id, "device.command", cause, point=f"{name}_on", value=bool(value))
        crane.changed("limits")

    crane.add_point(
        name, lambda: limits.percent[axis, plus], write_percent, unit="%",
        doc=f"speed limit asked for, {way}",
    )  # fmt: skip
    crane.add_point(f"{name}_on", lambda: limits.on[axis, plus], write_on, doc="it is in force")
    crane.add_point(
        f"{name}_now", lambda: 100.0 * limits.share(axis, plus), unit="%", doc="what is kept now"
    )


def _corner(crane: Crane, number: int) -> None:
    corner = number + 1
    crane.add_point(f"lock_{corner}", lambda: crane.body.locks[number], doc="twist-lock is closed")
    crane.add_point(f"pin_{corner}", lambda: crane.pins()[number], doc="landing pin is pressed")


def _protection(crane: Crane, protection: Protection) -> None:
    name = protection.name.lower()
    crane.add_point(
        f"active_{name}", lambda: protection in crane.active, doc=f"{protection.value} acts"
    )
    crane.add_point(f"{name}_mode", lambda: LIMITER[protection], doc="ProtectiveFunctionEnum")
