"""The evidence bundle: one deterministic tar.gz that anybody can check with OpenSSH and SHA-256.

`MANIFEST.json` lists every file with its SHA-256 and the head of the hash chain over the events;
it alone is signed (`ssh-keygen -Y sign`, namespace `gatetwin`). Each line of
`trace/events.ndjson` ends in `chain` = SHA-256(previous chain + line without `chain`), so that no
event can be taken out, changed or moved.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from twin.trace import Record

from .errors import EvidenceError

FORMAT = "gatetwin-evidence/1"
NAMESPACE = "gatetwin"
MANIFEST, SIGNATURE, SIGNER = "MANIFEST.json", "MANIFEST.json.sig", "signer.pub"
EVENTS = "trace/events.ndjson"
_UNLISTED = {MANIFEST, SIGNATURE, SIGNER}
_SIZE_LIMIT = 512 * 1024 * 1024
_SSH_LIMIT_S = 20.0


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and without spaces: equal values have equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def pretty(value: Any) -> bytes:
    """JSON for people, still with sorted keys."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


# ---------------------------------------------------------------- events


def chained(records: Iterable[Record]) -> tuple[bytes, str, int]:
    """The event log as NDJSON, the head of its chain, and the number of events."""
    head, lines = "", []
    for record in records:
        event = {
            "id": record.id,
            "t_ns": record.t_ns,
            "wall_ns": record.wall_ns,
            "source": record.source,
            "kind": record.kind,
            "cause": record.cause,
            "payload": record.payload,
        }
        head = hashlib.sha256(head.encode() + canonical(event)).hexdigest()
        lines.append(canonical(event | {"chain": head}))
    return b"\n".join(lines) + b"\n", head, len(lines)


def unchained(log: bytes) -> tuple[list[Record], str]:
    """Records of an event log and the head of its chain; a broken link is an `EvidenceError`."""
    head, records = "", []
    for number, line in enumerate(log.splitlines(), start=1):
        try:
            event = json.loads(line)
            link = event.pop("chain")
            record = Record(
                event["id"],
                event["t_ns"],
                event["wall_ns"],
                event["source"],
                event["kind"],
                event["cause"],
                event["payload"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvidenceError(f"{EVENTS}, line {number}: not an event: {error}") from None
        head = hashlib.sha256(head.encode() + canonical(event)).hexdigest()
        if link != head:
            raise EvidenceError(f"{EVENTS}, line {number}: the hash chain is broken here")
        records.append(record)
    return records, head


# ---------------------------------------------------------------- writing


def pack(
    path: Path,
    files: Mapping[str, bytes],
    records: Sequence[Record],
    about: Mapping[str, Any],
    *,
    key: Path | None = None,
) -> Path:
    """Write the bundle to `path`; with `key`, an OpenSSH private key, it is signed."""
    log, head, events = chained(records)
    content = {**files, EVENTS: log}
    manifest = pretty(
        {
            "format": FORMAT,
            **about,
            "chain_head": head,
            "events": events,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
        }
    )
    content[MANIFEST] = manifest
    if key is not None:
        content[SIGNATURE] = sign(manifest, key)
        public = key.with_name(key.name + ".pub")
        if public.is_file():
            content[SIGNER] = public.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tar_gz(content))
    return path


def tar_gz(content: Mapping[str, bytes]) -> bytes:
    """A tar.gz that depends on names and bytes alone: sorted, without times, owners and modes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(content):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content[name]), 0o644
            archive.addfile(member, io.BytesIO(content[name]))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as stream:
        stream.write(raw.getvalue())
    return packed.getvalue()


def sign(data: bytes, key: Path) -> bytes:
    """OpenSSH signature of `data` in the namespace `gatetwin`."""
    if not key.is_file():
        raise EvidenceError(
            f"{key}: no such signing key; `ssh-keygen -t ed25519 -f {key}` makes one"
        )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "data"
        target.write_bytes(data)
        done = _ssh_keygen(["-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(target)])
        if done.returncode:
            raise EvidenceError(f"{key}: ssh-keygen does not sign with it: {_said(done)}")
        return target.with_name("data.sig").read_bytes()


def _ssh_keygen(arguments: list[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments],
            input=data,
            capture_output=True,
            timeout=_SSH_LIMIT_S,
            check=False,
        )
    except FileNotFoundError:
        raise EvidenceError(
            "ssh-keygen is not installed; signatures need OpenSSH 8.1 or later"
        ) from None
    except subprocess.TimeoutExpired:
        raise EvidenceError(
            f"ssh-keygen did not answer within {_SSH_LIMIT_S:g} s; does the key have a passphrase? "
            "Load it into an agent first"
        ) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stderr or done.stdout).decode("utf-8", "replace").strip().split("\n")[-1]


# ---------------------------------------------------------------- reading


def unpack(path: Path) -> dict[str, bytes]:
    """The files of a bundle by name; anything unusual in the archive is an `EvidenceError`."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if not member.isreg() or name.is_absolute() or ".." in name.parts:
                    raise EvidenceError(f"{path}: {member.name!r} is not a plain file inside it")
                if member.name in found:
                    raise EvidenceError(f"{path}: {member.name!r} stands in it twice")
                if member.size > _SIZE_LIMIT:
                    raise EvidenceError(f"{path}: {member.name!r} has {member.size} bytes")
                stream = archive.extractfile(member)
                assert stream is not None
                found[member.name] = stream.read()
    except FileNotFoundError as error:
        raise EvidenceError(f"{path}: there is no such bundle") from error
    except (OSError, tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise EvidenceError(f"{path}: not a readable bundle: {error}") from error
    if MANIFEST not in found:
        raise EvidenceError(f"{path}: there is no {MANIFEST} in it")
    return found


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified; `bad` is forged or torn, `open` cannot be told."""

    name: str
    state: str  # ok, bad, open
    text: str


def verify(path: Path, *, signers: Path | None = None, identity: str = "*") -> list[Check]:
    """Check a bundle: files, chain, signature. `signers` is an OpenSSH allowed-signers file."""
    files = unpack(path)
    manifest = _manifest(path, files)
    checks = [_check_files(files, manifest), _check_chain(files, manifest)]
    checks.append(_check_attestation(files))
    checks.append(_check_signature(files, signers, identity))
    return checks


def _manifest(path: Path, files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        manifest = json.loads(files[MANIFEST])
        if manifest["format"] != FORMAT:
            raise EvidenceError(
                f"{path}: format {manifest['format']!r}; this version reads {FORMAT!r}"
            )
        dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceError(f"{path}: {MANIFEST} cannot be read: {error}") from None
    return dict(manifest)


def _check_files(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Check:
    listed: dict[str, str] = manifest["files"]
    present = set(files) - _UNLISTED
    wrong = [f"{name} is missing" for name in sorted(set(listed) - present)]
    wrong += [f"{name} is not in the manifest" for name in sorted(present - set(listed))]
    wrong += [
        f"{name} has been changed"
        for name in sorted(present & set(listed))
        if hashlib.sha256(files[name]).hexdigest() != listed[name]
    ]
    text = "; ".join(wrong) or f"{len(listed)} files match"
    return Check("files", "bad" if wrong else "ok", text)


def _check_chain(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Check:
    try:
        records, head = unchained(files.get(EVENTS, b""))
    except EvidenceError as error:
        return Check("chain", "bad", str(error))
    if head != manifest.get("chain_head") or len(records) != manifest.get("events"):
        return Check("chain", "bad", f"{len(records)} events do not end in the manifest's head")
    return Check("chain", "ok", f"{len(records)} events in one chain")


def _check_attestation(files: Mapping[str, bytes]) -> Check:
    try:
        predicate = json.loads(files["attestation.json"])["predicate"]
        results = json.loads(files["results.json"])
    except (ValueError, KeyError, TypeError) as error:
        return Check("attestation", "bad", f"cannot be read: {error}")
    failed = sorted(r["requirement"] for r in results["results"] if r["verdict"] == "FAIL")
    warned = sorted(predicate["warnedTests"])
    told = sorted(predicate["failedTests"])
    good = sorted(set(told) | set(warned)) == sorted(set(failed) | set(warned))
    text = f"result {predicate['result']}" if good else f"says {told}, results.json says {failed}"
    return Check("attestation", "ok" if good else "bad", text)


def _check_signature(files: Mapping[str, bytes], signers: Path | None, identity: str) -> Check:
    if SIGNATURE not in files:
        return Check("signature", "open", "the bundle is not signed")
    if signers is not None and not signers.is_file():
        raise EvidenceError(f"{signers}: no such allowed-signers file")
    with tempfile.TemporaryDirectory() as folder:
        signature = Path(folder) / "sig"
        signature.write_bytes(files[SIGNATURE])
        tail = ["-n", NAMESPACE, "-s", str(signature)]
        if signers is None:
            done = _ssh_keygen(["-Y", "check-novalidate", *tail], files[MANIFEST])
            if done.returncode:
                return Check("signature", "bad", f"is not valid: {_said(done)}")
            return Check("signature", "open", f"is valid, the signer is not known: {_said(done)}")
        who = identity
        if identity == "*":
            found = _ssh_keygen(
                ["-Y", "find-principals", "-f", str(signers), "-s", str(signature)], files[MANIFEST]
            )
            if found.returncode:
                return Check("signature", "bad", f"signer is not in {signers.name}")
            who = found.stdout.decode().strip().split("\n")[0]
        done = _ssh_keygen(["-Y", "verify", "-f", str(signers), "-I", who, *tail], files[MANIFEST])
        if done.returncode:
            return Check("signature", "bad", f"is not valid for {who}: {_said(done)}")
        return Check("signature", "ok", f"good, by {who}")
