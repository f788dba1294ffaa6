"""`flowctl import prefect` on files that were made for the purpose; tests/e2e has those of real servers."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prefect_file import PrefectFile
from processes import clean_environment, wait_for

from flowctl.db.database import Database
from flowctl.ops import health_check


@pytest.fixture
def there(tmp_path: Path):
    file = PrefectFile(tmp_path / "prefect.db")
    yield file
    file.close()


def imported(cli, file: PrefectFile, *flags: str) -> dict[str, Any]:
    """The lines of the report that say something, by table."""
    result = cli("import", "prefect", str(file.path), "--json", *flags)
    assert result.code == 0, result.err
    return {each["table"]: each for each in result.json["kinds"] if each["source"]}


def names(cli) -> dict[str, str]:
    return {run["name"]: run["state"]["name"] for run in cli("runs", "ls", "--all", "--json").json}


def select(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute(sql).fetchall()


def test_the_table_tells_what_was_brought(cli, there: PrefectFile) -> None:
    flow = there.flow("etl")
    there.run(flow, "brisk-otter", "PENDING", "RUNNING", "COMPLETED")
    there.insert("block_document", name="city")
    would = cli("import", "prefect", str(there.path), "--dry-run")
    assert (would.code, names(cli)) == (0, {})
    result = cli("import", "prefect", str(there.path))
    assert result.code == 0
    assert result.out == would.out
    assert result.lines == [
        "KIND                 IN SOURCE  NEW  UPDATED  SKIPPED",
        "flows                1          1    0        0",
        "flow runs            1          1    0        0",
        "states of flow runs  3          3    0        0",
    ]
    assert "Left out, as flowctl has no place for them: blocks (1)." in result.err
    assert "Nothing is deleted by itself here" in result.err
    assert names(cli) == {"brisk-otter": "Completed"}
    assert cli("runs", "show", "brisk-otter", "--json").json["total_run_time"] == 86401.5
    assert cli("import", "prefect", str(there.path), "-o", "csv").lines[1] == "flows,1,0,0,1"
    assert "off: runs stay" in cli("db", "retention").out


def test_variables_come_as_they_are(cli, there: PrefectFile, db_path: Path) -> None:
    id = there.insert("variable", name="city", value='{"name": "K\u00f6ln"}', tags='["x"]')
    there.insert("variable", name="empty", value="null", tags="[]")
    assert imported(cli, there)["variable"]["new"] == 2
    city, empty = cli("api", "POST", "/variables/filter").json
    assert (city["id"], city["value"], city["tags"]) == (id, {"name": "K\u00f6ln"}, ["x"])
    assert empty["value"] is None
    there.conn.execute("UPDATE variable SET value = '5', updated = ? WHERE id = ?", (there.ago(-1), id))
    assert imported(cli, there)["variable"]["updated"] == 1
    assert select(db_path, "SELECT value FROM variable ORDER BY name")[0] == ("5",)


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("missing.db", 3, "There is no file"),
        ("postgresql+asyncpg://host/prefect", 2, "read through the Prefect server"),
        ("http://127.0.0.1:9/api", 9, "No server answers at http://127.0.0.1:9/api"),
    ],
)
def test_sources_that_are_none(cli, source: str, code: int, message: str) -> None:
    result = cli("import", "prefect", source)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_without_a_source_prefects_own_file_is_looked_for(cli, there: PrefectFile, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "nothing"))
    result = cli("import", "prefect")
    assert result.code == 3
    assert str(tmp_path / "nothing" / "prefect.db") in result.err
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    there.flow("etl")
    assert cli("import", "prefect", "--json").json["kinds"][0]["new"] == 1


def test_files_that_are_not_prefect_3s_are_refused(cli, there: PrefectFile, db_path: Path, tmp_path: Path) -> None:
    there.conn.execute("ALTER TABLE flow_run DROP COLUMN job_variables")
    result = cli("import", "prefect", str(there.path))
    assert (result.code, result.out) == (6, "")
    assert "was written by Prefect 2" in result.err
    Database(db_path).close()
    assert "is a file of flowctl's" in cli("import", "prefect", str(db_path)).err
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as conn:
        conn.execute("CREATE TABLE t (a)")
    assert "is not the database of a Prefect server" in cli("import", "prefect", str(other)).err
    other.write_text("no database at all, but a text of some length")
    assert cli("import", "prefect", str(other)).code == 6


def test_it_is_the_file_that_is_written_to(cli, there: PrefectFile) -> None:
    result = cli("import", "prefect", str(there.path), "--api", "http://127.0.0.1:9/api")
    assert result.code == 2
    assert "works on the database file" in result.err


def test_since_and_the_parents_of_what_is_newer(cli, there: PrefectFile) -> None:
    flow = there.flow("etl")
    there.run(flow, "old", "RUNNING", "COMPLETED", days=100)
    parent = there.run(flow, "old-parent", "RUNNING", "CRASHED", days=100)
    task = there.insert("task_run", 100, flow_run_id=parent, name="child-0", task_key="child", dynamic_key="0")
    there.run(flow, "new-child", "RUNNING", "COMPLETED", days=10, parent_task_run_id=task)
    there.run(flow, "old-but-running", "RUNNING", days=100)
    for run in (parent, None):
        there.log(run, "old", days=100)
        there.log(run, "new", days=1)
    there.log("0d8b1bd7-0000-4000-8000-000000000000", "of a run that is gone")
    assert "log lines of deleted runs (1)" in cli("import", "prefect", str(there.path), "--dry-run").err
    found = imported(cli, there, "--since", "30d")
    assert set(names(cli)) == {"old-parent", "new-child", "old-but-running"}
    assert (found["flow_run"]["source"], found["flow_run"]["new"], found["flow_run"]["skipped"]) == (4, 3, 1)
    assert (found["log"]["source"], found["log"]["new"]) == (5, 3)
    everything = imported(cli, there)
    assert everything["flow_run"]["new"] == 1
    assert everything["log"]["new"] == 1
    result = cli("import", "prefect", str(there.path), "--since", "long ago")
    assert (result.code, result.out) == (2, "")


def test_schedules_come_active_unless_they_are_to_pause(cli, there: PrefectFile, db_path: Path, tmp_path: Path) -> None:
    deployment = there.deployment(there.flow("etl"), "nightly")
    there.schedule(deployment)
    flow = select(there.path, "SELECT flow_id FROM deployment")[0][0]
    there.run(flow, "planned", "SCHEDULED", days=-1, auto_scheduled=1, deployment_id=deployment)
    there.run(flow, "wanted", "SCHEDULED", days=-1, deployment_id=deployment)
    other = tmp_path / "other.db"
    result = cli("import", "prefect", str(there.path), "--pause-schedules", "--db", str(other))
    assert result.code == 0
    assert "may make runs" not in result.err
    assert select(other, "SELECT active FROM deployment_schedule") == [(0,)]
    assert select(other, "SELECT name FROM flow_run") == [("wanted",)]
    result = cli("import", "prefect", str(there.path))
    assert "1 active schedule may make runs in both places" in result.err
    assert select(db_path, "SELECT active, evaluated_at FROM deployment_schedule") == [(1, None)]
    assert select(db_path, "SELECT name FROM flow_run ORDER BY name") == [("planned",), ("wanted",)]


def test_what_changed_in_one_place_wins_and_what_changed_in_both_stays(cli, there: PrefectFile, db_path: Path) -> None:
    flow = there.flow("etl")
    ends_there = there.run(flow, "ends-there", "PENDING", "RUNNING", days=1)
    ends_here = there.run(flow, "ends-here", "PENDING", "RUNNING", days=1)
    ends_twice = there.run(flow, "ends-twice", "PENDING", "RUNNING", days=1)
    changed = [there.deployment(flow, name, tags="[]", paused=0) for name in ("there", "here", "both")]
    assert imported(cli, there)["flow_run"]["new"] == 3

    for run in (ends_here, ends_twice):
        assert cli("runs", "set-state", run, "crashed", "--force").code == 0
    for id in changed[1:]:
        assert cli("deployments", "pause", id).code == 0
    for run in (ends_there, ends_twice):
        there.goes_on(run, "COMPLETED")
    for id in (changed[0], changed[2]):
        there.conn.execute("UPDATE deployment SET tags = '[\"x\"]', updated = ? WHERE id = ?", (there.ago(0), id))

    for flags in (("--dry-run",), ()):
        found = imported(cli, there, *flags)
        assert (found["flow_run"]["updated"], found["flow_run"]["kept"]) == (1, 2)
        assert found["flow_run_state"]["new"] == 1
        assert (found["deployment"]["updated"], found["deployment"]["kept"]) == (1, 1)
    assert names(cli) == {"ends-there": "Completed", "ends-here": "Crashed", "ends-twice": "Crashed"}
    assert select(db_path, "SELECT name, paused, tags FROM deployment ORDER BY name") == [
        ("both", 1, "[]"),
        ("here", 1, "[]"),
        ("there", 0, '["x"]'),
    ]
    assert imported(cli, there)["flow_run"]["updated"] == 0
    assert_sound(db_path)


def test_a_run_that_only_became_late_here_is_as_it_is_there(cli, there: PrefectFile, db_path: Path) -> None:
    run = there.run(there.flow("etl"), "waits", "SCHEDULED", days=1)
    imported(cli, there)
    assert cli("runs", "set-state", run, "Late", "--force").code == 0
    assert names(cli) == {"waits": "Late"}
    there.goes_on(run, "RUNNING")
    assert imported(cli, there)["flow_run"]["updated"] == 1
    assert names(cli) == {"waits": "Running"}
    assert len(select(db_path, "SELECT id FROM flow_run_state")) == 2
    assert_sound(db_path)


def test_what_was_deleted_here_stays_deleted(cli, there: PrefectFile, db_path: Path) -> None:
    flow = there.flow("etl")
    run = there.run(flow, "gone", "RUNNING", "COMPLETED")
    there.log(run, "hello")
    there.insert("flow_run_input", flow_run_id=run, key="k", value="1")
    there.insert("task_run", flow_run_id=run, name="t-0", task_key="t", dynamic_key="0")
    deployment = there.deployment(flow, "nightly")
    there.schedule(deployment)
    imported(cli, there)
    assert cli("runs", "delete", "gone", "-y").code == 0
    assert cli("deployments", "delete", "etl/nightly", "-y").code == 0
    there.schedule(deployment)
    found = imported(cli, there)
    assert (found["flow_run"]["kept"], found["deployment"]["kept"], found["deployment_schedule"]["kept"]) == (1, 1, 2)
    assert [found[table]["new"] for table in ("task_run", "log", "flow_run_input")] == [0, 0, 0]
    assert names(cli) == {}
    assert_sound(db_path)
    assert cli("runs", "undo", "-y").code == 0
    assert [each for each in imported(cli, there).values() if each["new"] or each["updated"]] == []
    assert select(db_path, "SELECT count(*) FROM log") == [(1,)]
    assert_sound(db_path)


def test_a_name_that_is_taken_here_stands_for_the_one_there(cli, there: PrefectFile, world, db_path: Path) -> None:
    world.run("mine")  # of a flow called etl
    (mine,) = select(db_path, "SELECT id, name FROM flow")
    flow = there.flow(mine[1])
    pool = there.insert("work_pool", name="shelf", type="process")
    there.insert("work_queue", work_pool_id=pool, name="default", priority=1)
    there.deployment(flow, "nightly")
    there.run(flow, "theirs", "RUNNING", "COMPLETED")
    with closing(sqlite3.connect(db_path)) as conn:
        conn.execute("INSERT INTO work_pool (id, name, type) VALUES ('p', 'shelf', 'process')")
        conn.commit()
    found = imported(cli, there)
    assert (found["flow"]["joined"], found["work_pool"]["joined"]) == (1, 1)
    assert {row[0] for row in select(db_path, "SELECT flow_id FROM flow_run")} == {mine[0]}
    assert select(db_path, "SELECT flow_id FROM deployment") == [(mine[0],)]
    assert select(db_path, "SELECT work_pool_id FROM work_queue") == [("p",)]
    assert imported(cli, there)["flow_run"]["new"] == 0
    assert_sound(db_path)


def test_limits_of_the_first_releases(cli, tmp_path: Path, db_path: Path) -> None:
    file = PrefectFile(
        tmp_path / "old.db",
        without=("deployment.concurrency_limit_id", "flow.labels", "flow_run.labels", "deployment_schedule.slug"),
        extra=("deployment.concurrency_limit",),
    )
    file.conn.execute("CREATE TABLE concurrency_limit (id, created, updated, tag, concurrency_limit, active_slots)")
    file.insert("concurrency_limit", tag="db", concurrency_limit=5, active_slots='["x"]')
    file.insert("concurrency_limit_v2", name="licence", limit=3, active=1, active_slots=2)
    deployment = file.deployment(file.flow("etl"), "nightly", concurrency_limit=2)
    file.schedule(deployment)
    assert imported(cli, file)["concurrency_limit_v2"]["new"] == 3
    file.close()
    rows = select(db_path, 'SELECT name, "limit", active_slots FROM concurrency_limit_v2 ORDER BY name')
    assert rows == [(f"deployment:{deployment}", 2, 0), ("licence", 3, 0), ("tag:db", 5, 0)]
    assert select(db_path, "SELECT labels FROM flow") == [("{}",)]
    shown = cli("deployments", "show", "etl/nightly", "--json").json
    assert shown["global_concurrency_limit"]["limit"] == 2


def test_runs_that_name_no_state_of_their_own_get_their_last_one(cli, there: PrefectFile, db_path: Path) -> None:
    run = there.run(there.flow("etl"), "odd", "PENDING", "RUNNING", "COMPLETED")
    there.conn.execute("UPDATE flow_run SET state_id = 'nothing', state_name = 'Wrong' WHERE id = ?", (run,))
    imported(cli, there)
    assert names(cli) == {"odd": "Completed"}
    assert_sound(db_path)


def test_events_are_history_and_no_news(cli, there: PrefectFile, db_path: Path) -> None:
    for number in range(3):
        there.insert(
            "events",
            occurred=there.ago(5 - number),
            received=there.ago(5 - number),
            recorded=there.ago(5 - number),
            event=f"e{number}",
            resource_id="a",
            resource='{"prefect.resource.id": "a"}',
            related_resource_ids='["b", "b"]',
            related="[]",
            payload="{}",
        )
    assert imported(cli, there)["events"]["new"] == 3
    assert select(db_path, "SELECT event, position < 0 FROM events ORDER BY position") == [
        ("e0", 1),
        ("e1", 1),
        ("e2", 1),
    ]
    assert select(db_path, "SELECT count(*) FROM event_resources WHERE resource_id = 'b'") == [(3,)]


def test_an_import_that_was_killed_is_gone_on_with(cli, there: PrefectFile, db_path: Path) -> None:
    flow = there.flow("etl")
    there.conn.execute("BEGIN")
    for number in range(6000):
        run = there.run(flow, f"run-{number}", "RUNNING", "COMPLETED", days=1 + number / 1000)
        there.log(run, "hello", days=1)
    there.conn.execute("COMMIT")
    Database(db_path).close()
    command = [sys.executable, "-m", "flowctl", "import", "prefect", str(there.path)]
    with subprocess.Popen(command, env={**clean_environment(), "FLOWCTL_DB": str(db_path)}) as process:

        def has_begun() -> bool:
            assert process.poll() is None
            return select(db_path, "SELECT count(*) FROM flow_run")[0][0] > 0

        try:
            wait_for(has_begun, every=0.005)
        finally:
            process.kill()
    assert select(db_path, "SELECT count(*) FROM log")[0][0] < 6000
    found = imported(cli, there)
    assert found["flow_run"]["new"] + found["log"]["new"] > 0
    assert select(db_path, "SELECT (SELECT count(*) FROM flow_run), (SELECT count(*) FROM log)") == [(6000, 6000)]
    assert select(db_path, "SELECT count(*), count(DISTINCT id) FROM log") == [(6000, 6000)]
    assert [each for each in imported(cli, there).values() if each["new"] or each["updated"]] == []
    assert_sound(db_path)


def assert_sound(path: Path) -> None:
    database = Database(path)
    assert health_check.run(database, progress=lambda _: None) == []
    database.close()


def test_the_report_as_json(cli, there: PrefectFile) -> None:
    there.flow("etl")
    wire = cli("import", "prefect", str(there.path), "--json").json
    assert wire["source"] == str(there.path)
    assert wire["kinds"][0] == {
        "kind": "flows",
        "table": "flow",
        "source": 1,
        "new": 1,
        "updated": 0,
        "skipped": 0,
        "kept": 0,
        "joined": 0,
    }
    lines = cli("import", "prefect", str(there.path), "-o", "jsonl", "--fields", "dry_run,left_out").out
    assert json.loads(lines) == {"dry_run": False, "left_out": {}}
