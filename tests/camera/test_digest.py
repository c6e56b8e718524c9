"""Digest authentication: the right password gets in once per count, nothing else does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.camera.credentials import PATH, header, nonce_of
from twin.wires.isapi.digest import COUNTS_MAX, NONCES_MAX, DigestAuth, Verdict


class Now:
    """A clock to be set by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def auth(now: Now | None = None, **kwargs: object) -> DigestAuth:
    return DigestAuth(
        "IP Camera", {"gate": "pw"}, ["SHA-256", "MD5"], rng=random.Random(1),
        now_ns=now or Now(), **kwargs,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_example_of_the_rfc_is_computed_alike() -> None:
    """The worked example of RFC 7616 section 3.9.1 gives the published responses."""
    for algorithm, published in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ]:
        server = DigestAuth(
            "http-auth@example.org", {"Mufasa": "Circle of Life"}, ["MD5", "SHA-256"],
            rng=random.Random(0), now_ns=Now(),
        )  # fmt: skip
        nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
        known = next(iter(server._nonces), None) or nonce_of(server)
        server._nonces[nonce] = server._nonces.pop(known)
        given_header = (
            f'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
            f'algorithm={algorithm}, nonce="{nonce}", nc=00000001, qop=auth, '
            f'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", response="{published}"'
        )
        assert server.check(given_header, "GET", "/dir/index.html") == Verdict(True, "Mufasa")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_each_count_opens_once(algorithm: str) -> None:
    """A count is good once in any order; used again it is stale and needs a new nonce."""
    server = auth()
    nonce = nonce_of(server)
    for count in ("00000002", "00000001", "0000000a"):
        signed = header(nonce, nc=count, algorithm=algorithm)
        assert server.check(signed, "GET", PATH).ok
        replayed = server.check(signed, "GET", PATH)
        assert (replayed.ok, replayed.stale) == (False, True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"password": "wrong"}, "wrong credentials"),
        ({"user": "admin"}, "wrong credentials"),
        ({"user": "admin", "password": ""}, "wrong credentials"),
        ({"uri": "/other"}, "another target"),
        ({"method": "PUT"}, "wrong credentials"),
        ({"realm": "elsewhere"}, "realm"),
        ({"qop": "auth-int"}, "qop"),
        ({"algorithm": "SHA-512-256"}, "not offered"),
        ({"nc": "1"}, "no count"),
        ({"nonce": "0" * 32}, "nonce unknown"),
    ],
)
def test_a_wrong_part_is_refused(changes: dict[str, str], why: str) -> None:
    """Each part of the header counts: with any one of them wrong nobody gets in."""
    server = auth()
    parts = {"nonce": nonce_of(server)} | changes
    verdict = server.check(header(**parts), "GET", PATH)  # type: ignore[arg-type]
    assert not verdict.ok
    assert why in verdict.why


@pytest.mark.parametrize("text", [None, "", "Basic Z2F0ZTpwdw==", "Digest", 'Digest ,,=,"', "x"])
def test_other_headers_are_refused(text: str | None) -> None:
    """No header, another scheme and rubbish are refused without an error."""
    assert not auth().check(text, "GET", PATH).ok


@given(
    st.lists(st.sampled_from([*', ="\\é\0', "nonce", "nc", "response", "uri", "auth"])).map("".join)
)
def test_no_text_breaks_the_parser(text: str) -> None:
    """Whatever stands behind `Digest`, it is refused and nothing is raised."""
    assert not auth().check("Digest " + text, "GET", PATH).ok


def test_a_nonce_expires() -> None:
    """After its life a nonce is stale, although the password is right."""
    now = Now()
    server = auth(now, nonce_life_s=300.0)
    nonce = nonce_of(server)
    now.ns = 300 * 10**9
    assert server.check(header(nonce), "GET", PATH).ok
    now.ns += 1
    verdict = server.check(header(nonce, nc="00000002"), "GET", PATH)
    assert (verdict.ok, verdict.stale) == (False, True)


def test_memory_is_bounded() -> None:
    """A flood of challenges forgets the oldest nonce; a flood of counts asks for a new one."""
    server = auth()
    first = nonce_of(server)
    for _ in range(NONCES_MAX):
        last = nonce_of(server)
    assert len(server._nonces) == NONCES_MAX
    assert server.check(header(first), "GET", PATH).stale
    server._nonces[last].counts.update(range(10, COUNTS_MAX + 10))
    assert server.check(header(last), "GET", PATH).stale


def test_lockout() -> None:
    """After the set number of wrong passwords the right one is refused too, for the set time."""
    now = Now()
    server = auth(now, lockout_failures=3, lockout_s=60.0)
    nonce = nonce_of(server)
    for count in range(3):
        server.check(header(nonce, password="x", nc=f"{count:08x}"), "GET", PATH)
    assert server.locked
    assert "locked" in server.check(header(nonce, nc="00000010"), "GET", PATH).why
    now.ns = 60 * 10**9
    assert server.check(header(nonce, nc="00000011"), "GET", PATH).ok


def test_a_success_clears_the_count_of_failures() -> None:
    """Wrong passwords with a right one between them do not add up to a lockout."""
    server = auth(lockout_failures=2, lockout_s=60.0)
    nonce = nonce_of(server)
    for count in range(6):
        password = "x" if count % 2 else "pw"
        server.check(header(nonce, password=password, nc=f"{count:08x}"), "GET", PATH)
    assert not server.locked
