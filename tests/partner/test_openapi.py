"""The OpenAPI document: lawful, complete, and kept by the service (schemathesis)."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import tests.partner.desk as desk_module
from tests.partner.desk import NUMBER, TOKEN, Desk, at_desk, declared
from twin.clock import Clock, run_real
from twin.partner import PartnerService, PartnerState, models, openapi
from twin.trace import Trace


def document() -> dict[str, Any]:
    return dict(json.loads(openapi.document()))


def test_every_route_is_described_and_every_description_served() -> None:
    """The paths of the document are the routes of the service, method by method."""

    async def test(desk: Desk) -> set[tuple[str, str]]:
        return {
            (route.method, route.resource.canonical)
            for route in desk.service.application().router.routes()
            if route.resource is not None
        }

    served = at_desk(test) - {("GET", "/openapi.json")}
    described = {
        (method.upper(), path) for path, item in document()["paths"].items() for method in item
    }
    assert served == described


def test_schemas_are_lawful_json_schema() -> None:
    """Each schema is valid 2020-12 JSON Schema and each reference leads somewhere."""
    doc = document()
    schemas = doc["components"]["schemas"]
    assert set(schemas) >= {shape.__name__ for shape in (*models.REQUESTS, *models.RESPONSES)}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(doc)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.split('"')[0] in schemas
    assert r"\Z" not in text  # Python's end of text is not ECMA-262


def test_served_as_generated() -> None:
    """The service serves the very document."""

    async def test(desk: Desk) -> None:
        assert (await desk.get("/openapi.json")).json == document()

    at_desk(test)


def test_every_error_of_the_document_is_a_problem() -> None:
    """Every described failure is a problem document, and only successes are something else."""
    for path, item in document()["paths"].items():
        for operation in item.values():
            for status, response in operation["responses"].items():
                (kind,) = response["content"]
                problem = kind == "application/problem+json"
                assert problem is (int(status) >= 400), (path, status)


def test_a_longer_wait_than_described_is_refused() -> None:
    """The longest wait in the document is the one that the service keeps."""
    doc = json.loads(openapi.document(2.5))
    parameters = doc["paths"]["/v1/events"]["get"]["parameters"]
    wait = next(p for p in parameters if p["name"] == "wait_s")
    assert wait["schema"]["maximum"] == 2.5

    async def test(desk: Desk) -> None:
        desk.service._wait_s_max = 2.5
        assert (await desk.get("/v1/events", wait_s=2.5)).status == 200
        assert (await desk.get("/v1/events", wait_s=2.6)).code == "invalid"

    at_desk(test)


def test_examples_of_the_shapes_are_accepted() -> None:
    """The request of the tests' own client fits the document's schema and the struct."""
    schemas = document()["components"]["schemas"]
    request = desk_module.wish()
    jsonschema.validate(request, schemas["ReleaseRequest"] | {"components": {"schemas": schemas}})
    assert msgspec.convert(request, models.ReleaseRequest).declaration == NUMBER


@contextmanager
def served_in_a_thread() -> Iterator[str]:
    """The service on the wall clock in a thread of its own; gives its address."""
    started, address = threading.Event(), []
    stop: list[Any] = []

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        state = PartnerState(clock, trace, random.Random(1), officer_s=(0.01, 0.02))
        state.register(declared())
        state.register(declared("302", preclearance="pending", plate="桂P12345"))
        state.set_channel("302", "yellow")
        service = PartnerService(state, clock, trace, TOKEN, wait_s_max=0.05)
        stopping = asyncio.Event()
        port = await service.start()
        address.append(f"http://127.0.0.1:{port}")
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        started.set()
        await stopping.wait()
        await service.stop()

    thread = threading.Thread(target=lambda: run_real(main), daemon=True)
    thread.start()
    try:
        assert started.wait(10), "the service did not start within 10 s"
        yield address[0]
    finally:
        if stop:
            stop[0]()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the tool's own dependencies, not ours
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_schemathesis_finds_nothing(mode: str) -> None:
    """A generated client that obeys or breaks the document gets only what it describes."""
    import schemathesis  # here: it takes a second
    from schemathesis.checks import CHECKS

    keys = itertools.count()
    lawful_key = re.compile(r"[!-~]{1,100}")

    with served_in_a_thread() as address:
        described = json.loads(openapi.document(0.05))
        if mode == "negative":
            # A request that is wrong only in its token would be mended by ours.
            del described["security"]
        schema = schemathesis.openapi.from_dict(described)
        checks = CHECKS.get_all()
        assert len(checks) > 8  # status codes, content types, schemas, positive, negative, …
        headers = {"Authorization": f"Bearer {TOKEN}"}
        seen = set()
        for result in schema.get_all_operations():
            operation = result.ok()
            if mode == "negative" and not (operation.query or operation.body):
                continue  # nothing there that could be wrong

            @settings(
                max_examples=15, deadline=None, derandomize=True, database=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(schemathesis.GenerationMode(mode)))
            def probe(case: Any) -> None:
                key = (case.headers or {}).get("Idempotency-Key")
                if isinstance(key, str) and lawful_key.fullmatch(key):
                    # A key is bound to its first request, which no schema can say.
                    case.headers["Idempotency-Key"] = f"{key}{next(keys)}"
                case.call_and_validate(base_url=address, headers=headers, checks=checks)

            probe()
            seen.add((operation.method.upper(), operation.path))
        assert len(seen) == (10 if mode == "positive" else 6)
