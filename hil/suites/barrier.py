"""The barrier's suite object, and what its modules share."""

from __future__ import annotations

from hil.errors import BenchError
from hil.kits.barrier.papers import BarrierPics, BarrierPixit
from hil.kits.barrier.session import BarrierSession
from hil.kits.barrier.view import BarrierView
from hil.mbap import read_request
from hil.suite import Suite
from twin.profiles import Profile, Row

suite = Suite[BarrierSession, BarrierView](
    "barrier",
    "1.0",
    view=BarrierView,
    pics=BarrierPics,
    pixit=BarrierPixit,
    declaration="BAR-DOC-01",
    start="closed",
)

NO_WORD_TABLES = "profile {name!r} has no readable registers, so this cannot be tested"


def word_rows(profile: Profile) -> list[Row]:
    """Readable rows in the register tables, those of the widest block first."""
    return [row for row in profile.rows if not row.is_bit_table and "r" in row.access]


def register_block(session: BarrierSession) -> tuple[int, int, int]:
    """(function, address, count) of the longest run of readable registers."""
    best: tuple[int, int, int] | None = None
    covered: dict[str, set[int]] = {"holding": set(), "input": set()}
    for row in word_rows(session.wire.profile):
        covered[row.table].update(range(row.address, row.address + row.words))
    for table, addresses in covered.items():
        for start in sorted(addresses):
            if start - 1 in addresses:
                continue
            count = 1
            while start + count in addresses:
                count += 1
            if best is None or count > best[2]:
                best = (3 if table == "holding" else 4, start, min(count, 100))
    if best is None:
        raise BenchError(NO_WORD_TABLES.format(name=session.wire.profile.name))
    return best


def read_pdu(session: BarrierSession, count: int | None = None) -> bytes:
    """A correct read request of this device, for what only needs some good request."""
    function, address, most = register_block(session)
    return read_request(function, address, most if count is None else count)


def mapped(profile: Profile, table: str) -> set[int]:
    """Addresses that the profile declares in one table."""
    found: set[int] = set()
    for row in profile.rows:
        if row.table == table:
            found.update(range(row.address, row.address + row.words))
    for block in profile.blocks:
        if block.table == table:
            found.update(range(block.address, block.address + block.count))
    return found
