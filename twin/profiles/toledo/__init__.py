"""Manners of terminals that send Mettler-Toledo continuous frames, as data.

`load("weighbridge")` reads `twin/profiles/toledo/weighbridge.toml` strictly; a file of your own
is loaded by its path.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from twin.errors import UnknownName
from twin.strict_toml import load as load_toml

QuirkId = Literal["even-parity", "torn"]

FOLDER = Path(__file__).parent


class Quirk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A behaviour of real lines that surprises clients; `on` is the default."""

    id: QuirkId
    on: bool
    doc: str
    source: str


class ToledoProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One terminal behind a serial server."""

    device: str
    name: str
    title: str
    protocol: Literal["mettler-toledo-continuous"]
    source: str
    frames_per_s: Annotated[float, msgspec.Meta(gt=0, le=100)]
    checksum: bool
    """Whether a check character follows the carriage return."""
    mode: Literal["continuous", "demand"]
    """Demand: a frame is sent only when the client asks with P."""
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=64)]
    notes: list[str] = []
    quirks: list[Quirk] = []


def names() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str | Path = "weighbridge") -> ToledoProfile:
    """The profile of this name, or of this file; a wrong file is a `ConfigError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file():
            raise UnknownName("Toledo profile", str(name), names())
    return _load(path)


@cache
def _load(path: Path) -> ToledoProfile:
    return load_toml(path, ToledoProfile)
