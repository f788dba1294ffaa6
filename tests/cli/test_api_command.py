"""`flowctl api`: requests by hand, on the file and to a server, with the same output and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_server import served

from flowctl.domain.flow_runs import FlowRun
from flowctl.settings import Settings

FILTER = ("api", "POST", "/flow_runs/filter")


@pytest.fixture(params=["file", "server"])
def ask(request: pytest.FixtureRequest, cli, db_path: Path) -> Iterator[Callable[..., Any]]:
    """Runs commands on the file, and through a server on it."""
    if request.param == "file":
        yield cli
        return
    with served(Settings(db=db_path)) as api:
        yield lambda *arguments, **rest: cli(*arguments, "--api", api, **rest)


def test_prints_the_answer_as_it_came(ask, three: list[FlowRun]) -> None:
    result = ask("api", "GET", f"/flow_runs/{three[2].id}")
    assert (result.code, result.err) == (0, "")
    assert len(result.lines) == 1, "not indented in a pipe"
    assert result.json["name"] == "brisk-otter"
    for path in (f"flow_runs/{three[2].id}", f"/api/flow_runs/{three[2].id}", f"api/flow_runs/{three[2].id}"):
        assert ask("api", "get", path).out == result.out


def test_the_formats_of_other_commands(ask, three: list[FlowRun]) -> None:
    assert ask(*FILTER, "-q", "-f", "sort=NAME_DESC").lines == [str(three[0].id), str(three[1].id), str(three[2].id)]
    named = ask(*FILTER, "-f", 'flow_runs.state.type.any_=["FAILED"]', "--fields", "name,state.type")
    assert [line.split() for line in named.lines[1:]] == [["calm-lynx", "FAILED"]]
    assert len(ask(*FILTER, "-f", "limit=2", "-o", "jsonl").lines) == 2
    assert ask("api", "GET", "/health", "--json").json is True
    assert ask(*FILTER, "-f", "limit=1", "--json").json[0]["id"]


def test_bodies_from_text_files_and_standard_input(ask, db_path: Path, tmp_path: Path) -> None:
    body = {"name": "etl", "tags": ["a"]}
    (tmp_path / "flow.json").write_text(json.dumps(body))
    first = ask("api", "POST", "/flows/", "-d", json.dumps(body))
    assert first.json["tags"] == ["a"]
    assert ask("api", "POST", "/flows/", "-d", f"@{tmp_path / 'flow.json'}").json["id"] == first.json["id"]
    assert ask("api", "POST", "/flows/", "-d", "-", stdin=json.dumps(body)).json["id"] == first.json["id"]
    assert ask("api", "POST", "/flows/", "-d", "-", "-f", "name=other", stdin=json.dumps(body)).json["name"] == "other"
    assert ask("api", "PATCH", f"/flows/{first.json['id']}", "-f", 'tags=["b"]', "-i").lines[0] == "HTTP 204 No Content"
    assert ask("api", "GET", f"/flows/{first.json['id']}", "--fields", "tags", "--json").json == {"tags": ["b"]}
    assert ask("api", "DELETE", f"/flows/{first.json['id']}").out == ""


def test_an_error_prints_the_body_and_ends_with_the_exit_code_of_its_status(ask, db_path: Path) -> None:
    gone = ask("api", "GET", "/flows/00000000-0000-0000-0000-000000000000")
    assert gone.code == 3
    assert gone.json["detail"] in gone.err
    assert "(HTTP 404)" in gone.err
    invalid = ask("api", "POST", "/flows/", "-d", "{}")
    assert (invalid.code, invalid.json["exception_message"]) == (2, "Invalid request received.")
    assert "(HTTP 422)" in invalid.err
    assert ask("api", "GET", "/no/such/route").code == 3


def test_pages_become_one_list(ask, three: list[FlowRun]) -> None:
    everything = ask(*FILTER, "--paginate", "-f", "sort=NAME_DESC").json
    assert [run["name"] for run in everything] == ["odd-crane", "calm-lynx", "brisk-otter"]
    part = ask(*FILTER, "--paginate", "-f", "limit=1", "-f", "offset=1", "-f", "sort=NAME_DESC", "-q")
    assert part.lines == [str(three[1].id)]
    assert ask("api", "GET", "/flows/", "--paginate").code == 2
    assert ask("api", "POST", "/flow_runs/count", "--paginate").code == 2
    assert ask("api", "POST", "/flow_runs/filtre", "--paginate").code == 3


def test_pages_beyond_one_request(cli, world) -> None:
    flow = cli("api", "POST", "/flows/", "-f", "name=many").json["id"]
    for number in range(203):
        cli("api", "POST", "/flow_runs/", "-f", f"flow_id={flow}", "-f", f"name=run-{number}")
    assert len(cli(*FILTER, "--paginate", "-q").lines) == 203
    assert len(cli(*FILTER, "-q").lines) == 200


def test_fields_of_get_are_the_query(ask, three: list[FlowRun]) -> None:
    result = ask("api", "GET", f"/flow_runs/{three[2].id}/graph-v2", "-f", "since=2020-01-01T00:00:00Z")
    assert result.code == 0
    assert "nodes" in result.json


def test_headers_are_sent(ask, db_path: Path) -> None:
    old = ask("api", "POST", "/flows/count", "-H", "x-prefect-api-version: 0.1.0", "-i")
    assert old.lines[0].startswith("HTTP 400")
    assert old.code == 4
    assert any(line.startswith("content-type: application/json") for line in old.lines)


def test_a_dry_run_sends_nothing(ask, db_path: Path) -> None:
    result = ask("api", "POST", "/flows/", "-f", "name=etl", "--dry-run")
    assert (result.code, result.json) == (0, {"name": "etl"})
    assert "would send POST /flows/" in result.err
    assert ask("api", "POST", "/flows/count").json == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("/flows/filter", "x"), "try: flowctl api GET /flows/filter"),
        (("FETCH", "/flows"), "no method"),
        (("GET", "http://h/api/flows"), "--api"),
        (("POST", "/flows/", "-d", "{"), "The body is no JSON"),
        (("POST", "/flows/", "-d", "@none.json"), "none.json cannot be read"),
        (("POST", "/flows/", "-d", "[]", "-f", "a=b"), "an object"),
        (("POST", "/flows/", "-f", "name"), "name=value"),
        (("GET", "/flows", "-H", "nothing"), "no header"),
    ],
)
def test_what_makes_no_request(cli, arguments: tuple[str, ...], message: str) -> None:
    result = cli("api", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
