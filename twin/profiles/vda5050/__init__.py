"""Dialects of VDA 5050 as data: what each version calls things, and the rules that differ.

The code speaks the words of 3.0.0; a dialect translates. `load("2.1")` reads
`twin/profiles/vda5050/2.1.toml` strictly; a file of your own is loaded by its path.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from twin.errors import UnknownName
from twin.strict_toml import load as load_toml

FOLDER = Path(__file__).parent

Lifetime = Literal["order", "instant", "mode", "condition", "map"]
"""Until when an error is reported: a new order (or instant action, or map action) is accepted,
the mode takes orders again, or the condition is gone."""


class TopicRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one topic is carried; `sent` is true for what the vehicle publishes."""

    sent: bool
    qos: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    retain: bool = False


class ErrorRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one problem is reported."""

    type: str
    level: Literal["WARNING", "URGENT", "CRITICAL", "FATAL"]
    until: Lifetime


class Scopes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which action types exist in the version, by where they may stand."""

    instant: list[str]
    node: list[str]
    edge: list[str]
    zone: list[str] = []


class Dialect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the protocol on the wire."""

    name: str
    version: str
    """What stands in the header."""
    interface: str
    """Suggested first level of every topic."""
    major: str
    """Suggested second level of every topic."""
    source: str
    timestamp_digits: Annotated[int, msgspec.Meta(ge=0, le=9)]
    instant_states: bool
    """Instant actions are reported in a list of their own (3.0)."""
    first_update_id_zero: bool
    """A new order must come with orderUpdateId 0 (3.0)."""
    same_update_warning: bool
    """Same orderUpdateId with other content is reported, not just ignored (3.0)."""
    ellipse: bool
    """allowedDeviationXY is an ellipse (3.0), else a radius."""
    blocking: list[str]
    statuses: list[str]
    emergency: dict[str, str]
    modes: dict[str, str]
    topics: dict[str, TopicRule]
    actions: Scopes
    errors: dict[str, ErrorRule]
    received: dict[str, str] = {}
    """Name on the wire to the name in 3.0, for what the vehicle reads."""
    sent: dict[str, str] = {}
    """Name in 3.0 to the name on the wire, for what the vehicle writes."""
    values: dict[str, str] = {}
    """Values on the wire to the values in 3.0, for what the vehicle reads."""


def names() -> list[str]:
    """Names of the shipped dialects."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str | Path = "2.1") -> Dialect:
    """The dialect of this name, or of this file; a wrong file is a `ConfigError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file():
            raise UnknownName("VDA 5050 dialect", str(name), names())
    return _load(path)


@cache
def _load(path: Path) -> Dialect:
    return load_toml(path, Dialect)
