"""Digest credentials of a client, computed from the text of RFC 7616."""

from __future__ import annotations

import hashlib

from twin.wires.isapi.digest import DigestAuth, parse

PATH = "/ISAPI/System/deviceInfo?x=1"


def nonce_of(server: DigestAuth) -> str:
    pairs = parse(server.challenges()[0])
    assert pairs is not None
    return pairs["nonce"]


def header(
    nonce: str, *, user: str = "gate", password: str = "pw", method: str = "GET", uri: str = PATH,
    nc: str = "00000001", algorithm: str = "SHA-256", realm: str = "IP Camera", qop: str = "auth",
) -> str:  # fmt: skip
    """An Authorization header, computed from the text of RFC 7616 and not from our module."""
    kind = {"MD5": "md5", "SHA-256": "sha256"}.get(algorithm, "sha256")

    def h(text: str) -> str:
        return hashlib.new(kind, text.encode()).hexdigest()

    response = h(
        f"{h(f'{user}:{realm}:{password}')}:{nonce}:{nc}:cafe:{qop}:{h(f'{method}:{uri}')}"
    )
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'algorithm={algorithm}, qop={qop}, nc={nc}, cnonce="cafe", response="{response}"'
    )
