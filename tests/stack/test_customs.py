"""The client of customs against a service that loses, delays and refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from fixtures.stack.customs import Customs
from fixtures.stack.errors import CustomsDown, CustomsRefused
from fixtures.stack.knowledge import Event
from fixtures.stack.wirelist import Customs as Endpoint
from twin.clock import Clock, run_virtual

Answer = tuple[int, Any]
RELEASED = {"decision": "released", "release": "R1", "reasons": []}


class Service:
    """Gives the prepared answers in turn, the last one for ever; remembers what was asked."""

    def __init__(self, *answers: Answer | str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str | None, bytes]] = []
        self.links: list[bool] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append((request.path_qs, request.headers.get("Idempotency-Key"), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if answer == "hang":
            await asyncio.sleep(3600)
        assert isinstance(answer, tuple)
        return web.Response(status=answer[0], body=json.dumps(answer[1]).encode())


def talk(service: Service, main: Callable[[Customs], Awaitable[None]]) -> None:
    async def run(clock: Clock) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", service.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        customs = Customs(Endpoint(url, "secret"), service.links.append)
        try:
            async with asyncio.timeout(5000), customs.open():
                await main(customs)
        finally:
            await runner.cleanup()

    run_virtual(run)


def test_a_release_is_repeated_under_one_key_with_one_body() -> None:
    """503, a cut connection and a hanging service lead to one question, asked again and again."""
    service = Service((503, {}), "cut", "hang", (201, RELEASED))

    async def main(customs: Customs) -> None:
        answer = await customs.release({"declaration": "301", "n": 1}, "K1", 600.0)
        assert answer.release == "R1"

    talk(service, main)
    assert len(service.asked) == 4
    assert len(set(service.asked)) == 1
    assert service.links == [False, False, False, True]


def test_a_refusal_is_not_repeated() -> None:
    """An answer 4xx is an answer: 409 says that somebody was released before."""
    service = Service((409, {"code": "already_released", "detail": "before"}))

    async def main(customs: Customs) -> None:
        with pytest.raises(CustomsRefused, match="already_released"):
            await customs.release({}, "K1", 600.0)

    talk(service, main)
    assert len(service.asked) == 1


@pytest.mark.parametrize("answer", [(503, {}), "cut"])
def test_no_answer_is_no_leave(answer: Any) -> None:
    """When time is up there is an error, and nothing that could be taken for a release."""
    service = Service(answer)

    async def main(customs: Customs) -> None:
        with pytest.raises(CustomsDown):
            await customs.release({}, "K1", 60.0)
        assert 50.0 < asyncio.get_running_loop().time() <= 61.0

    talk(service, main)


def test_statements_wait_for_customs_and_keep_their_order() -> None:
    """Records and alarms of an outage arrive after it, each once taken, first come first."""
    service = Service((503, {}), (503, {}), (201, {}), (422, {"code": "invalid"}), (201, {}))

    async def main(customs: Customs) -> None:
        forwarding = asyncio.ensure_future(customs.forward())
        for number in range(3):
            customs.post("/gate-records", {"n": number}, f"G{number}")
        await asyncio.sleep(60)
        assert customs.waiting == 0
        assert customs.dropped == 1
        forwarding.cancel()

    talk(service, main)
    assert [key for _, key, _ in service.asked] == ["G0", "G0", "G0", "G1", "G2"]


def test_the_feed_goes_on_where_it_was() -> None:
    """After an outage the next request asks for what comes after the last event seen."""
    one = {"seq": 7, "event_id": "E7", "type": "channel", "business_time": "2023-05-30T07:00:00Z"}
    service = Service((200, [one]), (500, {}), (200, [one]), (500, {}))
    seen: list[Event] = []

    async def main(customs: Customs) -> None:
        following = asyncio.ensure_future(customs.feed(seen.append))
        await asyncio.sleep(2.0)
        following.cancel()

    talk(service, main)
    assert [path.split("&")[0].split("after=")[1] for path, _, _ in service.asked[:3]] == [
        "0", "7", "7",
    ]  # fmt: skip
    assert [event.event_id for event in seen] == ["E7", "E7"]
