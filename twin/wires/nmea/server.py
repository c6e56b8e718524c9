"""The TCP server of one receiver: a burst of sentences at each epoch, to all who listen.

Epochs lie on a fixed grid; a burst leaves after the receiver's latency and carries the time of its
epoch. Nothing is made while nobody listens. What clients send is passed over, as on a port that
is set to output only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

from twin.clock import NS, Clock
from twin.devices.base import FaultKind, Parameter
from twin.devices.gnss import GnssReceiver
from twin.errors import UnknownName
from twin.hashed import mix
from twin.profiles.nmea import NmeaProfile, load
from twin.trace import Trace
from twin.wires.nmea.sentences import Composer
from twin.wires.stream import StreamServer

_SHARE = {"share": Parameter(0.1, "", 0.0, 1.0, doc="share of the sentences that are hit")}


class NmeaServer(StreamServer):
    """Serves one receiver; `quirks` switches those of the profile by id."""

    WORD = "nmea"
    UNSENT_MAX = 16 * 1024  # some seconds

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("link_down", "the cable is out: connections die, none is taken"),
            FaultKind("silent", "the connection is open and nothing comes"),
            FaultKind("checksum", "one character is turned over, the checksum is wrong", _SHARE),
            FaultKind("truncated", "a sentence ends early and the next one begins at once", _SHARE),
            FaultKind(
                "late",
                "bursts leave late; their times are still those of the epochs",
                {"delay_s": Parameter(0.5, "s", 0.0, 30.0, doc="besides the usual latency")},
            ),
        )
    }

    def __init__(
        self, device: GnssReceiver, profile: NmeaProfile | None = None, *, clock: Clock,
        trace: Trace, quirks: Mapping[str, bool] | None = None,
    ) -> None:  # fmt: skip
        self.device, self.profile = device, profile or load()
        super().__init__(
            device, clock=clock, trace=trace, rate_hz=self.profile.rate_hz,
            max_connections=self.profile.max_connections,
        )  # fmt: skip
        self.quirks: dict[str, bool] = {quirk.id: quirk.on for quirk in self.profile.quirks}
        for name, on in (quirks or {}).items():
            if name not in self.quirks:
                raise UnknownName(f"quirk of profile {self.profile.name}", name, self.quirks)
            self.quirks[name] = on
        self._composer = Composer(self.profile, self.quirks, device.parameters.separation_m)
        self._spoilt = {"checksum": 0.0, "truncated": 0.0}

    def _instant(self, number: int) -> None:
        if "silent" in self.faults or not self.device.online:
            return
        # the grid's own instant: a real loop wakes a little late, a receiver's epoch is exact
        instant_ns = round(number * NS / self.profile.rate_hz)
        utc = self.clock.day_start.astimezone(dt.UTC) + dt.timedelta(
            microseconds=instant_ns // 1000
        )
        burst = self._composer.burst(self.device.fix(), utc)
        delay_s = self.device.parameters.latency_s
        if "late" in self.faults:
            delay_s += float(self.faults["late"]["delay_s"])
        self.clock.loop.call_later(delay_s, self._send, number, burst)

    def _send(self, number: int, burst: list[bytes]) -> None:
        if "silent" in self.faults or not self.device.online:
            return  # it was cut off while the burst was under way
        data = b"".join(self._spoil(line, mix(number, place)) for place, line in enumerate(burst))
        self._broadcast(data)

    def _spoil(self, line: bytes, draw: int) -> bytes:
        """The line as it comes out of a bad cable: every 1/share-th one is hit."""
        if self._hit("truncated"):
            return line[: 4 + draw % (len(line) - 8)]
        if self._hit("checksum"):
            place = 1 + draw % (len(line) - 6)
            other = line[place] ^ 1 << draw % 4
            return line[:place] + bytes((other,)) + line[place + 1 :]
        return line

    def _hit(self, kind: str) -> bool:
        if kind not in self.faults:
            return False
        self._spoilt[kind] += float(self.faults[kind]["share"])
        if self._spoilt[kind] < 1.0:
            return False
        self._spoilt[kind] -= 1.0
        return True
