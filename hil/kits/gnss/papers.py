"""What is declared of a GNSS receiver (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hil.papers import Pics, Pixit, Seconds

Formatter = Literal["GGA", "RMC", "GST", "VTG", "GSA"]
Metres = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class GnssPics(Pics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a receiver is declared to do."""

    sentences: Annotated[list[Formatter], msgspec.Meta(min_length=2)]
    """In the order in which they come in every epoch; GGA and RMC are among them."""
    talker: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
    rate_hz: Annotated[float, msgspec.Meta(gt=0, le=50)]
    nmea_version: Literal["2.3", "4.11"]
    """Mode letters: 4.11 knows R and F, before that RTK is D."""
    decimals: Annotated[int, msgspec.Meta(ge=2, le=9)]
    """Of the minutes of latitude and longitude."""
    limit_82: bool
    """No sentence is longer than NMEA 0183 allows; high precision gives that up."""
    best_quality: Literal[1, 2, 4, 5]
    """Of GGA, in the open: 1 alone, 2 differential, 4 RTK fixed, 5 RTK float."""
    max_connections: Annotated[int, msgspec.Meta(ge=2, le=64)]
    simulated_sky: bool
    """Its antenna input can be fed by a signal simulator."""
    power_controllable: bool


class GnssPixit(Pixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this receiver is to be tested. Heights are above the ellipsoid (WGS 84)."""

    latency_s: Seconds
    """From the epoch to the last byte of its sentences."""
    start_up_s: Seconds
    """From power to the first sentence."""
    outage_s: Seconds
    """From the loss of all signals to quality 0."""
    first_fix_s: Seconds
    """From the return of the signals to the first place."""
    best_s: Seconds
    """From the return of the signals to the best quality."""
    correction_limit_s: Seconds
    """Older corrections are not used."""
    accuracy_m: Metres
    """At the best quality, horizontally, of 95 of 100 epochs, with the last decimal."""
    height_m: Metres
    """The same of the height."""
    latitude_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    """Of the surveyed point at which the antenna stands, as are the next two."""
    longitude_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    ellipsoid_m: Annotated[float, msgspec.Meta(ge=-1000, le=10_000)]
    clock_s: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.02
    """How far the bench's own time may be wrong; the uncertainty of a latency."""
    speed_m_s: Annotated[float, msgspec.Meta(gt=0.5, le=40)] = 5.0
    """Of the drive."""
    course_deg: Annotated[float, msgspec.Meta(ge=0, lt=360)] = 30.0
