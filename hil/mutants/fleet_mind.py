"""Masters that decide wrongly; those that make wrong messages stand in `fleet`.

Whom they trust, and for how long, stands in `fleet_trust`.
"""

from __future__ import annotations

from hil.kits.fleet.emulation import FleetVariant
from hil.kits.fleet.master import LEASE_S, RESEND_S, Master
from hil.kits.fleet.messages import Unit, Wish
from hil.variant import Maker

from . import fleet_trust as trust

SLOW_S = 6.0


class ForgetsTheSecond(Master):
    """Takes one job and no other."""

    def bring(self, serial: str, goal: str) -> None:
        if self._count == 0:
            super().bring(serial, goal)


class SlowToStart(Master):
    """Lets a ready vehicle wait for some seconds."""

    def bring(self, serial: str, goal: str) -> None:
        self.since_s = self.now_s
        super().bring(serial, goal)

    def start(self, unit: Unit) -> None:
        if unit.goals and self.now_s - self.since_s > SLOW_S:
            super().start(unit)


class SlowToExtend(Master):
    """Lets a vehicle stand at its decision point for some seconds."""

    since_s = 0.0

    def extend(self, unit: Unit) -> None:
        plan = unit.plan
        if plan is None:
            return
        if self.passed(unit) < plan.released - 1:
            self.since_s = self.now_s
        elif self.now_s - self.since_s > SLOW_S:
            super().extend(unit)


class NeverResends(Master):
    """Sends an order once."""

    def repeat(self, unit: Unit) -> None:
        if unit.plan is not None:
            unit.plan.sent_s = self.now_s
        super().repeat(unit)


class ResendsForEver(Master):
    """Sends an order every other second, whatever the state says."""

    def repeat(self, unit: Unit) -> None:
        plan = unit.plan
        if plan is not None and plan.known and self.now_s - plan.sent_s >= RESEND_S:
            plan.sent_s = self.now_s
            self.send(unit, "order", self.order(plan))
        super().repeat(unit)


class ResendsFirstOnly(Master):
    """Sends the first message again, but no update."""

    def repeat(self, unit: Unit) -> None:
        if unit.plan is not None and unit.plan.update:
            unit.plan.sent_s = self.now_s
        super().repeat(unit)


class BuildsOnTheLost(Master):
    """Takes for granted that every update arrives."""

    def extend(self, unit: Unit) -> None:
        if unit.plan is not None and unit.state.get("orderId") == unit.plan.id:
            unit.plan.known = True
        super().extend(unit)


class AnybodyInTheZone(Master):
    """Releases the zone to whoever wants in."""

    def may_release(self, unit: Unit, node: str) -> bool:  # noqa: ARG002
        return True


class KeepsTheZone(Master):
    """Who had the zone once has it for ever."""

    def free(self) -> None:
        """Nothing is given back."""


class ForgetsToCancel(Master):
    """Forgets an abandoned job and says nothing to the vehicle."""

    def abandon(self, serial: str) -> None:
        unit = self.units[serial]
        unit.goals.clear()
        unit.plan = None


class OrdersWhileCancelling(Master):
    """Sends an update after cancelOrder."""

    def abandon(self, serial: str) -> None:
        super().abandon(serial)
        unit = self.units[serial]
        if unit.plan is not None:
            unit.plan.update += 1
            self.publish(unit, unit.plan, unit.plan.released - 1)


class TakesUpTheCancelled(Master):
    """The next order has the orderId of the cancelled one."""

    kept = ""

    def abandon(self, serial: str) -> None:
        plan = self.units[serial].plan
        self.kept = plan.id if plan else ""
        super().abandon(serial)

    def order_id(self) -> str:
        return self.kept or super().order_id()


class CancelsTwice(Master):
    """Sends two cancelOrder for one abandonment."""

    def abandon(self, serial: str) -> None:
        super().abandon(serial)
        if self.units[serial].cancel is not None:
            self.wish(self.units[serial], "cancelOrder")


class CountsEndedActions(Master):
    """Takes a vehicle whose state lists any action for busy."""

    def busy(self, unit: Unit) -> bool:
        return super().busy(unit) or bool(unit.state.get("actionStates"))


class CancelsOnce(Master):
    """Does not look whether its instant actions arrive."""

    def reflected(self, unit: Unit, wish: Wish) -> str:
        return super().reflected(unit, wish) or "SENT"


class NeverGoesOn(Master):
    """Sends startPause for every pause and for its end."""

    def pause(self, serial: str, on: bool) -> None:  # noqa: ARG002
        super().pause(serial, True)


class PauseForgetsTheJob(Master):
    """A pause ends the job."""

    def pause(self, serial: str, on: bool) -> None:
        super().pause(serial, on)
        self.units[serial].goals.clear()
        self.units[serial].plan = None


class NeverAnswers(Master):
    """Does not answer requests for zones."""

    def answer(self, unit: Unit) -> None:
        """Nothing is said."""


class NeverRenews(Master):
    """Grants each request once."""

    def answer(self, unit: Unit) -> None:
        for request in unit.state.get("zoneRequests", ()):
            if request["requestStatus"] == "GRANTED":
                unit.leases[request["requestId"]] = self.now_s + LEASE_S
        super().answer(unit)


class GrantsAll(AnybodyInTheZone):
    """Grants the zone to whoever asks."""

    def grants(self, unit: Unit) -> bool:  # noqa: ARG002
        return True


_wrong = Maker(FleetVariant, "FLT-", Master)


MUTANTS = [
    _wrong("forgets-the-second", "JOB-01", ForgetsTheSecond),
    _wrong("slow-to-start", "JOB-02", SlowToStart),
    _wrong("slow-to-extend", "UPD-05", SlowToExtend),
    _wrong("never-resends", "RSN-01", NeverResends),
    _wrong("resends-for-ever", "RSN-03", ResendsForEver),
    _wrong("resends-first-only", "RSN-04", ResendsFirstOnly),
    _wrong("builds-on-the-lost", "RSN-05", BuildsOnTheLost),
    _wrong("releases-the-occupied-zone", "ZON-01", AnybodyInTheZone),
    _wrong("keeps-the-zone", "ZON-02", KeepsTheZone),
    _wrong("forgets-to-cancel", "CAN-01", ForgetsToCancel),
    _wrong("orders-while-cancelling", "CAN-02", OrdersWhileCancelling),
    _wrong("takes-up-the-cancelled", "CAN-03", TakesUpTheCancelled),
    _wrong("cancels-twice", "CAN-04", CancelsTwice),
    _wrong("counts-ended-actions", "CAN-05", CountsEndedActions),
    _wrong("cancels-once", "CAN-06", CancelsOnce),
    _wrong("never-goes-on", "INS-02", NeverGoesOn),
    _wrong("pause-forgets-the-job", "INS-04", PauseForgetsTheJob),
    _wrong("ignores-the-will", "SIL-01", trust.IgnoresTheWill),
    _wrong("forgets-the-silent", "SIL-02", trust.ForgetsTheSilent),
    _wrong("grudge-silent", "SIL-03", trust.GrudgeSilent),
    _wrong("ignores-age", "SIL-04", trust.IgnoresAge),
    _wrong("grudge-stale", "SIL-05", trust.GrudgeStale),
    _wrong("ignores-offline", "CON-01", trust.IgnoresOffline),
    _wrong("grudge-offline", "CON-02", trust.GrudgeOffline),
    _wrong("ignores-the-mode", "MOD-01", trust.IgnoresTheMode),
    _wrong("grudge-manual", "MOD-02", trust.GrudgeManual),
    _wrong("ignores-the-mode-later", "MOD-03", trust.IgnoresTheModeLater),
    _wrong("keeps-the-cleared", "MOD-04", trust.KeepsTheCleared),
    _wrong("deaf-to-refusals", "ERR-01", trust.DeafToRefusals),
    _wrong("refused-again", "ERR-02", trust.RefusedAgain),
    _wrong("ignores-errors", "ERR-03", trust.IgnoresErrors),
    _wrong("grudge-broken", "ERR-04", trust.GrudgeBroken),
    _wrong("cancels-for-warnings", "ERR-05", trust.CancelsForWarnings),
    _wrong("ignores-the-battery", "BAT-01", trust.IgnoresTheBattery),
    _wrong("grudge-low", "BAT-02", trust.GrudgeLow),
    _wrong("updates-the-lost", "REC-01", trust.UpdatesTheLost),
    _wrong("begins-at-the-nearest", "REC-02", trust.BeginsAtTheNearest),
    _wrong("wants-growing-headers", "REC-03", trust.WantsGrowingHeaders),
    _wrong("knows-its-own-only", "REC-04", trust.KnowsItsOwnOnly),
    _wrong("orders-over-orders", "REC-05", trust.OrdersOverOrders),
    _wrong("waits-for-the-unknown", "REC-06", trust.WaitsForTheUnknown),
    _wrong("believes-old-states", "ROB-01", trust.BelievesOldStates),
    _wrong("never-answers", "LEA-01", NeverAnswers, "3.0"),
    _wrong("never-renews", "LEA-04", NeverRenews, "3.0"),
    _wrong("grants-all", "LEA-06", GrantsAll, "3.0"),
]
