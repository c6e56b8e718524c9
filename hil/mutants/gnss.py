# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken receiver for each MUST; each must fail its own requirement and few others.

Wire mutants bend sentences as they leave; receiver mutants bend what it believes. Each reproduces
a defect that somebody's product has had.
"""

from __future__ import annotations

import dataclasses

from hil.kits.gnss.emulation import GnssVariant
from hil.variant import Maker
from twin.devices.gnss import Fix, GnssReceiver, Quality
from twin.wires.nmea import NmeaServer

from . import gnss_sentences as sentences
from . import streams

# ---------------------------------------------------------------- streams and clients


class FallsSilent(NmeaServer):
    """Without a fix it sends nothing."""

    def _send(self, number: int, burst: list[bytes]) -> None:
        if self.device.fix().quality is not Quality.NONE:
            super()._send(number, burst)


class StopsOnNoise(NmeaServer):
    """After something that it does not know it is silent for three seconds."""

    _until_s = 0.0

    def received(self, number: int, data: bytes) -> None:  # noqa: ARG002
        self._until_s = self.clock.now_s() + 3.0

    def _send(self, number: int, burst: list[bytes]) -> None:
        if self.clock.now_s() >= self._until_s:
            super()._send(number, burst)


class KicksEverybody(streams.KicksEverybody, NmeaServer):
    """When one client too many comes, drops all that are served."""


class LateFree(streams.LateFree, NmeaServer):
    """Once all places were taken, the dead ones stay taken for eight seconds."""


class WaitsForTheSlow(streams.WaitsForTheSlow, NmeaServer):
    """Sends to nobody while one client has not taken what it was sent."""


# ---------------------------------------------------------------- receivers


class Coasts(GnssReceiver):
    """Without signals it says its last fix for ten seconds more."""

    _good: Fix | None = None

    def _solve(self, now: int) -> Fix:
        fix = super()._solve(now)
        if fix.quality is not Quality.NONE:
            self._good = fix
            return fix
        last = self._good
        if last is not None and now - last.t_ns < 10**10:
            return dataclasses.replace(last, t_ns=last.t_ns)
        return fix


class WakesAsItFellAsleep(GnssReceiver):
    """Until it has a place again it says the last one, as a place by itself."""

    _good: Fix | None = None

    def _solve(self, now: int) -> Fix:
        fix = super()._solve(now)
        if fix.quality is not Quality.NONE:
            self._good = fix
        elif self._good is not None and "outage" not in self.faults:
            return dataclasses.replace(
                self._good, t_ns=now, quality=Quality.SINGLE, satellites=fix.satellites
            )
        return fix


_wire = Maker(GnssVariant, "GNS-", NmeaServer)
_receiver = Maker(GnssVariant, "GNS-", GnssReceiver)


MUTANTS: list[GnssVariant] = [
    _wire("bare-newline", "FRM-01", sentences.BareNewline),
    GnssVariant(
        "wrong-checksum", "GNS-FRM-02", "One sentence in fifty has a checksum that does not fit.",
        wire_faults=(("checksum", {"share": 0.02}),),
    ),
    GnssVariant(
        "long-lines", "GNS-FRM-03", "Sends seven decimals and four of the height.",
        base="receiver-82", profile={"decimals": 7, "height_decimals": 4},
    ),
    GnssVariant(
        "old-talker", "GNS-FRM-04", "Says GP, its papers say GN.", quirks={"talker-gp": True}
    ),
    GnssVariant(
        "sixty-minutes", "GNS-FRM-05", "Rounds minutes to 60.", base="receiver-82",
        quirks={"sixty-minutes": True},
    ),
    _wire("drops-gst", "SEN-01", sentences.DropsGst),
    GnssVariant(
        "lazy-output", "GNS-SEN-02", "Sends eight epochs a second, its papers say ten.",
        profile={"rate_hz": 8.0},
    ),
    _wire("rmc-is-old", "SEN-03", sentences.RmcIsOld),
    _wire("rmc-lags", "SEN-04", sentences.RmcLags),
    GnssVariant(
        "old-letters", "GNS-SEN-05", "Says D for RTK, its papers promise version 4.11.",
        quirks={"mode-mismatch": True},
    ),
    _wire("miles", "SEN-06", sentences.Miles),
    _wire("boasts", "SEN-07", sentences.Boasts),
    _wire("counts-twelve", "SEN-08", sentences.CountsTwelve),
    _wire("says-twice", "TIM-01", sentences.SaysTwice),
    GnssVariant(
        "leap-seconds", "GNS-TIM-02", "Says GPS time for UTC.", quirks={"leap-seconds": True}
    ),
    GnssVariant(
        "week-rollover", "GNS-TIM-03", "Its date is 1,024 weeks old.",
        quirks={"week-rollover": True},
    ),
    GnssVariant(
        "late", "GNS-TIM-04", "Sends 0.3 s later than its papers say.",
        wire_faults=(("late", {"delay_s": 0.3}),),
    ),
    _receiver("coasts", "FIX-01", Coasts),
    _wire("falls-silent", "FIX-02", FallsSilent),
    _wire("keeps-place", "FIX-03", sentences.KeepsPlace),
    GnssVariant(
        "slow-first-fix", "GNS-FIX-04", "Needs 8 s to its first place.",
        parameters={"reacquire_s": 8.0},
    ),
    GnssVariant(
        "slow-fixing", "GNS-FIX-05", "Needs 30 s to fix its ambiguities.",
        parameters={"fixed_s": 30.0},
    ),
    GnssVariant(
        "clings", "GNS-FIX-06", "Uses corrections for ever.",
        parameters={"correction_limit_s": 1e6},
    ),
    _wire("ageless", "FIX-07", sentences.Ageless),
    GnssVariant(
        "reflected", "GNS-ACC-01", "Its places are half a metre beside the antenna.",
        faults=(("multipath", {"east_m": 0.5}),),
    ),
    _wire("ellipsoid", "ACC-02", sentences.Ellipsoid),
    _wire("restless", "ACC-03", sentences.Restless),
    _wire("compass", "ACC-04", sentences.Magnetic),
    GnssVariant(
        "one-client-less", "GNS-CON-01", "Serves three clients, its papers say four.",
        profile={"max_connections": 3},
    ),
    _wire("kicks-everybody", "CON-02", KicksEverybody),
    _wire("frees-late", "CON-03", LateFree),
    _wire("waits-for-the-slow", "CON-04", WaitsForTheSlow),
    _wire("stops-on-noise", "CON-05", StopsOnNoise),
    GnssVariant(
        "starts-slowly", "GNS-REC-01", "Starts in 6 s, its papers say 3.5 s.", start_up_s=6.0
    ),
    _receiver("wakes-as-it-fell-asleep", "REC-02", WakesAsItFellAsleep),
    _wire("no-gst", "DOC-01", sentences.NoGst),
]  # fmt: skip
