"""Laboratories of the receiving sides: what has failed there goes back over the bridge.

A sample is taken when a container has been received; nobody fetches it before the result. With the
fault `fails` the result is FAIL, after as many samples as are wanted, and the container is offered
again as a **return**: a transfer of its own, from the place where it stands to the side it came
from, which both sides have to release and which ends in a receipt of its own. A side takes back so
many containers only (`quota`); what is beyond that is destroyed where it stands.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from twin.bridge.cargo import Flow
from twin.bridge.cold_chain import ColdChain
from twin.bridge.yards import Yards
from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.partner.transfers import Side, Transfer
from twin.site_bridge import Cargo
from twin.trace import Trace

OWN_RELEASE_S = 5.0
"""The side that does not want it lets it go at once (estimate); the other takes its time."""


class Laboratory(Faulty):
    """The laboratories of both sides, as far as the bridge sees them."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "fails": FaultKind(
            "fails",
            "what is received meanwhile fails in the laboratory and goes back",
            {
                "result_s": Parameter(600.0, "s", 1.0, 86_400.0, doc="of one sample"),
                "samples": Parameter(1.0, "", 1.0, 10.0, doc="until the result is believed"),
                "cargo": Parameter("perishable", choices=("perishable", "all")),
                "quota": Parameter(10.0, "boxes", 0.0, 10_000.0, doc="so many go back"),
            },
        ),
    }

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, *, flow: Flow, yards: Yards,
        cold_chain: ColdChain, rng: random.Random,
    ) -> None:  # fmt: skip
        """`rng` draws how long the side that has to take it back thinks about it."""
        super().__init__("laboratory", trace)
        self._cargo, self._clock, self._flow, self._yards = cargo, clock, flow, yards
        self._cold_chain, self._rng = cold_chain, rng
        self._sides: dict[str, Side] = {yard.id: yard.side for yard in cargo.yards}
        self._sent_back = 0
        flow.transfers.on_received(self._received)

    def _received(self, transfer: Transfer) -> None:
        """A receipt has been signed; a return is not examined again."""
        if transfer.returns:
            self._flow.trucks.let_go(transfer.box)
            return
        how = self.faults.get("fails")
        if how is None or (how["cargo"] == "perishable" and not transfer.perishable):
            return
        self._flow.trucks.hold(transfer.box)
        self._flow.expected += 1  # the run waits for what becomes of it
        self._sample(transfer, int(how["samples"]), float(how["result_s"]), int(how["quota"]))

    def _sample(self, transfer: Transfer, left: int, result_s: float, quota: int) -> None:
        self.trace(self.id, "lab.sample", transfer=transfer.id, box=transfer.box, left=left)
        then: Callable[[], None] = partial(self._failed, transfer, quota)
        if left > 1:
            then = partial(self._sample, transfer, left - 1, result_s, quota)
        self._clock.call_later(result_s, then)

    def _failed(self, transfer: Transfer, quota: int) -> None:
        goes_back = self._sent_back < quota
        self.trace(
            self.id, "lab.result", transfer=transfer.id, box=transfer.box, result="FAIL",
            then="return" if goes_back else "destroyed", quota=quota, returned=self._sent_back,
        )  # fmt: skip
        if not goes_back:
            self._flow.expected -= 1
            self._flow.trucks.destroy(transfer.to_yard, transfer.receipt_place)
            return
        self._sent_back += 1
        yard = self._yards.yards[transfer.to_yard]
        box = yard.places[transfer.receipt_place].top
        if box is not None:
            self._cold_chain.unplug(box)
        number = f"{transfer.id}R"
        self._flow.transfers.offer(
            Transfer(
                number, transfer.box, transfer.to_yard, transfer.from_yard, transfer.receipt_place,
                transfer.perishable, transfer.mass_kg, self._clock.now_s(),
                from_side=self._sides[transfer.to_yard], returns=transfer.id,
            )
        )  # fmt: skip
        for side in ("home", "far"):
            own = side == self._sides[transfer.to_yard]
            wait_s = OWN_RELEASE_S if own else self._rng.uniform(*self._cargo.demand.release_s)
            self._flow.release_later(wait_s, number, side, transfer.to_yard)
