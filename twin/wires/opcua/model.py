"""The address space of a crane: types at their published NodeIds, then the crane itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AttributeValue
from asyncua.server.internal_server import InternalServer

from twin.devices.base import Point
from twin.devices.crane_words import Protection
from twin.errors import HarnessError
from twin.profiles.opcua import InstanceRow, OpcUaProfile, Types, instances, repeated, types

UNITS = {"m": "MTR", "m/s": "MTS", "m/s2": "MSK", "kg": "KGM", "%": "P1", "Cel": "CEL"}
"""UNECE Recommendation 20 codes; OPC UA makes its unit ids of them (OPC 10000-8, 5.6.3)."""


PROTECTIONS = [(protection.name.lower(), protection.value) for protection in Protection]
"""What `each = "protection"` repeats a row for: name in ids and points, name on the wire."""


@dataclass(slots=True)
class Bound:
    """A variable of the crane and the point that it shows."""

    node: ua.NodeId
    row: InstanceRow
    point: Point
    variant: ua.VariantType
    cell: AttributeValue
    """Where the address space keeps its value, and who monitors it."""


@dataclass(slots=True)
class Space:
    """What the server needs to know of the space that was built."""

    indices: dict[str, int]
    bound: list[Bound]
    by_node: dict[ua.NodeId, Bound]
    writable: dict[ua.NodeId, Bound]
    methods: dict[ua.NodeId, str]
    missions: ua.NodeId
    system: ua.NodeId


def unit_id(code: str) -> int:
    """The `UnitId` of a UNECE code: its characters as the bytes of an Int32."""
    return int.from_bytes(code.encode("ascii"))


class Builder:
    """Adds the nodes of a profile to a server's address space."""

    def __init__(
        self, server: InternalServer, profile: OpcUaProfile, indices: Mapping[str, int],
        points: Mapping[str, Point], device_id: str,
    ) -> None:  # fmt: skip
        self._server, self._profile, self._points = server, profile, points
        self._indices = dict(indices)
        self._device_id = device_id
        self._ids: dict[str, ua.NodeId] = {}
        self._space = Space(dict(indices), [], {}, {}, {}, ua.NodeId(), ua.NodeId())

    def build(self) -> Space:
        """Add everything, types first."""
        found = types()
        self._add_enums(found)
        for row in found.types.rows:
            by = row.by or ("HasSubtype" if row.cls.endswith("Type") else "HasComponent")
            self._add(
                self._published(row.id), ua.NodeClass[row.cls], row.name, row.parent, by, row.type,
                row.data, writable=row.write, abstract=row.abstract, inverse=row.inverse,
            )  # fmt: skip
            if row.rule:
                self._refer(self._node(row.id), "HasModellingRule", _standard(
                    f"ModellingRule_{row.rule}"))  # fmt: skip
        for each in instances(self._profile, self._device_id, PROTECTIONS):
            self._add_instance(each)
        for reference in self._profile.references:
            for name, _ in repeated(reference.each, PROTECTIONS):
                self._refer(
                    self._ids[reference.source.replace("{each}", name)], reference.by,
                    self._ids[reference.to.replace("{each}", name)],
                )  # fmt: skip
        self._add_methods()
        self._space.missions, self._space.system = self._ids["missions"], self._ids["system"]
        return self._space

    # --- names ------------------------------------------------------------------------------

    def _published(self, name: str) -> ua.NodeId:
        prefix, number = name.split(":")
        node = ua.NodeId(int(number), self._indices[prefix])
        self._ids[name] = node
        return node

    def _node(self, name: str) -> ua.NodeId:
        found = self._ids.get(name)
        return found if found is not None else _standard(name)

    def _qualified(self, name: str) -> ua.QualifiedName:
        prefix, colon, rest = name.partition(":")
        if not colon:
            return ua.QualifiedName(name, self._indices["G"])
        return ua.QualifiedName(rest, self._indices[prefix])

    # --- nodes ------------------------------------------------------------------------------

    def _add(
        self, node: ua.NodeId, cls: ua.NodeClass, name: str, parent: str, by: str, type: str,
        data: str, *, writable: bool = False, abstract: bool = False, inverse: str = "",
        value: ua.DataValue | None = None,
    ) -> None:  # fmt: skip
        item = ua.AddNodesItem()
        item.RequestedNewNodeId, item.NodeClass = node, cls
        item.BrowseName = self._qualified(name)
        item.ParentNodeId, item.ReferenceTypeId = self._node(parent), self._node(by)
        shown = ua.LocalizedText(item.BrowseName.Name)
        attributes: Any
        if cls is ua.NodeClass.Variable:
            attributes = ua.VariableAttributes()
            plain = "PropertyType" if by == "HasProperty" else "BaseDataVariableType"
            item.TypeDefinition = self._node(type or plain)
            attributes.DataType = self._node(data)
            attributes.ValueRank = ua.ValueRank.Scalar
            if value is None:
                value = ua.DataValue(ua.Variant(None, ua.VariantType.Null))
            attributes.Value = value.Value or ua.Variant(None, ua.VariantType.Null)
            level = ua.AccessLevel.CurrentRead.mask
            if writable:
                level |= ua.AccessLevel.CurrentWrite.mask
            attributes.AccessLevel = attributes.UserAccessLevel = level
        elif cls is ua.NodeClass.Object:
            attributes = ua.ObjectAttributes()
            item.TypeDefinition = self._node(type)
        elif cls is ua.NodeClass.ReferenceType:
            attributes = ua.ReferenceTypeAttributes()
            attributes.InverseName = ua.LocalizedText(inverse)
        else:
            attributes = ua.ObjectTypeAttributes()
            attributes.IsAbstract = abstract
        attributes.DisplayName = shown
        item.NodeAttributes = attributes
        self._check(self._server.node_mgt_service.add_nodes([item])[0].StatusCode, name)

    def _refer(self, source: ua.NodeId, by: str, target: ua.NodeId) -> None:
        for begin, end, forward in ((source, target, True), (target, source, False)):
            item = ua.AddReferencesItem()
            item.SourceNodeId, item.TargetNodeId = begin, end
            item.ReferenceTypeId, item.IsForward = self._node(by), forward
            item.TargetNodeClass = ua.NodeClass.Unspecified
            self._check(self._server.node_mgt_service.add_references([item])[0], by)

    @staticmethod
    def _check(status: ua.StatusCode, name: str) -> None:
        if not status.is_good():
            raise HarnessError(f"OPC UA node {name!r} cannot be added: {status.name}")

    def _add_enums(self, found: Types) -> None:
        for row in found.enums:
            item = ua.AddNodesItem()
            item.RequestedNewNodeId = self._published(row.id)
            item.NodeClass, item.BrowseName = ua.NodeClass.DataType, self._qualified(row.name)
            item.ParentNodeId = _standard("Enumeration")
            item.ReferenceTypeId = _standard("HasSubtype")
            item.NodeAttributes = ua.DataTypeAttributes()
            item.NodeAttributes.DisplayName = ua.LocalizedText(item.BrowseName.Name)
            self._check(self._server.node_mgt_service.add_nodes([item])[0].StatusCode, row.name)
            value: list[Any] = [ua.LocalizedText(text) for text in row.strings] or [
                ua.EnumValueType(number, ua.LocalizedText(text), ua.LocalizedText())
                for number, text in enumerate(row.values)
            ]
            self._property(
                row.id, "EnumStrings" if row.strings else "EnumValues",
                "LocalizedText" if row.strings else "EnumValueType", value,
                self._published(row.values_id),
            )  # fmt: skip

    def _property(
        self, parent: str, name: str, data: str, value: Any, node: ua.NodeId | None = None
    ) -> None:
        """A property of OPC UA's own namespace."""
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = node or ua.NodeId(
            f"{self._device_id}.{parent}.{name}", self._indices["G"]
        )
        item.NodeClass = ua.NodeClass.Variable
        item.BrowseName = ua.QualifiedName(name, 0)
        item.ParentNodeId, item.ReferenceTypeId = self._node(parent), _standard("HasProperty")
        item.TypeDefinition = _standard("PropertyType")
        attributes = ua.VariableAttributes()
        attributes.DisplayName = ua.LocalizedText(name)
        attributes.DataType, attributes.Value = _standard(data), ua.Variant(value)
        many = isinstance(value, list)
        attributes.ValueRank = ua.ValueRank.OneDimension if many else ua.ValueRank.Scalar
        attributes.AccessLevel = attributes.UserAccessLevel = ua.AccessLevel.CurrentRead.mask
        item.NodeAttributes = attributes
        self._check(self._server.node_mgt_service.add_nodes([item])[0].StatusCode, name)

    def _add_instance(self, row: InstanceRow) -> None:
        node = ua.NodeId(f"{self._device_id}.{row.id}", self._indices["G"])
        self._ids[row.id] = node
        if not row.data:
            self._add(node, ua.NodeClass.Object, row.name, row.parent, row.by, row.type, "")
            for name in row.organizes:
                self._refer(node, "Organizes", self._ids[name])
            return
        variant = self._variant(row.data)
        value = None
        if row.value is not None:
            value = ua.DataValue(ua.Variant(_typed(row.value, variant), variant))
        self._add(
            node, ua.NodeClass.Variable, row.name, row.parent, row.by, row.type, row.data,
            writable=row.write, value=value,
        )  # fmt: skip
        if row.unit:
            code = UNITS[row.unit]
            unit = ua.EUInformation(
                "http://www.opcfoundation.org/UA/units/un/cefact", unit_id(code),
                ua.LocalizedText(row.unit), ua.LocalizedText(row.unit),
            )  # fmt: skip
            self._property(row.id, "EngineeringUnits", "EUInformation", unit)
        if row.bad:
            status = ua.StatusCode(getattr(ua.StatusCodes, row.bad))
            data = self._server.aspace[node].attributes[ua.AttributeIds.Value]
            data.value = ua.DataValue(ua.Variant(None, ua.VariantType.Null), status)
        if row.point:
            if row.point not in self._points:
                raise HarnessError(f"{self._profile.name}: {row.id}: no point {row.point!r}")
            cell = self._server.aspace[node].attributes[ua.AttributeIds.Value]
            bound = Bound(node, row, self._points[row.point], variant, cell)
            self._space.bound.append(bound)
            self._space.by_node[node] = bound
            if row.write:
                self._space.writable[node] = bound

    def _variant(self, data: str) -> ua.VariantType:
        """How values of this data type are coded: enumerations are Int32."""
        return ua.VariantType.Int32 if ":" in data else ua.VariantType[data]

    def _add_methods(self) -> None:
        for row in self._profile.methods:
            item = ua.AddNodesItem()
            item.RequestedNewNodeId = ua.NodeId(f"{self._device_id}.{row.name}", self._indices["G"])
            item.NodeClass, item.BrowseName = ua.NodeClass.Method, self._qualified(row.name)
            item.ParentNodeId = self._ids["missions"]
            item.ReferenceTypeId = _standard("HasComponent")
            attributes = ua.MethodAttributes()
            attributes.DisplayName = ua.LocalizedText(row.name)
            attributes.Description = ua.LocalizedText(row.doc)
            attributes.Executable = attributes.UserExecutable = True
            item.NodeAttributes = attributes
            node = item.RequestedNewNodeId
            self._check(self._server.node_mgt_service.add_nodes([item])[0].StatusCode, row.name)
            self._ids[row.name] = node
            self._space.methods[node] = row.name
            if row.inputs:
                self._property(row.name, "InputArguments", "Argument", _arguments(row.inputs))
            answers = [("Accepted", "Boolean"), ("Reason", "String")]
            self._property(row.name, "OutputArguments", "Argument", _arguments(answers))


def _standard(name: str) -> ua.NodeId:
    return ua.NodeId(getattr(ua.ObjectIds, name))


def _arguments(rows: Iterable[tuple[str, str]]) -> list[ua.Argument]:
    made = []
    for name, data in rows:
        argument = ua.Argument()
        argument.Name, argument.DataType = name, _standard(data)
        argument.ValueRank = ua.ValueRank.Scalar
        made.append(argument)
    return made


def _typed(value: Any, variant: ua.VariantType) -> Any:
    if variant is ua.VariantType.LocalizedText:
        return ua.LocalizedText(value)
    # TOML's 0 and 0.0 are one in a profile; an enumeration is coded as an integer
    return int(value) if variant is ua.VariantType.Int32 else value
