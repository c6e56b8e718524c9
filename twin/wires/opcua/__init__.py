"""OPC UA server of a crane, on asyncua.

asyncua is an extra (`pip install 'gatetwin[cranes]'`): it is imported only when a server is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.errors import HarnessError

if TYPE_CHECKING:
    from twin.devices.crane import Crane
    from twin.wires.opcua.server import OpcUaServer


def serve_crane(crane: Crane, **options: Any) -> OpcUaServer:
    """An `OpcUaServer` of `crane` (see there for `options`); asyncua must be installed."""
    try:
        from twin.wires.opcua.server import OpcUaServer
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "asyncua":
            raise
        raise HarnessError(
            f"{crane.id}: its OPC UA server needs asyncua; pip install 'gatetwin[cranes]'"
        ) from error
    return OpcUaServer(crane, **options)
