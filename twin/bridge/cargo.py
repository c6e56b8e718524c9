"""Lets boxes come: trucks under the cranes, transfers that are offered, released, given up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

from twin.bridge.cold_chain import ColdChain
from twin.bridge.yards import Yards
from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.documents import containers
from twin.errors import HarnessError
from twin.partner.transfers import Transfer, Transfers
from twin.site_bridge import Cargo, Side
from twin.trace import Trace
from twin.world import boxes
from twin.world.boxes import Consignment, Profile, Trucks
from twin.world.crossing import Ledger
from twin.world.yard import Place

Authorities = Callable[[str, Consignment], None]
"""Takes the number of a transfer that has been offered, and its consignment."""


class Truckers(Faulty):
    """What can be wrong with those who bring the boxes."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "wrong_box": FaultKind("wrong_box", "who comes has another box than his papers say"),
        "genset_off": FaultKind(
            "genset_off",
            "the generators of those who come have failed on the way: reefers come warm",
            {"hours": Parameter(1.5, "h", 0.0, 24.0, doc="without power")},
        ),
    }


class Telephone:
    """One line between the two sides: one call at a time, in the order in which they were due."""

    def __init__(self, clock: Clock, call_s: float) -> None:
        self._clock, self._call_s, self._free_s = clock, call_s, 0.0

    def call(self, told: Callable[[], None]) -> None:
        """Have `told` called when the call is over."""
        now_s = self._clock.now_s()
        self._free_s = max(self._free_s, now_s) + self._call_s
        self._clock.call_later(self._free_s - now_s, told)


def _call_s(cargo: Cargo) -> float:
    if cargo.crossing is None:
        raise HarnessError("no [bridge.cargo.crossing] says how long a release by telephone takes")
    return cargo.crossing.manual_release_s


class Flow:
    """The boxes of one bridge from their trucks to their receipts."""

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, *, rng: Callable[[str], random.Random],
        yards: Yards, ledger: Ledger, cold_chain: ColdChain, seed: int, link: bool = True,
    ) -> None:  # fmt: skip
        self._cargo, self._clock, self._trace, self._seed = cargo, clock, trace, seed
        self._yards, self._ledger, self._cold_chain = yards, ledger, cold_chain
        self._sides = {yard.id: yard.side for yard in cargo.yards}
        self._telephone = None if link else Telephone(clock, _call_s(cargo))
        self.truckers, self._luck = Truckers("trucks", trace), rng("wrong boxes")
        key = rng("receipts").randbytes(32)
        self.transfers = Transfers(clock, trace, key, yards.box_at, self._given_up, self._sides)
        self.trucks = Trucks(
            clock, trace, yards.yards, ledger, cargo.demand, rng("trucks"), self._ready,
            self.transfers.fetch, self._sides,
        )  # fmt: skip
        self.trucks.before_fetch = cold_chain.unplug
        ledger.on_gone(cold_chain.left)
        self.authorities: Authorities = self._timed
        """Who releases what has been offered; on a bridge alone each side after a drawn time."""
        self.expected = 0
        self._brought: dict[str, str] = {}
        """Transfer to the number of the box that its truck really brought."""

    def plan(
        self, hours: float, boxes_day: int | None = None, profile: Profile = Profile.EVEN
    ) -> list[Consignment]:
        """The containers of the site's demand, or of `boxes_day` a day."""
        count = self._cargo.demand.boxes_day if boxes_day is None else boxes_day
        return boxes.plan(self._cargo, self._seed, count, hours, profile)

    def expect(self, consignments: Iterable[Consignment]) -> None:
        """Let these containers come."""
        planned = list(consignments)
        self.expected += len(planned)
        self.trucks.expect(planned)

    @property
    def finished(self) -> int:
        """Transfers that are received or given up."""
        return sum(one.state in ("received", "failed") for one in self.transfers.book.values())

    def _ready(self, one: Consignment, place: Place) -> None:
        """A truck stands under its crane: the transfer is offered, and released by and by."""
        number = f"T{len(self.transfers.book) + 1:05d}"
        box = one.on_paper
        if "wrong_box" in self.truckers.faults:
            self._swap(place)
        self._brought[number] = place.boxes[0].number
        genset = self.truckers.faults.get("genset_off", {"hours": 0.0})
        self._cold_chain.came(place.boxes[0], 3600.0 * float(genset["hours"]))
        self.transfers.offer(
            Transfer(
                number, box.number, one.from_yard, one.to_yard, place.id, box.perishable,
                box.mass_kg, self._clock.now_s(), from_side=self._sides[one.from_yard],
            )
        )  # fmt: skip
        self.authorities(number, one)

    def _timed(self, number: str, one: Consignment) -> None:
        sides: tuple[tuple[Side, float], ...] = (
            ("home", one.home_release_s), ("far", one.far_release_s)
        )  # fmt: skip
        for side, wait_s in sides:
            self.release_later(wait_s, number, side, one.from_yard)

    def release_later(self, wait_s: float, number: str, side: Side, from_yard: str) -> None:
        """One side releases a transfer `wait_s` from now."""
        self._clock.call_later(wait_s, partial(self._release, number, side, from_yard))

    def _release(self, number: str, side: Side, from_yard: str) -> None:
        """One side releases: over the link, or, to whoever sits beyond the line, by telephone."""
        release = partial(self.transfers.release, number, side)
        if self._telephone is None or side == self._sides[from_yard]:
            release()
        else:
            self._telephone.call(release)

    def _swap(self, place: Place) -> None:
        """The driver has another box on his trailer than his papers say."""
        place.boxes = [
            replace(box, number=containers.make(self._luck), mass_kg=box.mass_kg + 500.0)
            for box in place.boxes
        ]
        self._ledger.update()
        self._trace("world", "truck.wrong_box", place=place.id, box=place.boxes[0].number)

    def _given_up(self, transfer: Transfer) -> None:
        """A person sends the truck away, if the box is still on it; a return is left to people."""
        if transfer.returns:
            self.trucks.let_go(transfer.box)
            return
        place = self._yards.yards[transfer.from_yard].places[transfer.place]
        wait_s = self._cargo.demand.truck_leaves_s
        self._clock.call_later(wait_s, partial(self._send_away, transfer, place))

    def _send_away(self, transfer: Transfer, place: Place) -> None:
        if place.top is None or place.top.number != self._brought[transfer.id]:
            return  # the crane has taken it off
        if self._yards.locked_on(transfer.from_yard, place):
            wait_s = self._cargo.demand.truck_leaves_s
            self._clock.call_later(wait_s, partial(self._send_away, transfer, place))
            return
        self.trucks.send_away(transfer.from_yard, place)
