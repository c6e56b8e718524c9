"""Shared by the tests of certification: one good run, made once."""

from __future__ import annotations

from typing import Any

import pytest

from hil import matrix
from hil.kits.barrier import KIT
from hil.register import Register
from hil.suite import Suite
from twin.clock import Clock, run_virtual
from twin.trace import Record


def record(profile: str = "came-gard", seed: int = 0, **options: object) -> list[Record]:
    """Records of one virtual run of the suite on an emulated barrier."""
    pics, pixit = KIT.emulated_pics(profile), KIT.emulated_pixit(profile)

    async def main(clock: Clock) -> list[Record]:
        return await matrix.record(clock, KIT, profile, pics, pixit, **options)  # type: ignore[arg-type]

    return run_virtual(main, seed=seed)


@pytest.fixture(scope="session")
def good() -> list[Record]:
    """The whole suite on the good CAME emulator."""
    return record()


@pytest.fixture(scope="session")
def register() -> Register:
    return KIT.register


@pytest.fixture(scope="session")
def suite() -> Suite[Any, Any]:
    return KIT.suite
