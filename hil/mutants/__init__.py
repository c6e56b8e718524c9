"""Emulators that are broken on purpose, one for each MUST: they prove that the tests can fail."""

from __future__ import annotations

import importlib

from hil.emulation import Variant
from twin.errors import UnknownName


def load(device: str) -> list[Variant]:
    """All mutants of `device`."""
    if device != "barrier":
        raise UnknownName("device to certify", device, ["barrier"])
    found: list[Variant] = importlib.import_module(f"hil.mutants.{device}").MUTANTS
    return found


def find(device: str, name: str) -> Variant:
    """The mutant of this name, or the one that kills this requirement."""
    for variant in load(device):
        if name in (variant.name, variant.kills):
            return variant
    raise UnknownName("mutant", name, [variant.name for variant in load(device)])
