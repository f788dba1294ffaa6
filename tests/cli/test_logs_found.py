"""Searching logs where the server has Prefect's API alone: the same matches as flowctl's own search."""

from __future__ import annotations

from typing import Any

import pytest
from prefects_api import PrefectsApi, WithoutTextSearch

from flowctl.cli import logs_found
from flowctl.cli.api.file import FileDoor
from flowctl.domain.flow_runs import FlowRun


def search(door: FileDoor, pattern: str, flow_ids: list[str], **rest: Any) -> list[tuple[Any, ...]]:
    body = {"pattern": pattern, "regex": False, "fixed": False, "logger": None, "logs": {}, "context": 0, **rest}
    found: list[tuple[Any, ...]] = []
    for page in logs_found.pages(door, body, flow_ids=flow_ids):
        runs = {run["id"]: run for run in page["runs"]}
        found += [
            (
                match["log"]["message"],
                [tuple(span) for span in match["spans"]],
                [line["message"] for line in match["earlier"] + match["later"]],
                runs[match["log"]["flow_run_id"]],
            )
            for match in page["matches"]
        ]
    return [(*each[:3], each[3]["name"], each[3]["flow_name"]) for each in found]


@pytest.fixture
def logged(world, three: list[FlowRun]) -> list[FlowRun]:
    for number in range(5):
        world.log(three[2], f"line {number} of \"many\" \\ and 'more'", minutes=50 - number)
    world.log(three[1], "line 7 and an end", level=40, minutes=20)
    return three


@pytest.mark.parametrize("kind", [PrefectsApi, WithoutTextSearch])
@pytest.mark.parametrize(
    ("pattern", "rest"),
    [
        ("line", {}),
        ("LINE 3", {"context": 2}),
        ('"many" \\', {"fixed": True}),
        ("lin* mor*", {}),
        (r"line [37]", {"regex": True, "context": 1}),
        (r"\d|end", {"regex": True}),
        ("line", {"logs": {"level": {"ge_": 30}}}),
        ("line", {"logger": "prefect.task_runs"}),
        ("line", {"logger": "prefect"}),
        ("line " + "x" * 300, {}),
        ("nothing", {}),
    ],
    ids=str,
)
def test_it_finds_what_flowctls_search_finds(world, logged, kind: type[PrefectsApi], pattern: str, rest) -> None:
    own = FileDoor(world.database, world.database.settings)
    door = kind(world.database, world.database.settings)
    assert sorted(search(door, pattern, [], **rest)) == sorted(search(own, pattern, [], **rest))
    one_flow = [str(logged[1].flow_id)]
    assert sorted(search(door, pattern, one_flow, **rest)) == sorted(search(own, pattern, one_flow, **rest))
