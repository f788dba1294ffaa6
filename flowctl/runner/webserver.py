"""The runner's web server, with the routes of Prefect's: health, count, shutdown, and runs on request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowctl import wire
from flowctl.domain.errors import Conflict, FlowctlError, Invalid, NotFound
from flowctl.runner import flows
from flowctl.runner.execution import Code
from flowctl.runner.webserver_openapi import Flows, document

if TYPE_CHECKING:
    from flowctl.domain.values import JSONObject
    from flowctl.runner.runner import Runner

logger = logging.getLogger("flowctl.runner")


@dataclass(slots=True, kw_only=True)
class FlowRunRequest:
    """Body of `POST /flow/run`."""

    entrypoint: str
    parameters: dict[str, Any] | None = None
    parent_task_run_id: UUID | None = None


@dataclass(slots=True)
class _Routes:
    runner: Runner
    flows: Flows = field(default_factory=Flows)

    async def health(self, _request: Request) -> Response:
        """200 while the server is heard of, 503 when too many polls in a row had no answer."""
        settings = self.runner.settings
        tolerated = settings.runner_server_missed_polls_tolerance * settings.runner_poll_frequency
        if datetime.now(UTC) - self.runner.last_polled > timedelta(seconds=tolerated):
            return _json({"message": "Runner is unresponsive at this time"}, 503)
        return _json({"message": "OK"})

    async def run_count(self, _request: Request) -> Response:
        """How many runs are executed now."""
        return _json(len(self.runner.executions))

    async def shutdown(self, _request: Request) -> Response:
        """Stop the runner, as a signal would."""
        await self.runner.call(_stop(self.runner))
        return _json({"message": "OK"})

    async def run_deployment(self, deployment_id: UUID, request: Request) -> Response:
        """Make a run of a deployment with the body as its parameters, and execute it here."""
        deployment = self.flows.deployments[deployment_id]
        parameters: JSONObject = await _body(dict[str, Any] | None, request) or {}
        if not self.runner.has_slots_available():
            return _busy()
        path = f"/deployments/{deployment_id}/create_flow_run"
        try:
            run = await self.runner.call(self.runner.api.call("POST", path, {"parameters": parameters}))
        except (Conflict, Invalid) as error:  # the API answers 409 to parameters that the schema refuses
            raise _Failure(
                400, f"Error validating parameters for deployment {deployment['name']!r}: {error}"
            ) from error
        return await self._execute(run, Code.of(deployment), {"flow_run_id": run["id"]})

    async def run_flow(self, request: Request) -> Response:
        """Make a run of any flow that a file of this machine has, and execute it here."""
        body = await _body(FlowRunRequest, request)
        if not self.runner.has_slots_available():
            return _busy()
        cwd = Path.cwd()
        try:
            python = flows.interpreter(self.runner.python, flows.script_of(body.entrypoint))
            flow = await flows.find(body.entrypoint, python=python, cwd=cwd)
        except (NotFound, Invalid):
            return _json({"message": "Flow not found"}, 404)
        known = self.flows.subflows.get(flow.name)
        if known is None:
            logger.warning("%s is not among the flows that the runner's deployments can see", flow.name)
        elif known.parameter_openapi_schema != flow.parameter_openapi_schema:
            logger.warning("The parameters of %s have changed since the runner started: restart it", flow.name)
        run = await self.runner.call(self._create(flow, body))
        return await self._execute(run, Code(entrypoint=flow.entrypoint, cwd=cwd), run)

    async def _create(self, flow: flows.FlowFacts, body: FlowRunRequest) -> JSONObject:
        flow_id = (await self.runner.api.call("POST", "/flows/", {"name": flow.name}))["id"]
        fields = {
            "flow_id": flow_id,
            "parameters": body.parameters or {},
            "parent_task_run_id": body.parent_task_run_id,
            "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC)}},
        }
        return await self.runner.api.call("POST", "/flow_runs/", fields)

    async def _execute(self, run: JSONObject, code: Code, answer: JSONObject) -> Response:
        is_taken = await self.runner.call(_execute(self.runner, run, code))
        return _json(answer, 201) if is_taken else _busy()

    async def openapi(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return _json(document(self.flows))


async def build_server(runner: Runner) -> Starlette:
    """The application for a runner; it knows the deployments that the runner serves now.  Raises FlowctlError."""
    if not runner.deployments:
        await runner.call(runner.poller.look())
    routes = _Routes(runner, Flows(dict(runner.deployments), await _subflows(runner)))
    return Starlette(
        routes=[
            Route("/health", routes.health, methods=["GET"]),
            Route("/run_count", routes.run_count, methods=["GET"]),
            Route("/shutdown", routes.shutdown, methods=["POST"]),
            *(
                Route(f"/deployment/{id_}/run", partial(routes.run_deployment, id_), methods=["POST"])
                for id_ in routes.flows.deployments
            ),
            Route("/flow/run", routes.run_flow, methods=["POST"]),
            Route("/openapi.json", routes.openapi, methods=["GET"]),
        ],
        exception_handlers={FlowctlError: _error, _Failure: _failure, HTTPException: _refusal},
    )


def start_webserver(runner: Runner, log_level: str | None = None) -> None:
    """Serve a runner until told to stop; for a thread of its own.  Raises FlowctlError when the port is taken."""

    async def serve() -> None:
        await (await open_server(runner, log_level)).serve()

    asyncio.run(serve())


async def open_server(runner: Runner, log_level: str | None = None) -> RunnerServer:
    """Take the port; what is returned serves.  Raises FlowctlError."""
    settings = runner.settings
    try:
        sock = socket.create_server((settings.runner_server_host, settings.runner_server_port))
    except OSError as error:
        address = f"{settings.runner_server_host}:{settings.runner_server_port}"
        raise FlowctlError(f"Cannot listen at {address}: {error.strerror}.", remedy="another --port") from error
    level = (log_level or settings.runner_server_log_level).lower()
    return RunnerServer(await build_server(runner), sock, level)


class RunnerServer(uvicorn.Server):
    """uvicorn on a socket of ours; in a runner's own loop it leaves the signals to the runner."""

    def __init__(self, app: Starlette, sock: socket.socket, log_level: str) -> None:
        super().__init__(uvicorn.Config(app, lifespan="off", log_level=log_level, access_log=False))
        self._sock = sock
        self._is_quiet = False

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self._sock.getsockname()[:2]
        return f"http://{host}:{port}"

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        await super().serve(sockets or [self._sock])

    async def serve_quietly(self) -> None:
        """Serve until cancelled."""
        self._is_quiet = True
        try:
            await self.serve()
        except asyncio.CancelledError:
            self._sock.close()
            raise

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals, unless the runner does."""
        with contextlib.nullcontext() if self._is_quiet else super().capture_signals():
            yield


class _Failure(Exception):
    """An answer with another status."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


async def _body(hint: Any, request: Request) -> Any:
    try:
        return wire.loads(hint, await request.body() or b"null")
    except Invalid as error:
        raise _Failure(422, error.entries) from error


async def _subflows(runner: Runner) -> dict[str, flows.FlowFacts]:
    """The flows that the deployments' files can see, by name; a file that cannot be imported has none."""
    found: dict[str, flows.FlowFacts] = {}
    seen: set[Path] = set()
    for deployment in runner.deployments.values():
        code = Code.of(deployment)
        script = flows.script_of(code.entrypoint)
        if script is None or code.cwd / script in seen:
            continue
        seen.add(code.cwd / script)
        try:
            python = flows.interpreter(runner.python, code.cwd / script)
            facts = await flows.look_at(str(script), python=python, cwd=code.cwd)
        except FlowctlError as error:
            logger.warning("The web server leaves out the flows of %s: %s", script, error)
        else:
            found |= {flow.name: flow for flow in facts.flows or []}
    return found


async def _stop(runner: Runner) -> None:
    runner.stop()


async def _execute(runner: Runner, run: JSONObject, code: Code) -> bool:
    return UUID(run["id"]) in runner.executions or runner.execute(run, code)  # the poller may have found it first


def _json(value: object, status: int = 200) -> Response:
    return Response(wire.dumps(value), status, media_type="application/json")


def _busy() -> Response:
    return _json({"message": "Runner has no available slots"}, 429)


async def _error(_request: Request, error: Exception) -> Response:
    return _json({"detail": str(error)}, 502)


async def _refusal(request: Request, error: Exception) -> Response:
    """No such path, or not with this method."""
    if not isinstance(error, HTTPException):
        return await _error(request, error)
    answer = _json({"detail": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _failure(_request: Request, error: Exception) -> Response:
    return (
        _json({"detail": error.detail}, error.status) if isinstance(error, _Failure) else await _error(_request, error)
    )
