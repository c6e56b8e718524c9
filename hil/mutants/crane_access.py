# ruff: noqa: D102 - overrides; each class says how it is broken
"""Servers of cranes that let the wrong ones in, or the right ones not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import msgspec
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole

from hil.kits.crane import site
from hil.kits.crane.emulation import ACCOUNTS, CraneVariant
from hil.variant import Maker
from twin.devices.crane_words import MissionState
from twin.wires.opcua.security import Accounts, Role
from twin.wires.opcua.server import OpcUaServer
from twin.wires.opcua.sessions import Connection


class _NoPassword(Accounts):
    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None,
        certificate: Any = None,
    ) -> Any:  # fmt: skip
        if username in ACCOUNTS and not password:
            password = ACCOUNTS[username].password
        return super().get_user(iserver, username, password, certificate)


class EmptyPassword(OpcUaServer):
    """An empty password opens every account."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.users = _NoPassword(ACCOUNTS, anonymous=None)


class EverybodyOperates(OpcUaServer):
    """Makes no difference between an observer and an operator."""

    def role(self, session: Any) -> Role | None:
        return None if super().role(session) is None else Role.OPERATOR


class _Sessions(OpcUaServer, ABC):
    """Its sessions are broken in some way."""

    @abstractmethod
    def spoil(self, session: Any) -> None: ...

    async def _listen(self, server: Any, host: str, port: int) -> int:
        create = server.iserver.create_session

        def spoilt(*arguments: Any, **more: Any) -> Any:
            session = create(*arguments, **more)
            self.spoil(session)
            return session

        server.iserver.create_session = spoilt
        return await super()._listen(server, host, port)


class AnswersStrangers(_Sessions):
    """Every session is an operator's from its creation on."""

    def spoil(self, session: Any) -> None:
        session.is_activated = lambda: True
        session.user = User(UserRole.User, name=site.USER)


class PlainOnly(_Sessions):
    """Offers Basic256Sha256 and activates no session that comes by it."""

    def spoil(self, session: Any) -> None:
        activate = session.activate_session

        def activated(parameters: Any, certificate: Any) -> Any:
            if certificate:
                raise ServiceError(ua.StatusCodes.BadSecurityChecksFailed)
            return activate(parameters, certificate)

        session.activate_session = activated


class Patient(OpcUaServer):
    """Waits for ever for the rest of a message."""

    def admit(self, connection: Connection) -> bool:
        end = connection.end

        def ended(reason: str) -> None:
            if "message" not in reason:
                end(reason)

        connection.end = ended  # type: ignore[method-assign]
        return super().admit(connection)


class StopsAlone(OpcUaServer):
    """Stops its mission when a client's connection is lost."""

    def released(self, connection: Connection) -> None:
        super().released(connection)
        if self.device.cycle.state is MissionState.RUNNING:
            self.device.stop()


class Forgets(OpcUaServer):
    """Does not know its mission any more after a restart."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        super()._fault_changed(kind, cause)
        if kind == "link_down":
            self.device.cycle.state = MissionState.NONE
            self.device.changed("mission")


_wire = Maker(CraneVariant, "CRN-", OpcUaServer)


MUTANTS: list[CraneVariant] = [
    _wire("empty-password", "SEC-01", EmptyPassword),
    CraneVariant("open-house", "CRN-SEC-02", "Lets clients without a name look.",
                 options={"anonymous": Role.OBSERVER}),
    _wire("everybody-operates", "SEC-03", EverybodyOperates),
    _wire("answers-strangers", "SEC-04", AnswersStrangers),
    _wire("plain-only", "SEC-05", PlainOnly),
    CraneVariant("six-places", "CRN-LNK-01", "Serves six clients, its papers say eight.",
                 profile=lambda profile: msgspec.structs.replace(profile, max_connections=6)),
    _wire("patient", "LNK-02", Patient),
    _wire("stops-alone", "LNK-03", StopsAlone),
    CraneVariant("starts-slowly", "CRN-REC-01", "Starts in 6 s, its papers say 4 s.",
                 start_up_s=6.0),
    _wire("forgets", "REC-02", Forgets),
]  # fmt: skip
