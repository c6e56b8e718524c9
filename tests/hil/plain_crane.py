"""A crane whose server we did not write: asyncua's own, with the nodes of the profile and no crane.

Its variables never change, and every method says yes. Such servers are what one gets when an
address space is put up without anything behind it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from asyncua import Server, ua
from asyncua.common.node import Node

from hil.kits.crane import KIT
from hil.kits.crane import site as names
from twin.profiles import opcua as profiles
from twin.profiles.opcua import InstanceRow
from twin.wires.opcua.model import PROTECTIONS

PICS = msgspec.structs.replace(KIT.emulated_pics("crane"), policies=["None"])
PIXIT = KIT.emulated_pixit("crane")
SHOWN = {"mode": 3, "hoist.place": 12.0, "on": True, "gantry.plus": 100.0, "gantry.rated": 2.0}
"""Values of points; all others are zero, false or empty."""


def _value(row: InstanceRow, kind: ua.VariantType) -> Any:
    value = row.value if row.value is not None else SHOWN.get(row.id)
    if kind is ua.VariantType.LocalizedText:
        return ua.LocalizedText(str(value or ""))
    maker: Any = {"Boolean": bool, "Double": float, "String": str}.get(kind.name, int)
    return maker(value) if value is not None else maker()


def _yes(*_: Any) -> list[ua.Variant]:
    return [ua.Variant(True, ua.VariantType.Boolean), ua.Variant("", ua.VariantType.String)]


class PlainCrane:
    """Serves the nodes; `await start()` gives the port."""

    def __init__(self) -> None:
        self.server = Server()
        self._nodes: dict[str, Node] = {}
        self._index: dict[str, int] = {}

    async def start(self) -> int:
        server = self.server
        await server.init()
        server.set_endpoint("opc.tcp://127.0.0.1:0/")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        profile = profiles.load("crane")
        for key, uri in (profiles.types().namespaces | profile.namespaces).items():
            self._index[key] = await server.register_namespace(uri)
        machines = ua.QualifiedName("Machines", self._index["M"])
        self._nodes["M:1001"] = await server.nodes.objects.add_object(
            ua.NodeId(1001, self._index["M"]), machines
        )
        for row in profiles.instances(profile, names.CRANE, PROTECTIONS):
            await self._add(row)
        for method in profile.methods:
            parent = self._nodes["missions"]
            inputs = [ua.VariantType[kind] for _, kind in method.inputs]
            outputs = [ua.VariantType.Boolean, ua.VariantType.String]
            await parent.add_method(
                self._id(method.name), self._name(method.name), lambda _, *given: _yes(*given),
                inputs, outputs,
            )  # fmt: skip
        await server.start()
        return int(server.bserver._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        await self.server.stop()

    def _id(self, name: str) -> ua.NodeId:
        return ua.NodeId(name, self._index["G"])

    def _name(self, name: str) -> ua.QualifiedName:
        prefix, colon, rest = name.partition(":")
        return ua.QualifiedName(rest if colon else name, self._index[prefix if colon else "G"])

    async def _add(self, row: InstanceRow) -> None:
        parent, name = self._nodes[row.parent], self._name(row.name)
        if not row.data:
            self._nodes[row.id] = await parent.add_object(self._id(row.id), name)
            return
        kind = ua.VariantType.Int32 if ":" in row.data else ua.VariantType[row.data]
        node = await parent.add_variable(self._id(row.id), name, _value(row, kind), kind)
        self._nodes[row.id] = node
        if row.bad:
            status = ua.StatusCode(getattr(ua.StatusCodes, row.bad))
            await node.write_value(ua.DataValue(ua.Variant(0.0, kind), status))
        if row.write:
            await node.set_writable()
