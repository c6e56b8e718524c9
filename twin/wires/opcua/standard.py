"""OPC UA's own address space: made once in a process, shared by all servers until one writes."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.server.internal_server import InternalServer

_STANDARD: dict[ua.NodeId, NodeData] = {}
"""Its six thousand nodes as asyncua makes them; no server ever gets one of these to write to."""


class Nodes(MutableMapping[ua.NodeId, NodeData]):
    """The nodes of one server; one of the standard's is copied when it is first asked for."""

    def __init__(self) -> None:
        self._nodes = dict(_STANDARD)

    def __getitem__(self, node: ua.NodeId) -> NodeData:
        data = self._nodes[node]
        if data is _STANDARD.get(node):
            data = self._nodes[node] = _copy(data)
        return data

    def __setitem__(self, node: ua.NodeId, data: NodeData) -> None:
        self._nodes[node] = data

    def __delitem__(self, node: ua.NodeId) -> None:
        del self._nodes[node]

    def __contains__(self, node: object) -> bool:
        return node in self._nodes

    def __iter__(self) -> Iterator[ua.NodeId]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


def fill_standard(server: InternalServer) -> None:
    """Give `server` the standard's nodes, in the calling thread.

    asyncua makes them in a thread, which virtual time cannot wait for, and for each server anew:
    two seconds, where a bridge has a dozen cranes.
    """
    if not _STANDARD:
        from asyncua.server.standard_address_space import standard_address_space

        standard_address_space.fill_address_space(server.node_mgt_service)
        _STANDARD.update((node, server.aspace[node]) for node in list(server.aspace.keys()))
    server.aspace._nodes = Nodes()  # as asyncua's own `load_aspace_shelf` puts a lazy mapping there


def _copy(data: NodeData) -> NodeData:
    copy = NodeData(data.nodeid)
    copy.references = list(data.references)
    copy.attributes = {
        number: AttributeValue(attribute.value) for number, attribute in data.attributes.items()
    }
    return copy
