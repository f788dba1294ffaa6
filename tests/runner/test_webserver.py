"""The runner's web server, in memory, on an API in memory."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from processes import prefect_python, wait_for

from flowctl.domain.errors import Conflict, FlowctlError, Invalid
from flowctl.domain.values import JSONObject
from flowctl.runner.client import Api
from flowctl.runner.execution import Code
from flowctl.runner.runner import Options, Runner
from flowctl.runner.webserver import build_server, start_webserver
from flowctl.settings import Settings

T = TypeVar("T")
DEPLOYMENT = UUID("22222222-2222-4222-8222-222222222222")
SCHEMA = {
    "type": "object",
    "properties": {"color": {"$ref": "#/definitions/Color"}},
    "definitions": {"Color": {"enum": ["red", "blue"]}},
}


class Server(Api):
    """An API that makes runs, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.url, self.key, self.auth_string = "http://test/api", None, None
        self.calls: list[tuple[str, Any]] = []
        self.error: FlowctlError | None = None

    async def call(self, method: str, path: str, body: Any = None, *, patience: float = 0) -> Any:
        self.calls.append((path, body))
        if self.error is not None:
            raise self.error
        return {"id": str(uuid4()), "name": "odd-crane"}


class Quiet(Runner):
    """A runner that only notes what it is to execute."""

    executed: list[tuple[JSONObject, Code]]

    def execute(self, run: JSONObject, code: Code) -> bool:
        self.executed.append((run, code))
        return True


def serve(
    work: Callable[[httpx.AsyncClient, Quiet], Awaitable[T]],
    deployment: JSONObject | None = None,
    **options: Any,
) -> T:
    async def scenario() -> T:
        found = {DEPLOYMENT: {"name": "nightly", "parameter_openapi_schema": SCHEMA, **(deployment or {})}}

        async def deployments() -> dict[UUID, JSONObject]:
            return found

        runner = Quiet(Server(), Settings(runner_poll_frequency=10), Options(**options), deployments)
        runner.executed = []
        app = await build_server(runner)
        assert {route.path for route in app.routes} >= {f"/deployment/{id_}/run" for id_ in found}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://runner") as client:
            return await work(client, runner)

    return asyncio.run(scenario())


def test_health_until_too_many_polls_are_missed() -> None:
    async def work(client: httpx.AsyncClient, runner: Quiet) -> None:
        answer = await client.get("/health")
        assert (answer.status_code, answer.json()) == (200, {"message": "OK"})
        runner.poller.last_polled = datetime.now(UTC) - timedelta(seconds=19)
        assert (await client.get("/health")).status_code == 200
        runner.poller.last_polled = datetime.now(UTC) - timedelta(seconds=21)
        answer = await client.get("/health")
        assert (answer.status_code, answer.json()) == (503, {"message": "Runner is unresponsive at this time"})
        runner.settings = replace(runner.settings, runner_server_missed_polls_tolerance=3)
        assert (await client.get("/health")).status_code == 200

    serve(work)


def test_run_count_and_shutdown() -> None:
    async def work(client: httpx.AsyncClient, runner: Quiet) -> None:
        runner.executions[uuid4()] = object()  # type: ignore[assignment]
        assert (await client.get("/run_count")).json() == 1
        assert (await client.post("/shutdown")).json() == {"message": "OK"}
        assert runner.is_stopping

    serve(work)


def test_a_run_of_a_deployment() -> None:
    async def work(client: httpx.AsyncClient, runner: Quiet) -> None:
        answer = await client.post(f"/deployment/{DEPLOYMENT}/run", json={"color": "red"})
        [(run, _)] = runner.executed
        assert (answer.status_code, answer.json()) == (201, {"flow_run_id": run["id"]})
        assert runner.api.calls[-1] == (f"/deployments/{DEPLOYMENT}/create_flow_run", {"parameters": {"color": "red"}})
        assert (await client.post(f"/deployment/{DEPLOYMENT}/run")).status_code == 201
        assert (await client.post(f"/deployment/{DEPLOYMENT}/run", content="[1]")).status_code == 422
        answer = await client.post(f"/deployment/{uuid4()}/run")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
        answer = await client.get(f"/deployment/{DEPLOYMENT}/run")
        assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
        assert answer.headers["allow"] == "POST"
        for kind in (Conflict, Invalid):
            runner.api.error = kind("'green' is not one of them")
            answer = await client.post(f"/deployment/{DEPLOYMENT}/run", json={"color": "green"})
            assert answer.status_code == 400
            assert "'green'" in answer.json()["detail"]
            assert "nightly" in answer.json()["detail"]

    serve(work)


def test_no_run_without_room() -> None:
    async def work(client: httpx.AsyncClient, runner: Quiet) -> None:
        runner.executions[uuid4()] = object()  # type: ignore[assignment]
        assert (await client.post(f"/deployment/{DEPLOYMENT}/run")).status_code == 429
        assert (await client.post("/flow/run", json={"entrypoint": "a.py:b"})).status_code == 429
        assert runner.executed == []

    serve(work, limit=1)


SOURCE = "from prefect import flow\nfrom child import part\n\n@flow\ndef whole(n: int = 1): ...\n"
CHILD = "from prefect import flow\n\n@flow\ndef part(words: list[str]): ...\n"


def test_any_flow_and_the_schemas_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "etl.py").write_text(SOURCE)
    (tmp_path / "child.py").write_text(CHILD)
    monkeypatch.chdir(tmp_path)

    async def work(client: httpx.AsyncClient, runner: Quiet) -> None:
        body = {"entrypoint": "child.py:part", "parameters": {"words": ["x"]}}
        answer = await client.post("/flow/run", json=body)
        assert (answer.status_code, answer.json()["name"]) == (201, "odd-crane")
        [(_, code)] = runner.executed
        assert (code.entrypoint, code.cwd) == ("child.py:part", tmp_path)
        assert [path for path, _ in runner.api.calls] == ["/flows/", "/flow_runs/"]
        assert runner.api.calls[-1][1]["parameters"] == {"words": ["x"]}
        assert caplog.messages == []
        for entrypoint in ("child.py:nothing", "none.py:part", "/no/such/dir/notes.txt:part"):
            answer = await client.post("/flow/run", json={"entrypoint": entrypoint})
            assert (answer.status_code, answer.json()) == (404, {"message": "Flow not found"})
        (tmp_path / "child.py").write_text(CHILD.replace("list[str]", "int"))
        (tmp_path / "new.py").write_text(CHILD.replace("part", "unheard_of"))
        for entrypoint in ("child.py:part", "new.py:unheard_of"):
            assert (await client.post("/flow/run", json={"entrypoint": entrypoint})).status_code == 201
        assert caplog.messages == [
            "The parameters of part have changed since the runner started: restart it",
            "unheard-of is not among the flows that the runner's deployments can see",
        ]
        assert (await client.post("/flow/run", json={})).status_code == 422

        document = (await client.get("/openapi.json")).json()
        schemas = document["components"]["schemas"]
        name = f"nightly-{DEPLOYMENT}"
        assert {name, f"{name}.Color", "whole", "part", "RunnerGenericFlowRunRequest"} <= set(schemas)
        assert schemas[name]["properties"]["color"]["$ref"] == f"#/components/schemas/{name}.Color"
        assert schemas["part"]["required"] == ["words"]
        operation = document["paths"][f"/deployment/{DEPLOYMENT}/run"]["post"]
        assert operation["requestBody"]["content"]["application/json"]["schema"] == {
            "$ref": f"#/components/schemas/{name}"
        }
        assert {"/health", "/run_count", "/shutdown", "/flow/run"} <= set(document["paths"])

    serve(work, {"entrypoint": "etl.py:whole", "path": str(tmp_path)}, python=str(prefect_python("3.8.1")))


def test_it_serves_in_a_thread_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def work(_client: httpx.AsyncClient, runner: Quiet) -> None:
        runner.settings = replace(runner.settings, runner_server_host="127.0.0.1", runner_server_port=port)
        threading.Thread(target=start_webserver, args=(runner, "critical"), daemon=True).start()

        def healthy() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
            except httpx.TransportError:
                return False

        await asyncio.to_thread(wait_for, healthy)
        assert (await asyncio.to_thread(httpx.post, f"http://127.0.0.1:{port}/shutdown")).status_code == 200
        assert runner.is_stopping
        second = asyncio.to_thread(start_webserver, runner)
        with pytest.raises(FlowctlError, match=f"Cannot listen at 127.0.0.1:{port}"):
            await second

    serve(work)
