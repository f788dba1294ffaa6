"""A real Prefect server of some release with a history, and what its API answers about it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from processes import Client, clean_environment, prefect_python, wait_for

SCRIPT = Path(__file__).parent / "e2e" / "scripts" / "history.py"
_QUIET = ("SCHEDULER", "LATE_RUNS", "FOREMAN", "TRIGGERS")
"""Services that would change things by themselves."""
_FLUSHED = ("API_SERVICES_EVENT_PERSISTER", "SERVER_SERVICES_TASK_RUN_RECORDER")
"""Services that gather what they write, 5 s long if nothing is said: longer than `make_history` watches for quiet."""


@contextmanager
def prefect_server(release: str, home: Path) -> Iterator[str]:
    """Run a Prefect server with its SQLite file in `home` until the block ends; gives its API's address."""
    python = prefect_python(release)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    environment = {
        **clean_environment(),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **{f"PREFECT_API_SERVICES_{name}_ENABLED": "false" for name in _QUIET},
        **{f"PREFECT_{name}_FLUSH_INTERVAL": "1" for name in _FLUSHED},
    }
    log = home / "server.log"
    command = [str(python.with_name("prefect")), "server", "start", "--port", str(port), "--no-ui"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    api = f"http://127.0.0.1:{port}/api"

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{api}/health").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(is_up, 90)
        yield api
    finally:
        process.send_signal(signal.SIGINT)  # it stops the process that serves, too
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


_QUIET_LOOKS = 8
"""So many times, half a second apart, the history is the same: four times as long as anything is gathered."""


def make_history(release: str, home: Path, api: str) -> None:
    """Run the flows of `history.py` and leave objects of all kinds."""
    result = Client(prefect_python(release), home, api).run(str(SCRIPT), "first")
    assert result.returncode == 0, result.stderr
    post = httpx_post(api)

    def is_settled() -> bool:
        """Whether the services that write events, task runs and logs have caught up."""
        logs = post("/logs/filter", {})
        runs = post("/task_runs/filter", {})
        events = post("/events/filter", {"filter": {"occurred": {"since": "2020-01-01T00:00:00Z"}}})["total"]
        found = (len(logs), len(runs), events, [run["state_type"] in ("COMPLETED", "FAILED") for run in runs])
        last.append(found)
        return len(runs) == 7 and all(found[3]) and last[-_QUIET_LOOKS:] == [found] * _QUIET_LOOKS

    last: list[Any] = []
    wait_for(is_settled, 60, every=0.5)


def httpx_post(api: str) -> Callable[[str, object], Any]:
    """Sends requests to an API and gives the parsed answers."""

    def post(path: str, body: object) -> Any:
        response = httpx.post(api + path, json=body, timeout=30)
        response.raise_for_status()
        return response.json()

    return post


_CHANGING = {"estimated_run_time", "estimated_start_time_delta", "estimated_start_time"}
"""Fields that tell how long something lasts until now."""


def answers(api: str) -> dict[str, Any]:
    """What an API says about everything that is imported, by kind and id."""
    post = httpx_post(api)

    def get(path: str) -> Any:
        response = httpx.get(api + path, timeout=30)
        response.raise_for_status()
        return response.json()

    def by_id(items: list[Any]) -> dict[str, Any]:
        return {item["id"]: _steady(item) for item in items}

    found = {
        "flows": by_id(post("/flows/filter", {})),
        "flow runs": by_id(post("/flow_runs/filter", {})),
        "task runs": by_id(post("/task_runs/filter", {})),
        "deployments": by_id(post("/deployments/filter", {})),
        "logs": by_id(post("/logs/filter", {})),
        "artifacts": by_id(post("/artifacts/filter", {})),
        "latest artifacts": by_id(post("/artifacts/latest/filter", {})),
        "saved searches": by_id(post("/saved_searches/filter", {})),
        "variables": by_id(post("/variables/filter", {})),
        "limits": by_id(post("/v2/concurrency_limits/filter", {})),
        "tag limits": by_id(post("/concurrency_limits/filter", {})),
        "events": by_id(_events(api)),
    }
    for kind in ("flow", "task"):
        for id in found[f"{kind} runs"]:
            found[f"states of {kind} run {id}"] = get(f"/{kind}_run_states/?{kind}_run_id={id}")
    for id in found["flow runs"]:
        found[f"inputs of {id}"] = post(f"/flow_runs/{id}/input/filter", {"prefix": "", "limit": 50})
    return found


def _events(api: str) -> list[Any]:
    """All events, page by page."""
    answer = httpx_post(api)("/events/filter", {"filter": {"occurred": {"since": "2020-01-01T00:00:00Z"}}})
    found: list[Any] = answer["events"]
    while following := answer.get("next_page"):
        response = httpx.get(f"{api}/events/filter/next?{following.partition('?')[2]}", timeout=30)
        response.raise_for_status()
        answer = response.json()
        found += answer["events"]
    return found


def _steady(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in _CHANGING}


def comparable(value: Any) -> Any:
    """A JSON value with all times written the same way, and tags in one order."""
    if isinstance(value, dict):
        return {name: sorted(each) if name == "tags" else comparable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if isinstance(value, str) and value[10:11] == "T" and value[4:5] == "-":
        return value.replace("+00:00", "Z")
    return value


def differences(there: Any, here: Any, path: str = "") -> list[str]:
    """Where two JSON values differ; what only one of two objects has, as releases do, is no difference."""
    if isinstance(there, dict) and isinstance(here, dict):
        found: list[str] = []
        for name in there.keys() & here.keys():
            found += differences(there[name], here[name], f"{path}.{name}")
        return found
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        return [
            line for i, pair in enumerate(zip(there, here, strict=True)) for line in differences(*pair, f"{path}[{i}]")
        ]
    return [] if there == here else [f"{path}: {there!r} there, {here!r} here"]
