"""`flowctl runs tree | diff | stats | params | input | tag`, on the file and by a server."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from deployed import reached

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateCreate, StateType
from flowctl.ops import set_state


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


@pytest.fixture
def family(world) -> FlowRun:
    """A run with two task runs and a subflow run that failed, which has a task run."""
    parent = world.run("parent", (StateType.RUNNING, 10))
    world.task(parent, "load")
    child = world.run("child", (StateType.RUNNING, 5), (StateType.FAILED, 4), flow="sub", parent=parent)
    world.task(child, "clean")
    return parent


class TestTree:
    def test_it_nests(self, cli, family: FlowRun, door: list[str]) -> None:
        result = cli("runs", "tree", "parent", *door)
        assert (result.code, result.err) == (0, "")
        heads = [line.split("  ")[0].strip() for line in result.lines]
        assert heads[0] == "parent (etl)"
        assert any(head.endswith("load") for head in heads)
        (child,) = [number for number, head in enumerate(heads) if head.endswith("child (sub)")]
        assert "clean" in result.lines[child + 1]
        assert "Failed" in result.lines[child]

    def test_as_data(self, cli, family: FlowRun, door: list[str]) -> None:
        root = cli("runs", "tree", "parent", "--json", *door).json
        assert (root["kind"], root["flow_name"]) == ("flow_run", "etl")
        assert sorted((each["kind"], each["name"]) for each in root["children"]) == [
            ("flow_run", "child"),
            ("task_run", "load"),
        ]
        assert len(cli("runs", "tree", "parent", "-q", *door).lines) == 4

    def test_less_of_it(self, cli, family: FlowRun) -> None:
        assert len(cli("runs", "tree", "parent", "--no-tasks").lines) == 2
        assert len(cli("runs", "tree", "parent", "--depth", "1", "-q").lines) == 3
        assert len(cli("runs", "tree").lines) == 2  # the last that started is the child

    def test_many_task_runs(self, cli, world) -> None:
        run = world.run("many", (StateType.RUNNING, 1))
        for number in range(55):
            world.task(run, f"task-{number}")
        lines = cli("runs", "tree", "many").lines
        assert len(lines) == 52
        assert lines[-1].endswith("5 more task runs: 5 Completed")
        assert len(cli("runs", "tree", "many", "--all").lines) == 56

    def test_what_is_not_there(self, cli, world) -> None:
        assert cli("runs", "tree", "nobody").code == 3


class TestDiff:
    @pytest.fixture
    def two(self, world) -> tuple[FlowRun, FlowRun]:
        good = world.run("good", (StateType.RUNNING, 30), (StateType.COMPLETED, 20), parameters={"n": 1, "same": "x"})
        bad = world.run("bad", (StateType.RUNNING, 10), (StateType.FAILED, 9), parameters={"n": 2, "same": "x"})
        for run in (good, bad):
            for key in ("load", "clean"):
                task = world.task(run, key)
                if run is bad and key == "clean":
                    with world.database.write() as tx:
                        state = StateCreate(type=StateType.FAILED)
                        set_state.set_task_run_state(tx, task.id, state, force=True)
        world.task(good, "report")
        return good, bad

    def test_what_differs(self, cli, two: tuple[FlowRun, FlowRun], door: list[str]) -> None:
        result = cli("runs", "diff", "good", "bad", *door)
        assert result.code == 0
        text = {line.split("  ")[0]: line.split()[1:] for line in result.lines}
        assert text["parameter n"] == ["n", "1", "2"]
        assert "parameter same" not in text
        assert text["state"] == ["Completed", "Failed"]
        assert text["duration"] == ["10m00s", "1m00s"]
        assert text["clean"] == ["Completed", "Failed"]
        assert text["report"][0] == "Completed"
        assert "load" not in text
        assert "first difference: clean is Completed and Failed" in result.err

    def test_as_data(self, cli, two: tuple[FlowRun, FlowRun], door: list[str]) -> None:
        told = cli("runs", "diff", "good", "bad", "--all-tasks", "--json", *door).json
        assert told["first_difference"] == "clean"
        assert {each["task"]: each["differs"] for each in told["tasks"]} == {
            "load": None,
            "clean": "state",
            "report": "state",
        }
        assert {"field": "parameter n", "left": "1", "right": "2"} in told["fields"]
        assert cli("runs", "diff", "good", "bad", "-q").lines == [str(run.id) for run in two]

    def test_the_same(self, cli, two: tuple[FlowRun, FlowRun]) -> None:
        result = cli("runs", "diff", "good", "good")
        assert (result.code, result.err) == (0, "they do not differ\n")
        assert cli("runs", "diff", "good", "nobody").code == 3


class TestStats:
    def test_by_flow(self, cli, three: list[FlowRun], door: list[str]) -> None:
        told = {each["name"]: each for each in cli("runs", "stats", "--json", *door).json}
        assert (told["etl"]["runs"], told["etl"]["completed"], told["etl"]["active"]) == (2, 1, 1)
        assert (told["report"]["failed"], told["report"]["success_rate"]) == (1, 0.0)
        assert told["etl"]["p50_seconds"] == pytest.approx(240, abs=1)
        lines = cli("runs", "stats", *door).lines
        assert lines[0].split()[:3] == ["FLOW", "RUNS", "OK"]
        assert lines[1].split()[:3] == ["etl", "2", "100%"]

    @pytest.mark.parametrize(
        ("by", "names"),
        [("state", {"Running", "Failed", "Completed"}), ("deployment", {"(none)"}), ("flow", {"etl", "report"})],
    )
    def test_by_others(self, cli, three: list[FlowRun], door: list[str], by: str, names: set[str]) -> None:
        assert {each["name"] for each in cli("runs", "stats", "--by", by, "--json", *door).json} == names

    def test_by_day(self, cli, three: list[FlowRun], door: list[str]) -> None:
        days = [each["key"] for each in cli("runs", "stats", "--by", "day", "--all", "--json", *door).json]
        assert days == sorted(days)
        assert sum(each["runs"] for each in cli("runs", "stats", "--by", "day", "--json", *door).json) == 3

    def test_filters(self, cli, three: list[FlowRun], door: list[str]) -> None:
        assert [each["name"] for each in cli("runs", "stats", "--state", "failed", "--json", *door).json] == ["report"]
        assert cli("runs", "stats", "--since", "1s", "--json", *door).json == []
        assert len(cli("runs", "stats", "--flow", "etl", "-q", *door).lines) == 1

    def test_what_is_not_there(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "stats", "--by", "colour").code == 2
        assert cli("runs", "stats", "--flow", "nobody").code == 3


class TestParams:
    def test_as_table_and_as_data(self, cli, three: list[FlowRun], door: list[str]) -> None:
        assert cli("runs", "params", "brisk-otter", "--json", *door).json == {
            "n": 5,
            "env": "prod",
            "deep": {"er": True},
        }
        lines = cli("runs", "params", "brisk-otter", *door).lines
        assert [line.split() for line in lines[:3]] == [["PARAMETER", "VALUE"], ["n", "5"], ["env", "prod"]]
        assert cli("runs", "params", "nobody", *door).code == 3


class TestInput:
    def test_put_get_and_ls(self, cli, three: list[FlowRun], door: list[str]) -> None:
        sent = cli("runs", "input", "put", "odd-crane", "--key", "note", '{"a": 1}', "--sender", "ada", *door)
        assert (sent.code, sent.out) == (0, "sent odd-crane the input note\n")
        assert json.loads(cli("runs", "input", "get", "odd-crane", "note", *door).out) == {"a": 1}
        assert [each["key"] for each in cli("runs", "input", "ls", "odd-crane", "--json", *door).json] == ["note"]
        assert cli("runs", "input", "ls", "odd-crane", *door).lines[1].split()[:1] == ["note"]
        assert cli("runs", "input", "put", "odd-crane", "--key", "note", "1", *door).code == 1

    @pytest.mark.parametrize(
        ("to", "value", "prefix", "stored"),
        [
            ("str", "42", "strautomaticruninput-auto-", {"value": "42"}),
            ("int", "42", "intautomaticruninput-auto-", {"value": 42}),
            ("Approval", '{"ok": true}', "approval-auto-", {"ok": True}),
        ],
    )
    def test_what_receive_input_waits_for(
        self, cli, three: list[FlowRun], to: str, value: str, prefix: str, stored: object
    ) -> None:
        told = cli("runs", "input", "put", "odd-crane", "--to", to, value, "--json").json
        assert told["key"].startswith(prefix)
        assert json.loads(told["value"]) == stored

    def test_a_dry_run_and_standard_input(self, cli, three: list[FlowRun]) -> None:
        assert "would send" in cli("runs", "input", "put", "odd-crane", "--key", "k", "1", "--dry-run").err
        assert cli("runs", "input", "ls", "odd-crane", "-q").lines == []
        assert cli("runs", "input", "put", "odd-crane", "--key", "k", "-", stdin="[1]").code == 0
        assert cli("runs", "input", "get", "odd-crane", "k").out == "[1]\n"

    def test_what_is_not_there(self, cli, three: list[FlowRun], door: list[str]) -> None:
        missing = cli("runs", "input", "get", "odd-crane", "nothing", *door)
        assert (missing.code, "flowctl runs input ls" in missing.err) == (3, True)
        assert cli("runs", "input", "put", "odd-crane", "1", *door).code == 2
        assert cli("runs", "input", "ls", "nobody", *door).code == 3


class TestTags:
    def test_add_and_remove(self, cli, three: list[FlowRun], door: list[str]) -> None:
        told = cli("runs", "tag", "add", "odd-crane", "a,b", "--json", *door).json
        assert told["tags"] == ["a", "b"]
        assert cli("runs", "tag", "add", "odd-crane", "b,c", *door).out.endswith(": a, b, c\n")
        assert cli("runs", "tag", "rm", "odd-crane", "brisk-otter", "a,prod", "-q", *door).lines == [
            str(three[0].id),
            str(three[2].id),
        ]
        assert [run["tags"] for run in cli("runs", "show", "odd-crane", "brisk-otter", "--json").json] == [
            ["b", "c"],
            ["db"],
        ]

    def test_a_dry_run(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "tag", "add", "odd-crane", "a", "--dry-run").code == 0
        assert cli("runs", "show", "odd-crane", "--json").json["tags"] == []

    def test_what_is_missing(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "tag", "add", "odd-crane").code == 2
        assert cli("runs", "tag", "rm", "nobody", "a").code == 3
        assert cli("runs", "tag", "add", "odd-crane", "nobody", "a", "-q").code == 7
