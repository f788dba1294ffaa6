"""The OpenAPI document of the runner's web server, with the parameters of its deployments and of the flows they see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from flowctl import __version__

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject
    from flowctl.runner.flows import FlowFacts


@dataclass(slots=True)
class Flows:
    """What can be run by request: deployments by id, and flows by name."""

    deployments: dict[UUID, JSONObject] = field(default_factory=dict[UUID, dict[str, Any]])
    subflows: dict[str, FlowFacts] = field(default_factory=dict[str, "FlowFacts"])


_MESSAGE = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
_FLOW_RUN_ID = {
    "type": "object",
    "properties": {"flow_run_id": {"type": "string", "format": "uuid"}},
    "required": ["flow_run_id"],
}
_FLOW_RUN_REQUEST = {
    "title": "RunnerGenericFlowRunRequest",
    "type": "object",
    "properties": {
        "entrypoint": {"type": "string", "title": "Entrypoint"},
        "parameters": {"anyOf": [{"type": "object"}, {"type": "null"}], "title": "Parameters"},
        "parent_task_run_id": {
            "anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}],
            "title": "Parent Task Run Id",
        },
    },
    "required": ["entrypoint"],
}


def document(flows: Flows) -> JSONObject:
    """The document."""
    schemas: JSONObject = {"RunnerGenericFlowRunRequest": _FLOW_RUN_REQUEST}
    paths: JSONObject = {
        "/health": {"get": _operation("Health", {"200": _answer(_MESSAGE), "503": _answer(_MESSAGE)})},
        "/run_count": {"get": _operation("Run Count", {"200": _answer({"type": "integer"})})},
        "/shutdown": {"post": _operation("Shutdown", {"200": _answer(_MESSAGE)})},
    }
    for id_, deployment in flows.deployments.items():
        title = f"{deployment['name']}-{id_}"
        schemas |= _schema(title, deployment.get("parameter_openapi_schema") or {"type": "object"})
        operation = _operation(f"Run {deployment['name']}", {"201": _answer(_FLOW_RUN_ID)}, body=_reference(title))
        operation["description"] = "Make a run of this deployment and execute it on the runner."
        paths[f"/deployment/{id_}/run"] = {"post": operation}
    for name, flow in flows.subflows.items():
        schemas |= _schema(name, flow.parameter_openapi_schema)
    operation = _operation(
        "Run flow", {"201": _answer({"type": "object"})}, body=_reference("RunnerGenericFlowRunRequest")
    )
    names = ", ".join(sorted(flows.subflows)) or "none"
    operation["description"] = f"Make a run of any flow and execute it on the runner. Known flows: {names}."
    paths["/flow/run"] = {"post": operation}
    return {
        "openapi": "3.1.0",
        "info": {"title": "flowctl runner", "version": __version__},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _schema(title: str, schema: JSONObject) -> JSONObject:
    """A schema of parameters and its definitions, as components; the names of both are made to differ from others'."""
    inner: JSONObject = schema.get("definitions") or schema.get("$defs") or {}
    own = {key: value for key, value in schema.items() if key not in {"definitions", "$defs"}}
    names = {name: f"{_key(title)}.{_key(name)}" for name in inner}
    return {_key(title): _pointed(own, names), **{names[name]: _pointed(each, names) for name, each in inner.items()}}


def _pointed(value: Any, names: dict[str, str]) -> Any:
    """The same schema, its references pointing to the components."""
    if isinstance(value, list):
        return [_pointed(item, names) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("JSONObject", value)
    result = {key: _pointed(item, names) for key, item in fields.items()}
    target = fields.get("$ref")
    if isinstance(target, str):
        name = target.rpartition("/")[2]
        result["$ref"] = f"#/components/schemas/{names.get(name, name)}"
    return result


def _key(name: str) -> str:
    """A name as OpenAPI allows it for a component."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)


def _reference(title: str) -> JSONObject:
    return {"$ref": f"#/components/schemas/{_key(title)}"}


def _operation(summary: str, responses: JSONObject, *, body: JSONObject | None = None) -> JSONObject:
    operation: JSONObject = {"summary": summary, "responses": responses}
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return operation


def _answer(schema: JSONObject) -> JSONObject:
    return {"description": "Answer", "content": {"application/json": {"schema": schema}}}
