"""Masters that trust vehicles too much or too little."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hil.kits.fleet.master import STALE_S, Master
from hil.kits.fleet.messages import Message, Plan, Unit


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
