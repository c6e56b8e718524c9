"""Who may look at the crane over OPC UA, who may order, and with which encryption."""

from __future__ import annotations

import pytest

pytest.importorskip("asyncua")

from asyncua import Client, ua

from tests.crane.port import Port, play, start
from twin.wires.opcua import clockwork
from twin.wires.opcua.security import Account, Role, make_identity

ACCOUNTS = {"op": Account("right", Role.OPERATOR), "eye": Account("look", Role.OBSERVER)}


def test_a_session_must_be_activated_before_anything_is_answered() -> None:
    """Without ActivateSession reading is refused, also without security."""

    async def test(p: Port) -> None:
        client = Client(f"opc.tcp://127.0.0.1:{p.port}/")
        await client.connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            await client.create_session()
            with pytest.raises(ua.uaerrors.UaStatusCodeError):
                await p.node(client, "hoist.place").read_value()
        finally:
            client.disconnect_socket()
            await p.clock.sleep(0.1)

    play(test)


@pytest.mark.parametrize(
    ("user", "password"), [("op", "wrong"), ("ghost", "right"), ("op", ""), (None, None)]
)
def test_wrong_credentials_are_refused_and_traced_without_the_password(
    user: str | None, password: str | None
) -> None:
    """Nobody comes in, and no password is in the trace."""

    async def test(p: Port) -> None:
        more = {} if user is None else {"user": user, "password": password}
        with pytest.raises(ua.uaerrors.UaStatusCodeError):
            async with p.client(**more):
                pass

    port = play(test, accounts=ACCOUNTS)
    assert all(r["event"] != "activated" for r in port.site.kinds("opcua.session"))
    if password:
        assert not any(password == v for r in port.site.trace.records() for v in r.payload.values())


def test_an_observer_reads_and_orders_nothing() -> None:
    """Role by role."""

    async def test(p: Port) -> None:
        async with p.client(user="eye", password="look") as client:
            assert await p.node(client, "mode").read_value() == 3
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await start(client, p)
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await p.node(client, "gantry.plus").write_value(50.0)

    play(test, accounts=ACCOUNTS)


@pytest.mark.slow
def test_sign_and_encrypt_works_in_virtual_time() -> None:
    """Basic256Sha256 alone: a client without security finds no endpoint, one with it works."""

    async def test(p: Port) -> None:
        with pytest.raises(ua.UaError):
            async with p.client(user="op", password="right"):
                pass
        own = make_identity("urn:test:client", clockwork.civil(p.clock))
        from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
        from asyncua.crypto.uacrypto import CertProperties

        client = Client(f"opc.tcp://127.0.0.1:{p.port}/")
        client.application_uri = "urn:test:client"
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            CertProperties(own.certificate, "pem"),
            CertProperties(own.key, "pem"),
        )
        client.set_user("op")
        client.set_password("right")
        async with client:
            assert await start(client, p) == [True, ""]

    play(test, accounts=ACCOUNTS, secure=True, plain=False)
