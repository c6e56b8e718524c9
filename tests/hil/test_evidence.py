"""The evidence bundle: deterministic, and nothing in it can be changed unseen."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from hil import certify, cli, evidence
from hil.certify import Plan, Run
from hil.errors import EvidenceError
from hil.kits.barrier import KIT
from hil.register import Register
from hil.runner import judge
from hil.suite import Suite
from hil.verdict import Verdict, outcome
from tests import needs
from tests.hil.conftest import record
from twin.trace import Record, from_rows, hash_records, read_trace


@pytest.fixture(scope="session")
def packed(
    tmp_path_factory: pytest.TempPathFactory,
    good: list[Record],
    suite: Suite[Any, Any],
    register: Register,
) -> Path:
    """A bundle of the good run."""
    return pack(tmp_path_factory.mktemp("evidence"), good, suite, register)


@pytest.fixture(scope="session")
def little(
    tmp_path_factory: pytest.TempPathFactory, suite: Suite[Any, Any], register: Register
) -> Path:
    """A bundle of a run of one case: what forgeries are tried on."""
    records = record(only=["BAR-WIR-01"])
    return pack(tmp_path_factory.mktemp("little"), records, suite, register)


def pack(
    folder: Path,
    records: list[Record],
    suite: Suite[Any, Any],
    register: Register,
    key: Path | None = None,
) -> Path:
    KIT.write_templates(folder / "bench", "came-gard")
    text = (folder / "bench/bench.toml").read_text(encoding="utf-8")
    pixit = msgspec.structs.replace(KIT.emulated_pixit("came-gard"), service_password="hunter2")
    plan = Plan(
        KIT,
        KIT.load_bench(folder / "bench/bench.toml"),
        text,
        KIT.product,
        KIT.emulated_pics("came-gard"),
        pixit,
        folder,
        key,
    )
    results = judge(records, suite, register)
    path = folder / "b.tar.gz"
    done = Run(KIT, "abcd1234", "20230530T010203Z", records, results, outcome(results), {}, path)
    certify._write(plan, done, path)
    return path


def states(path: Path, **options: object) -> dict[str, str]:
    return {check.name: check.state for check in evidence.verify(path, **options)}  # type: ignore[arg-type]


def rewrite(source: Path, target: Path, **changes: bytes | None) -> Path:
    files = evidence.unpack(source)
    for name, data in changes.items():
        key = {
            "events": evidence.EVENTS,
            "manifest": evidence.MANIFEST,
            "results": "results.json",
            "report": "report.html",
            "extra": "extra.txt",
        }[name]
        if data is None:
            del files[key]
        else:
            files[key] = data
    target.write_bytes(evidence.tar_gz(files))
    return target


def test_a_good_bundle_verifies(packed: Path) -> None:
    """Files, chain and attestation are right; without a signature that stays open."""
    assert states(packed) == {
        "files": "ok", "chain": "ok", "attestation": "ok", "signature": "open"
    }  # fmt: skip


def test_everything_is_in_it(packed: Path, good: list[Record], tmp_path: Path) -> None:
    """The bundle holds what the report, a CI server, an auditor and DuckDB want."""
    files = evidence.unpack(packed)
    assert set(files) == {
        "MANIFEST.json", "attestation.json", "PRODUCT.toml", "PICS.toml", "PIXIT.toml",
        "BENCH.toml", "results.json", "junit.xml", "report.html", "trace/events.ndjson",
        "trace/trace.parquet", "env.json",
    }  # fmt: skip
    assert not any(b"hunter2" in data for data in files.values())
    (tmp_path / "trace.parquet").write_bytes(files["trace/trace.parquet"])
    assert hash_records(read_trace(tmp_path / "trace.parquet")) == hash_records(good)
    statement = json.loads(files["attestation.json"])
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert statement["predicate"]["result"] == "PASSED"
    assert len(statement["subject"][0]["digest"]["sha256"]) == 64
    results = json.loads(files["results.json"])
    assert (results["outcome"], results["exit_code"]) == ("PASS", 0)
    assert set(results["versions"]) == {"requirements", "suite", "judge", "runner", "gatetwin"}


def test_the_archive_depends_on_content_alone() -> None:
    """The same files in another order give the same bytes, without times and owners."""
    first = evidence.tar_gz({"b": b"2", "a": b"1"})
    assert first == evidence.tar_gz({"a": b"1", "b": b"2"})
    with tarfile.open(fileobj=io.BytesIO(first), mode="r:gz") as archive:
        assert [(m.name, m.mtime, m.uid, m.uname) for m in archive] == [
            ("a", 0, 0, ""), ("b", 0, 0, ""),
        ]  # fmt: skip


def test_a_changed_file_is_found(little: Path, tmp_path: Path) -> None:
    """One changed byte in any file is found by name."""
    files = evidence.unpack(little)
    for name in sorted(set(files) - {evidence.MANIFEST}):
        forged = {**files, name: files[name] + b" "}
        path = tmp_path / "forged.tar.gz"
        path.write_bytes(evidence.tar_gz(forged))
        check = evidence.verify(path)[0]
        assert (check.state, name in check.text) == ("bad", True)


def test_missing_and_extra_files_are_found(little: Path, tmp_path: Path) -> None:
    """What the manifest names must be there, and nothing else."""
    lost = evidence.verify(rewrite(little, tmp_path / "a", report=None))[0]
    assert lost.text == "report.html is missing"
    more = evidence.verify(rewrite(little, tmp_path / "b", extra=b"x"))[0]
    assert more.text == "extra.txt is not in the manifest"


@pytest.mark.parametrize("forgery", ["change", "drop", "swap", "cut"])
def test_the_chain_breaks(forgery: str) -> None:
    """Changing, dropping, swapping events or cutting the end does not go unseen."""
    records = from_rows([(n, "a", "k", -1, {"n": n}) for n in range(5)])
    log, head, count = evidence.chained(records)
    lines = log.splitlines()
    if forgery == "change":
        lines[2] = lines[2].replace(b'"n":2', b'"n":7')
    elif forgery == "drop":
        del lines[2]
    elif forgery == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        assert evidence.unchained(b"\n".join(lines[:-1]))[1] != head
        return
    with pytest.raises(EvidenceError, match=r"line [23]: the hash chain is broken"):
        evidence.unchained(b"\n".join(lines))
    assert count == 5


def test_a_rehashed_forgery_does_not_hide_the_verdict(little: Path, tmp_path: Path) -> None:
    """Who changes results.json and the manifest still contradicts the attestation."""
    files = evidence.unpack(little)
    results = json.loads(files["results.json"])
    results["results"][0]["verdict"] = "FAIL"
    forged = rewrite(little, tmp_path / "x", results=evidence.pretty(results))
    assert states(forged)["attestation"] == "bad"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_paths_cannot_leave_the_bundle(tmp_path: Path, name: str) -> None:
    """A member with a path out of the archive is refused before anything is read."""
    (tmp_path / "b").write_bytes(evidence.tar_gz({name: b"x", evidence.MANIFEST: b"{}"}))
    with pytest.raises(EvidenceError, match="not a plain file"):
        evidence.unpack(tmp_path / "b")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no archive", "not a readable bundle"),
        (evidence.tar_gz({"a": b""}), "no MANIFEST.json"),
        (evidence.tar_gz({"MANIFEST.json": b"{"}), "cannot be read"),
        (evidence.tar_gz({"MANIFEST.json": b'{"format":"x","files":{}}'}), "format 'x'"),
    ],
)
def test_a_torn_bundle_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    """What is no bundle of this format says so."""
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(EvidenceError, match=message):
        evidence.verify(tmp_path / "b")


def test_rejudge_gives_the_same_verdicts(packed: Path, good: list[Record]) -> None:
    """Evidence can be judged again from its events alone, with the same result."""
    again = certify.rejudge(packed)
    assert again.changed == []
    assert again.outcome.verdict is Verdict.PASS
    assert len(again.results) == len(KIT.register)


def test_rejudge_shows_what_a_mended_rule_changes(
    packed: Path, suite: Suite[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that has become stricter turns its old PASS, and only that one."""
    from hil.verdict import failed

    case = suite.judges["BAR-MOT-01"][0]
    monkeypatch.setitem(suite.judges, "BAR-MOT-01", (case, lambda view: failed("stricter")))
    again = certify.rejudge(packed)
    assert again.changed == ["BAR-MOT-01: PASS > FAIL"]
    assert again.outcome.exit_code == 1


# ---------------------------------------------------------------- signatures


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys `bench` and `other` and an allowed-signers file for `bench`."""
    needs.system(shutil.which("ssh-keygen"), "ssh-keygen (openssh-client) signs bundles")
    folder = tmp_path_factory.mktemp("keys")
    for name in ("bench", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name]
        subprocess.run(command, check=True, timeout=20)
    public = (folder / "bench.pub").read_text(encoding="utf-8")
    (folder / "allowed").write_text(f"lab@example.org {public}", encoding="utf-8")
    return folder


def signed(source: Path, target: Path, key: Path) -> Path:
    """The bundle `source`, signed with `key`."""
    files = evidence.unpack(source)
    files[evidence.SIGNATURE] = evidence.sign(files[evidence.MANIFEST], key)
    target.write_bytes(evidence.tar_gz(files))
    return target


@pytest.mark.system
def test_signatures(keys: Path, tmp_path: Path, little: Path) -> None:
    """The right key verifies; another key, another identity and a changed manifest do not."""
    path = signed(little, tmp_path / "signed", keys / "bench")
    assert states(path, signers=keys / "allowed")["signature"] == "ok"
    assert states(path, signers=keys / "allowed", identity="lab@example.org")["signature"] == "ok"
    assert states(path, signers=keys / "allowed", identity="x@example.org")["signature"] == "bad"
    assert states(path)["signature"] == "open"
    files = evidence.unpack(path)
    manifest = files[evidence.MANIFEST].replace(b'"INCONCLUSIVE"', b'"PASS"')
    assert manifest != files[evidence.MANIFEST]
    forged = rewrite(path, tmp_path / "forged", manifest=manifest)
    assert states(forged, signers=keys / "allowed")["signature"] == "bad"
    assert states(forged)["signature"] == "bad"
    foreign = {**files, evidence.SIGNATURE: evidence.sign(files[evidence.MANIFEST], keys / "other")}
    (tmp_path / "foreign").write_bytes(evidence.tar_gz(foreign))
    assert states(tmp_path / "foreign", signers=keys / "allowed")["signature"] == "bad"


@pytest.mark.system
def test_openssh_alone_verifies(keys: Path, tmp_path: Path, little: Path) -> None:
    """The documented commands of an auditor without gatetwin: tar, sha256, ssh-keygen."""
    path = signed(little, tmp_path / "signed", keys / "bench")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "x", filter="data")
    command = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        keys / "allowed",
        "-I",
        "lab@example.org",
        "-n",
        "gatetwin",
        "-s",
        tmp_path / "x/MANIFEST.json.sig",
    ]
    manifest = (tmp_path / "x/MANIFEST.json").read_bytes()
    done = subprocess.run(command, input=manifest, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """A key that is not there says how to make one."""
    with pytest.raises(EvidenceError, match="ssh-keygen -t ed25519"):
        evidence.sign(b"x", tmp_path / "key")


# ---------------------------------------------------------------- the commands


def test_verify_exit_codes(packed: Path, tmp_path: Path) -> None:
    """0 good, 1 forged, 2 not to be told or not readable."""
    call = CliRunner().invoke
    assert call(cli.certify, ["verify", str(packed)]).exit_code == 2
    assert call(cli.certify, ["verify", str(packed), "--allow-unsigned"]).exit_code == 0
    forged = rewrite(packed, tmp_path / "x", report=b"all is well")
    assert call(cli.certify, ["verify", str(forged), "--allow-unsigned"]).exit_code == 1
    told = call(cli.certify, ["verify", str(forged), "--json"])
    assert {check["name"]: check["state"] for check in json.loads(told.stdout)}["files"] == "bad"


def test_rejudge_command(packed: Path) -> None:
    """`rejudge` prints the verdicts and exits by the outcome."""
    done = CliRunner().invoke(cli.certify, ["rejudge", str(packed)])
    assert done.exit_code == 0
    assert "No verdict has changed." in done.stdout
    assert "CERTIFIED" in done.stdout
    as_json = CliRunner().invoke(cli.certify, ["rejudge", str(packed), "--json"])
    assert json.loads(as_json.stdout)["outcome"] == "PASS"
