"""Servers share OPC UA's own nodes, and none sees what another has done to its own."""

from __future__ import annotations

import pytest

pytest.importorskip("asyncua")

from asyncua import ua
from asyncua.server.internal_server import InternalServer

from twin.wires.opcua.standard import fill_standard

OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)
TIME = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
VALUE = ua.AttributeIds.Value


def filled() -> InternalServer:
    server = InternalServer()
    fill_standard(server)
    return server


def add_folder(server: InternalServer) -> None:
    """One more node under Objects, which writes a reference into Objects, too."""
    item = ua.AddNodesItem()
    item.RequestedNewNodeId = ua.NodeId("mine", 2)
    item.BrowseName = ua.QualifiedName("mine", 2)
    item.NodeClass = ua.NodeClass.Object
    item.ParentNodeId = OBJECTS
    item.ReferenceTypeId = ua.NodeId(ua.ObjectIds.Organizes)
    item.TypeDefinition = ua.NodeId(ua.ObjectIds.FolderType)
    item.NodeAttributes = ua.ObjectAttributes()
    (added,) = server.node_mgt_service.add_nodes([item])
    added.StatusCode.check()


def under_objects(server: InternalServer) -> list[ua.NodeId]:
    return [reference.NodeId for reference in server.aspace[OBJECTS].references]


def test_what_one_server_adds_no_other_has() -> None:
    """Neither a server that was there nor one that comes later, and its own keeps it."""
    before, mine = filled(), filled()
    untouched = under_objects(before)
    add_folder(mine)
    after = filled()
    assert len(under_objects(mine)) == len(untouched) + 1
    assert under_objects(before) == under_objects(after) == untouched
    new = ua.NodeId("mine", 2)
    assert [new in server.aspace for server in (mine, before, after)] == [True, False, False]


def test_what_one_server_writes_or_deletes_no_other_has_lost() -> None:
    """Values and nodes are each server's own."""
    mine, other = filled(), filled()
    mine.aspace[TIME].attributes[VALUE].value = ua.DataValue(ua.Variant(7))
    assert mine.aspace[TIME].attributes[VALUE].value.Value.Value == 7
    assert other.aspace[TIME].attributes[VALUE].value.Value.Value != 7
    count = len(list(other.aspace.keys()))
    del mine.aspace[TIME]
    assert TIME not in mine.aspace
    assert mine.aspace.get(TIME) is None
    assert len(list(mine.aspace.keys())) == count - 1
    assert len(list(other.aspace.keys())) == len(list(filled().aspace.keys())) == count
