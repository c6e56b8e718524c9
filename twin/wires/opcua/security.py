"""Who may talk to the server: users with a role, and certificates made at run time."""

from __future__ import annotations

import datetime as dt
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from asyncua.crypto.permission_rules import User, UserRole
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS_VALID = 20


class Role(Enum):
    """What a user may do: look, or also write and call."""

    OBSERVER = "observer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Account:
    """A password and what it opens."""

    password: str
    role: Role


class Accounts:
    """The users of one server, in the form that asyncua asks for."""

    def __init__(self, accounts: Mapping[str, Account], *, anonymous: Role | None) -> None:
        """`anonymous` is the role of clients without a name; None refuses them."""
        self._accounts = dict(accounts)
        self._anonymous = anonymous

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None,
        certificate: Any = None,
    ) -> User | None:  # fmt: skip
        """The user, or None for wrong credentials. asyncua's own roles are not used."""
        del iserver, certificate
        if username is None:
            return None if self._anonymous is None else User(UserRole.User, name="")
        account = self._accounts.get(username)
        # a password is compared also for a name that does not exist: both take the same time
        right = hmac.compare_digest(
            (password or "").encode(), (account.password if account else "").encode()
        )
        return User(UserRole.User, name=username) if account and right else None

    def role(self, user: User | None) -> Role | None:
        """What `user` may do."""
        if user is None or not user.name:
            return self._anonymous
        account = self._accounts.get(user.name)
        return account.role if account else None


@dataclass(frozen=True, slots=True)
class Identity:
    """A self-signed application instance certificate (OPC 10000-6, 6.2.2) and its key, as PEM."""

    certificate: bytes
    key: bytes


def make_identity(application_uri: str, begins: dt.datetime, host: str = "127.0.0.1") -> Identity:
    """RSA 2048 with SHA-256; valid from a day before `begins` for twenty years.

    The key is drawn from the system, not from the run's seed: it never shows in a trace.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, application_uri)])
    try:
        place: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        place = x509.DNSName(host)
    start = begins - dt.timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(application_uri), place])
    uses = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True,
        data_encipherment=True, key_agreement=False, key_cert_sign=True, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    purposes = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=365 * _YEARS_VALID))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(uses, critical=True)
        .add_extension(purposes, critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return Identity(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )  # fmt: skip
