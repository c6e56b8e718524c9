"""How an emulated device differs from the good one: the base of every mutant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """A twin that is broken in one way; each kit adds what can be broken in its device."""

    name: str = ""
    kills: str = ""
    """The requirement that it must fail; empty for the good twin."""
    doc: str = ""
    base: str = ""
    """The profile of the good twin that it is derived from; empty for the kit's first one."""
