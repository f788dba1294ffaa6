"""The same flow with clients of several releases: all leave the same states."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from processes import Client, Server, prefect_python, wait_for

pytestmark = pytest.mark.e2e
SCRIPT = Path(__file__).parent / "scripts" / "hello.py"

RELEASES = ("3.0.11", "3.4.25", "3.8.1")
"""The oldest minor release, one from the middle, and the one whose API flowctl speaks."""

EXPECTED = {
    "add": {("Pending", "Running", "Completed"): 4},
    "shout": {("Pending", "Running", "Completed"): 3},
    "fails_once": {("Pending", "Running", "Retrying", "Completed"): 1},
    "always_fails": {("Pending", "Running", "Failed"): 1},
    "child": {("Pending", "Pending", "Running", "Completed"): 1},
}
"""Histories of the flow's task runs, and how many have each; the subflow's placeholder has its own first state."""


@pytest.mark.parametrize("release", RELEASES)
def test_a_flow_leaves_the_same_states_whatever_the_client(server: Server, tmp_path: Path, release: str) -> None:
    name = f"matrix-{uuid.uuid4().hex[:8]}"
    result = Client(prefect_python(release), tmp_path / "home", server.api).run(str(SCRIPT), name)
    assert result.returncode == 0, result.stderr
    assert complaints(result.stderr) == []

    (run,) = server.post("/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})
    assert (run["state_type"], run["state_name"], run["run_count"]) == ("COMPLETED", "Completed", 1)
    assert history(server, "flow_run", run) == ("Pending", "Running", "Completed")
    assert wait_for(lambda: (found := histories(server, run)) == EXPECTED and found)

    (placeholder,) = [each for each in task_runs(server, run) if each["name"].startswith("child")]
    query = {"flow_runs": {"parent_task_run_id": {"any_": [placeholder["id"]]}}}
    (subflow,) = server.post("/flow_runs/filter", query)
    assert subflow["state_type"] == "COMPLETED"

    def messages() -> set[str]:
        lines = server.post("/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
        return {line["message"] for line in lines}

    assert wait_for(lambda: {"Grüße an world ☃", "A!", "B!", "C!", "done"} <= messages())


def task_runs(server: Server, run: dict[str, Any]) -> list[dict[str, Any]]:
    return server.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})


def history(server: Server, kind: str, run: dict[str, Any]) -> tuple[str, ...]:
    return tuple(state["name"] for state in server.get(f"/{kind}_states/?{kind}_id={run['id']}"))


def histories(server: Server, run: dict[str, Any]) -> dict[str, Counter[tuple[str, ...]]]:
    found: dict[str, Counter[tuple[str, ...]]] = {}
    for task_run in task_runs(server, run):
        name = task_run["name"].rpartition("-")[0]
        found.setdefault(name, Counter())[history(server, "task_run", task_run)] += 1
    return found


def complaints(stderr: str) -> list[str]:
    """Lines of the client's log above INFO that are not about what the flow does on purpose."""
    lines = [line for line in stderr.splitlines() if re.match(r"\d\d:\d\d:\d\d", line)]
    on_purpose = ("a warning", "Task run failed with exception", "Finished in state Failed", "will retry")
    return [line for line in lines if "| INFO " not in line and not any(text in line for text in on_purpose)]
