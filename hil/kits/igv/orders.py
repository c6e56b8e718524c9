"""Writes orders on the test track: nodes by their number on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from fixtures.vda5050_orders import Scribe
from twin.clock import Clock
from twin.profiles.vda5050 import Dialect

from .papers import IgvPixit, Place

Message = dict[str, Any]


class Orders(Scribe):
    """The messages of one run; every identifier is new, also after an earlier run."""

    def __init__(self, dialect: Dialect, pixit: IgvPixit, clock: Clock) -> None:
        super().__init__(dialect, pixit.manufacturer, pixit.serial_number, pixit.map_id)
        self._pixit = pixit
        self._clock = clock
        real = clock.mode == "real"
        self._tag = dt.datetime.now(dt.UTC).strftime("%m%d%H%M%S") if real else "run"
        self._count = 0

    def name(self, what: str = "order") -> str:
        """A new identifier."""
        self._count += 1
        return f"{what}-{self._tag}-{self._count}"

    def header(self, topic: str) -> Message:
        """See `Scribe`; a real vehicle gets the real time, as the clock has it."""
        stamp = self._clock.utc_stamp(self.dialect.timestamp_digits)
        return {**super().header(topic), "timestamp": stamp}

    @property
    def ring(self) -> list[Place]:
        """All nodes: those of the track, then those of the way back."""
        return [*self._pixit.track, *self._pixit.way_back]

    def back(self, place: int) -> list[int]:
        """The places from `place` to the track's first node, both included."""
        if not self._pixit.way_back:
            return list(range(place, -1, -1))
        return [*range(place, len(self.ring)), 0]

    def to_and_fro(self, count: int) -> list[int]:
        """So many places one after the other, from the first one on."""
        if not self._pixit.way_back:
            return [number % 2 for number in range(count)]
        return [number % len(self.ring) for number in range(count)]

    def spot(self, place: int, sequence: int, **more: Any) -> Message:
        """One node of the track, or behind its last one of the way back."""
        x, y = self.ring[place]
        more.setdefault("deviation", self._pixit.deviation_m)
        return self.node(f"T{place}", sequence, x, y, **more)

    def drive(
        self,
        places: Sequence[int],
        order_id: str | None = None,
        update: int = 0,
        *,
        first: int = 0,
        released: int | None = None,
        actions: Mapping[int, Sequence[Message]] | None = None,
        edge_actions: Mapping[int, Sequence[Message]] | None = None,
        **edge: Any,
    ) -> Message:
        """An order over these places; the first `released` are the base.

        `actions` and `edge_actions` by the index in `places` (the edge that begins there);
        `first` is the first sequenceId, `edge` are more members of every edge.
        """
        base = len(places) if released is None else released
        nodes = [
            self.spot(
                place,
                first + 2 * index,
                released=index < base,
                actions=(actions or {}).get(index, ()),
            )
            for index, place in enumerate(places)
        ]
        edges = [
            self.edge(
                first + 2 * index + 1,
                f"T{start}",
                f"T{end}",
                released=index + 1 < base,
                actions=(edge_actions or {}).get(index, ()),
                **edge,
            )
            for index, (start, end) in enumerate(pairwise(places))
        ]
        return self.order(order_id or self.name(), update, nodes=nodes, edges=edges)

    def work(self, blocking: str = "HARD", id: str | None = None) -> Message:
        """The test action of the PIXIT."""
        parameters = self._pixit.node_parameters
        kind = self._pixit.node_action
        return self.action(kind, blocking, id=id or self.name("work"), **parameters)
