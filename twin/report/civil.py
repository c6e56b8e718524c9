"""The run's clock as the civil time that people at the gate read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Civil:
    """The civil time at which the run began; plots take it as milliseconds, zone-free."""

    start: dt.datetime

    @classmethod
    def of(cls, day: object, opens_h: float) -> Civil:
        """The start of a run on `day` (ISO date; any other value: 1 January 2000)."""
        try:
            date = dt.date.fromisoformat(str(day))
        except ValueError:
            date = dt.date(2000, 1, 1)
        midnight = dt.datetime.combine(date, dt.time(), dt.UTC)
        return cls(midnight + dt.timedelta(hours=opens_h))

    def ms(self, t_s: float) -> int:
        """Second `t_s` of the run as milliseconds since 1970."""
        return round((self.start.timestamp() + t_s) * 1000)

    def span_ms(self, from_s: float, to_s: float) -> list[float]:
        """A range of an axis."""
        return [self.ms(from_s), self.ms(to_s)]

    def clock(self, t_s: float, *, seconds: bool = True) -> str:
        """Second `t_s` of the run as hh:mm:ss (or hh:mm) of the day."""
        moment = self.start + dt.timedelta(seconds=t_s)
        return moment.strftime("%H:%M:%S" if seconds else "%H:%M")
