"""The kit of a GNSS receiver: NMEA 0183 over TCP, time, quality, accuracy, clients, recovery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from markupsafe import Markup

from hil.bench import HANDS, HERE, OPERATOR, POWER, BenchFile, Device, RoleConfig, RoleRule
from hil.bench_text import MANUAL, TWIN, BenchText
from hil.drivers.raw import Endpoint
from hil.emulation import EmulatedBench
from hil.kit import Kit
from hil.papers import emulated_product
from hil.variant import Variant
from twin.clock import Clock
from twin.profiles import nmea as profiles
from twin.trace import Record, Trace

from . import curves
from .emulation import HOME, PLANE, START_UP_S, EmulatedGnss, GnssVariant
from .hands import GnssManualHands, GnssTwinHands
from .papers import GnssPics, GnssPixit
from .roles import GnssRoles
from .session import GnssSession
from .wire import NmeaWire


class NmeaDevice(Device, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device under test that streams NMEA 0183."""

    driver: Literal["nmea"]


class GnssBench(BenchFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of bench.toml for a receiver."""

    gnss: NmeaDevice
    sky: RoleConfig | None = None


class GnssKit(Kit):
    """Everything that certification has to know of a GNSS receiver."""

    device = "gnss"
    help = "NMEA 0183 over TCP: sentences, time, quality, accuracy, clients, recovery."
    modules = ("gnss", "gnss_content", "gnss_sky", "gnss_clients")
    good = ("receiver", "receiver-82")
    health = ("wrong-checksum", "leap-seconds", "keeps-place", "starts-slowly")
    product = emulated_product("emulated GNSS receiver", "GATETWIN00000002")
    pics_type = GnssPics
    pixit_type = GnssPixit
    bench_type = GnssBench
    rules = {  # noqa: RUF012 - never changed
        "sky": RoleRule(HANDS, doc="signals, corrections, motion, and the true time"),
        "power": POWER,
        "operator": OPERATOR,
    }
    text = BenchText(("nmea (the receiver's own wire)", TWIN, MANUAL))
    table = "gnss"
    here = NmeaDevice(driver="nmea", host=HERE, port=0)
    roles_type = GnssRoles
    session_type = GnssSession
    twin_hands = GnssTwinHands
    manual_hands = GnssManualHands

    def emulated_pics(self, profile: str) -> GnssPics:
        """See `Kit`."""
        loaded = profiles.load(profile)
        old = any(quirk.on for quirk in loaded.quirks if quirk.id == "mode-mismatch")
        return GnssPics(
            device=self.device,
            profile=profile,
            sentences=loaded.sentences,
            talker=loaded.talker,
            rate_hz=loaded.rate_hz,
            nmea_version="2.3" if old else "4.11",
            decimals=loaded.decimals,
            limit_82=loaded.decimals <= 4,
            best_quality=4,
            max_connections=loaded.max_connections,
            simulated_sky=True,
            power_controllable=True,
        )

    def emulated_pixit(self, profile: str) -> GnssPixit:
        """See `Kit`; with few decimals the last one is most of the error."""
        loaded, place = profiles.load(profile), PLANE.geographic(HOME)
        return GnssPixit(
            latency_s=0.2,
            start_up_s=START_UP_S + 0.5,
            outage_s=1.0,
            first_fix_s=3.0,
            best_s=15.0,
            correction_limit_s=61.0,
            accuracy_m=0.08 + 1852 * 10.0**-loaded.decimals,
            height_m=0.15 + 10.0**-loaded.height_decimals,
            latitude_deg=round(place.latitude_deg, 9),
            longitude_deg=round(place.longitude_deg, 9),
            ellipsoid_m=round(place.height_m, 3),
        )

    def emulate(
        self, clock: Clock, profile: str, variant: Variant | None, trace: Trace, *, engine: str
    ) -> EmulatedBench:
        """See `Kit`."""
        del engine  # a receiver has no body
        return EmulatedGnss(clock, profile, cast("GnssVariant | None", variant), trace)

    def wire(
        self, at: NmeaDevice, pics: GnssPics, pixit: GnssPixit, clock: Clock, trace: Trace
    ) -> NmeaWire:
        """See `Kit`."""
        del pics, pixit
        endpoint = Endpoint(at.host, at.port)
        return NmeaWire(endpoint, clock, trace, limit_s=at.patience_s(clock))

    def curves(self, records: Sequence[Record]) -> list[tuple[str, Markup]]:
        """See `Kit`: distance from the surveyed point, quality in an outage."""
        return curves.curves(self.view(records, "stream"), self.view(records, "outage"))


KIT = GnssKit()
