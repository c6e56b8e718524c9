"""The book of transfers over REST: who may, what is refused, and a receipt that others verify."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytest.importorskip("cryptography")

from tests import needs
from twin.clock import Clock, run_virtual
from twin.partner.transfer_service import TransferService
from twin.partner.transfers import Transfer, Transfers
from twin.trace import Trace

_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410, section 4)."""

Ask = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


def play(story: Callable[[Transfers, Ask], Awaitable[None]], *, token: str = "secret") -> None:
    """Tell `story` with a served book in which T1 is ready; T1's box stands at far:stack-1."""

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        boxes = {("cn", "stack-1"): "VNTU9923989"}
        book = Transfers(clock, trace, bytes(range(32)), lambda y, p: boxes.get((y, p)))
        book.offer(Transfer("T1", "VNTU9923989", "vn", "cn", "truck-1", True, 9_000.0, 0.0))
        service = TransferService(book, clock, trace, "secret")
        port = await service.start()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

            async def ask(method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
                url = f"http://127.0.0.1:{port}/v1{path}"
                async with session.request(method, url, **more) as answer:
                    return answer.status, await answer.json(content_type=None)

            await story(book, ask)
        await service.stop()

    run_virtual(main)


def test_a_permit_needs_both_releases_and_is_the_last_word() -> None:
    """Refused with one release or one taken back; once given it stays, and may be asked again."""

    async def story(book: Transfers, ask: Ask) -> None:
        for released in ([], ["home"]):
            for side in released:
                book.release("T1", side)  # type: ignore[arg-type]
            status, answer = await ask("POST", "/transfers/T1/permit")
            assert (status, answer["title"]) == (409, "not_released")
        book.release("T1", "far")
        assert book.revoke("T1", "home")
        assert (await ask("POST", "/transfers/T1/permit"))[1]["detail"] == "no release of: home"
        book.release("T1", "home")
        assert (await ask("POST", "/transfers/T1/permit"))[0] == 200
        assert not book.revoke("T1", "home")
        assert (await ask("POST", "/transfers/T1/permit"))[1]["state"] == "permitted"

    play(story)


def test_a_receipt_is_signed_only_for_what_is_there(tmp_path: Path) -> None:
    """Another place is refused; OpenSSL verifies the signature, and refuses a changed text."""
    needs.system(shutil.which("openssl"), "openssl verifies the receipt")

    async def story(book: Transfers, ask: Ask) -> None:
        body = {"json": {"place": "stack-1"}}
        assert (await ask("POST", "/transfers/T1/receipt", **body))[1]["title"] == "not_permitted"
        book.release("T1", "home")
        book.release("T1", "far")
        await ask("POST", "/transfers/T1/permit")
        wrong = await ask("POST", "/transfers/T1/receipt", json={"place": "stack-2"})
        assert (wrong[0], wrong[1]["title"]) == (409, "not_there")
        status, receipt = await ask("POST", "/transfers/T1/receipt", **body)
        assert status == 200
        assert (await ask("POST", "/transfers/T1/receipt", **body))[1] == receipt
        key = bytes.fromhex((await ask("GET", "/key"))[1]["public_key"])
        pem = base64.b64encode(_SPKI_ED25519 + key).decode()
        (tmp_path / "key.pem").write_text(
            f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n", encoding="ascii"
        )
        (tmp_path / "sig").write_bytes(bytes.fromhex(receipt["signature"]))
        (tmp_path / "text").write_text(receipt["statement"], encoding="utf-8")
        (tmp_path / "other").write_text(receipt["statement"] + " ", encoding="utf-8")

    play(story)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin",
               "-sigfile", "sig", "-in"]  # fmt: skip
    for name, code in (("text", 0), ("other", 1)):
        done = subprocess.run(
            [*command, name], cwd=tmp_path, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/transfers?after=x", {}, 400),
        ("POST", "/transfers/T9/permit", {}, 404),
        ("POST", "/transfers/T1/receipt", {"data": b"{"}, 400),
        ("POST", "/transfers/T1/receipt", {"json": {"place": 7}}, 400),
        ("POST", "/transfers/T1/receipt", {"json": {"place": "stack-1", "more": 1}}, 400),
        ("POST", "/transfers/T1/failure", {"json": {}}, 400),
        ("POST", "/transfers/T1/failure", {"data": b"x" * 20_000}, 413),
        ("DELETE", "/transfers/T1", {}, 404),
        ("PUT", "/key", {}, 405),
    ],
)
def test_bad_requests_get_a_problem(
    method: str, path: str, more: dict[str, Any], status: int
) -> None:
    """Each is answered with its status and a problem document that says why."""

    async def story(_: Transfers, ask: Ask) -> None:
        got, answer = await ask(method, path, **more)
        assert got == status
        assert answer["status"] == status
        assert answer["detail"]

    play(story)


def test_a_wrong_token_and_an_outage_are_told_apart() -> None:
    """401 for a stranger, 503 while the service is down, and as before when it is back."""

    async def stranger(_: Transfers, ask: Ask) -> None:
        assert (await ask("GET", "/key"))[0] == 401

    async def outage(book: Transfers, ask: Ask) -> None:
        book.inject("down")
        assert (await ask("GET", "/key"))[0] == 503
        book.heal("down")
        assert (await ask("GET", "/transfers?after=0"))[1]["transfers"][0]["container"]

    play(stranger, token="guess")
    play(outage)
