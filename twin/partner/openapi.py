"""The OpenAPI 3.1 document of the customs service, generated from the shapes in `models`."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from twin.partner import models

VERSION = "1.0.0"
"""Version of the interface, not of the package."""

_REF = "#/components/schemas/{name}"
_TEXT = {
    "bad": {400: "the request is not well formed", 422: "a value is not lawful"},
    "body": {413: "the body is too large", 415: "the body is not JSON"},
    "auth": {401: "no token, or not this one"},
    "any": {503: "the service is out of order"},
}


@cache  # a quarter of the time that it takes to build a lane for a test
def document(wait_s_max: float = 60.0) -> bytes:
    """The document as JSON; `wait_s_max` is the longest wait of the event feed, seconds."""
    _, schemas = msgspec.json.schema_components(
        (*models.RESPONSES, *models.REQUESTS), ref_template=_REF
    )
    value = {
        "openapi": "3.1.0",
        "info": {
            "title": "Customs service of the border gate",
            "version": VERSION,
            "description": "Declarations, channels, pre-clearances and releases. Synthetic: it "
            "emulates the roles of such a service, not the interface of any one authority.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": _paths(wait_s_max),
        "components": {
            "schemas": _portable(schemas),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(value)


def _paths(wait_s_max: float) -> dict[str, Any]:
    number = _parameter("number", "path", models.Number, required=True)
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "one value for each thing to be done, the same for each repetition",
        "schema": {"type": "string", "pattern": r"^[!-~]{1,128}$"},
    }
    events = _parameters(models.EventQuery)
    next(p for p in events if p["name"] == "wait_s")["schema"]["maximum"] = wait_s_max
    listed = _parameters(models.DeclarationQuery)
    get, post, view = _operation, _operation, models
    health = get("health", "Is the service there", view.Health, open_to_all=True)
    listing = get(
        "listDeclarations",
        "Declarations of a plate, or of plates that could have been read as `near`",
        list[view.DeclarationView],
        parameters=listed,
    )
    one = get(
        "getDeclaration", "One declaration", view.DeclarationView, parameters=[number], found=True
    )
    channel = get(
        "getChannel", "Green, yellow or red", view.ChannelView, parameters=[number], found=True
    )
    preclearance = get(
        "getPreclearance",
        "What the far side said",
        view.PreclearanceView,
        parameters=[number],
        found=True,
    )
    feed = get(
        "listEvents", "The feed after a sequence number", list[view.Event], parameters=events
    )
    release = post(
        "postRelease",
        "Ask leave to let a vehicle cross",
        view.ReleaseAnswer,
        201,
        body=view.ReleaseRequest,
        parameters=[key],
        conflict=True,
    )
    record = post(
        "postGateRecord",
        "Say what happened in a lane",
        view.GateRecordAnswer,
        201,
        body=view.GateRecord,
        parameters=[key],
    )
    alarm = post(
        "postAlarm",
        "Say that a condition begins or ends",
        view.AlarmAnswer,
        202,
        body=view.Alarm,
    )
    check = post(
        "postManualCheck",
        "Ask an officer to look",
        view.ManualCheckAnswer,
        202,
        body=view.ManualCheck,
    )
    return {
        "/v1/health": {"get": health},
        "/v1/declarations": {"get": listing},
        "/v1/declarations/{number}": {"get": one},
        "/v1/declarations/{number}/channel": {"get": channel},
        "/v1/preclearances/{number}": {"get": preclearance},
        "/v1/events": {"get": feed},
        "/v1/releases": {"post": release},
        "/v1/gate-records": {"post": record},
        "/v1/alarms": {"post": alarm},
        "/v1/manual-checks": {"post": check},
    }


def _operation(
    name: str, summary: str, answer: Any, status: int = 200, *, body: Any = None,
    parameters: list[dict[str, Any]] | None = None, found: bool = False, conflict: bool = False,
    open_to_all: bool = False,
) -> dict[str, Any]:  # fmt: skip
    problems = dict(_TEXT["any"])
    if not open_to_all:
        problems |= _TEXT["auth"]
    if body is not None:
        problems |= _TEXT["bad"] | _TEXT["body"]
    elif parameters and not found:
        problems |= _TEXT["bad"]
    if found:
        problems[404] = "no such declaration"
    if conflict:
        problems[409] = "the declaration was released under another key"
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": {
            str(status): {"description": "done", "content": _content(answer)},
            **{str(code): _problem(text) for code, text in sorted(problems.items())},
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _content(body)}
    if open_to_all:
        operation["security"] = []
    return operation


def _content(shape: Any) -> dict[str, Any]:
    return {"application/json": {"schema": _schema(shape)}}


def _problem(text: str) -> dict[str, Any]:
    schema = _schema(models.Problem)
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _schema(shape: Any) -> Any:
    (schema,), _ = msgspec.json.schema_components((shape,), ref_template=_REF)
    return _portable(schema)


def _parameters(query: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """The fields of a query shape as parameters; null stands for "left out" and is not sent."""
    parameters = []
    for field in msgspec.structs.fields(query):
        parameter = _parameter(field.encode_name, "query", field.type)
        options = parameter["schema"].get("anyOf", [])
        real = [option for option in options if option != {"type": "null"}]
        if real:
            parameter["schema"] = real[0]
        parameters.append(parameter)
    return parameters


def _parameter(name: str, place: str, shape: Any, *, required: bool = False) -> dict[str, Any]:
    parameter = {"name": name, "in": place, "schema": _schema(shape)}
    return parameter | {"required": True} if required else parameter


def _portable(schema: Any) -> Any:
    """JSON Schema patterns are ECMA-262, which has `$` for the end and no `\\Z`."""
    if isinstance(schema, dict):
        return {
            key: value.replace(r"\Z", "$") if key == "pattern" else _portable(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_portable(item) for item in schema]
    return schema
