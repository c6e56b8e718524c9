"""What a judge sees of a receiver: its sentences, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from hil import nmea
from hil.nmea import Sentence
from hil.view import CaseView
from twin.geodesy import Geographic, Local, Plane

from .papers import GnssPics, GnssPixit
from .wire import MAIN

_DAY_S = 86_400.0


class Piece(NamedTuple):
    """What stood between two line ends, and when its last byte came."""

    t_s: float
    data: bytes


@dataclass(slots=True)
class Epoch:
    """The sentences of one epoch; of several of a kind all in a row."""

    t_s: float
    """When the last of them came."""
    got: dict[str, list[Sentence]] = field(default_factory=dict)

    def first(self, formatter: str) -> Sentence | None:
        """The first sentence of a kind."""
        return next(iter(self.got.get(formatter, ())), None)

    def text(self, formatter: str, number: int) -> str:
        """One field; empty where there is no such sentence."""
        sentence = self.first(formatter)
        return sentence.field(number) if sentence is not None else ""

    def number(self, formatter: str, number: int) -> float | None:
        """One field as a number."""
        sentence = self.first(formatter)
        return sentence.number(number) if sentence is not None else None

    @property
    def quality(self) -> int:
        """Of GGA; -1 without one."""
        value = self.number("GGA", 5)
        return -1 if value is None else int(value)

    @property
    def utc_s(self) -> float | None:
        """Time of day of GGA."""
        return nmea.day_s(self.text("GGA", 0))

    @property
    def place(self) -> Geographic | None:
        """Of GGA, with its height above the ellipsoid; None where the fields are empty."""
        lat = nmea.angle_deg(self.text("GGA", 1), self.text("GGA", 2))
        lon = nmea.angle_deg(self.text("GGA", 3), self.text("GGA", 4))
        if lat is None or lon is None:
            return None
        height, separation = self.number("GGA", 8), self.number("GGA", 10)
        return Geographic(lat, lon, (height or 0.0) + (separation or 0.0))


class GnssView(CaseView[GnssPics, GnssPixit]):
    """Reads one attempt of one case on a receiver."""

    @property
    def best(self) -> int:
        """The quality in the open."""
        return self.pics.best_quality

    @property
    def step_s(self) -> float:
        """Between two epochs."""
        return 1 / self.pics.rate_hz

    def pieces(self, label: str = MAIN) -> list[Piece]:
        """What one client got, line by line."""
        found: list[Piece] = []
        rest = b""
        for record in self.records:
            if record.payload.get("label") != label:
                continue
            if record.kind == "raw.open":
                rest = b""
            elif record.kind == "raw.rx":
                lines, rest = nmea.split(rest + bytes.fromhex(record.payload["data"]))
                found += [Piece(record.t_s, line) for line in lines]
        return found

    def epochs(self, label: str = MAIN) -> list[Epoch]:
        """What one client got, epoch by epoch; what comes before the first whole one is left out.

        The first sentence of the declared order begins an epoch.
        """
        found: list[Epoch] = []
        for piece in self.pieces(label):
            sentence = nmea.parse(piece.data)
            if sentence is None:
                continue
            if sentence.formatter == self.pics.sentences[0]:
                found.append(Epoch(piece.t_s))
            if found:
                found[-1].t_s = piece.t_s
                found[-1].got.setdefault(sentence.formatter, []).append(sentence)
        return found

    def whole(self, label: str = MAIN) -> list[Epoch]:
        """The same without the last one, of which a part may not have come."""
        return self.epochs(label)[:-1]

    def steps_s(self, epochs: Sequence[Epoch]) -> list[float]:
        """From each epoch to the next, by their own times; over midnight, too."""
        times = [epoch.utc_s for epoch in epochs]
        return [
            (later - earlier + _DAY_S / 2) % _DAY_S - _DAY_S / 2
            for earlier, later in pairwise(times) if earlier is not None and later is not None
        ]  # fmt: skip

    # -- truth

    def local(self, place: Geographic) -> Local:
        """A place as metres east, north and up of the surveyed point."""
        x = self.pixit
        return _plane(x.latitude_deg, x.longitude_deg, x.ellipsoid_m).local(place)

    def apart_m(self, epoch: Epoch) -> float | None:
        """How far from the surveyed point it says to be, horizontally."""
        if epoch.place is None:
            return None
        at = self.local(epoch.place)
        return math.hypot(at.east_m, at.north_m)

    def late_s(self, epoch: Epoch) -> float | None:
        """From the time that it says to the arrival of its last byte, within half a day."""
        true, said = self.true_time(epoch.t_s), epoch.utc_s
        if true is None or said is None:
            return None
        midnight = true.replace(hour=0, minute=0, second=0, microsecond=0)
        return ((true - midnight).total_seconds() - said + _DAY_S / 2) % _DAY_S - _DAY_S / 2


@cache
def _plane(latitude_deg: float, longitude_deg: float, ellipsoid_m: float) -> Plane:
    return Plane(Geographic(latitude_deg, longitude_deg, ellipsoid_m))
