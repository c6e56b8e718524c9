"""Manners of receivers that send NMEA 0183, as data: `load("receiver")`, or a file of your own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from twin.errors import UnknownName
from twin.strict_toml import load as load_toml

QuirkId = Literal["talker-gp", "mode-mismatch", "sixty-minutes", "week-rollover", "leap-seconds"]
Sentence = Literal["GGA", "RMC", "GST", "VTG", "GSA"]

FOLDER = Path(__file__).parent


class NmeaQuirk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A behaviour of real receivers that surprises clients; `on` is the default."""

    id: QuirkId
    on: bool
    doc: str
    source: str


class NmeaProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver's output."""

    device: str
    name: str
    title: str
    protocol: Literal["nmea-0183"]
    source: str
    rate_hz: Annotated[float, msgspec.Meta(gt=0, le=50)]
    sentences: list[Sentence]
    talker: Literal["GN", "GP"]
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=64)]
    decimals: Annotated[int, msgspec.Meta(ge=2, le=9)]
    """Of the minutes of latitude and longitude."""
    height_decimals: Annotated[int, msgspec.Meta(ge=1, le=4)]
    """Of the height; the separation has one less, and one at least."""
    notes: list[str] = []
    quirks: list[NmeaQuirk] = []


def names() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str | Path = "receiver") -> NmeaProfile:
    """The profile of this name, or of this file; a wrong file is a `ConfigError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file():
            raise UnknownName("NMEA profile", str(name), names())
    return _load(path)


@cache
def _load(path: Path) -> NmeaProfile:
    return load_toml(path, NmeaProfile)
