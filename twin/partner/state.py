"""What customs knows and decides: declarations, pre-clearances, releases and the event feed.

No protocol lives here. Time is the clock's; delays are SimPy events, so a day without requests
costs nothing. The state never looks at the world: what crossed is what the gate's records say,
and a manual check is answered with what the officer sees (`truth`).

Rules, in the order in which reasons are listed:

* a declaration is released at most once, and only while it is registered and not expired;
* channel green alone releases; yellow means papers, red means inspection;
* the far side must have acknowledged the pre-arrival notice;
* gross weight within the lawful limit (40 t on five axles, 48 t on six and more: Circular
  46/2015/TT-BGTVT, articles 17-19) and within 5 % of the declared one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from twin.clock import NS, Clock, ns
from twin.devices.base import Faulty
from twin.documents import ocr
from twin.documents.declarations import LEGAL_GROSS_KG
from twin.documents.plates import normalise
from twin.errors import GateTwinError
from twin.partner import models
from twin.partner.feed import Feed
from twin.partner.menu import MENU
from twin.trace import Trace

GROSS_LIMIT_KG = {2: 18_000, 3: 26_000, 4: 34_000} | LEGAL_GROSS_KG
"""Lawful gross weight by number of axles; more than six count as six. Below five: estimates."""

WEIGHT_TOLERANCE = 0.05
"""Accepted difference of weighed to declared gross weight (share of the declared one; estimate)."""

OFFICER_S = (20.0, 60.0)
"""Shortest and longest answer of an officer to a manual check (estimate, drawn uniformly)."""


class PartnerError(GateTwinError):
    """Customs was given a matter that it cannot keep, as a second declaration of one number."""


class Conflict(GateTwinError):  # noqa: N818 - the protocol's word for it
    """A request that contradicts what was decided before."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What was declared before arrival, and what the authorities will say of it.

    `preclearance` is the far side's final answer, given `preclearance_delay_s` after
    registration; until then it is pending. `registered_s` is an instant of the clock and may be
    negative (declared before the day began). `axles` decides the weight limit. A release that is
    given is taken back after `revoke_after_release_s`, unless the vehicle has crossed by then.
    """

    number: str
    direction: models.Direction
    plate: str
    trailer_plate: str | None
    container: str | None
    laden: bool
    goods_hs: str | None
    declared_gross_kg: int
    channel: models.Channel = "green"
    preclearance: models.PreclearanceStatus = "acknowledged"
    preclearance_delay_s: float = 0.0
    utc_offset_h: float = 7.0
    axles: int = 6
    valid_h: float = 72.0
    revoke_after_release_s: float | None = None


@dataclass(slots=True)
class Matter:
    """One declaration and what became of it; times are nanoseconds of the clock."""

    declaration: Declaration
    registered_ns: int
    acknowledged_ns: int
    channels: list[tuple[int, models.Channel]]
    released_ns: int | None = None
    release: str | None = None
    crossed_ns: int | None = None
    revoked_ns: int | None = None

    @property
    def expires_ns(self) -> int:
        """First instant at which the declaration is no longer valid."""
        return self.registered_ns + ns(self.declaration.valid_h * 3600)

    def channel_at(self, at_ns: int) -> models.Channel:
        """The channel as it was at `at_ns`."""
        found = self.channels[0][1]
        for since_ns, channel in self.channels:
            if since_ns <= at_ns:
                found = channel
        return found

    def preclearance_at(self, at_ns: int) -> models.PreclearanceStatus:
        """What the far side had said by `at_ns`."""
        return self.declaration.preclearance if at_ns >= self.acknowledged_ns else "pending"

    def status_at(self, at_ns: int) -> models.DeclarationStatus:
        """Where the declaration stood at `at_ns`."""
        if self.crossed_ns is not None and self.crossed_ns <= at_ns:
            return "crossed"
        if self.revoked_ns is not None and self.revoked_ns <= at_ns:
            return "revoked"
        if self.released_ns is not None and self.released_ns <= at_ns:
            return "released"
        return "expired" if at_ns >= self.expires_ns else "registered"


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """A manual check as the officer got it."""

    check: str
    lane: str
    reason: str
    candidate_plate: str | None
    image_uuid: str | None


@dataclass(slots=True)
class _Counters:
    releases: int = 0
    records: int = 0
    alarms: int = 0
    checks: int = 0


class PartnerState(Faulty):
    """The authorities' own book of the day; `faults` hold what is wrong with their system."""

    FAULTS = MENU

    def __init__(
        self, clock: Clock, trace: Trace, rng: random.Random, *, id: str = "customs",
        officer_s: tuple[float, float] = OFFICER_S,
    ) -> None:  # fmt: skip
        super().__init__(id, trace)
        self.clock = clock
        self.rng = rng
        self.officer_s = officer_s
        self.feed = Feed(clock, self.faults)
        self.matters: dict[str, Matter] = {}
        self.truth: Callable[[str], str | None] = lambda _lane: None
        """The plate that an officer sees in a lane at this instant, set by the gate."""
        self._checks: list[Callable[[CheckOrder, float], None]] = []
        self._count = _Counters()
        self._by_plate: dict[str, list[str]] = {}

    # --- what happens without the gate's asking -------------------------------------------

    def register(self, declaration: Declaration, *, registered_s: float | None = None) -> None:
        """Take a declaration into the book; its pre-clearance answer comes by itself.

        `registered_s` dates it back (default: now). Raises `PartnerError` for a number that is
        known already.
        """
        if declaration.number in self.matters:
            raise PartnerError(
                f"declaration {declaration.number} is registered already; numbers are unique"
            )
        now = self.clock.now_ns()
        since = now if registered_s is None else ns(registered_s)
        answered = since + ns(declaration.preclearance_delay_s)
        self.matters[declaration.number] = Matter(
            declaration, since, answered, [(since, declaration.channel)]
        )
        key = normalise(declaration.plate)
        self._by_plate.setdefault(key, []).append(declaration.number)
        self.trace(
            "partner", "partner.declared", declaration=declaration.number,
            plate=declaration.plate, channel=declaration.channel,
            direction=declaration.direction, preclearance=declaration.preclearance,
        )  # fmt: skip
        if declaration.preclearance == "pending":
            return
        if answered > now:
            self.clock.call_later((answered - now) / NS, lambda: self._answered(declaration))
        else:
            self._note_answer(declaration)

    def answer(self, number: str) -> None:
        """The far side answers now, whenever it was expected to."""
        matter = self.matters[number]
        if matter.acknowledged_ns > self.clock.now_ns():
            matter.acknowledged_ns = self.clock.now_ns()
            self._answered(matter.declaration)

    def _answered(self, declaration: Declaration) -> None:
        self._note_answer(declaration)
        self._tell("preclearance", declaration, {"status": declaration.preclearance})

    def _note_answer(self, declaration: Declaration) -> None:
        self.trace(
            "partner", "partner.preclearance", declaration=declaration.number,
            status=declaration.preclearance,
        )  # fmt: skip

    def set_channel(self, number: str, channel: models.Channel) -> None:
        """The selectivity of customs changes its mind; the feed tells."""
        matter = self.matters[number]
        matter.channels.append((self.clock.now_ns(), channel))
        self.trace("partner", "partner.channel", declaration=number, channel=channel)
        self._tell("channel", matter.declaration, {"channel": channel})

    def revoke(self, number: str, why: str = "revoked by customs") -> None:
        """Take a declaration back; a release not yet used is void from now on."""
        matter = self.matters[number]
        if matter.revoked_ns is None:
            matter.revoked_ns = self.clock.now_ns()
            self.trace("partner", "partner.revoked", declaration=number, why=why)
            self._tell("revoked", matter.declaration, {"why": why})

    def _think_again(self, matter: Matter) -> None:
        declared = matter.declaration

        def revoke() -> None:
            if matter.crossed_ns is None:
                self.revoke(declared.number)

        if declared.revoke_after_release_s is not None:
            self.clock.call_later(declared.revoke_after_release_s, revoke)

    def crossed(self, number: str) -> bool:
        """The gate says that the declaration's vehicle has passed; false if it had already."""
        matter = self.matters.get(number)
        if matter is None or matter.crossed_ns is not None:
            return False
        matter.crossed_ns = self.clock.now_ns()
        return True

    def on_manual_check(self, callback: Callable[[CheckOrder, float], None]) -> None:
        """Call `callback(order, duration_s)` when a check begins; the answer takes that long."""
        self._checks.append(callback)

    # --- what the gate asks ---------------------------------------------------------------

    def find(self, number: str) -> Matter | None:
        """The matter of a declaration number."""
        return self.matters.get(number)

    def by_plate(self, plate: str) -> list[Matter]:
        """Matters of exactly this plate, in the order of registration."""
        numbers = self._by_plate.get(normalise(plate), ())
        return [self.matters[number] for number in numbers]

    def near(self, plate: str) -> list[Matter]:
        """Matters whose plate could have been read as `plate`: at most one OCR confusion away."""
        read = normalise(plate)
        return [
            self.matters[number]
            for candidate, numbers in self._by_plate.items()
            if ocr.near(read, candidate)
            for number in numbers
        ]

    def reasons(self, request: models.ReleaseRequest) -> list[models.Reason]:
        """Why the request cannot be granted now; empty means that it can."""
        matter = self.matters.get(request.declaration)
        if matter is None:
            return ["not_declared"]
        now, declared = self.clock.now_ns(), matter.declaration
        channel = matter.channel_at(now)
        limit_kg = GROSS_LIMIT_KG[min(max(declared.axles, 2), 6)]
        tolerance_kg = declared.declared_gross_kg * WEIGHT_TOLERANCE
        found: list[tuple[bool, models.Reason]] = [
            (matter.revoked_ns is not None, "revoked"),
            (now >= matter.expires_ns, "expired"),
            (channel == "yellow", "channel_yellow"),
            (channel == "red", "channel_red"),
            (matter.preclearance_at(now) != "acknowledged", "not_precleared"),
            (normalise(request.plate) != normalise(declared.plate), "plate_mismatch"),
            (
                request.container is not None and request.container != declared.container,
                "container_mismatch",
            ),
            (request.gross_kg > limit_kg, "overweight"),
            (
                abs(request.gross_kg - declared.declared_gross_kg) > tolerance_kg,
                "weight_mismatch",
            ),
        ]
        return [reason for holds, reason in found if holds]

    def release(self, request: models.ReleaseRequest, key: str) -> models.ReleaseAnswer:
        """Decide a release; raises `Conflict` if the declaration was released before."""
        matter = self.matters.get(request.declaration)
        if matter is not None and matter.release is not None:
            raise Conflict(
                f"declaration {request.declaration} was released before as {matter.release}; "
                "repeat a request with the key of the first one to see its answer again"
            )
        reasons = self.reasons(request)
        number: str | None = None
        if matter is not None and not reasons:
            self._count.releases += 1
            number = f"R{self._count.releases:06d}"
            matter.release, matter.released_ns = number, self.clock.now_ns()
            self._think_again(matter)
        decision: models.Decision = "refused" if reasons else "released"
        self.trace(
            "partner", "partner.release", declaration=request.declaration, plate=request.plate,
            release=number, lane=request.lane, decision=decision, reasons=list(reasons), key=key,
            gross_kg=round(request.gross_kg),
        )  # fmt: skip
        offset_h = matter.declaration.utc_offset_h if matter else 7.0
        return models.ReleaseAnswer(
            request.declaration, decision, reasons, number, self.clock.business_time(offset_h)
        )

    def record(self, record: models.GateRecord) -> models.GateRecordAnswer:
        """Keep what the gate says; a record is a statement and is never refused, only flagged."""
        self._count.records += 1
        flags: list[models.Flag] = []
        if record.event == "passed":
            matter = self.matters.get(record.declaration or "")
            if matter is None:
                flags.append("not_declared")
            else:
                if matter.release is None or matter.release != record.release:
                    flags.append("no_release")
                if not self.crossed(matter.declaration.number):
                    flags.append("already_crossed")
        self.trace(
            "partner", "partner.gate_record", lane=record.lane, event=record.event,
            plate=record.plate, declaration=record.declaration, release=record.release,
            gross_kg=None if record.gross_kg is None else round(record.gross_kg), flags=list(flags),
            business_time=record.business_time.isoformat(),
        )  # fmt: skip
        return models.GateRecordAnswer(f"G{self._count.records:06d}", flags)

    def alarm(self, alarm: models.Alarm) -> models.AlarmAnswer:
        """Note an alarm of the gate."""
        self._count.alarms += 1
        self.trace(
            "partner", "partner.alarm", lane=alarm.lane, code=alarm.code, text=alarm.text,
            raised=alarm.raised,
        )  # fmt: skip
        return models.AlarmAnswer(f"A{self._count.alarms:06d}")

    def manual_check(self, check: models.ManualCheck) -> models.ManualCheckAnswer:
        """Send an officer to look; he answers through the feed when he has seen the plate."""
        self._count.checks += 1
        order = CheckOrder(
            f"C{self._count.checks:06d}", check.lane, check.reason, check.candidate_plate,
            check.image_uuid,
        )  # fmt: skip
        duration_s = round(self.rng.uniform(*self.officer_s), 3)
        for callback in self._checks:
            callback(order, duration_s)
        self.clock.call_later(duration_s, lambda: self._officer_answers(order, duration_s))
        return models.ManualCheckAnswer(order.check)

    def _officer_answers(self, order: CheckOrder, duration_s: float) -> None:
        plate = self.truth(order.lane)
        if plate is None:
            action = "nothing_there"
        elif normalise(order.candidate_plate or "") == normalise(plate):
            action = "confirmed"
        else:
            action = "corrected"
        self.trace(
            "partner", "partner.officer", lane=order.lane, vehicle=plate, action=action,
            duration_s=duration_s, check=order.check, reason=order.reason,
        )  # fmt: skip
        data = {"check": order.check, "plate": plate, "action": action}
        business_time = self.clock.business_time()
        self.feed.publish("manual_plate", None, order.lane, data, business_time)

    def _tell(
        self, type: models.EventType, declaration: Declaration, data: dict[str, str | None]
    ) -> None:
        business_time = self.clock.business_time(declaration.utc_offset_h)
        self.feed.publish(type, declaration.number, None, data, business_time)

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - the hook's form
        self.feed.faults_changed()
