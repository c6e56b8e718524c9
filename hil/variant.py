"""How an emulated device differs from the good one: the base of every mutant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twin.wires.modbus import ModbusServer


@dataclass(frozen=True)
class Variant:
    """A twin that is broken in one way; each kit adds what can be broken in its device."""

    name: str = ""
    kills: str = ""
    """The requirement that it must fail; empty for the good twin."""
    doc: str = ""
    base: str = ""
    """The profile of the good twin that it is derived from; empty for the kit's first one."""


@dataclass(frozen=True)
class ModbusVariant(Variant):
    """A twin behind Modbus TCP; its map or its server may be broken, too."""

    profile: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the profile that differ from the papers."""
    server: type[ModbusServer] = ModbusServer
