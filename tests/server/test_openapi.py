"""The OpenAPI document and its page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from api_client import TestClient

from flowctl.server.routes import not_built


def test_the_document_tells_what_is_built(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    assert document["info"] == {
        "title": "Prefect REST API",
        "version": "3.8.1",
        "description": "Served by flowctl from one SQLite file.",
    }
    create = document["paths"]["/flows/"]["post"]
    assert create["operationId"] == "create_flow_flows__post"
    assert create["tags"] == ["Flows"]
    assert create["summary"] == "Create a flow, or find the one of that name (200)"
    schema = create["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/FlowCreate"}
    assert set(create["responses"]) == {"201", "422"}
    read = document["paths"]["/flows/{id}"]["get"]
    assert read["parameters"][0]["schema"]["format"] == "uuid"
    assert document["paths"]["/admin/storage"]["delete"]["responses"] == {"204": {"description": "Success"}}
    token = document["paths"]["/csrf-token"]["get"]["parameters"][0]
    assert (token["name"], token["in"], token["required"]) == ("client", "query", True)


def test_every_reference_in_it_leads_somewhere(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


def test_operation_ids_are_unique(api: TestClient) -> None:
    operations: list[dict[str, Any]] = [
        operation for path in api.get("/openapi.json").json()["paths"].values() for operation in path.values()
    ]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] for operation in operations)


@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc", "/docs", "/redoc"])
def test_the_page_needs_nobody_else(api: TestClient, path: str) -> None:
    response = api.get(f"http://testserver{path}")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in response.text
    assert not re.findall(r"""(?:src|href)=['"]?(?:https?:)?//""", response.text)
    assert "<code>/flow_runs/{id}/set_state</code>" in response.text
    assert api.get("http://testserver/openapi.json").json() == api.get("/openapi.json").json()
    head = api.head(f"http://testserver{path}")
    assert (head.status_code, head.content) == (200, b"")


def test_what_is_not_built_is_not_in_it(api: TestClient) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    built = {
        not_built.operation_key(method.upper(), path) for path, operations in paths.items() for method in operations
    }
    missing = set(not_built.known_operations()) - built
    for key in sorted(missing):
        path = not_built.known_operations()[key][0].replace("{id}", "00000000-0000-0000-0000-000000000001")
        path = path.replace("{schedule_id}", "00000000-0000-0000-0000-000000000001")
        response = api.request(key.method, re.sub(r"\{\w+\}", "x", path))
        assert response.status_code == 501, f"{key} answers {response.status_code}"
        assert "not built yet" in response.json()["detail"]
