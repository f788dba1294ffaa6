"""What tests with runners and workers share: starting a deployment's run, and waiting for what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from processes import Server, wait_for

SCRIPTS = Path(__file__).parent / "scripts"


def deployment_id(server: Server, name: str) -> str:
    """The id of a deployment (NAME or FLOW/NAME), once it is there."""
    flow, _, deployment = name.rpartition("/")
    criteria = {
        "deployments": {"name": {"any_": [deployment]}},
        **({"flows": {"name": {"any_": [flow]}}} if flow else {}),
    }

    def find() -> str | None:
        found = server.post("/deployments/filter", criteria)
        return found[0]["id"] if found else None

    return wait_for(find)


def start_run(server: Server, name: str, **parameters: object) -> str:
    """Ask for a run of a deployment; returns its id."""
    return server.post(f"/deployments/{deployment_id(server, name)}/create_flow_run", {"parameters": parameters})["id"]


def state(server: Server, run_id: str) -> dict[str, Any]:
    """The present state of a run."""
    return server.get(f"/flow_runs/{run_id}")["state"]


def wait_for_state(server: Server, run_id: str, *types: str, seconds: float = 40) -> dict[str, Any]:
    """The state of a run, once it has one of these types."""
    return wait_for(lambda: (now := state(server, run_id))["type"] in types and now, seconds)


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def pids(path: Path) -> list[int]:
    """The numbers that a flow writes into a file, once it has."""
    return wait_for(lambda: path.exists() and [int(word) for word in path.read_text().split()], 40)
