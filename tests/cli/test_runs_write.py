from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowctl.db.database import Database
from flowctl.db.tables import flow_runs
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.ops import flow_run_inputs


def state_of(world, run: FlowRun) -> str | None:
    with world.database.read() as tx:
        found = flow_runs.get(tx, run.id)
    return found.state_name if found else None


class TestSetState:
    def test_it_tells_what_changed(self, cli, world, three: list[FlowRun]) -> None:
        result = cli("runs", "set-state", "odd-crane", "completed", "-m", "by hand")
        assert (result.code, result.err) == (0, "")
        assert result.out == f"odd-crane ({str(three[0].id)[:8]}): Running → Completed\n"
        assert state_of(world, three[0]) == "Completed"
        assert cli("runs", "history", "odd-crane", "--json").json[-1]["message"] == "by hand"

    def test_json_is_the_answer_of_the_api(self, cli, three: list[FlowRun]) -> None:
        answer = cli("runs", "set-state", "odd-crane", "failed", "--json").json
        assert list(answer) == ["state", "status", "details"]
        assert (answer["status"], answer["details"]) == ("ACCEPT", {"type": "accept_details"})
        assert answer["state"] == cli("runs", "show", "odd-crane", "--json").json["state"]

    def test_names_of_states(self, cli, world, three: list[FlowRun]) -> None:
        assert cli("runs", "set-state", "odd-crane", "TimedOut").code == 0
        assert state_of(world, three[0]) == "TimedOut"
        assert cli("runs", "set-state", "odd-crane", "failed", "--name", "Broken", "--force").code == 0
        assert state_of(world, three[0]) == "Broken"

    def test_what_the_rules_refuse_ends_with_4_and_force_skips_them(self, cli, world, three: list[FlowRun]) -> None:
        world.move(three[0], StateType.CANCELLING)
        result = cli("runs", "set-state", "odd-crane", "completed")
        assert (result.code, result.out) == (4, "")
        assert result.err.startswith(f"refused: {str(three[0].id)[:8]} is Cancelling")
        assert "Use --force to skip the rules." in result.err
        assert state_of(world, three[0]) == "Cancelling"
        assert cli("runs", "set-state", "odd-crane", "completed", "--force").code == 0
        assert state_of(world, three[0]) == "Completed"

    @pytest.mark.parametrize(
        ("expected", "code"), [("running", 0), ("RUNNING", 0), ("pending", 4), ("Late", 4), ("x", 4)]
    )
    def test_compare_and_set(self, cli, world, three: list[FlowRun], expected: str, code: int) -> None:
        result = cli("runs", "set-state", "odd-crane", "failed", "--expect", expected)
        assert result.code == code
        assert state_of(world, three[0]) == ("Running" if code else "Failed")

    def test_a_dry_run_changes_nothing(self, cli, world, three: list[FlowRun]) -> None:
        result = cli("runs", "set-state", "odd-crane", "completed", "--dry-run")
        assert "Running → would be Completed" in result.out
        assert state_of(world, three[0]) == "Running"
        assert len(cli("runs", "history", "odd-crane").lines) == 3

    def test_several_of_which_some_fail(self, cli, world, three: list[FlowRun]) -> None:
        result = cli("runs", "set-state", "odd-crane", "nobody", "crashed", "--json")
        assert result.code == 7
        assert [answer["flow_run_id"] for answer in result.json] == [str(three[0].id)]
        assert "'nobody' not found" in result.err
        assert cli("runs", "set-state", "nobody", "noone", "crashed").code == 3

    def test_ids_of_what_changed(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "set-state", "-q", "-", "crashed", stdin="odd-crane\n")
        assert result.lines == [str(three[0].id)]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("odd-crane", "complete"), "did you mean 'completed'"),
            (("completed",), "missing"),
            ((), "Missing argument"),
        ],
    )
    def test_usage(self, cli, three: list[FlowRun], arguments: tuple[str, ...], message: str) -> None:
        result = cli("runs", "set-state", *arguments)
        assert (result.code, result.out) == (2, "")
        assert message in result.err

    def test_wait_tells_how_the_run_ended(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "set-state", "odd-crane", "failed", "--wait").code == 10
        assert cli("runs", "set-state", "odd-crane", "running", "--force", "--wait", "--timeout", "0s").code == 124


SCHEMA = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"]}


class TestResume:
    @pytest.fixture
    def paused(self, world, three: list[FlowRun]) -> FlowRun:
        run = three[0]
        keyset = {"description": "p-description", "response": "p-response", "schema": "p-schema"}
        world.move(run, StateType.PAUSED, run_input_keyset=keyset, pause_timeout=world.ago(-60))
        world.ago(0)
        with world.database.write() as tx:
            flow_run_inputs.create(tx, run.id, "p-schema", json.dumps(SCHEMA))
        return run

    def answer(self, world, run: FlowRun) -> Any:
        with world.database.read() as tx:
            return json.loads(flow_run_inputs.read(tx, run.id, "p-response").value)

    def test_with_input(self, cli, world, paused: FlowRun) -> None:
        result = cli("runs", "resume", "odd-crane", "--input", "approved=true")
        assert (result.code, result.err) == (0, "")
        assert "Paused → Running" in result.out
        assert self.answer(world, paused) == {"approved": True}

    def test_with_a_file_and_with_stdin(self, cli, world, paused: FlowRun, tmp_path: Path) -> None:
        file = tmp_path / "answer.json"
        file.write_text('{"approved": false}')
        assert cli("runs", "resume", "odd-crane", "--input-file", str(file), "--dry-run").code == 0
        assert state_of(world, paused) == "Paused"
        assert cli("runs", "resume", "odd-crane", "--input-file", "-", stdin='{"approved": false}').code == 0
        assert self.answer(world, paused) == {"approved": False}

    @pytest.mark.parametrize("value", [(), ("--input", "approved=perhaps")])
    def test_input_that_does_not_fit_is_refused(self, cli, world, paused: FlowRun, value: tuple[str, ...]) -> None:
        result = cli("runs", "resume", "odd-crane", *value)
        assert (result.code, result.out) == (4, "")
        assert result.err.startswith("refused: ")
        assert state_of(world, paused) == "Paused"

    def test_a_run_that_is_not_paused(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "resume", "odd-crane", "--json")
        assert result.code == 4
        assert (result.json["status"], result.json["state"]) == ("ABORT", None)
        assert "not paused" in result.err

    @pytest.mark.parametrize(
        "arguments", [("--input", "x"), ("--input-file", "no-such-file"), ("--input-file", "-"), ()]
    )
    def test_usage(self, cli, three: list[FlowRun], arguments: tuple[str, ...]) -> None:
        references = ("odd-crane",) if arguments else ()
        assert cli("runs", "resume", *references, *arguments, stdin="[1]").code == 2


class TestCancel:
    def test_nothing_executes_it(self, cli, world, three: list[FlowRun]) -> None:
        run = world.run("waiting", (StateType.SCHEDULED, 0))
        result = cli("runs", "cancel", "waiting", "-m", "not today", "--wait")
        assert (result.code, result.out) == (0, f"waiting ({str(run.id)[:8]}): Scheduled → Cancelled\n")

    def test_a_paused_run_is_cancelled_at_once(self, cli, world, three: list[FlowRun]) -> None:
        run = world.run("paused", (StateType.RUNNING, 20), (StateType.PAUSED, 10))
        result = cli("runs", "cancel", "paused", "-m", "not today")
        assert (result.code, result.out) == (0, f"paused ({str(run.id)[:8]}): Paused → Cancelled\n")
        assert state_of(world, run) == "Cancelled"

    def test_what_has_ended_is_refused_alone(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "cancel", "brisk-otter")
        assert (result.code, result.out) == (4, "")
        assert "is Completed" in result.err

    def test_filters_leave_alone_what_has_ended(self, cli, world, three: list[FlowRun]) -> None:
        result = cli("runs", "cancel", "--flow", "etl", "-y", "--json")
        assert result.code == 0
        assert [answer["flow_run_id"] for answer in result.json] == [str(three[0].id)]
        assert state_of(world, three[2]) == "Completed"
        assert cli("runs", "cancel", "--flow", "report", "-y").out == ""

    def test_filters_ask(self, cli, world, three: list[FlowRun]) -> None:
        result = cli("runs", "cancel", "--flow", "etl")
        assert (result.code, result.out) == (2, "")
        assert "Cancel 1 run?" in result.err
        assert "-y" in result.err
        assert state_of(world, three[0]) == "Running"

    def test_a_dry_run(self, cli, world, three: list[FlowRun]) -> None:
        assert "would be Cancel" in cli("runs", "cancel", "--flow", "etl", "--dry-run").out
        assert state_of(world, three[0]) == "Running"

    @pytest.mark.parametrize("arguments", [(), ("odd-crane", "--flow", "etl")])
    def test_usage(self, cli, three: list[FlowRun], arguments: tuple[str, ...]) -> None:
        assert cli("runs", "cancel", *arguments).code == 2


class TestTheFile:
    def test_another_writer(self, cli, db_path: Path, three: list[FlowRun]) -> None:
        other = Database(db_path)
        with other.write():
            result = cli("runs", "set-state", "odd-crane", "failed", "--wait-lock", "0.1s")
        other.close()
        assert (result.code, result.out) == (5, "")
        assert "--wait-lock" in result.err
        assert cli("runs", "set-state", "odd-crane", "failed", "--wait-lock", "soon").code == 2

    def test_read_only(self, cli, three: list[FlowRun]) -> None:
        assert cli("--read-only", "runs", "ls", "--json").code == 0
        assert cli("runs", "set-state", "odd-crane", "failed", "--read-only").code == 6

    def test_no_database(self, cli, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("these are notes, long enough to be taken for a page of something else" * 20)
        result = cli("runs", "ls", "--db", str(file))
        assert (result.code, result.out) == (6, "")
        assert "is not a SQLite database" in result.err

    def test_a_newer_schema(self, cli, db_path: Path, world) -> None:
        with world.database.write() as tx:
            tx.execute("PRAGMA user_version = 999")
        result = cli("runs", "ls")
        assert result.code == 6
        assert "newer flowctl" in result.err

    def test_it_is_created_on_first_use(self, cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "new" / "flowctl.db"
        monkeypatch.setenv("FLOWCTL_DB", str(path))
        assert cli("runs", "ls", "--json").json == []
        assert path.exists()
