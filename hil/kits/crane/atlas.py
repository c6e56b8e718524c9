"""Where a crane's nodes are, by their browse names, and what each of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncua import ua

from twin.profiles.opcua import InstanceRow, OpcUaProfile, instances, types
from twin.wires.opcua.model import PROTECTIONS

from .feed import EVENT_FIELDS, inside, plain

if TYPE_CHECKING:
    from .link import Link
    from .wire import CraneWire

_BASE_EVENT = ua.NodeId(ua.ObjectIds.BaseEventType)
_STANDARD = {number: name for name, number in vars(ua.ObjectIds).items() if isinstance(number, int)}


class Atlas:
    """What one client finds in the address space."""

    def __init__(self, link: Link, wire: CraneWire) -> None:
        self._link, self._wire = link, wire

    async def find(self, profile: OpcUaProfile, crane: str) -> None:
        """Find every node of the profile by its browse path; those that are not there are absent.

        The crane is looked for below Machines (OPC 40001-1), by its browse name; once for all
        clients, as long as the server has the same namespaces.
        """
        uris = [str(uri) for uri in await self._link.asked(self._link.client.get_namespace_array())]
        if uris == self._wire.namespaces:
            self._link.nodes = self._wire.nodes
            return
        wanted = types().namespaces | profile.namespaces
        index = {key: uris.index(uri) for key, uri in wanted.items() if uri in uris}
        self._wire.namespaces, self._wire.index = uris, index
        rows = {row.id: row for row in instances(profile, crane, PROTECTIONS)}
        start = ua.NodeId(ua.ObjectIds.ObjectsFolder)
        paths: dict[str, list[ua.QualifiedName]] = {}
        for key in [*rows, *(f"{key}#unit" for key, row in rows.items() if row.unit)]:
            path = _path(key.removesuffix("#unit"), rows, index)
            if path is not None:
                paths[key] = (
                    [*path, ua.QualifiedName("EngineeringUnits", 0)] if "#" in key else path
                )
        for row in profile.methods:
            missions = paths.get("missions")
            if missions is not None:
                paths[row.name] = [*missions, ua.QualifiedName(row.name, index.get("G", 0))]
        self._link.nodes = await self._translated(start, paths)
        own = [ua.QualifiedName(name, index.get("G", 0)) for name in EVENT_FIELDS]
        kinds = {f"event:{name.Name}": [name] for name in own}
        self._link.nodes |= await self._translated(_BASE_EVENT, kinds)
        self._wire.nodes = self._link.nodes

    async def _translated(
        self, start: ua.NodeId, paths: dict[str, list[ua.QualifiedName]]
    ) -> dict[str, ua.NodeId]:
        wanted = []
        for path in paths.values():
            one = ua.BrowsePath()
            one.StartingNode = start
            for name in path:
                element = ua.RelativePathElement()
                element.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
                element.IsInverse, element.IncludeSubtypes = False, True
                element.TargetName = name
                one.RelativePath.Elements.append(element)
            wanted.append(one)
        if not wanted:
            return {}
        try:
            got = await self._link.asked(
                self._link.client.uaclient.translate_browsepaths_to_nodeids(wanted)
            )
        except ua.UaStatusCodeError:
            return {}
        return {
            key: result.Targets[0].TargetId for key, result in zip(paths, got, strict=True)
            if result.StatusCode.is_good() and result.Targets
        }  # fmt: skip

    async def survey(self, profile: OpcUaProfile, crane: str) -> None:
        """Record what each node of the profile is: `opc.node`; and what the server is."""
        self._link.note("opc.server", namespaces=self._wire.namespaces,
                  application=await self._application())  # fmt: skip
        rows = list(instances(profile, crane, PROTECTIONS))
        ids = [row.id for row in rows]
        kinds = await self._kinds([key for key in ids if key in self._link.nodes])
        for name in ("DataType", "AccessLevel", "Value"):
            got = await self._link.read(
                [r.id for r in rows if r.data], getattr(ua.AttributeIds, name)
            )
            for row, data in zip([r for r in rows if r.data], got, strict=True):
                kinds.setdefault(row.id, {})[name] = data
        units = await self._link.read(f"{row.id}#unit" for row in rows if row.unit)
        for row, data in zip([row for row in rows if row.unit], units, strict=True):
            kinds.setdefault(row.id, {})["Unit"] = data
        for row in rows:
            seen = kinds.get(row.id, {})
            value = seen.get("Value")
            unit = inside(seen.get("Unit"))
            self._link.note(
                "opc.node", point=row.id, there=row.id in self._link.nodes,
                type=self._named(seen.get("Type")), data=self._named(inside(seen.get("DataType"))),
                access=inside(seen.get("AccessLevel")) if row.data else None,
                coded=value.Value.VariantType.name if value is not None and value.Value else "",
                unit=getattr(unit, "UnitId", None), unit_uri=getattr(unit, "NamespaceUri", None),
                **plain(value),
            )  # fmt: skip
        for method in profile.methods:
            self._link.note("opc.method", method=method.name, there=method.name in self._link.nodes)

    async def _application(self) -> str:
        """ApplicationUri, by the endpoints of the server."""
        try:
            found = await self._link.asked(self._link.client.get_endpoints())
        except ua.UaStatusCodeError:
            return ""
        for one in found:
            policy = str(one.SecurityPolicyUri).rpartition("#")[2]
            tokens = sorted({token.TokenType.name for token in one.UserIdentityTokens})
            self._link.note(
                "opc.endpoint", policy=policy, mode=one.SecurityMode.name, tokens=tokens
            )
        return str(found[0].Server.ApplicationUri) if found else ""

    async def _kinds(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        parameters = ua.BrowseParameters()
        for key in ids:
            one = ua.BrowseDescription()
            one.NodeId, one.BrowseDirection = self._link.nodes[key], ua.BrowseDirection.Forward
            one.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
            one.IncludeSubtypes, one.ResultMask = True, ua.BrowseResultMask.All
            parameters.NodesToBrowse.append(one)
        if not ids:
            return {}
        got = await self._link.asked(self._link.client.uaclient.browse(parameters))
        return {
            key: {"Type": result.References[0].NodeId} if result.References else {}
            for key, result in zip(ids, got, strict=True)
        }

    def _named(self, node: Any) -> str:
        """A node as profiles name it: `Double`, `C:2112`."""
        if not isinstance(node, ua.NodeId):
            return ""
        if node.NamespaceIndex == 0:
            return str(_STANDARD.get(node.Identifier, node.Identifier))
        prefix = {number: key for key, number in self._wire.index.items()}
        return f"{prefix.get(node.NamespaceIndex, node.NamespaceIndex)}:{node.Identifier}"


def _path(
    key: str, rows: dict[str, InstanceRow], index: dict[str, int]
) -> list[ua.QualifiedName] | None:
    """Browse names from the folder Objects on; None if a namespace is unknown to the server."""
    names: list[ua.QualifiedName] = []
    while key in rows:
        row = rows[key]
        prefix, colon, rest = row.name.partition(":")
        if not colon:
            prefix, rest = "G", row.name
        if prefix not in index:
            return None
        names.append(ua.QualifiedName(rest, index[prefix]))
        key = row.parent
    if key != "M:1001" or "M" not in index:
        return None
    return [ua.QualifiedName("Machines", index["M"]), *reversed(names)]
