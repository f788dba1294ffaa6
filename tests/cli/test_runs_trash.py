"""`flowctl runs delete | undo | trash`, on the file and by a server; `remote/` has Prefect's, which has no trash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_server import served

from flowctl.domain.flow_runs import FlowRun
from flowctl.settings import Settings


@pytest.fixture(params=["file", "server"])
def there(request: pytest.FixtureRequest, db_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The commands work on the file, or by a server on it."""
    if request.param == "file":
        yield
        return
    with served(Settings(db=db_path, services_enabled=False)) as url:
        monkeypatch.setenv("FLOWCTL_API", url)
        yield


def names(cli: Any) -> set[str]:
    return {run["name"] for run in cli("runs", "ls", "--all", "--json").json}


@pytest.mark.usefixtures("there")
class TestDelete:
    def test_it_refuses_without_an_answer(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "delete", "odd-crane")
        assert (result.code, result.out) == (2, "")
        assert "Delete odd-crane, 1 run (1 task runs, 0 log lines)? `flowctl runs undo`" in result.err
        assert "-y" in result.err
        assert "odd-crane" in names(cli)

    def test_yes(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "delete", "-y", "odd-crane")
        assert (result.code, result.out, result.err) == (0, "deleted 1 run\n", "")
        assert "odd-crane" not in names(cli)

    def test_the_answer_as_data(self, cli, three: list[FlowRun]) -> None:
        told = cli("runs", "delete", "-y", "odd-crane", "--json").json
        assert told["deleted"] == [str(three[0].id)]
        assert cli("runs", "undo", told["batch"]).code == 0

    def test_a_dry_run_tells_how_much(self, cli, world, three: list[FlowRun]) -> None:
        world.run("child", parent=three[0])
        result = cli("runs", "delete", "--name", "*-*", "--dry-run")
        assert (
            result.out == "would delete 3 runs (2 task runs, 3 log lines) of 2 flows; 1 subflow runs of theirs stay\n"
        )
        assert set(cli("runs", "delete", "--name", "*-*", "--dry-run", "--json").json["deleted"]) == {
            str(run.id) for run in three
        }
        assert len(names(cli)) == 4

    def test_from_a_pipe_and_with_what_is_missing(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "delete", "-y", "-q", "-", stdin=f"{three[0].id}\nnobody\n")
        assert (result.code, result.lines) == (7, [str(three[0].id)])
        assert cli("runs", "delete", "-y", "nobody").code == 3

    def test_many(self, cli, world) -> None:
        for number in range(45):
            world.log(world.run(f"test-{number}"), "line")
        world.run("other")
        assert cli("runs", "delete", "-y", "--name", "test-*").out == "deleted 45 runs\n"
        assert names(cli) == {"other"}
        assert cli("runs", "delete", "-y", "--name", "test-*").code == 0
        assert cli("runs", "undo").out == "brought back 45 runs\n"

    def test_for_good(self, cli, three: list[FlowRun]) -> None:
        assert "Nothing brings that back." in cli("runs", "delete", "odd-crane", "--purge").err
        assert cli("runs", "delete", "-y", "odd-crane", "--purge").out == "deleted 1 run for good\n"
        assert cli("runs", "undo").code == 3

    def test_logs_may_stay(self, cli, world, three: list[FlowRun]) -> None:
        assert "log lines stay" in cli("runs", "delete", "brisk-otter", "--keep-logs", "--dry-run").out
        assert cli("runs", "delete", "-y", "brisk-otter", "--keep-logs").code == 0
        with world.database.read() as tx:
            assert tx.scalar("SELECT count(*) FROM log WHERE flow_run_id = ?", (str(three[2].id),)) == 2


def test_an_answer_at_a_terminal(cli, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowctl.cli.output._can_ask", lambda: True)
    declined = cli("runs", "delete", "odd-crane", stdin="n\n")
    assert (declined.code, declined.out) == (1, "")
    assert declined.err.endswith("Nothing was deleted.\n")
    assert cli("runs", "delete", "odd-crane", stdin="").code == 1
    assert cli("runs", "delete", "odd-crane", stdin="yes\n").code == 0
    assert "odd-crane" not in names(cli)


@pytest.mark.usefixtures("there")
class TestUndo:
    def test_the_last_deletion(self, cli, three: list[FlowRun]) -> None:
        before = cli("runs", "show", "calm-lynx", "--json").json
        cli("runs", "delete", "-y", "calm-lynx")
        assert cli("runs", "show", "calm-lynx").code == 3
        result = cli("runs", "undo")
        assert (result.code, result.out, result.err) == (0, "brought back 1 run\n", "")
        assert cli("runs", "show", "calm-lynx", "--json").json == before
        assert cli("runs", "logs", "calm-lynx").out.count("broken") == 1

    def test_runs_that_are_named(self, cli, three: list[FlowRun]) -> None:
        cli("runs", "delete", "-y", "calm-lynx", "odd-crane", "brisk-otter")
        assert cli("runs", "undo", "calm-lynx", "--dry-run").out == "would bring back 1 run\n"
        assert cli("runs", "undo", "calm-lynx", str(three[0].id)[:8], "-q").lines
        assert names(cli) == {"calm-lynx", "odd-crane"}
        assert set(cli("runs", "undo", "--dry-run", "--json").json["restored"]) == {str(three[2].id)}
        assert cli("runs", "undo", "--json").json == {"restored": [str(three[2].id)], "lost": []}

    def test_what_is_not_there(self, cli, world) -> None:
        world.run("twin")
        cli("runs", "delete", "-y", "twin")
        world.run("twin")
        cli("runs", "delete", "-y", "twin")
        ambiguous = cli("runs", "undo", "twin")
        assert (ambiguous.code, ambiguous.out) == (3, "")
        assert ambiguous.err.count("twin, deleted") == 2
        assert cli("runs", "undo", "nobody").code == 3
        assert cli("runs", "undo").code == 0
        assert cli("runs", "undo").code == 0
        assert "empty" in cli("runs", "undo").err

    def test_links_that_lead_nowhere_are_told(self, cli, world, three: list[FlowRun]) -> None:
        world.run("child", parent=three[0])
        cli("runs", "delete", "-y", "child")
        cli("runs", "delete", "-y", "odd-crane", "--purge")
        result = cli("runs", "undo")
        assert (result.code, result.out) == (0, "brought back 1 run\n")
        assert "subflow" in result.err


@pytest.mark.usefixtures("there")
class TestTrash:
    def test_ls(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "trash", "ls", "--json").json == []
        cli("runs", "delete", "-y", "calm-lynx")
        cli("runs", "delete", "-y", "odd-crane", "brisk-otter")
        listed = cli("runs", "trash", "ls")
        assert listed.lines[0].split() == ["ID", "NAME", "FLOW", "STATE", "DELETED", "EXPIRES", "BATCH"]
        assert [line.split()[1] for line in listed.lines[1:]] == ["brisk-otter", "odd-crane", "calm-lynx"]
        told = cli("runs", "trash", "ls", "--json", "--limit", "1").json
        assert [(run["name"], run["flow_name"], run["task_runs"]) for run in told] == [("brisk-otter", "etl", 0)]
        assert cli("runs", "trash", "ls", told[0]["batch"][:8], "-q").lines == [str(three[2].id), str(three[0].id)]
        assert cli("runs", "trash", "ls", "calm-lynx", "-q").lines == [str(three[1].id)]
        assert cli("runs", "trash", "ls", "nobody").code == 3

    def test_ls_of_batches(self, cli, three: list[FlowRun]) -> None:
        cli("runs", "delete", "-y", "odd-crane", "brisk-otter")
        assert cli("runs", "trash", "ls", "--batches").lines[1].split()[1] == "2"
        assert [batch["runs"] for batch in cli("runs", "trash", "ls", "--batches", "--json").json] == [2]

    def test_empty(self, cli, three: list[FlowRun]) -> None:
        cli("runs", "delete", "-y", "odd-crane", "brisk-otter")
        cli("runs", "delete", "-y", "calm-lynx")
        refused = cli("runs", "trash", "empty")
        assert (refused.code, "Forget 3 runs in the trash?" in refused.err) == (2, True)
        assert cli("runs", "trash", "empty", "--dry-run").out == "would forget 3 runs\n"
        assert cli("runs", "trash", "empty", "-y", "calm-lynx").out == "forgot 1 run\n"
        assert cli("runs", "trash", "empty", "-y", "--json").json == {"runs": 2}
        assert cli("runs", "trash", "ls", "-q").lines == []
