"""The HTTP client: patience, credentials, errors, and states that are proposed once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest

from flowctl.domain.errors import Invalid, NotFound, Refused, Unauthorized
from flowctl.runner import client
from flowctl.runner.client import Api, Unreachable
from flowctl.settings import load

T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]
RUN = UUID("11111111-1111-4111-8111-111111111111")


def talk(handler: Handler, work: Callable[[Api], Awaitable[T]], **options: str) -> T:
    """Do work with an API whose server is a function."""

    async def scenario() -> T:
        api = Api("http://test/api/", **options)
        headers = dict(api._http.headers)
        await api._http.aclose()
        api._http = httpx.AsyncClient(base_url=api.url, headers=headers, transport=httpx.MockTransport(handler))
        try:
            return await work(api)
        finally:
            await api.close()

    return asyncio.run(scenario())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.001)


def in_turn(*answers: httpx.Response | Exception) -> Handler:
    left = list(answers)

    def handler(_request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def test_it_tries_again_while_the_server_is_away_or_busy() -> None:
    handler = in_turn(
        httpx.ConnectError("refused"),
        httpx.ReadError("cut off"),
        httpx.Response(503, json={"detail": "busy"}, headers={"Retry-After": "0.01"}),
        httpx.Response(200, json=[1]),
    )
    assert talk(handler, lambda api: api.call("GET", "/x", patience=5)) == [1]


def test_without_patience_it_says_who_does_not_answer() -> None:
    with pytest.raises(Unreachable, match="http://test/api"):
        talk(in_turn(httpx.ConnectError("refused")), lambda api: api.call("GET", "/x"))
    with pytest.raises(Unreachable, match="something else than JSON"):
        talk(in_turn(httpx.Response(200, text="<html>")), lambda api: api.call("GET", "/x"))


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFound), (401, Unauthorized), (422, Invalid), (400, Refused), (500, Refused)]
)
def test_errors_by_status(status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="no such thing"):
        talk(in_turn(httpx.Response(status, json={"detail": "no such thing"})), lambda api: api.call("GET", "/x"))


def test_credentials() -> None:
    seen: list[str | None] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(204)

    assert talk(handler, lambda api: api.call("GET", "/x")) is None
    talk(handler, lambda api: api.call("GET", "/x"), key="k")
    talk(handler, lambda api: api.call("GET", "/x"), auth_string="ada:pw")
    assert seen == [None, "Bearer k", "Basic YWRhOnB3"]


def test_it_fetches_the_token_against_forged_requests() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/csrf-token":
            return httpx.Response(200, json={"token": "t", "client": request.url.params["client"]})
        if request.headers.get("Prefect-Csrf-Token") == "t" and request.headers["Prefect-Csrf-Client"]:
            return httpx.Response(200, json="fine")
        return httpx.Response(403, json={"detail": "CSRF token required"})

    assert talk(handler, lambda api: api.call("POST", "/x", {})) == "fine"


def result(status: str, state: object = None, **details: object) -> httpx.Response:
    return httpx.Response(201, json={"status": status, "state": state, "details": details})


def test_a_state_that_is_accepted_refused_or_has_to_wait() -> None:
    propose = lambda api: api.set_state(RUN, {"type": "PENDING"})  # noqa: E731
    accepted = talk(in_turn(result("WAIT", delay_seconds=0), result("ACCEPT", {"type": "PENDING"})), propose)
    assert (accepted.is_new, accepted.state_type) == (True, "PENDING")
    refused = talk(in_turn(result("ABORT", reason="It is over.")), propose)
    assert (refused.is_new, refused.state_type, refused.reason) == (False, "", "It is over.")


def test_a_state_whose_answer_was_lost_is_known_again() -> None:
    kept: dict[str, Any] = {}

    def handler(request: httpx.Request) -> httpx.Response:
        if not kept:
            kept.update(json.loads(request.content)["state"])
            raise httpx.ReadError("cut off")
        return result("REJECT", kept, reason="This run has already made this state transition.")

    assert talk(handler, lambda api: api.set_state(uuid4(), {"type": "PENDING"})).is_new


def test_the_api_of_the_settings() -> None:
    async def urls() -> list[str]:
        settings = [load(env) for env in ({}, {"PREFECT_API_URL": "http://a/api"}, {"FLOWCTL_PORT": "4900"})]
        apis = [*(Api.of(each) for each in settings), Api.of(settings[1], "http://b/api")]
        for api in apis:
            await api.close()
        return [api.url for api in apis]

    here = "http://127.0.0.1"
    assert asyncio.run(urls()) == [f"{here}:4200/api", "http://a/api", f"{here}:4900/api", "http://b/api"]
