"""Typed functions as endpoints: parameters, bodies, answers, and what a handler may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from annotated_types import Ge
from api_client import TestClient

from flowctl.db.database import Tx
from flowctl.db.tables import flow_runs as flow_run_table
from flowctl.domain.errors import Busy, Conflict, Forbidden, Invalid, NotFound, Refused, Unauthorized, Unsupported
from flowctl.ops.steps import Steps
from flowctl.server.api import ApiApp
from flowctl.server.call import Context
from flowctl.server.endpoint import Call, Reply, Routes
from flowctl.server.gateway import Gateway
from flowctl.settings import Settings


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(slots=True, kw_only=True)
class Note:
    text: str
    size: int = 1


@dataclass(slots=True, kw_only=True)
class Filter:
    NULL_IS_DEFAULT: ClassVar[bool] = True

    limit: int = 5


ERRORS: dict[str, Exception] = {
    "not_found": NotFound("No such thing."),
    "conflict": Conflict("Taken."),
    "forbidden": Forbidden("Protected."),
    "unauthorized": Unauthorized("Who?"),
    "refused": Refused("Not now."),
    "unsupported": Unsupported("Not offered."),
    "busy": Busy("Later.", retry_after_seconds=2.5),
    "invalid": Invalid("Limit is too large."),
    "bug": RuntimeError("boom"),
}

routes = Routes("/things", tag="Things")


@routes.write("POST", "/", status=201)
def create(tx: Tx, body: Note) -> Note:
    tx.execute("INSERT INTO configuration (id, key, value) VALUES (?, ?, ?)", (str(tx.new_id()), body.text, "1"))
    return body


@routes.read("GET", "/count", quick=True)
def count(tx: Tx) -> int:
    return tx.scalar("SELECT count(*) FROM configuration")


@routes.write("PATCH", "/{id}")
def change(tx: Tx, id: UUID, body: Note) -> None:
    assert isinstance(id, UUID)


@routes.read("GET", "/{id}")
def read(tx: Tx, id: UUID, colour: Colour = Colour.RED, tags: list[str] | None = None) -> dict[str, Any]:
    return {"id": id, "colour": colour, "tags": tags}


@routes.read("GET", "/by/{colour}/{number}")
def by_colour(tx: Tx, colour: Colour, number: Annotated[int, Ge(1)]) -> list[Any]:
    return [colour, number]


@routes.read("GET", "/page/next")
def next_page(tx: Tx, page_token: str, deep: bool = False) -> list[Any]:
    return [page_token, deep]


@routes.read("POST", "/filter")
def find(tx: Tx, body: Filter) -> int:
    return body.limit


@routes.write("POST", "/optional")
def optional(tx: Tx, body: Note | None = None) -> Note | None:
    return body


@routes.write("PUT", "/reply")
def reply(tx: Tx, call: Call) -> Reply[list[str]]:
    return Reply([call.base_url, str(call.client.prefect_version)], status=202, headers={"Retry-After": "1.5"})


@routes.read("GET", "/text")
def text(tx: Tx) -> Reply[str]:
    return Reply.raw("a,b\n", media_type="text/csv", headers={"Content-Disposition": "attachment"})


@routes.write("DELETE", "/")
def delete_all(tx: Tx) -> Steps[int]:
    done = 0
    while tx.execute("DELETE FROM configuration WHERE id IN (SELECT id FROM configuration LIMIT 1)").rowcount:
        done += 1
        tx = yield 1
    return done


@routes.write("POST", "/fail/{how}")
def fail(tx: Tx, how: str) -> None:
    tx.execute("INSERT INTO configuration (id, key) VALUES (?, 'half')", (str(tx.new_id()),))
    raise ERRORS[how]


@routes.read("GET", "/model/{how}", not_found_key="exception_message")
def fail_as_models_do(tx: Tx, how: str) -> None:
    raise ERRORS[how]


@routes.plain("GET", "/plain")
async def plain(call: Call) -> list[tuple[str, str]]:
    return call.query


@routes.read("GET", "/rows")
def rows(tx: Tx) -> Any:
    return {"results": flow_run_table.FLOW_RUN.rows(tx)}


@pytest.fixture
def app(settings: Settings) -> ApiApp:
    return ApiApp(Context(settings, Gateway(settings)), [], lambda: routes.routes)


@pytest.fixture
def client(app: ApiApp) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


ID = UUID(int=7)


def test_a_write_is_stored_and_answered(client: TestClient) -> None:
    response = client.post("/things/", json={"text": "a"})
    assert (response.status_code, response.json()) == (201, {"text": "a", "size": 1})
    assert client.get("/things/count").json() == 1


def test_none_is_answered_without_a_body(client: TestClient) -> None:
    response = client.patch(f"/things/{ID}", json={"text": "a"})
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers


def test_a_path_part_that_is_no_uuid_is_not_found(client: TestClient) -> None:
    assert client.patch("/things/nope", json={}).status_code == 404
    assert client.get(f"/things/{ID.hex}").json()["id"] == str(ID)


def test_query_parameters_are_converted(client: TestClient) -> None:
    assert client.get(f"/things/{ID}").json() == {"id": str(ID), "colour": "red", "tags": None}
    found = client.get(f"/things/{ID}?colour=blue&tags=a&tags=b&unknown=1").json()
    assert found == {"id": str(ID), "colour": "blue", "tags": ["a", "b"]}
    assert client.get("/things/page/next?page-token=x&deep=true").json() == ["x", True]


def test_all_that_does_not_fit_is_named(client: TestClient) -> None:
    response = client.get("/things/page/next?deep=perhaps")
    assert response.status_code == 422
    detail = response.json()["exception_detail"]
    assert [(each["type"], each["loc"]) for each in detail] == [
        ("missing", ["query", "page_token"]),
        ("bool_parsing", ["query", "deep"]),
    ]
    detail = client.get("/things/by/green/0").json()["exception_detail"]
    assert [each["loc"] for each in detail] == [["path", "colour"], ["path", "number"]]
    assert client.get("/things/by/blue/3").json() == ["blue", 3]


def test_an_invalid_body_is_repeated(client: TestClient) -> None:
    response = client.post("/things/", json={"size": "x"})
    assert response.status_code == 422
    body = response.json()
    assert list(body) == ["exception_message", "exception_detail", "request_body"]
    assert body["exception_message"] == "Invalid request received."
    assert body["request_body"] == {"size": "x"}
    assert [each["loc"] for each in body["exception_detail"]] == [["body", "text"], ["body", "size"]]


@pytest.mark.parametrize("content", [b"", b"null", b" null\n"])
def test_a_body_is_required_unless_it_has_a_default(client: TestClient, content: bytes) -> None:
    missing = [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]
    assert client.post("/things/", content=content).json()["exception_detail"] == missing
    assert client.post("/things/filter", content=content).json() == 5
    response = client.post("/things/optional", content=content)
    assert (response.status_code, response.json()) == (200, None)


def test_null_is_the_default_of_an_embedded_body(client: TestClient) -> None:
    assert client.post("/things/filter", json={"limit": None, "other": 1}).json() == 5


def test_a_body_without_content_type_is_json(client: TestClient) -> None:
    assert client.post("/things/", content=b'{"text": "a"}').status_code == 201
    json_like = {"content-type": "application/vnd.api+json; charset=utf-8"}
    assert client.post("/things/", content=b'{"text": "b"}', headers=json_like).status_code == 201


def test_a_body_of_another_type_is_taken_as_text(client: TestClient) -> None:
    response = client.post("/things/", content=b'{"text": "a"}', headers={"content-type": "text/plain"})
    assert response.status_code == 422
    assert response.json()["exception_detail"][0]["type"] == "model_attributes_type"
    assert response.json()["request_body"] == '{"text": "a"}'


def test_a_body_with_lone_surrogates_is_refused_and_repeated(client: TestClient) -> None:
    response = client.post("/things/", content=b'{"text": "\\ud800"}')
    assert response.status_code == 422
    assert response.json()["request_body"] == {"text": "\ud800"}


def test_a_reply_has_its_own_status_and_headers(client: TestClient) -> None:
    response = client.put("/things/reply", headers={"User-Agent": "prefect/3.8.1 (API 0.8.4)"})
    assert response.status_code == 202
    assert response.headers["retry-after"] == "1.5"
    assert response.json() == ["http://testserver", "3.8.1"]


def test_a_raw_reply_is_not_json(client: TestClient) -> None:
    response = client.get("/things/text")
    assert (response.text, response.headers["content-type"]) == ("a,b\n", "text/csv")
    assert response.headers["content-disposition"] == "attachment"


def test_steps_are_run_to_their_end(client: TestClient) -> None:
    for name in "abc":
        client.post("/things/", json={"text": name})
    assert client.delete("/things/").json() == 3
    assert client.get("/things/count").json() == 0


@pytest.mark.parametrize(
    ("how", "status", "body"),
    [
        ("not_found", 404, {"detail": "No such thing."}),
        ("conflict", 409, {"detail": "Taken."}),
        ("forbidden", 403, {"detail": "Protected."}),
        ("unauthorized", 401, {"exception_message": "Unauthorized"}),
        ("refused", 400, {"detail": "Not now."}),
        ("unsupported", 501, {"detail": "Not offered."}),
        ("busy", 503, {"exception_message": "Service Unavailable"}),
        ("invalid", 422, {"detail": "Limit is too large."}),
        ("bug", 500, {"exception_message": "Internal Server Error"}),
    ],
)
def test_errors_are_answered_and_undo_the_write(
    client: TestClient, how: str, status: int, body: dict[str, str]
) -> None:
    response = client.post(f"/things/fail/{how}")
    assert (response.status_code, response.json()) == (status, body)
    assert client.get("/things/count").json() == 0


def test_busy_says_when_to_come_back(client: TestClient) -> None:
    assert client.post("/things/fail/busy").headers["retry-after"] == "2.5"


def test_a_route_may_name_the_key_of_its_404(client: TestClient) -> None:
    assert client.get("/things/model/not_found").json() == {"exception_message": "No such thing."}


def test_rows_are_answered_wherever_they_stand(client: TestClient) -> None:
    assert client.get("/things/rows").json() == {"results": []}


def test_a_plain_handler_may_be_async(client: TestClient) -> None:
    assert client.get("/things/plain?a=1&b=").json() == [["a", "1"], ["b", ""]]


def test_a_body_beyond_all_measure_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowctl.server.operation.MAXIMUM_BODY", 100)
    assert client.post("/things/", json={"text": "x" * 200}).status_code == 413
    assert client.post("/things/filter", json={"text": "x" * 200}).status_code == 413


def test_dependencies_close_after_the_commit_and_before_the_answer(settings: Settings) -> None:
    log: list[Any] = []

    def refuse_strangers(call: Call) -> None:
        if call.header("X-Stranger"):
            raise Forbidden("No strangers.")

    @asynccontextmanager
    async def watch(call: Call) -> Any:
        log.append("enter")
        yield
        log.append(await call.context.gateway.read(count))
        if call.header("X-Late"):
            raise Refused("Too late.")

    app = ApiApp(Context(settings, Gateway(settings)), [], lambda: routes.routes, [refuse_strangers, watch])
    with TestClient(app) as client:
        assert client.post("/things/", json={"text": "a"}).status_code == 201
        assert log == ["enter", 1]
        assert client.get("/things/count", headers={"X-Stranger": "1"}).status_code == 403
        late = client.get("/things/count", headers={"X-Late": "1"})
        assert (late.status_code, late.json()) == (400, {"detail": "Too late."})


def test_a_handler_must_take_what_its_path_names() -> None:
    wrong = Routes("/wrong")

    @wrong.read("GET", "/{id}")
    def read_without_id(tx: Tx) -> None: ...

    @wrong.read("GET", "/")
    def read_without_tx() -> None: ...

    for route in wrong.routes:
        with pytest.raises(TypeError):
            _ = route.signature
