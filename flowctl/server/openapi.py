"""The OpenAPI document, made from the route table: what the handlers' signatures say, in JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import NoneType
from typing import Any, Final

from flowctl import PREFECT_VERSION
from flowctl.server.endpoint import PARAMETER, Parameter, Route
from flowctl.wire_schema import json_schemas

_JSON: Final = "application/json"

_INVALID: Final[dict[str, Any]] = {
    "type": "object",
    "description": "The body or a parameter does not fit.",
    "properties": {
        "exception_message": {"type": "string"},
        "exception_detail": {"type": "array", "items": {"type": "object"}},
        "request_body": {},
    },
    "required": ["exception_message", "exception_detail", "request_body"],
}

_API_VERSION_HEADER: Final[dict[str, Any]] = {
    "name": "x-prefect-api-version",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document of the routes that are listed."""
    listed = [route for route in routes if route.listed]
    inputs, answers, definitions = json_schemas(_input_hints(listed), _answer_hints(listed))
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        operation = _operation(route, inputs, answers.get(_key(route, "answer")))
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Prefect REST API",
            "version": PREFECT_VERSION,
            "description": "Served by flowctl from one SQLite file.",
        },
        "paths": paths,
        "components": {"schemas": {**definitions, "InvalidRequest": _INVALID}},
    }


def _operation(route: Route, inputs: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    signature = route.signature
    summary, _, description = (route.handler.__doc__ or "").strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": summary.rstrip("."),
        "tags": [route.tag] if route.tag else [],
        "parameters": [
            *(_parameter(route, each, "path", inputs) for each in signature.path),
            *(_parameter(route, each, "query", inputs) for each in signature.query),
            *([_API_VERSION_HEADER] if route.checks_version else []),
        ],
        "responses": {str(route.default_status): _response(route, answer)},
    }
    if description.strip():
        operation["description"] = re.sub(r"\n\s+", "\n", description.strip())
    if signature.body is not None:
        schema = inputs[_key(route, "body")]
        operation["requestBody"] = {"required": signature.body.required, "content": {_JSON: {"schema": schema}}}
    if signature.body or signature.query:
        invalid = {"schema": {"$ref": "#/components/schemas/InvalidRequest"}}
        operation["responses"]["422"] = {"description": "Invalid request", "content": {_JSON: invalid}}
    return operation


def _response(route: Route, schema: dict[str, Any] | None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": "Success"}
    if route.default_status != 204:
        response["content"] = {_JSON: {"schema": schema or {}}}
    return response


def _parameter(route: Route, parameter: Parameter, place: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": place == "path" or parameter.required,
        "schema": inputs[_key(route, parameter.name)],
    }


def _input_hints(routes: Sequence[Route]) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for route in routes:
        signature = route.signature
        for parameter in (*signature.path, *signature.query, *((signature.body,) if signature.body else ())):
            hints[_key(route, parameter.name)] = parameter.hint
    return hints


def _answer_hints(routes: Sequence[Route]) -> dict[str, Any]:
    return {
        _key(route, "answer"): route.signature.answer
        for route in routes
        if route.default_status != 204 and route.signature.answer is not NoneType
    }


def _key(route: Route, part: str) -> str:
    return f"{route.method} {route.path} {part}"


def _operation_id(route: Route) -> str:
    """The handler's name, path and method, as FastAPI makes it: `read_flow_flows__id__get`."""
    path = re.sub(r"\W", "_", PARAMETER.sub(r"{\1}", route.path))
    return f"{route.name}{path}_{route.method.lower()}"
