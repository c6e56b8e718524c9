"""The engines a test runs on; a rigid-body engine whose package is absent skips with its reason."""

from __future__ import annotations

import functools
import importlib.util

import pytest

from tests import needs
from twin.physics import ArmEngine, DriveEngine, load_drive, load_engine

RIGID = ("ode", "pybullet", "mujoco")
every_engine = pytest.mark.parametrize("name", ["kinematic", *RIGID])
every_rigid_engine = pytest.mark.parametrize("name", RIGID)


@functools.cache
def _loaded(name: str) -> ArmEngine:
    return load_engine(name)


def installed(name: str) -> None:
    """Skip, with the reason, where the engine's package is absent."""
    package = name.removesuffix("-wheels")
    if package in ("pybullet", "mujoco"):
        found = importlib.util.find_spec(package) is not None
        needs.system(found, f"{package} is absent: pip install 'gatetwin[physics]'")


def engine(name: str) -> ArmEngine:
    """One engine for all tests; building one costs more than a move."""
    installed(name)
    return _loaded(name)


@functools.cache
def _drive(name: str) -> DriveEngine:
    return load_drive(name)


def drive(name: str) -> DriveEngine:
    """One engine of vehicles for all tests."""
    installed(name)
    return _drive(name)
