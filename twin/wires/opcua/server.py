"""The OPC UA server of one crane: its life, its sessions and connections, and its faults.

What it shows of the crane's points, and when, stands in `sampling`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from asyncua import Server, ua
from asyncua.server.internal_session import InternalSession

from twin.clock import Clock
from twin.devices.base import FaultKind, Parameter
from twin.devices.crane import Crane
from twin.errors import CannotListen, HarnessError
from twin.profiles.opcua import OpcUaProfile, load, types
from twin.trace import Trace
from twin.wires.opcua import clockwork
from twin.wires.opcua.events import EventFeed
from twin.wires.opcua.methods import Methods
from twin.wires.opcua.model import Bound, Builder
from twin.wires.opcua.sampling import Sampling
from twin.wires.opcua.security import Account, Accounts, Identity, Role, make_identity
from twin.wires.opcua.sessions import Connection, Core, Listener

_STOP_TIMEOUT_S = 5.0


class OpcUaServer(Sampling):
    """Serves one crane; `quirks` switches those of the profile by id."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("link_down", "the cable is out: connections die, none is taken"),
            FaultKind("silent", "requests are taken and never answered nor carried out"),
            FaultKind(
                "slow",
                "requests are taken late, in order",
                {"delay_s": Parameter(0.5, "s", 0.0, 60.0, doc="how late")},
            ),
            FaultKind("session_drop", "all connections are cut once; new ones are taken"),
            FaultKind("stale", "values freeze with their time stamps, their status stays good"),
            FaultKind(
                "bad_quality",
                "the value of one point comes with a bad or uncertain status",
                {
                    "point": Parameter("load_kg", doc="which point"),
                    "status": Parameter(
                        "BadSensorFailure",
                        choices=("BadSensorFailure", "BadNoCommunication",
                                 "UncertainLastUsableValue", "UncertainSensorNotAccurate"),
                        doc="which status",
                    ),
                },
            ),
        )
    }  # fmt: skip

    def __init__(
        self, device: Crane, profile: OpcUaProfile | None = None, *, clock: Clock, trace: Trace,
        accounts: Mapping[str, Account] | None = None, anonymous: Role | None = None,
        identity: Identity | None = None, secure: bool = False, plain: bool = True,
        quirks: Mapping[str, bool] | None = None,
    ) -> None:  # fmt: skip
        """`accounts` by user name; without any, anonymous clients operate the crane.

        `secure` offers Basic256Sha256 with sign-and-encrypt, with `identity` or one made at the
        start; `plain` offers no security as well.
        """
        super().__init__(device, profile or load(), quirks or {}, clock=clock, trace=trace)
        if not (secure or plain):
            raise HarnessError(f"{self.id}: neither a plain nor a secure endpoint is offered")
        if not accounts and anonymous is None:
            anonymous = Role.OPERATOR
        self.users = Accounts(accounts or {}, anonymous=anonymous)
        self._named, self._anonymous = bool(accounts), anonymous is not None
        self.identity, self._secure, self._plain = identity, secure, plain
        self._listener: Listener | None = None
        self._connections: list[Connection] = []
        self._accepted = 0
        self._sessions = 0
        self._sampler: asyncio.Task[None] | None = None
        self._methods = Methods(device)

    @property
    def application_uri(self) -> str:
        """Of the server's certificate and its namespace 1."""
        return f"urn:gatetwin:{self.device.id}"

    # --- life -------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; port 0 takes a free one."""
        if self._server is not None:
            raise HarnessError(f"{self.id} is already started; stop it first")
        clockwork.tame(self.clock)
        core = Core(user_manager=self.users)
        core.face, core.disabled_clock = self, True
        server = Server(iserver=core)
        self._server = server
        server._application_uri = self.application_uri
        server.name, server.manufacturer_name = self.profile.title, "gatetwin"
        server.product_uri = "urn:gatetwin:crane"
        await server.init()
        await self._describe(server)
        await self._secure_with(server, host)
        self._build(server)
        await self._sample()
        self._events = EventFeed(server, self._space, self.device)
        await self._events.init()
        try:
            bound = await self._listen(server, host, port)
        except OSError as error:
            self._server = None
            await core.stop()
            raise CannotListen(self.id, host, port, error) from error
        self._sampler = self.clock.loop.create_task(self._run(), name=f"{self.id} sampler")
        return bound

    async def _describe(self, server: Server) -> None:
        now = clockwork.civil(self.clock)
        await server.set_build_info(
            server.product_uri, server.manufacturer_name, server.name, "1", "0", now
        )
        server.iserver.set_attribute_value_callback(
            ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), lambda *_: self._now_value()
        )

    def _now_value(self) -> ua.DataValue:
        """CurrentTime is worked out when it is read, so that no timer writes it every second."""
        now = clockwork.civil(self.clock)
        return ua.DataValue(ua.Variant(now, ua.VariantType.DateTime), SourceTimestamp=now)

    async def _secure_with(self, server: Server, host: str) -> None:
        tokens: list[type] = []
        if self._named:
            tokens.append(ua.UserNameIdentityToken)
        if self._anonymous:
            tokens.append(ua.AnonymousIdentityToken)
        server.set_identity_tokens(tokens)
        policies = [ua.SecurityPolicyType.NoSecurity] if self._plain else []
        if self._secure:
            if self.identity is None:
                begins = clockwork.civil(self.clock)
                self.identity = make_identity(self.application_uri, begins, host)
            policies.append(ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt)
            await server.load_certificate(self.identity.certificate, "pem")
            await server.load_private_key(self.identity.key, None, "pem")
        server.set_security_policy(policies)

    async def _listen(self, server: Server, host: str, port: int) -> int:
        # as asyncua's Server.start, with our listener
        server.set_endpoint(f"opc.tcp://{f'[{host}]' if ':' in host else host}:{port}/")
        core = server.iserver
        listener = Listener(core, host, port, server.limits)
        listener.face = self
        await listener.start()
        self._listener = listener
        server.bserver = listener
        server.set_endpoint(f"opc.tcp://{f'[{host}]' if ':' in host else host}:{listener.port}/")
        await server._setup_server_nodes()
        listener.set_policies(server._policies)
        await core.start()
        return int(listener.port)

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        if self._sampler is not None:
            self._sampler.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sampler
        for connection in list(self._connections):
            connection.end("server stopped")
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await asyncio.sleep(0)
            await server.stop()

    def _build(self, server: Server) -> None:
        uris = types().namespaces | self.profile.namespaces
        array = ["http://opcfoundation.org/UA/", self.application_uri, *uris.values()]
        core = server.iserver
        value = ua.DataValue(ua.Variant(array, ua.VariantType.String))
        node = ua.NodeId(ua.ObjectIds.Server_NamespaceArray)
        core.aspace[node].attributes[ua.AttributeIds.Value].value = value
        indices = {key: number for number, key in enumerate(uris, start=2)}
        builder = Builder(core, self.profile, indices, self.device.points, self.device.id)
        self._space = builder.build()

    # --- what sessions ask (Face) -------------------------------------------------------------

    def role(self, session: InternalSession) -> Role | None:
        """What the session's user may do."""
        return self.users.role(session.user)

    def note(self, session: InternalSession, event: str, reason: str = "") -> int:
        """Trace a session; it gets its number when it is first told of."""
        number = getattr(session, "number", -1)
        if number < 0:
            number = self._sessions
            self._sessions += 1
            session.number = number
        if event == "activated":
            self._open.add(number)
            self._wake()
        elif event == "closed":
            self._open.discard(number)
        return self.trace(
            self.device.id, "opcua.session", session=number, event=event,
            user=session.user.name or "", reason=reason,
        )  # fmt: skip

    def order(self, session: InternalSession, value: ua.WriteValue) -> ua.StatusCode:
        """A write of a client: checked, traced, and carried out."""
        status, bound = self._lawful(session, value)
        shown: Any = value.Value.Value.Value if value.Value.Value is not None else None
        cause = self.trace(
            self.device.id, "opcua.write", session=getattr(session, "number", -1),
            node=str(value.NodeId.Identifier), value=_plain(shown),
            status=ua.StatusCode(status).name,
        )  # fmt: skip
        if bound is not None and bound.point.write is not None:
            bound.point.write(shown, cause)
        return ua.StatusCode(status)

    def _lawful(self, session: InternalSession, value: ua.WriteValue) -> tuple[int, Bound | None]:
        assert self._server is not None
        codes = ua.StatusCodes
        if value.NodeId not in self._server.iserver.aspace:
            return codes.BadNodeIdUnknown, None
        bound = self._space.writable.get(value.NodeId)
        if bound is None or value.AttributeId != ua.AttributeIds.Value:
            return codes.BadNotWritable, None
        if self.role(session) is not Role.OPERATOR:
            return codes.BadUserAccessDenied, None
        variant = value.Value.Value
        if variant is None or variant.VariantType is not bound.variant or variant.is_array:
            return codes.BadTypeMismatch, None
        low, high = bound.row.low, bound.row.high
        if low is not None and high is not None and not low <= variant.Value <= high:
            return codes.BadOutOfRange, None
        return codes.Good, bound

    async def call(
        self, session: InternalSession, request: ua.CallMethodRequest
    ) -> ua.CallMethodResult:
        """A call of a client: checked, traced, and carried out."""
        name = self._space.methods.get(request.MethodId)
        values = [_plain(argument.Value) for argument in request.InputArguments or []]
        cause = self.trace(
            self.device.id, "opcua.call", session=getattr(session, "number", -1),
            method=name or str(request.MethodId.Identifier), arguments=values,
        )  # fmt: skip
        result = ua.CallMethodResult()
        if name is None:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadMethodInvalid)
        elif request.ObjectId != self._space.missions:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown)
        elif self.role(session) is not Role.OPERATOR:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)
        else:
            row = next(row for row in self.profile.methods if row.name == name)
            result = self._methods.call(row, request.InputArguments or [], cause)
        answers = [_plain(answer.Value) for answer in result.OutputArguments or []]
        self.trace(
            self.device.id, "opcua.called", cause, status=result.StatusCode.name, answers=answers
        )
        return result

    def admit(self, connection: Connection) -> bool:
        """Take a connection, or say no by ending it."""
        connection.number = self._accepted
        self._accepted += 1
        reason = ""
        if "link_down" in self.faults:
            reason = "link down"
        elif len(self._connections) >= self.profile.max_connections:
            reason = f"all {self.profile.max_connections} connections are taken"
        event = "refused" if reason else "open"
        self.trace(self.device.id, "opcua.conn", conn=connection.number, event=event, reason=reason)
        if not reason:
            self._connections.append(connection)
        return not reason

    def released(self, connection: Connection) -> None:
        """A connection is gone."""
        if connection in self._connections:
            self._connections.remove(connection)
            self.trace(
                self.device.id, "opcua.conn", conn=connection.number, event="close",
                reason=connection.reason,
            )  # fmt: skip

    def delay_s(self) -> float:
        """How late requests are taken; negative: never."""
        if "silent" in self.faults:
            return -1.0
        slow = self.faults.get("slow")
        return float(slow["delay_s"]) if slow else 0.0

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        active = kind in self.faults
        if active and kind in ("link_down", "session_drop"):
            for connection in list(self._connections):
                connection.end("link down" if kind == "link_down" else "dropped")
        self._wake()


def _plain(value: Any) -> Any:
    """A value as the trace can keep it."""
    if isinstance(value, bool | int | float | str) or value is None:
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    return str(value)[:200]
