"""Which ports are open, as the system knows it: the witness of a wire list."""

from __future__ import annotations

import psutil


def listening() -> set[int]:
    """Ports on which this process listens."""
    found = psutil.Process().net_connections("tcp")
    return {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}
