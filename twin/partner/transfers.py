"""Containers that are to cross by themselves: who has released them, and who has received them.

A transfer is *ready* when its truck stands under the crane. Each side releases it in its own time;
a release may be taken back until the **permit** to cross is given, which needs both releases and
is the last word of both sides. When a box has been set down beyond the line, the receiving side
looks for itself and signs a **receipt** (Ed25519) over what it has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import msgspec

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.errors import HarnessError
from twin.trace import Trace

Side = Literal["home", "far"]
State = Literal["ready", "permitted", "received", "failed"]

VALID_S = 72 * 3600.0
"""A declaration is good for so long, as at Youyiguan since 24 h have become 72 h (news.ifeng.com
8qmjTGtiWk3, People's Daily 2026-02-16)."""


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the harness
    """What is asked for is not granted: a code and a reason in words."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(slots=True)
class Transfer:
    """One container on its way over the line."""

    id: str
    box: str
    from_yard: str
    to_yard: str
    place: str
    """Where it stands under the crane of `from_yard`."""
    perishable: bool
    mass_kg: float
    ready_s: float
    releases: dict[Side, float] = field(default_factory=dict)
    state: State = "ready"
    failure: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)
    fetched: bool = False
    seq: int = 0
    from_side: Side = "home"
    valid_s: float = 0.0
    """When its declaration runs out; a permit given before that outlives it."""
    renewable: bool = True
    returns: str = ""
    """The transfer that it takes back: the other side does not want what has crossed."""
    receipt_place: str = ""

    def shown(self) -> dict[str, Any]:
        """What the service shows of it, besides when its declaration runs out."""
        return {
            "id": self.id, "seq": self.seq, "container": self.box, "from_yard": self.from_yard,
            "to_yard": self.to_yard, "place": self.place, "perishable": self.perishable,
            "mass_kg": self.mass_kg, "state": self.state, "released": sorted(self.releases),
            "fetched": self.fetched, "returns": self.returns,
        }  # fmt: skip


Truth = Callable[[str, str], str | None]
"""The number of the box that truly stands at (yard, place), or None."""


class Transfers(Faulty):
    """The book of all transfers that both sides share."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("down", "no service: every request is answered with 503"),
            FaultKind(
                "slow",
                "every answer comes late",
                {"delay_s": Parameter(5.0, "s", 0.0, 3600.0, doc="extra time of each answer")},
            ),
            FaultKind("repeats", "every list names everything again, the latest change first"),
            FaultKind(
                "revoked",
                "one side takes its releases back, and gives none until this ends",
                {"side": Parameter("far", choices=("home", "far"))},
            ),
            FaultKind(
                "expiring",
                "what is offered meanwhile has a declaration that soon runs out",
                {
                    "left_s": Parameter(600.0, "s", 0.0, 86_400.0, doc="validity that is left"),
                    "renewable": Parameter(True, doc="whether it is renewed when that is asked"),
                },
            ),
            FaultKind(
                "clock_offset",
                "the service's clock is wrong: its time, the receipts' and the declarations' ends",
                {"offset_s": Parameter(3600.0, "s", -86_400.0, 86_400.0, doc="ahead of true time")},
            ),
            FaultKind("insider", "somebody gives permits without asking for the releases"),
            FaultKind(
                "withdrawn",
                "the authorities withdraw transfers that have no permit yet",
                {"count": Parameter(1.0, "", 1.0, 1000.0, doc="so many, the oldest first")},
            ),
        )
    }

    def __init__(
        self, clock: Clock, trace: Trace, seed: bytes, truth: Truth,
        given_up: Callable[[Transfer], None] = lambda _: None,
        sides: Mapping[str, Side] | None = None,
    ) -> None:  # fmt: skip
        """`seed`: 32 bytes from which the receiving side's key is made; `sides` of the yards."""
        super().__init__("transfers", trace)
        self._clock, self._truth, self._given_up = clock, truth, given_up
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        except ModuleNotFoundError as error:
            raise HarnessError(
                "signed receipts need cryptography; pip install 'gatetwin[cranes]'"
            ) from error
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.book: dict[str, Transfer] = {}
        self._sides = dict(sides or {})
        self._seq = 0
        self._receivers: list[Callable[[Transfer], None]] = []
        self._withheld: list[tuple[str, Side]] = []
        """Releases that are taken back for a while."""

    def on_received(self, callback: Callable[[Transfer], None]) -> None:
        """Call `callback` with each transfer whose receipt has been signed."""
        self._receivers.append(callback)

    @property
    def public_key(self) -> str:
        """The receiving side's key, 32 bytes in hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    def _changed(self, transfer: Transfer) -> None:
        self._seq += 1
        transfer.seq = self._seq

    def offer(self, transfer: Transfer, *, cause: int = -1) -> None:
        """A truck is ready under the crane."""
        self.book[transfer.id] = transfer
        short = self.faults.get("expiring", {"left_s": VALID_S, "renewable": True})
        transfer.renewable = bool(short["renewable"])
        self._valid(transfer, float(short["left_s"]))
        self.trace(
            self.id, "transfer.ready", cause, transfer=transfer.id, box=transfer.box,
            from_yard=transfer.from_yard, to_yard=transfer.to_yard, place=transfer.place,
            perishable=transfer.perishable, mass_kg=transfer.mass_kg,
            from_side=transfer.from_side, returns=transfer.returns,
        )  # fmt: skip

    def civil_time(self, in_s: float = 0.0) -> str:
        """The service's clock, now or `in_s` later: ISO 8601."""
        offset_s = float(self.faults.get("clock_offset", {"offset_s": 0.0})["offset_s"])
        return self._clock.business_time(in_s=in_s + offset_s)

    def shown(self, transfer: Transfer) -> dict[str, Any]:
        """What the service shows of it."""
        until = self.civil_time(transfer.valid_s - self._clock.now_s())
        return {**transfer.shown(), "valid_until": until}

    def _valid(self, transfer: Transfer, for_s: float) -> None:
        """Its declaration is good from now on for so long."""
        transfer.valid_s = self._clock.now_s() + for_s
        self._changed(transfer)
        if for_s < VALID_S:
            self._clock.call_later(for_s, lambda: self._expire(transfer))

    def _expire(self, transfer: Transfer) -> None:
        """It has run out, unless it was renewed or the permit is given: people take the box."""
        if transfer.state == "ready" and self._clock.now_s() >= transfer.valid_s:
            self.trace(
                self.id, "transfer.expired", transfer=transfer.id, box=transfer.box,
                renewable=transfer.renewable,
            )  # fmt: skip
            self.fail(transfer.id, "expired")

    def renew(self, id: str) -> Transfer:
        """A new declaration in place of one that soon runs out, or `Refusal`."""
        transfer = self.find(id)
        if transfer.state != "ready":
            raise Refusal("over", f"transfer {id} is {transfer.state}")
        if not transfer.renewable:
            raise Refusal("not_renewable", f"the declaration of {transfer.box} is not renewed")
        self._valid(transfer, VALID_S)
        self.trace(self.id, "transfer.renewed", transfer=id, box=transfer.box)
        return transfer

    def release(self, id: str, side: Side) -> None:
        """One side releases it; nothing happens if that is over already."""
        transfer = self.book[id]
        if transfer.state != "ready":
            return
        if self.faults.get("revoked", {}).get("side") == side:
            self._withheld.append((id, side))
            return
        transfer.releases[side] = self._clock.now_s()
        self._changed(transfer)
        self.trace(self.id, "transfer.released", transfer=id, box=transfer.box, side=side)

    def revoke(self, id: str, side: Side) -> bool:
        """One side takes its release back; False if the permit is given already."""
        transfer = self.book[id]
        if transfer.state != "ready":
            return False
        transfer.releases.pop(side, None)
        self._changed(transfer)
        self.trace(self.id, "transfer.revoked", transfer=id, box=transfer.box, side=side)
        return True

    def withdraw(self, id: str) -> bool:
        """The authorities want it no more; False if the permit is given already, or it is over."""
        if self.book[id].state != "ready":
            return False
        self.fail(id, "withdrawn")
        return True

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        fault = self.faults.get(kind)
        ready = [one.id for one in self.book.values() if one.state == "ready"]
        if kind == "withdrawn" and fault is not None:
            for name in ready[: int(fault["count"])]:
                self.withdraw(name)
        elif kind == "revoked" and fault is not None:
            for name in ready:
                self._take_back(name, "home" if fault["side"] == "home" else "far")
        elif kind == "revoked":
            withheld, self._withheld = self._withheld, []
            for name, side in withheld:
                self.release(name, side)

    def _take_back(self, id: str, side: Side) -> None:
        if side in self.book[id].releases and self.revoke(id, side):
            self._withheld.append((id, side))

    # --- what the stack asks for -----------------------------------------------------------------

    def after(self, seq: int) -> list[Transfer]:
        """Everything that has changed since `seq`, in order."""
        if "repeats" in self.faults:
            return sorted(self.book.values(), key=lambda t: -t.seq)
        return sorted((t for t in self.book.values() if t.seq > seq), key=lambda t: t.seq)

    def find(self, id: str) -> Transfer:
        """The transfer of this id, or `Refusal`."""
        if id not in self.book:
            raise Refusal("unknown_transfer", f"there is no transfer {id!r}")
        return self.book[id]

    def permit(self, id: str) -> Transfer:
        """Permission to cross, or `Refusal`; asking again gives the same answer."""
        transfer = self.find(id)
        if transfer.state == "permitted":
            return transfer
        if transfer.state != "ready":
            raise Refusal("over", f"transfer {id} is {transfer.state}")
        missing = [side for side in ("home", "far") if side not in transfer.releases]
        if missing and "insider" not in self.faults:
            raise Refusal("not_released", f"no release of: {', '.join(missing)}")
        transfer.state = "permitted"
        self._changed(transfer)
        self.trace(self.id, "transfer.permitted", transfer=id, box=transfer.box)
        return transfer

    def receive(self, id: str, place: str, yard: str | None = None) -> dict[str, Any]:
        """The signed receipt for the box that stands at `place` beyond the line, or `Refusal`.

        Any yard of the receiving side will do: what is shown as `to_yard` is where it was planned.
        """
        transfer = self.find(id)
        if yard is not None and transfer.state == "permitted" and yard != transfer.to_yard:
            if yard not in self._sides or self._sides[yard] == transfer.from_side:
                raise Refusal("not_there", f"{yard} is no yard of the receiving side")
            transfer.to_yard = yard
        seen = self._truth(transfer.to_yard, place)
        self.trace(
            self.id, "transfer.receipt_asked", transfer=id, box=transfer.box,
            yard=transfer.to_yard, place=place, seen=seen,
        )  # fmt: skip
        if transfer.receipt:
            return transfer.receipt
        if transfer.state != "permitted":
            raise Refusal("not_permitted", f"transfer {id} is {transfer.state}")
        if seen != transfer.box:
            raise Refusal(
                "not_there", f"at {place} of {transfer.to_yard} there is {seen or 'none'}"
            )
        statement = {
            "transfer": id, "container": transfer.box, "yard": transfer.to_yard, "place": place,
            "received_at": self.civil_time(),
        }  # fmt: skip
        body = msgspec.json.encode(statement, order="sorted")
        transfer.receipt = {"statement": body.decode(), "signature": self._key.sign(body).hex()}
        transfer.state = "received"
        self._changed(transfer)
        transfer.receipt_place = place
        self.trace(self.id, "transfer.received", transfer=id, box=transfer.box, place=place)
        for callback in self._receivers:
            callback(transfer)
        return transfer.receipt

    def fetch(self, box: str) -> None:
        """A truck has fetched this box: its place beyond the line is free."""
        for transfer in self.book.values():
            if transfer.box == box and not transfer.fetched:
                transfer.fetched = True
                self._changed(transfer)

    def fail(self, id: str, reason: str) -> Transfer:
        """The stack gives it up: people take over."""
        transfer = self.find(id)
        if transfer.state in ("ready", "permitted"):
            transfer.state, transfer.failure = "failed", reason
            self._changed(transfer)
            self.trace(self.id, "transfer.failed", transfer=id, box=transfer.box, reason=reason)
            self._given_up(transfer)
        return transfer
