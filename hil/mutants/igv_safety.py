# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken vehicles, by what they make of their own safety and of zones."""

from __future__ import annotations

from typing import Any

from twin.devices.igv import Igv, Mode, StopKind
from twin.wires.vda5050.records import Response, ZoneSet
from twin.wires.vda5050.zones import Zones

# ---------------------------------------------------------------- the vehicle's own safety


class DeafToTheStop(Igv):
    """Its emergency stop is not wired."""

    def press_stop(self, kind: StopKind, *, cause: int = -1) -> None:
        del kind, cause


class RestartsByItself(Igv):
    """Goes on as soon as its emergency stop is acknowledged."""

    def acknowledge(self, *, cause: int = -1) -> bool:
        done = super().acknowledge(cause=cause)
        self.restart(cause=cause)
        return done


class BlindInTheField(Igv):
    """Reports its field and drives on."""

    @property
    def held(self) -> bool:
        return self.stop is not StopKind.NONE or self.needs_restart

    def _set_field(self, on: bool, cause: int) -> None:
        del cause
        self.field_violated = on
        self.changed("safety")


class KeyIsLoose(Igv):
    """Its key switch does nothing."""

    def set_mode(self, mode: Mode, *, cause: int = -1) -> None:
        if mode is not Mode.MANUAL:
            super().set_mode(mode, cause=cause)


# ---------------------------------------------------------------- zones


class EnablesAtOnce(Zones):
    """Uses a zone set as soon as it comes."""

    def store(self, new: ZoneSet) -> bool:
        stored = super().store(new)
        if stored:
            self.enable(new.zone_set_id)
        return stored


class StoresTwice(Zones):
    """Takes a zone set again."""

    def store(self, new: ZoneSet) -> bool:
        super().store(new)
        return True


class NeverEnabled(Zones):
    """Lists every zone set as DISABLED."""

    def shown_sets(self) -> list[dict[str, Any]]:
        return [one | {"zoneSetStatus": "DISABLED"} for one in super().shown_sets()]


class GrantsItself(Zones):
    """Needs no release."""

    def _granted(self, zone: Any) -> bool:
        del zone
        return True


class AsksNobody(Zones):
    """Its requests do not stand in the state."""

    def shown_requests(self) -> list[dict[str, Any]]:
        return []


class DeafToGrants(Zones):
    """Does not hear a grant."""

    def respond(self, answer: Response, lease_ns: int | None, now_ns: int) -> str:
        return "" if answer.grant_type == "GRANTED" else super().respond(answer, lease_ns, now_ns)


class NoZoneLimits(Zones):
    """Does not look at the speed of zones."""

    def speed_limits(self) -> list[tuple[float, float, float]]:
        return []


class NothingIsBlocked(Zones):
    """Drives through BLOCKED zones."""

    def limit_m(self, way_m: float) -> float | None:
        found = self.crossings
        self.crossings = [one for one in found if one.zone.zone_type != "BLOCKED"]
        try:
            return super().limit_m(way_m)
        finally:
            self.crossings = found
