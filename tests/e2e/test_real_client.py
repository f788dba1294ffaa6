"""The real `prefect` client against `flowctl serve`, each in a process of its own."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from processes import Client, Server, flowctl, wait_for

pytestmark = pytest.mark.e2e
SCRIPTS = Path(__file__).parent / "scripts"


def run_named(server: Server, name: str) -> dict[str, Any] | None:
    found = server.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})
    assert len(found) <= 1
    return found[0] if found else None


def task_runs(server: Server, run_id: str) -> list[dict[str, Any]]:
    return server.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})


def complaints(stderr: str) -> list[str]:
    """Lines of the client's log that are neither INFO nor what the flow itself logged."""
    lines = [line for line in stderr.splitlines() if re.match(r"\d\d:\d\d:\d\d", line)]
    return [line for line in lines if not re.search(r"\| INFO ", line)]


def test_a_flow_that_does_a_bit_of_everything(server: Server, client: Client) -> None:
    name = f"hello-{uuid.uuid4().hex[:8]}"
    result = client.run(str(SCRIPTS / "hello.py"), name)
    assert result.returncode == 0, result.stderr

    run = run_named(server, name)
    assert run
    assert (run["state_type"], run["run_count"]) == ("COMPLETED", 1)
    assert run["start_time"] <= run["end_time"]
    assert run["total_run_time"] > 0

    runs = wait_for(lambda: len(found := task_runs(server, run["id"])) == 10 and found)
    counts = Counter(task_run["name"].rpartition("-")[0] for task_run in runs)
    assert counts == {"add": 4, "shout": 3, "fails_once": 1, "always_fails": 1, "child": 1}
    states = {task_run["name"].rpartition("-")[0]: task_run["state_type"] for task_run in runs}
    assert states["always_fails"] == "FAILED"
    assert {state for task, state in states.items() if task != "always_fails"} == {"COMPLETED"}
    retried = next(task_run for task_run in runs if task_run["name"].startswith("fails_once"))
    assert retried["run_count"] == 2
    history = [state["name"] for state in server.get(f"/task_run_states/?task_run_id={retried['id']}")]
    assert history == ["Pending", "Running", "Retrying", "Completed"]

    placeholder = next(task_run for task_run in runs if task_run["name"].startswith("child"))
    subflow = server.post("/flow_runs/filter", {"flow_runs": {"parent_task_run_id": {"any_": [placeholder["id"]]}}})[0]
    assert subflow["state_type"] == "COMPLETED"
    assert placeholder["state"]["state_details"]["child_flow_run_id"] == subflow["id"]

    logs = wait_for(
        lambda: (
            (lines := server.post("/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}}))
            and lines[-1]["message"].startswith("Finished")
            and lines
        )
    )
    messages = [line["message"] for line in logs]
    assert "Grüße an world ☃" in messages
    assert {"A!", "B!", "C!", "done"} <= set(messages)
    assert next(line["level"] for line in logs if line["message"] == "a warning") == 30
    assert "locked" not in server.log.read_text()

    expected = ("a warning", "Task run failed with exception", "Finished in state Failed")
    assert [line for line in complaints(result.stderr) if not any(text in line for text in expected)] == []


@pytest.mark.parametrize(
    ("flow", "exit_code", "state_type", "state_name", "history"),
    [
        ("failing", 1, "FAILED", "Failed", ["Pending", "Running", "Failed"]),
        ("slow", 1, "FAILED", "TimedOut", ["Pending", "Running", "TimedOut"]),
        ("named_end", 0, "COMPLETED", "Skipped", ["Pending", "Running", "Skipped"]),
        ("cancels_itself", 1, "CANCELLED", "Cancelled", ["Pending", "Running", "Cancelled"]),
        ("retried", 0, "COMPLETED", "Completed", ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]),
        ("waits_in_vain", 1, "FAILED", "Failed", ["Pending", "Running", "Paused", "Failed"]),
    ],
)
def test_flows_end_as_on_prefects_server(
    server: Server, client: Client, flow: str, exit_code: int, state_type: str, state_name: str, history: list[str]
) -> None:
    name = f"{flow}-{uuid.uuid4().hex[:8]}"
    result = client.run(str(SCRIPTS / "endings.py"), flow, name)
    assert result.returncode == exit_code, result.stderr
    assert f"STATE {state_type} {state_name}" in result.stdout
    run = run_named(server, name)
    assert run
    assert (run["state_type"], run["state_name"]) == (state_type, state_name)
    names = [state["name"] for state in server.get(f"/flow_run_states/?flow_run_id={run['id']}")]
    if flow == "waits_in_vain" and names[-2:] == ["Failed", "Failed"]:
        names.pop()  # the server ended the pause first, and the client says it once more
    assert names == history


def paused(server: Server, name: str) -> dict[str, Any]:
    return wait_for(lambda: (run := run_named(server, name)) and run["state_type"] == "PAUSED" and run)


def test_a_pause_is_resumed_from_the_command_line(server: Server, client: Client) -> None:
    name = f"waits-{uuid.uuid4().hex[:8]}"
    process = client.start(str(SCRIPTS / "endings.py"), "waits", name)
    paused(server, name)
    resumed = flowctl(server.db, "runs", "resume", name)
    assert resumed.returncode == 0, resumed.stderr
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert "STATE COMPLETED Completed" in stdout


def test_a_pause_that_asks_for_input_takes_only_what_fits(server: Server, client: Client) -> None:
    name = f"asks-{uuid.uuid4().hex[:8]}"
    process = client.start(str(SCRIPTS / "endings.py"), "asks", name)
    run = paused(server, name)
    refused = server.post(f"/flow_runs/{run['id']}/resume", {"run_input": {"approve": "perhaps"}})
    assert refused["status"] == "REJECT"
    refused = flowctl(server.db, "runs", "resume", name, "--input", "note=x")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    resumed = flowctl(server.db, "runs", "resume", name, "--input", "approve=true", "--input", "note=fine")
    assert resumed.returncode == 0, resumed.stderr
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert wait_for(lambda: (run := run_named(server, name)) and run["state_type"] == "COMPLETED")


VARIABLES = """
from prefect.variables import Variable

Variable.set("city", "Köln", tags=["eu"])
try:
    Variable.set("city", "Bonn")
except ValueError as error:
    assert "already exists" in str(error), error
Variable.set("city", {"name": "Bonn"}, overwrite=True)
assert Variable.get("city") == {"name": "Bonn"}
assert Variable.get("town", "none") == "none"
Variable.set("gone", 1)
assert (Variable.unset("gone"), Variable.unset("gone")) == (True, False)
"""


def test_variables_are_shared_with_the_command_line(server: Server, client: Client) -> None:
    result = client.run("-c", VARIABLES)
    assert result.returncode == 0, result.stderr
    assert flowctl(server.db, "variables", "dump", "-o", "jsonl").stdout.splitlines() == [
        '{"name":"city","value":{"name":"Bonn"},"tags":[]}'
    ]
    assert flowctl(server.db, "variables", "set", "zip", "01234", "--text").returncode == 0
    listed = client.run("-m", "prefect", "variable", "ls", "-o", "json")
    assert [each["value"] for each in json.loads(listed.stdout)] == [{"name": "Bonn"}, "01234"]
    assert client.run("-m", "prefect", "--no-prompt", "variable", "unset", "zip").returncode == 0
    assert flowctl(server.db, "variables", "get", "zip").returncode == 3
