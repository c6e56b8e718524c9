"""Wire maps as data: one TOML file per device and make, each with its source.

`load("barrier.came-gard")` reads `twin/profiles/barrier.came-gard.toml` strictly. A file of
your own is loaded by its path. `names()` lists what is shipped.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from twin.errors import UnknownName
from twin.profiles.modbus import (
    Block,
    Identification,
    Profile,
    Quirk,
    Row,
    Table,
    wire_points,
)
from twin.strict_toml import LineIndex, convert, parse

__all__ = [
    "Block",
    "Identification",
    "Profile",
    "Quirk",
    "Row",
    "Table",
    "load",
    "loads",
    "names",
    "wire_points",
]

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the shipped Modbus profiles."""
    paths = (path for path in FOLDER.glob("*.toml") if not path.name.startswith("camera."))
    return sorted(path.name.removesuffix(".toml") for path in paths)


def load(name: str | Path) -> Profile:
    """The profile of this name, or of this file; a wrong file is a `ConfigError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file():
            raise UnknownName("profile", str(name), names())
    return _load(path)


@cache
def _load(path: Path) -> Profile:
    return loads(path.read_text(encoding="utf-8"), path)


def loads(text: str, path: Path | str = "<text>") -> Profile:
    """As `load`, for text at hand; `path` is only named in errors."""
    lines = LineIndex(text)
    profile = convert(parse(text, path), Profile, lines, path)
    profile.check(path, lines)
    return profile
