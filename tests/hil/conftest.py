"""Shared by the tests of certification: one good run, made once."""

from __future__ import annotations

import pytest

from hil import matrix, templates
from hil import register as registers
from hil import suite as suites
from hil.register import Register
from hil.suite import Suite
from twin.clock import Clock, run_virtual
from twin.trace import Record


def record(profile: str = "came-gard", seed: int = 0, **options: object) -> list[Record]:
    """Records of one virtual run of the suite on an emulated barrier."""
    pics, pixit = templates.emulated_pics(profile), templates.emulated_pixit(profile)

    async def main(clock: Clock) -> list[Record]:
        return await matrix.record(clock, profile, pics, pixit, **options)  # type: ignore[arg-type]

    return run_virtual(main, seed=seed)


@pytest.fixture(scope="session")
def good() -> list[Record]:
    """The whole suite on the good CAME emulator."""
    return record()


@pytest.fixture(scope="session")
def register() -> Register:
    return registers.load("barrier")


@pytest.fixture(scope="session")
def suite() -> Suite:
    return suites.load("barrier")
