"""Masters that decide wrongly; those that make wrong messages stand in `fleet`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hil.kits.fleet.emulation import FleetVariant
from hil.kits.fleet.master import LEASE_S, RESEND_S, STALE_S, Master, Message, Plan, Unit, Wish
from hil.variant import Maker

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


class Grudge(Master, ABC):
    """Never uses a vehicle again with which something was wrong; each kind says what."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.banned: set[str] = set()

    @abstractmethod
    def wrong(self, unit: Unit) -> bool: ...

    def usable(self, unit: Unit) -> bool:
        if unit.state and self.wrong(unit):
            self.banned.add(unit.serial)
        return unit.serial not in self.banned and super().usable(unit)


class GrudgeSilent(Grudge):
    """Never uses a vehicle again whose connection broke."""

    def wrong(self, unit: Unit) -> bool:
        return "BROKEN" in unit.connection


class GrudgeStale(Grudge):
    """Never uses a vehicle again whose state was old."""

    def wrong(self, unit: Unit) -> bool:
        return self.now_s - unit.heard_s > STALE_S


class GrudgeOffline(Grudge):
    """Never uses a vehicle again that left, until it is restarted itself."""

    def heard(self, serial: str, topic: str, message: Message) -> None:
        if message.get("connectionState") == "OFFLINE" and self.units[serial].state:
            self.banned.add(serial)
        super().heard(serial, topic, message)

    def wrong(self, unit: Unit) -> bool:  # noqa: ARG002
        return False


class GrudgeManual(Grudge):
    """Never uses a vehicle again that was MANUAL."""

    def wrong(self, unit: Unit) -> bool:
        return unit.state.get("operatingMode") == "MANUAL"


class GrudgeBroken(Grudge):
    """Never uses a vehicle again that had a FATAL error."""

    def wrong(self, unit: Unit) -> bool:
        return self.broken(unit)


class GrudgeLow(Grudge):
    """Never uses a vehicle again whose battery was low."""

    def wrong(self, unit: Unit) -> bool:
        return self.charge(unit) < 20.0


class IgnoresTheWill(Master):
    """Takes a vehicle for reachable whose connection broke."""

    def in_reach(self, unit: Unit) -> bool:
        return super().in_reach(unit) or "BROKEN" in unit.connection


class IgnoresOffline(Master):
    """Takes a vehicle for reachable that said OFFLINE."""

    def in_reach(self, unit: Unit) -> bool:
        return super().in_reach(unit) or unit.connection == "OFFLINE"


class ForgetsTheSilent(Master):
    """Forgets a vehicle whose connection broke, and gives its zone to others."""

    def heard(self, serial: str, topic: str, message: Message) -> None:
        super().heard(serial, topic, message)
        if "BROKEN" in str(message.get("connectionState")):
            self.units[serial].state, self.units[serial].plan = {}, None
            self.holder = "" if self.holder == serial else self.holder


class IgnoresAge(Master):
    """An old state is as good as a fresh one."""

    def fresh(self, unit: Unit) -> bool:
        return bool(unit.state)


class IgnoresTheMode(Master):
    """Orders from a vehicle in any mode."""

    def able(self, unit: Unit) -> bool:
        return not self.broken(unit)


class IgnoresTheModeLater(Master):
    """Looks at the mode before the first order only."""

    used = False

    def able(self, unit: Unit) -> bool:
        self.used = self.used or unit.plan is not None
        return (self.used and not self.broken(unit)) or super().able(unit)


class KeepsTheCleared(Master):
    """Does not see that a vehicle has dropped its order."""

    def lost(self, unit: Unit, plan: Plan) -> None:
        """Nothing follows."""


class UpdatesTheLost(Master):
    """Sends an update of an order that the vehicle has lost."""

    def lost(self, unit: Unit, plan: Plan) -> None:
        plan.update += 1
        self.publish(unit, plan, min(self.passed(unit), plan.released - 1))


class DeafToRefusals(Master):
    """Does not see that an order was refused."""

    def refused(self, unit: Unit, plan: Plan) -> bool:  # noqa: ARG002
        return False


class RefusedAgain(Master):
    """Keeps the orderId until an order of it was driven."""

    def order_id(self) -> str:
        driven = any(unit.state.get("orderId") == "job" for unit in self.units.values())
        return super().order_id() if driven else "job"


class IgnoresErrors(Master):
    """Orders from a vehicle with a FATAL error."""

    def broken(self, unit: Unit) -> bool:  # noqa: ARG002
        return False


class CancelsForWarnings(Master):
    """Abandons the job at the first WARNING."""

    def heard(self, serial: str, topic: str, message: Message) -> None:
        super().heard(serial, topic, message)
        if topic == "state" and message["errors"]:
            self.abandon(serial)


class IgnoresTheBattery(Master):
    """Takes every battery for full."""

    def charge(self, unit: Unit) -> float:  # noqa: ARG002
        return 100.0


class BeginsAtTheNearest(Master):
    """Begins at the nearest node of the layout, however far it is."""

    def way(self, place: tuple[float, float], goal: str) -> Any:
        return self.layout.path(self.layout.nearest(*place), goal), dict(self.layout.nodes)


class WantsGrowingHeaders(Master):
    """Drops every state whose headerId is not larger than the last one."""

    def is_new(self, unit: Unit, message: Message) -> bool:
        return int(message.get("headerId", 0)) > int(unit.state.get("headerId", -1))


class KnowsItsOwnOnly(Master):
    """Knows of a vehicle in the zone only what it ordered itself."""

    def inside(self, unit: Unit) -> bool:
        return unit.plan is not None and super().inside(unit)


class OrdersOverOrders(Master):
    """Sends an order to a vehicle that holds one that it does not know."""

    def busy(self, unit: Unit) -> bool:
        return unit.plan is not None

    def clear(self, unit: Unit) -> None:
        """It is not cancelled."""


class WaitsForTheUnknown(Master):
    """Waits for the end of an order that it does not know and never extends."""

    def clear(self, unit: Unit) -> None:
        """It is not cancelled."""


class BelievesOldStates(Master):
    """Takes every state for the latest one."""

    def is_new(self, unit: Unit, message: Message) -> bool:  # noqa: ARG002
        return True


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
    _wrong("ignores-the-will", "SIL-01", IgnoresTheWill),
    _wrong("forgets-the-silent", "SIL-02", ForgetsTheSilent),
    _wrong("grudge-silent", "SIL-03", GrudgeSilent),
    _wrong("ignores-age", "SIL-04", IgnoresAge),
    _wrong("grudge-stale", "SIL-05", GrudgeStale),
    _wrong("ignores-offline", "CON-01", IgnoresOffline),
    _wrong("grudge-offline", "CON-02", GrudgeOffline),
    _wrong("ignores-the-mode", "MOD-01", IgnoresTheMode),
    _wrong("grudge-manual", "MOD-02", GrudgeManual),
    _wrong("ignores-the-mode-later", "MOD-03", IgnoresTheModeLater),
    _wrong("keeps-the-cleared", "MOD-04", KeepsTheCleared),
    _wrong("deaf-to-refusals", "ERR-01", DeafToRefusals),
    _wrong("refused-again", "ERR-02", RefusedAgain),
    _wrong("ignores-errors", "ERR-03", IgnoresErrors),
    _wrong("grudge-broken", "ERR-04", GrudgeBroken),
    _wrong("cancels-for-warnings", "ERR-05", CancelsForWarnings),
    _wrong("ignores-the-battery", "BAT-01", IgnoresTheBattery),
    _wrong("grudge-low", "BAT-02", GrudgeLow),
    _wrong("updates-the-lost", "REC-01", UpdatesTheLost),
    _wrong("begins-at-the-nearest", "REC-02", BeginsAtTheNearest),
    _wrong("wants-growing-headers", "REC-03", WantsGrowingHeaders),
    _wrong("knows-its-own-only", "REC-04", KnowsItsOwnOnly),
    _wrong("orders-over-orders", "REC-05", OrdersOverOrders),
    _wrong("waits-for-the-unknown", "REC-06", WaitsForTheUnknown),
    _wrong("believes-old-states", "ROB-01", BelievesOldStates),
    _wrong("never-answers", "LEA-01", NeverAnswers, "3.0"),
    _wrong("never-renews", "LEA-04", NeverRenews, "3.0"),
    _wrong("grants-all", "LEA-06", GrantsAll, "3.0"),
]
