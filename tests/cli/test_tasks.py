from __future__ import annotations

import csv
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from deployed import reached

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.logs import LogCreate
from flowctl.domain.states import StateCreate, StateType
from flowctl.domain.task_runs import Parameter, TaskRunCreate, TaskRunPolicy, TaskRunResult
from flowctl.ops import logs, set_state, task_runs


@pytest.fixture
def worked(world, three: list[FlowRun]) -> dict[str, Any]:
    """Task runs of two flow runs; by name."""
    made: dict[str, Any] = {"load": world.task(three[0], "again")}
    going, failed, _ = three
    with world.database.write() as tx:
        body = TaskRunCreate(
            flow_run_id=going.id, name="sum-0", task_key="sum", dynamic_key="0", tags=["db", "slow"],
            state=StateCreate(type=StateType.RUNNING), empirical_policy=TaskRunPolicy(retries=2),
            task_inputs={"rows": [TaskRunResult(id=made["load"].id)], "n": [Parameter(name="n")]},
        )  # fmt: skip
        made["sum-0"] = task_runs.create(tx, body)[0]
        body = TaskRunCreate(
            flow_run_id=failed.id, name="parse-0", task_key="parse", dynamic_key="0",
            state=StateCreate(type=StateType.FAILED, message="ValueError: 3"),
        )  # fmt: skip
        made["parse-0"] = task_runs.create(tx, body)[0]
        lines = [
            LogCreate(
                name="prefect.task_runs", level=level, message=message, timestamp=tx.now,
                flow_run_id=going.id, task_run_id=made["sum-0"].id,
            )
            for level, message in ((20, "one"), (40, "two"))
        ]  # fmt: skip
        logs.create(tx, lines)
    return made


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, worked: dict[str, Any]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


class TestLs:
    def test_shows_runs_states_and_messages(self, cli, door: list[str]) -> None:
        rows = {row["name"]: row for row in csv.DictReader(cli("tasks", "ls", "-o", "csv", *door).lines)}
        assert set(rows) == {"load", "again", "sum-0", "parse-0"}
        row = rows["parse-0"]
        assert (row["run"], row["state"], row["message"]) == ("calm-lynx", "Failed", "ValueError: 3")
        assert (rows["sum-0"]["run"], rows["sum-0"]["tags"]) == ("odd-crane", "db,slow")

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (("--run", "calm-lynx"), {"parse-0"}),
            (("--flow", "etl"), {"load", "again", "sum-0"}),
            (("--state", "failed,running"), {"parse-0", "sum-0"}),
            (("--state", "failed,Cached"), {"parse-0"}),
            (("--name", "*-0"), {"parse-0", "sum-0"}),
            (("--name", "s?m-*"), {"sum-0"}),
            (("--tag", "db", "--tag", "slow"), {"sum-0"}),
            (("--since", "1h"), {"load", "again", "sum-0", "parse-0"}),
            (("--until", "1h"), set()),
            (("--name", "*-0", "--sort", "name", "--limit", "1"), {"parse-0"}),
            (("--sort", "-name", "--limit", "1"), {"sum-0"}),
        ],
        ids=str,
    )
    def test_filters(self, cli, door: list[str], filters: tuple[str, ...], expected: set[str]) -> None:
        assert {each["name"] for each in cli("tasks", "ls", "--json", *filters, *door).json} == expected

    def test_what_is_wrong_is_told(self, cli, door: list[str]) -> None:
        assert cli("tasks", "ls", "--run", "nobody", *door).code == 3
        assert cli("tasks", "ls", "--since", "soon", *door).code == 2
        assert "'fialed' is not a state" in cli("tasks", "ls", "--state", "fialed", *door).err

    def test_prefects_spellings(self, cli, worked: dict[str, Any]) -> None:
        flags = ("--task-run-name", "sum-0", "--state-type", "RUNNING")
        assert cli("task-run", "ls", *flags, "-q").lines == [str(worked["sum-0"].id)]
        assert cli("task-run", "inspect", "sum-0").code == 0


class TestShow:
    def test_tells_everything(self, cli, door: list[str], worked: dict[str, Any]) -> None:
        result = cli("tasks", "show", "sum-0", *door)
        shown = dict(line.split("  ", 1) for line in result.lines if not line.startswith(" "))
        assert shown["flow run"].strip().startswith("odd-crane (")
        assert shown["run count"].strip() == "1 of at most 3"
        assert "rows: again" in result.out
        assert "n: parameter n" in result.out
        assert "ValueError: 3" in cli("tasks", "show", "parse-0", *door).out

    def test_json_is_the_apis(self, cli, door: list[str], worked: dict[str, Any]) -> None:
        id = str(worked["sum-0"].id)
        assert cli("tasks", "show", "sum-0", "--json", *door).json["id"] == id
        assert cli("tasks", "show", id, "sum-0", "parse-0", "-q", *door).lines == [id, str(worked["parse-0"].id)]

    def test_one_that_is_not_there(self, cli, door: list[str]) -> None:
        assert cli("tasks", "show", "nope", *door).code == 3
        assert cli("tasks", "show", "nope", "sum-0", *door).code == 7


class TestLogs:
    def test_of_the_task_alone(self, cli, door: list[str]) -> None:
        assert [line.split()[-1] for line in cli("tasks", "logs", "sum-0", *door).lines] == ["one", "two"]
        assert [line["message"] for line in cli("tasks", "logs", "sum-0", "-n", "1", "--json", *door).json] == ["two"]
        assert [line["message"] for line in cli("tasks", "logs", "sum-0", "--head", "1", "--json").json] == ["one"]
        assert cli("tasks", "logs", "sum-0", "--level", "error", "-o", "csv", *door).lines[1].split(",")[3] == "two"
        assert cli("tasks", "logs", "parse-0", *door).out == ""

    def test_are_followed_until_the_task_ends(
        self, cli, world, worked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def meanwhile(_seconds: float) -> None:
            with world.database.write() as tx:
                line = LogCreate(
                    name="prefect.task_runs", level=20, message="three", timestamp=tx.now,
                    task_run_id=worked["sum-0"].id,
                )  # fmt: skip
                logs.create(tx, [line])
                ended = StateCreate(type=StateType.COMPLETED)
                set_state.set_task_run_state(tx, worked["sum-0"].id, ended, force=True)

        monkeypatch.setattr("flowctl.cli.tasks.time.sleep", meanwhile)
        result = cli("tasks", "logs", "sum-0", "-f", "-o", "jsonl", "--fields", "message")
        assert result.lines == ['{"message":"one"}', '{"message":"two"}', '{"message":"three"}']

    def test_what_is_wrong_is_told(self, cli, worked: dict[str, Any]) -> None:
        assert cli("tasks", "logs", "nope").code == 3
        assert cli("tasks", "logs", "sum-0", "-f", "--json").code == 2
        assert cli("tasks", "logs", "sum-0", "--level", "loud").code == 2


class TestSetState:
    def test_by_the_rules_and_by_force(self, cli, door: list[str]) -> None:
        result = cli("tasks", "set-state", "sum-0", "cancelled", "-m", "no need", *door)
        assert result.out.endswith("Running → Cancelled\n")
        assert cli("tasks", "show", "sum-0", "--json", *door).json["state"]["message"] == "no need"
        answer = cli("tasks", "set-state", "sum-0", "completed", "--name", "Fine", "--force", "--json", *door).json
        assert (answer["status"], answer["state"]["name"]) == ("ACCEPT", "Fine")

    def test_what_the_rules_refuse(self, cli, door: list[str]) -> None:
        result = cli("tasks", "set-state", "sum-0", "failed", *door)
        assert (result.code, result.out) == (4, "")
        assert result.err.endswith(" is Running: Retrying. Use --force to skip the rules.\n")
        assert cli("tasks", "show", "sum-0", "--json", *door).json["state_name"] == "AwaitingRetry"

    def test_a_dry_run(self, cli, door: list[str]) -> None:
        result = cli("tasks", "set-state", "sum-0", "Cached", "--dry-run", *door)
        assert result.out.endswith("Running → would be Cached\n")
        refused = cli("tasks", "set-state", "sum-0", "failed", "--dry-run", *door)
        assert (refused.code, "is Running: Retrying" in refused.err) == (4, True)
        assert cli("tasks", "show", "sum-0", "--json", *door).json["state_name"] == "Running"

    def test_what_is_wrong_is_told(self, cli, worked: dict[str, Any]) -> None:
        assert cli("tasks", "set-state", "sum-0").code == 2
        assert cli("tasks", "set-state", "sum-0", "fialed").code == 2
        assert cli("tasks", "set-state", "nope", "failed").code == 3
        assert cli("tasks", "set-state", "nope", "sum-0", "completed").code == 7


class TestDelete:
    def test_asks(self, cli, door: list[str]) -> None:
        assert cli("tasks", "delete", "sum-0", *door).code == 2
        result = cli("tasks", "delete", "sum-0", "--dry-run", *door)
        assert result.err == "would delete 1 task run of 1 flow run\n"
        assert cli("tasks", "show", "sum-0", "-q", *door).code == 0
        assert cli("tasks", "delete", "sum-0", "-y", *door).err == "deleted 1 task run\n"
        assert cli("tasks", "show", "sum-0", *door).code == 3

    def test_by_filter(self, cli, door: list[str]) -> None:
        result = cli("tasks", "delete", "--run", "odd-crane", "--name", "*a*", "-y", "--json", *door)
        assert len(result.json) == 2
        assert {each["name"] for each in cli("tasks", "ls", "--json", *door).json} == {"sum-0", "parse-0"}

    def test_what_is_wrong_is_told(self, cli, worked: dict[str, Any]) -> None:
        assert cli("tasks", "delete", "-y").code == 2
        assert cli("tasks", "delete", "nope", "-y").code == 3
        assert cli("tasks", "delete", "nope", "sum-0", "-y").code == 7
        assert cli("tasks", "delete", "sum-0", "--run", "odd-crane").code == 2
        assert cli("tasks", "delete", "--name", "zzz", "-y").err == "no task runs\n"
        ids = cli("tasks", "ls", "-q").out
        assert cli("tasks", "delete", "-", "-y", "-q", stdin=ids).out == ids


class TestStats:
    def test_by_key(self, cli, door: list[str]) -> None:
        rows = {row["task"]: row for row in csv.DictReader(cli("tasks", "stats", "-o", "csv", *door).lines)}
        assert {key: (row["runs"], row["failed"]) for key, row in rows.items()} == {
            "load": ("1", "0"),
            "again": ("1", "0"),
            "sum": ("1", "0"),
            "parse": ("1", "1"),
        }
        (parse,) = cli("tasks", "stats", "--run", "calm-lynx", "--json", *door).json
        assert (parse["key"], parse["success_rate"]) == ("parse", 0.0)
        assert len(cli("tasks", "stats", "--flow", "etl", "-q", *door).lines) == 3

    def test_what_is_wrong_is_told(self, cli, worked: dict[str, Any]) -> None:
        assert cli("tasks", "stats", "--flow", "nope").code == 3
        assert cli("tasks", "stats", "--since", "soon").code == 2
        assert cli("tasks", "stats", "--since", "1h", "--until", "2h").code == 2
