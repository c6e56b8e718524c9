"""The engines a test runs on; a rigid-body engine whose package is absent skips with its reason."""

from __future__ import annotations

import functools
import importlib.util

import pytest

from tests import needs
from twin.physics import ArmEngine, load_engine

RIGID = ("ode", "pybullet", "mujoco")
every_engine = pytest.mark.parametrize("name", ["kinematic", *RIGID])
every_rigid_engine = pytest.mark.parametrize("name", RIGID)


@functools.cache
def _loaded(name: str) -> ArmEngine:
    return load_engine(name)


def engine(name: str) -> ArmEngine:
    """One engine for all tests; building one costs more than a move."""
    if name in ("pybullet", "mujoco"):
        found = importlib.util.find_spec(name) is not None
        needs.system(found, f"{name} is absent: pip install 'gatetwin[physics]'")
    return _loaded(name)
