"""HTTP digest authentication, the server's half (RFC 7616; MD5 as RFC 2617 clients know it).

Nonces come from a seeded generator, so that a run is repeatable; they are secret from nobody but
the trace, which never sees them. A nonce serves until its life is over, and each of its counts
(`nc`) once: a replayed header is refused with a fresh nonce and `stale=true`, which makes an
honest client try again and a thief fail.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Algorithm = Literal["MD5", "SHA-256"]

_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    # RFC 2617 clients know nothing else; it protects a password on the wire, not a secret of ours.
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}

_PAIR: Final = re.compile(r'([a-zA-Z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')

NONCES_MAX: Final = 1024
"""Nonces remembered at once; the oldest goes first, as in a device with little memory."""

COUNTS_MAX: Final = 4096
"""Counts accepted for one nonce before a new one is asked for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; `stale` asks the client to try again with a new nonce."""

    ok: bool
    user: str = ""
    stale: bool = False
    why: str = ""


@dataclass(slots=True)
class _Nonce:
    born_ns: int
    counts: set[int] = field(default_factory=set)


def parse(header: str) -> dict[str, str] | None:
    """The pairs of a `Digest …` header, names in lower case; None for any other scheme."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
        return None
    pairs: dict[str, str] = {}
    for name, quoted, token in _PAIR.findall(rest):
        pairs[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted else token
    return pairs


class DigestAuth:
    """Checks `Authorization` headers and makes challenges."""

    def __init__(
        self,
        realm: str,
        passwords: Mapping[str, str],
        algorithms: Sequence[Algorithm],
        *,
        rng: random.Random,
        now_ns: Callable[[], int],
        nonce_life_s: float = 300.0,
        lockout_failures: int = 0,
        lockout_s: float = 0.0,
    ) -> None:
        self.realm = realm
        self._passwords = dict(passwords)
        self._algorithms = list(algorithms)
        self._rng = rng
        self._now_ns = now_ns
        self._life_ns = round(nonce_life_s * 1e9)
        self._nonces: dict[str, _Nonce] = {}
        self._lockout_failures = lockout_failures
        self._lockout_ns = round(lockout_s * 1e9)
        self._failures = 0
        self._locked_until_ns = 0

    @property
    def locked(self) -> bool:
        """Whether too many wrong passwords have shut the door for a while."""
        return self._now_ns() < self._locked_until_ns

    def challenges(self, stale: bool = False) -> list[str]:
        """Values for `WWW-Authenticate`, one for each algorithm, all with one fresh nonce."""
        nonce = f"{self._rng.getrandbits(128):032x}"
        while len(self._nonces) >= NONCES_MAX:
            self._nonces.pop(next(iter(self._nonces)))
        self._nonces[nonce] = _Nonce(self._now_ns())
        tail = "true" if stale else "false"
        return [
            f'Digest realm="{self.realm}", qop="auth", algorithm={algorithm}, '
            f'nonce="{nonce}", stale={tail}'
            for algorithm in self._algorithms
        ]

    def check(self, header: str | None, method: str, target: str) -> Verdict:
        """Judge the `Authorization` of a request for `target` (path and query as sent)."""
        if not header:
            return Verdict(False, why="no credentials")
        if self.locked:
            return Verdict(False, why="locked after too many failures")
        pairs = parse(header)
        if pairs is None:
            return Verdict(False, why="another scheme than Digest")
        verdict = self._judge(pairs, method, target)
        if verdict.ok:
            self._failures = 0
        elif verdict.why == "wrong credentials":
            self._count_failure()
        return verdict

    def _judge(self, pairs: Mapping[str, str], method: str, target: str) -> Verdict:
        algorithm = pairs.get("algorithm", "MD5")
        if algorithm not in self._algorithms:
            return Verdict(False, why="an algorithm that was not offered")
        user, uri = pairs.get("username", ""), pairs.get("uri", "")
        if pairs.get("realm") != self.realm or pairs.get("qop") != "auth":
            return Verdict(False, why="another realm or qop")
        if uri != target:
            return Verdict(False, user, why="signed for another target")
        count_text = pairs.get("nc", "")
        if not re.fullmatch(r"[0-9a-fA-F]{8}", count_text) or not pairs.get("cnonce"):
            return Verdict(False, user, why="no count or client nonce")
        hashed = _HASHES[algorithm]
        password = self._passwords.get(user)
        # An unknown user costs the same work as a known one, so that time tells nothing.
        a1 = hashed(f"{user}:{self.realm}:{password or ''}".encode())
        a2 = hashed(f"{method}:{uri}".encode())
        joined = ":".join((a1, pairs.get("nonce", ""), count_text, pairs["cnonce"], "auth", a2))
        right = hashed(joined.encode())
        given = pairs.get("response", "").lower()
        if password is None or not hmac.compare_digest(right.encode(), given.encode()):
            return Verdict(False, user, why="wrong credentials")
        return self._spend(pairs.get("nonce", ""), int(count_text, 16), user)

    def _spend(self, nonce: str, count: int, user: str) -> Verdict:
        known = self._nonces.get(nonce)
        if known is None or self._now_ns() - known.born_ns > self._life_ns:
            self._nonces.pop(nonce, None)
            return Verdict(False, user, stale=True, why="nonce unknown or expired")
        if count in known.counts or len(known.counts) >= COUNTS_MAX:
            return Verdict(False, user, stale=True, why="count used before")
        known.counts.add(count)
        return Verdict(True, user)

    def _count_failure(self) -> None:
        self._failures += 1
        if self._lockout_failures and self._failures >= self._lockout_failures:
            self._failures = 0
            self._locked_until_ns = self._now_ns() + self._lockout_ns
