"""The controller of a driverless container vehicle: what it believes, decides and lets happen.

It is given ways ahead (`set_ways`) and a place up to which it may go (`proceed`); it drives, passes
nodes, stops for what its sensors and its own faults tell, and does jobs. It never moves without
permission, and nothing that stopped it for safety lets it start again without a person or an
explicit restart. It knows no orders and no protocol.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any, ClassVar

from twin.clock import Clock
from twin.devices.base import FaultKind
from twin.devices.igv_driving import Driving
from twin.devices.igv_jobs import Handover, Jobs
from twin.devices.igv_words import (
    FAULTS,
    IGV_BUILD,
    Alarm,
    Build,
    Fix,
    IgvParameters,
    Mode,
    StopKind,
    Way,
)
from twin.physics import BrakeKind, Pose
from twin.trace import Trace
from twin.world.carrier import Carrier
from twin.world.yard import Box

__all__ = ["Alarm", "Fix", "Igv", "IgvParameters", "Mode", "StopKind", "Way"]

_ONE_SPOT_FT = 20
"""A box longer than this takes both spots."""


class Igv(Driving):
    """One vehicle; listeners hear `driving`, `safety`, `mode`, `load`, `charging`, `alarms`,
    `maps`, `position`, `moved` and `online` by `on_change`, passed nodes by `on_reached`."""

    kind: ClassVar[str] = "igv"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = FAULTS
    build: ClassVar[Build] = IGV_BUILD
    has_battery: ClassVar[bool] = True

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        *,
        carrier: Carrier,
        handover: Handover,
        map_id: str = "bridge",
        map_version: str = "1",
        parameters: IgvParameters | None = None,
    ) -> None:
        super().__init__(
            id,
            clock,
            trace,
            rng,
            carrier=carrier,
            map_id=map_id,
            map_version=map_version,
            parameters=parameters,
        )
        self.handover = handover
        self.jobs = Jobs(self)
        self.hooked = False
        """On a tow bar: people have it, and its own reckoning means nothing."""
        self._stopped = False
        """An emergency stop came, and no restart since."""

    @property
    def stuck(self) -> bool:
        """Jobs do not come to an end (a fault)."""
        return "stuck_action" in self.faults

    @property
    def failing(self) -> str:
        """Why jobs fail (a fault), or empty."""
        return str(self.faults.get("failed_action", {}).get("reason", ""))

    def no_room_for(self, box: Box) -> str:
        """Empty if `box` can be set down on it, else why not."""
        boxes, limit = self.carrier.boxes, self.parameters.vehicle.payload_kg
        spots = sum(2 if one.length_ft > _ONE_SPOT_FT else 1 for one in [*boxes, box])
        if spots > len(self.parameters.spots):
            return f"no spot free beside {[one.number for one in boxes]}"
        mass = self.carrier.load_kg + box.mass_kg
        return "" if mass <= limit else f"{mass:.0f} kg; it carries {limit:.0f} kg"

    # --- what it is told -------------------------------------------------------------------------

    def set_mode(self, mode: Mode, *, cause: int = -1) -> None:
        """A person turns the key switch, or the vehicle has booted."""
        if mode is self.mode:
            return
        self.mode = mode
        self.trace(self.id, "igv.mode", cause, mode=mode.value)
        self._drive(cause)
        self.changed("mode")

    def press_stop(self, kind: StopKind, *, cause: int = -1) -> None:
        """An emergency stop is pressed: every brake falls in."""
        self._pressed.add(kind)
        self._set_stop(kind, cause)

    def release_stop(self, kind: StopKind, *, cause: int = -1) -> None:
        """The button is pulled out. It stays stopped until it is acknowledged."""
        self._pressed.discard(kind)
        self.trace(self.id, "igv.stop_released", cause, kind=kind.value)
        if self.stop is StopKind.AUTOACK and not self._pressed:
            self.acknowledge(cause=cause)

    def acknowledge(self, *, cause: int = -1) -> bool:
        """A person acknowledges the stop; False while a button is pressed. It still stands."""
        if self._pressed:
            return False
        self._set_stop(StopKind.NONE, cause)
        return True

    def why_not_restart(self) -> str:
        """Empty, or what has to be mended before it may go on."""
        if self.stop is not StopKind.NONE:
            return f"emergency stop {self.stop.value} is not acknowledged"
        if self.field_violated:
            return "something is in the protective field"
        return ""

    def restart(self, *, cause: int = -1) -> bool:
        """Go on after a safety stop: the start button, or a restart that was asked for."""
        if self.why_not_restart() or not self.needs_restart:
            return False
        self.needs_restart = self._stopped = False
        record = self.trace(self.id, "igv.restart", cause)
        self.changed("safety")
        self._drive(record)
        return True

    def _set_stop(self, kind: StopKind, cause: int) -> None:
        if kind is self.stop:
            return
        self.stop = kind
        record = self.trace(self.id, "igv.stop", cause, kind=kind.value)
        if kind is not StopKind.NONE:
            self.needs_restart = self._stopped = True
            self.carrier.brake(BrakeKind.EMERGENCY, cause=record)
            self._alarm(Alarm.EMERGENCY_STOP, f"emergency stop {kind.value}")
        else:
            self._clear(Alarm.EMERGENCY_STOP)
        self.changed("safety")

    def move_by_hand(self, pose: Pose, *, cause: int = -1) -> None:
        """A person drives it elsewhere, or it is towed."""
        self.drop_ways()
        self.carrier.put(pose, cause=cause)
        self._measure()
        self.changed("moved")

    def hook(self, *, cause: int = -1) -> None:
        """People take it on a tow bar: out of its own control, without a position."""
        self.hooked = True
        self.set_mode(Mode.SERVICE, cause=cause)
        self._refix(cause)

    def unhook(self, *, cause: int = -1) -> None:
        """Repaired where it has been towed to, told where it is, and in its own control again."""
        self.hooked = False
        self.set_fix(self._best_fix(), cause=cause)
        self._measure()
        self.needs_restart = self._stopped or self.field_violated
        self.changed("safety")
        self.set_mode(Mode.AUTOMATIC, cause=cause)

    def locate(self, values: Mapping[str, Any], *, cause: int = -1) -> str:
        """Be told where it is (x, y, theta, mapId); empty, or why that cannot be."""
        try:
            x, y = float(values["x"]), float(values["y"])
            theta = float(values.get("theta", self.carrier.pose.heading_rad))
        except (KeyError, TypeError, ValueError) as error:
            return f"no position: {error}"
        map_id = str(values.get("mapId", self.maps.current))
        if self.maps.enabled(map_id) is None:
            return f"map {map_id!r} is not enabled"
        if self.driving:
            return "it drives"
        pose, limit_m = self.carrier.pose, self.parameters.lost_m
        off_m = math.hypot(x - pose.x_m, y - pose.y_m)
        if not math.isfinite(off_m + theta) or off_m > limit_m:
            return f"what it sees does not match ({off_m:.1f} m off, at most {limit_m:.1f} m)"
        self.maps.current = map_id
        if self.fix is Fix.LOST and not self.hooked and "localization_lost" not in self.faults:
            self.set_fix(self._best_fix(), cause=cause)
        self.trace(self.id, "igv.located", cause, x=round(x, 3), y=round(y, 3), map=map_id)
        self._check_localization(cause)
        return "" if self.localized else "the position cannot be held"

    def unplug(self, *, cause: int = -1) -> None:
        """End charging; it may drive again."""
        self.carrier.plug(False, cause=cause)
        self.changed("charging")
        self._drive(cause)

    def check_battery(self) -> float:
        """Look at the charge, and react to it; returns it, 0 to 1. Whoever shows it calls this."""
        charge, energy = self.carrier.charge, self.parameters.energy
        if self.carrier.charging and charge >= 1.0:
            self.unplug()  # protection against overcharging is the vehicle's
        if charge <= 0.0 and self.online:
            self._power_off()
        elif charge < energy.low:
            self._alarm(Alarm.LOW_BATTERY, f"below {energy.low:.0%}")
        else:
            self._clear(Alarm.LOW_BATTERY)
        return charge

    # --- faults ----------------------------------------------------------------------------------

    def _best_fix(self) -> Fix:
        """What receiver and faults leave of the position."""
        if self.hooked or "localization_lost" in self.faults:
            return Fix.LOST
        gnss = self.faults.get("gnss")
        fault = Fix(str(gnss["fix"])) if gnss is not None else Fix.FIXED
        return max(fault, self.received, key=list(Fix).index)

    def receive(self, fix: Fix, *, cause: int = -1) -> None:
        """What the satellite receiver gives from now on."""
        self.received = fix
        self._refix(cause)

    def _refix(self, cause: int) -> None:
        """Take the best that there is; a lost position does not come back by reckoning."""
        best = self._best_fix()
        if not (self.fix is Fix.LOST and best is Fix.DEAD_RECKONING):
            self.set_fix(best, cause=cause)

    def _fault_changed(self, kind: str, cause: int) -> None:
        on = kind in self.faults
        match kind:
            case "blocked_path":
                self._set_obstacle(on, cause)
            case "field_violation":
                self._set_field(on, cause)
            case "e_stop" | "remote_stop":
                stop = StopKind.MANUAL if kind == "e_stop" else StopKind.REMOTE
                (self.press_stop if on else self.release_stop)(stop, cause=cause)
            case "localization_lost" | "gnss":
                self._refix(cause)
            case "off_track":
                self.carrier.lateral_m = float(self.faults["off_track"]["offset_m"]) if on else 0.0
                self._check_track()
                self._drive(cause)
            case "motor_fault" | "breakdown":
                self._set_motor({"motor_fault", "breakdown"} & self.faults.keys() != set(), cause)
            case "slow":
                self._drive(cause)
            case "load_lost":
                self._lose_load(on, cause)
            case "battery_dead":
                self._power_off(cause) if on else self._power_on(cause)
            case "battery_low":
                if on:
                    self.carrier.drain(float(self.faults["battery_low"]["charge"]))
                self.check_battery()
            case "stuck_action" | "failed_action":
                self.jobs.fault_changed()
            case "wrong_map":
                self.maps.site_version[self.maps.current] = "" if on else self._map_version()
                self._check_localization(cause)
            case _:
                self.changed(kind)  # the radio is the wire's business

    def _map_version(self) -> str:
        return self.maps.enabled(self.maps.current) or ""

    def _set_obstacle(self, on: bool, cause: int) -> None:
        ahead_m = float(self.faults["blocked_path"]["ahead_m"]) if on else 0.0
        self._obstacle_m = self.carrier.way_m + ahead_m if on else None
        if not on:
            self._clear(Alarm.PATH_BLOCKED)
        self._drive(cause)

    def _set_field(self, on: bool, cause: int) -> None:
        self.field_violated = on
        record = self.trace(self.id, "igv.field", cause, violated=on)
        if on:
            self.needs_restart = True
            self.carrier.brake(BrakeKind.PROTECTIVE, cause=record)
        elif self.parameters.field_restart and self.stop is StopKind.NONE:
            self.needs_restart = False
        self.changed("safety")
        self._drive(record)

    def _set_motor(self, on: bool, cause: int) -> None:
        if on:
            self._alarm(Alarm.DRIVE_FAULT, "the drive has failed")
            self.needs_restart = True
            self._drive(cause)
        else:
            self._clear(Alarm.DRIVE_FAULT)
        self.changed("safety")

    def _lose_load(self, on: bool, cause: int) -> None:
        if not on:
            self._clear(Alarm.LOAD_LOST)
            self._drive(cause)
            return
        for box in list(self.carrier.boxes):
            self.carrier.give(box.number, cause=cause)
        self.needs_restart = True
        self.carrier.brake(BrakeKind.PROTECTIVE, cause=cause)
        self._alarm(Alarm.LOAD_LOST, "the load came off")
        self.changed("load")
        self.changed("safety")

    def _power_off(self, cause: int = -1) -> None:
        self.carrier.drain(0.0)
        self.online = False
        self.carrier.brake(BrakeKind.EMERGENCY, cause=cause)
        self.trace(self.id, "igv.power", cause, on=False)
        for job in list(self.jobs.running):
            self.jobs.abort(job)
        self.changed("online")

    def _power_on(self, cause: int = -1) -> None:
        self.carrier.swap_battery(cause=cause)
        self._clear(Alarm.LOW_BATTERY)
        self.online = True
        self.needs_restart = True  # no automatic restart after an interruption of power
        self.trace(self.id, "igv.power", cause, on=True)
        self.set_mode(Mode.STARTUP, cause=cause)
        self.changed("safety")
        self.changed("online")
        self.clock.call_later(self.parameters.boot_s, self._booted)

    def _booted(self) -> None:
        if self.online and self.mode is Mode.STARTUP:
            # No order is left that it could go on with; an emergency stop outlasts the power.
            self.needs_restart = self._stopped or self.field_violated
            self.changed("safety")
            self.set_mode(Mode.AUTOMATIC)
