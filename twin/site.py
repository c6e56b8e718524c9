"""What a bridge is: one TOML file, read strictly.

Every number in it has a source: a citation, or the word `estimate` with its reason. A number
without one is an error, as are an unknown key, a wrong unit and a geometry that cannot be.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from twin import site_bridge, site_bridge_checks, site_sky_rail, strict_toml
from twin.errors import ConfigError, UnknownName

SITES = Path(__file__).parent / "sites"

Metres = Annotated[float, Meta(ge=-200, le=5_000)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Speed = Annotated[float, Meta(gt=0, le=30)]
HourText = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Direction = Literal["in", "out"]
LaneKind = Literal["smart", "traditional"]
WornRole = Literal["barrier", "light", "loops", "io", "scale", "camera"]


class Strict(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of what is read from a file: an unknown key is an error."""


class Words(Strict, frozen=True):
    """One text in the three languages of the reports."""

    en: str
    vi: str
    zh: str


class Bridge(Strict, frozen=True):
    """The crossing itself."""

    length_m: Metres
    width_m: Metres
    cargo: site_bridge.Cargo | None = None
    """What carries containers over it without drivers; without one there are only lanes."""
    phase_2: site_bridge.Cargo | None = None
    """The same in Phase 2: more lanes, cranes and vehicles."""
    sky_rail: site_sky_rail.SkyRail | None = None
    """Another way to carry the same containers: `--carrier sky-rail`."""


class Hours(Strict, frozen=True):
    """Opening hours in the site's civil time."""

    opens: HourText
    closes: HourText
    drain_s: Seconds
    """After closing, lanes serve who is already queueing for at most this long."""

    @property
    def opens_h(self) -> float:
        """Opening hour as a decimal number."""
        return _hours(self.opens)

    @property
    def open_s(self) -> float:
        """Seconds from opening to closing."""
        return (_hours(self.closes) - _hours(self.opens)) * 3600


class Day(Strict, frozen=True):
    """The counted traffic of one real day."""

    date: dt.date
    in_laden: Annotated[int, Meta(ge=0, le=5_000)]
    in_empty: Annotated[int, Meta(ge=0, le=5_000)]
    out_laden: Annotated[int, Meta(ge=0, le=5_000)]
    out_empty: Annotated[int, Meta(ge=0, le=5_000)]


class Shares(Strict, frozen=True):
    """How often something is so, as a share of the vehicles concerned."""

    smart_lane: Share
    vietnamese_plate: Share
    six_axle: Share
    rigid_truck: Share
    channel_red: Share
    channel_yellow: Share
    no_declaration: Share
    overweight: Share
    weight_mismatch: Share
    plate_mismatch: Share
    preclearance_late: Share
    preclearance_rejected: Share
    dirty_plate: Share
    revoked: Share = 0.0
    """A release is taken back while the vehicle still stands there."""


class Drivers(Strict, frozen=True):
    """How drivers behave."""

    reaction_s: tuple[Seconds, Seconds]
    hesitates: Share
    hesitates_s: tuple[Seconds, Seconds]
    stops_under_arm: Share
    stops_under_arm_s: tuple[Seconds, Seconds]
    follows_too_close: Share
    speed_m_s: Speed
    acceleration_m_s2: Annotated[float, Meta(gt=0, le=5)]
    braking_m_s2: Annotated[float, Meta(gt=0, le=10)]


class Officer(Strict, frozen=True):
    """The officer of a traditional lane, and the one who answers manual checks."""

    service_s: tuple[Seconds, Seconds]
    manual_check_s: tuple[Seconds, Seconds]


class Traffic(Strict, frozen=True):
    """Demand: the shape of the day and what the vehicles are like."""

    hourly_weights: Annotated[
        list[Annotated[float, Meta(ge=0)]], Meta(min_length=24, max_length=24)
    ]
    preclearance_late_s: tuple[Seconds, Seconds]
    days: list[Day]
    shares: Shares
    drivers: Drivers
    officer: Officer


Monthly = Annotated[list[float], Meta(min_length=12, max_length=12)]


class Climate(Strict, frozen=True):
    """Monthly means, January to December: rain, days with rain, air temperature."""

    rain_mm: Annotated[list[Annotated[float, Meta(gt=0)]], Meta(min_length=12, max_length=12)]
    rainy_days: Annotated[
        list[Annotated[float, Meta(gt=0, le=31)]], Meta(min_length=12, max_length=12)
    ]
    temperature_c: Monthly


class Geometry(Strict, frozen=True):
    """Places along a truck lane, metres in the direction of travel."""

    queue_line_m: Metres
    approach_from_m: Metres
    approach_to_m: Metres
    camera_trigger_m: Metres
    platform_from_m: Metres
    platform_to_m: Metres
    stop_line_m: Metres
    arm_line_m: Metres
    arm_loop_m: Metres
    """Length of each of the two channels of the arm loop, before and behind the arm line."""
    exit_from_m: Metres
    exit_to_m: Metres
    clear_m: Metres
    kerb_m: Metres
    """From the arm's pivot to the near side of a vehicle."""
    vehicle_width_m: Metres
    body_stiffness_n_m: Annotated[float, Meta(gt=0)]


class ArmSpec(Strict, frozen=True):
    """The barrier arm of a lane."""

    length_m: Annotated[float, Meta(ge=1, le=10)]
    travel_s: Annotated[float, Meta(ge=0.5, le=30)]


class DeviceSpec(Strict, frozen=True):
    """One device of a lane: its role there, its profile and its wiring."""

    role: Literal["barrier", "io", "scale", "camera"]
    profile: str
    wiring: dict[str, str] = {}
    """Channel of a remote I/O module to `role.point` of the lane."""


class LaneSpec(Strict, frozen=True):
    """One lane."""

    id: Name
    direction: Direction
    kind: LaneKind
    geometry: Name
    arm: ArmSpec
    devices: list[DeviceSpec] = []
    wear: dict[WornRole, Annotated[float, Meta(ge=0, le=2)]] = {}
    """What devices have behind them when the day begins, as a share of their rated life."""


class Site(Strict, frozen=True):
    """One bridge: what stands there, when it is open and who comes."""

    id: Name
    name: Words
    utc_offset_h: Annotated[float, Meta(ge=-12, le=14)]
    partner_utc_offset_h: Annotated[float, Meta(ge=-12, le=14)]
    bridge: Bridge
    hours: Hours
    traffic: Traffic
    geometry: dict[str, Geometry]
    lanes: list[LaneSpec]
    sources: dict[str, str]
    climate: Climate | None = None
    """Without one it never rains."""

    def day(self, date: dt.date) -> Day:
        """The counted traffic of `date`; `UnknownName` with the known days otherwise."""
        for day in self.traffic.days:
            if day.date == date:
                return day
        known = [day.date.isoformat() for day in self.traffic.days]
        raise UnknownName(f"day of {self.id}", date.isoformat(), known)

    def in_phase(self, phase: int) -> Site:
        """The site with the cargo of Phase 1 or 2; `UnknownName` if the file has none of it.

        What the capacity tier needs besides (`crossing`) is Phase 1's, if Phase 2 says nothing.
        """
        found = {1: self.bridge.cargo, 2: self.bridge.phase_2}
        cargo = found.get(phase)
        if cargo is None:
            known = [str(number) for number, one in found.items() if one is not None]
            raise UnknownName(f"phase of {self.id}", str(phase), known)
        if cargo.crossing is None and self.bridge.cargo is not None:
            crossing = self.bridge.cargo.crossing
            cargo = msgspec.structs.replace(cargo, crossing=crossing)
        return self.with_cargo(cargo)

    def with_cargo(self, cargo: site_bridge.Cargo) -> Site:
        """The site with other cargo on its bridge."""
        return msgspec.structs.replace(
            self, bridge=msgspec.structs.replace(self.bridge, cargo=cargo)
        )


def known_sites() -> list[str]:
    """Names of the sites that come with the product."""
    return sorted(path.stem for path in SITES.glob("*.toml"))


def load(name: str | Path) -> Site:
    """Read a site by its name, or from a TOML file of one's own.

    Raises `ConfigError` with file, line and key, or `UnknownName`.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = SITES / f"{name}.toml"
        if not path.is_file():
            raise UnknownName("site", str(name), known_sites())
    return loads(_read(path), path)


def loads(text: str, path: Path | str = "<text>") -> Site:
    """Read a site from text; `path` is only named in errors."""
    return _checked(text, path)


@functools.lru_cache(maxsize=16)
def _checked(text: str, path: Path | str) -> Site:
    """Reading and checking take a tenth of a second, and a fuzzer makes thousands of gates."""
    data = strict_toml.parse(text, path)
    lines = strict_toml.LineIndex(text)
    site = strict_toml.convert(data, Site, lines, path)

    def wrong(key: str, message: str) -> ConfigError:
        return ConfigError(path, lines.find(key), key, message)

    for problem in _problems(site, data):
        raise wrong(*problem)
    return site


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(path, None, "", f"cannot be read: {error.strerror}") from error


def _problems(site: Site, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _hour_problems(site)
    for name, geometry in site.geometry.items():
        yield from _geometry_problems(f"geometry.{name}", geometry)
    seen: set[str] = set()
    for index, lane in enumerate(site.lanes):
        key = f"lanes.{index}"
        if lane.id in seen:
            yield f"{key}.id", f"lane {lane.id!r} stands twice"
        seen.add(lane.id)
        yield from _lane_problems(key, lane, site)
    if not site.lanes:
        yield "lanes", "a site needs at least one lane"
    for key, cargo in (("cargo", site.bridge.cargo), ("phase_2", site.bridge.phase_2)):
        if cargo is not None:
            length_m = site.bridge.length_m
            yield from site_bridge_checks.problems(cargo, length_m, f"bridge.{key}")
    if site.bridge.sky_rail is not None:
        yield from site_sky_rail.problems(site.bridge.cargo, site.bridge.sky_rail)
    yield from _source_problems(site, data)


def _hour_problems(site: Site) -> Iterator[tuple[str, str]]:
    if site.hours.open_s <= 0:
        yield "hours.closes", f"closes at {site.hours.closes}, not after {site.hours.opens}"
    if sum(_open_weights(site)) <= 0:
        yield "traffic.hourly_weights", "are all 0 while the site is open: nobody would come"


def _open_weights(site: Site) -> list[float]:
    first = int(site.hours.opens_h)
    last = int(site.hours.opens_h + site.hours.open_s / 3600 + 0.999)
    return [site.traffic.hourly_weights[hour % 24] for hour in range(first, last)]


_ORDER = (
    "queue_line_m",
    "approach_from_m",
    "approach_to_m",
    "platform_from_m",
    "stop_line_m",
    "arm_line_m",
    "exit_from_m",
    "exit_to_m",
    "clear_m",
)


def _geometry_problems(key: str, geometry: Geometry) -> Iterator[tuple[str, str]]:
    places = [(name, getattr(geometry, name)) for name in _ORDER]
    for (before, low), (name, high) in itertools.pairwise(places):
        if high <= low:
            yield f"{key}.{name}", f"is {high} m, but must lie behind {before} = {low} m"
    if not geometry.platform_from_m < geometry.platform_to_m <= geometry.stop_line_m:
        yield (
            f"{key}.platform_to_m",
            (
                f"is {geometry.platform_to_m} m, but the platform must end between "
                f"{geometry.platform_from_m} m and the stop line at {geometry.stop_line_m} m"
            ),
        )
    if geometry.arm_loop_m >= geometry.arm_line_m - geometry.stop_line_m:
        yield (
            f"{key}.arm_loop_m",
            (f"is {geometry.arm_loop_m} m, so a truck at the stop line would already stand on it"),
        )
    if not geometry.approach_from_m < geometry.camera_trigger_m < geometry.stop_line_m:
        yield (
            f"{key}.camera_trigger_m",
            (
                f"is {geometry.camera_trigger_m} m, but must lie between the approach loop and the "
                "stop line"
            ),
        )


def _lane_problems(key: str, lane: LaneSpec, site: Site) -> Iterator[tuple[str, str]]:
    if lane.geometry not in site.geometry:
        near = strict_toml.suggest(lane.geometry, list(site.geometry))
        yield f"{key}.geometry", f"names no [geometry.{lane.geometry}]{near}"
        return
    geometry = site.geometry[lane.geometry]
    reach = geometry.kerb_m + geometry.vehicle_width_m
    if lane.arm.length_m < reach:
        yield (
            f"{key}.arm.length_m",
            (f"is {lane.arm.length_m} m and leaves a gap: a vehicle takes up to {reach} m"),
        )
    roles = [device.role for device in lane.devices]
    for role in ("barrier", "io", "scale", "camera"):
        count = roles.count(role)
        if lane.kind == "smart" and count != 1:
            yield f"{key}.devices", f"a smart lane has one {role}, not {count}"
        if lane.kind == "traditional" and count:
            yield f"{key}.devices", f"a traditional lane has an officer and no {role}"
    if lane.kind == "traditional" and lane.wear:
        yield f"{key}.wear", "a traditional lane has an officer and no device that wears"


def _source_problems(site: Site, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    patterns = site.sources
    used: set[str] = set()
    for key in _numbers(data):
        found = [pattern for pattern in patterns if fnmatch.fnmatchcase(key, pattern)]
        if not found:
            yield key, "has no entry in [sources]; cite one, or write “estimate: why”"
        used.update(found)
    for pattern in patterns:
        if pattern not in used:
            yield f"sources.{pattern}", "matches no number of this file"


def _numbers(data: Any, prefix: str = "") -> Iterator[str]:
    """Dotted keys of all numbers of a parsed file; a list of numbers counts as one."""
    if isinstance(data, dict):
        for name, value in data.items():
            if not (prefix == "" and name == "sources"):
                yield from _numbers(value, f"{prefix}.{name}" if prefix else name)
    elif isinstance(data, list):
        if data and all(_is_number(item) for item in data):
            yield prefix
        else:
            for index, value in enumerate(data):
                yield from _numbers(value, f"{prefix}.{index}")
    elif _is_number(data):
        yield prefix


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _hours(text: str) -> float:
    return int(text[:2]) + int(text[3:]) / 60


def to_json(site: Site) -> bytes:
    """The site as JSON, for reports and other tools."""
    return msgspec.json.format(msgspec.json.encode(site), indent=2)
