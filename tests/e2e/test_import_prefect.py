"""Files and servers of real Prefect releases, imported: flowctl's API answers what theirs did."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect_file import PrefectFile
from prefect_history import answers, comparable, differences, httpx_post, make_history, prefect_server
from processes import flowctl, serving

from flowctl.db.database import Database
from flowctl.ops import health_check

pytestmark = pytest.mark.e2e

RELEASES = ("3.0.11", "3.4.25", "3.8.1")
NEWEST = "3.8.1"


@dataclass
class Left:
    """What a Prefect server left: its file, and what its API said at the end."""

    release: str
    path: Path
    answers: dict[str, Any]


@pytest.fixture(scope="module", params=RELEASES)
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """The file of a server that has been stopped."""
    home = tmp_path_factory.mktemp(f"prefect-{request.param}")
    with prefect_server(request.param, home) as api:
        make_history(request.param, home, api)
        said = answers(api)
    return Left(request.param, home / "prefect.db", said)


def test_a_file_is_imported_whole_and_once(left: Left, tmp_path: Path) -> None:
    db = tmp_path / "flowctl.db"
    would = report(db, str(left.path), "--dry-run")
    assert not db.exists()
    brought = report(db, str(left.path))
    assert counts(brought) == counts(would)
    assert all(kind["source"] == kind["new"] for kind in brought["kinds"])
    assert brought["left_out"] == {"blocks": 1}
    assert (brought["active_schedules"], brought["active_runs"]) == (1, 1)

    again = report(db, str(left.path))
    assert [kind for kind in again["kinds"] if kind["new"] or kind["updated"] or kind["kept"] or kind["joined"]] == []
    assert [kind["source"] for kind in again["kinds"]] == [kind["source"] for kind in brought["kinds"]]
    assert_same_answers(left.answers, db)


def assert_same_answers(there: dict[str, Any], db: Path) -> None:
    database = Database(db)
    assert health_check.run(database, progress=lambda _: None) == []
    database.close()
    with serving(db, "--no-services") as server:
        here = answers(server.api)
    assert {kind: sorted(each) for kind, each in keys(there)} == {kind: sorted(each) for kind, each in keys(here)}
    assert differences(comparable(there), comparable(here)) == []


def keys(said: dict[str, Any]) -> list[tuple[str, Any]]:
    """The ids of each kind; limits on tags are ordinary limits since 3.4."""
    return [(kind, each) for kind, each in said.items() if isinstance(each, dict) and "limits" not in kind]


def report(db: Path, *arguments: str) -> dict[str, Any]:
    result = flowctl(db, "import", "prefect", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def counts(found: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {kind["table"]: (kind["new"], kind["updated"], kind["skipped"]) for kind in found["kinds"]}


def test_a_running_server_is_imported_by_its_address_and_by_its_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    by_api, by_file = tmp_path / "api.db", tmp_path / "file.db"
    with prefect_server(NEWEST, home) as api:
        make_history(NEWEST, home, api)
        said = answers(api)
        would = report(by_api, api, "--dry-run")
        brought = report(by_api, api.removesuffix("/api"))
        assert counts(brought) == counts(would)
        from_file = report(by_file, str(home / "prefect.db"))
        assert {each["table"]: each["new"] for each in brought["kinds"]} == {
            each["table"]: each["new"] for each in from_file["kinds"]
        }
        again = report(by_api, api)
        assert [kind for kind in again["kinds"] if kind["new"] or kind["updated"]] == []
        assert_same_answers(said, by_api)
        assert_same_answers(said, by_file)

        # a run goes on there, another one here
        post = httpx_post(api)
        (running,) = post("/flow_runs/filter", {"flow_runs": {"name": {"any_": ["running"]}}})
        (later,) = post("/flow_runs/filter", {"flow_runs": {"tags": {"all_": ["later"]}}})
        for run in (running, later):
            post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": "COMPLETED"}, "force": True})
        done_here = flowctl(by_file, "runs", "set-state", later["id"], "cancelled", "--force")
        assert done_here.returncode == 0, done_here.stderr
        for db, source in ((by_api, api), (by_file, str(home / "prefect.db"))):
            changes = {each["table"]: each for each in report(db, source)["kinds"]}
            assert changes["flow_run"]["updated"] == (2 if db is by_api else 1)
            assert changes["flow_run"]["kept"] == (0 if db is by_api else 1)
            assert state(db, running["id"]) == "Completed"
        assert state(by_api, later["id"]) == "Completed"
        assert state(by_file, later["id"]) == "Cancelled"


def test_from_a_flowctl_server_into_the_file_of_another(tmp_path: Path) -> None:
    file = PrefectFile(tmp_path / "prefect.db")
    flow = file.flow("etl")
    old = file.run(flow, "old", "RUNNING", "COMPLETED", days=100)
    parent = file.run(flow, "old-parent", "RUNNING", "CRASHED", days=100)
    task = file.insert("task_run", 100, flow_run_id=parent, name="child-0", task_key="child", dynamic_key="0")
    file.run(flow, "child", "RUNNING", "COMPLETED", days=10, parent_task_run_id=task)
    file.schedule(file.deployment(flow, "nightly", tags="[]", paused=0))
    for number in range(450):
        file.log(file.run(flow, f"run-{number}", "RUNNING", "COMPLETED", days=1), f"line {number}", days=1)
    file.close()
    first, second, part = (tmp_path / f"{name}.db" for name in ("first", "second", "part"))
    report(first, str(file.path))
    with serving(first, "--no-services") as source, serving(second, "--no-services") as target:
        brought = report(second, source.api)
        assert {each["table"]: each["new"] for each in brought["kinds"]}["flow_run"] == 453
        assert differences(answers(source.api), answers(target.api)) == []
        found = counts(report(part, source.api, "--since", "30d", "--pause-schedules"))
        assert (found["flow_run"], found["log"][0]) == ((452, 0, 1), 450)
        ids = {run["id"] for run in json.loads(flowctl(part, "runs", "ls", "--all", "--json").stdout)}
        assert parent in ids
        assert old not in ids
        assert counts(report(second, source.api))["flow_run"] == (0, 0, 453)


def state(db: Path, id: str) -> str:
    return json.loads(flowctl(db, "runs", "show", id, "--json").stdout)["state"]["name"]


def test_a_file_without_its_log_is_read_where_nothing_can_be_written(left: Left, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(left.path, copy)
    log = left.path.with_name("prefect.db-wal")
    if log.exists():
        shutil.copy(log, tmp_path / "copy.db-wal")
    before = copy.read_bytes()
    assert report(tmp_path / "flowctl.db", str(copy))["kinds"]
    assert copy.read_bytes() == before
