from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from api_client import TestClient

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.server.app import create_app
from flowctl.settings import Settings


@pytest.fixture
def api(db_path) -> Any:
    with TestClient(create_app(Settings(db=db_path), webserver_only=True, ignore_cache=True)) as client:
        client.base_url = client.base_url.join("/api")
        yield client


def test_a_file_that_is_not_there_is_not_made_by_looking(cli, tmp_path: Path) -> None:
    path = tmp_path / "mistyped.db"
    for command in (("runs", "ls"), ("deployments", "ls"), ("status",), ("runs", "delete", "--state", "failed")):
        result = cli(*command, "--db", str(path))
        assert (result.code, result.out) == (6, "")
        assert f"{path} is not there" in result.err
    assert not path.exists()


def still(run: dict[str, Any]) -> dict[str, Any]:
    """A run without what grows while it is looked at."""
    return {key: value for key, value in run.items() if not key.startswith("estimated")}


class TestLs:
    def test_a_table(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "ls")
        assert result.code == 0
        assert [line.split()[:4] for line in result.lines] == [
            ["ID", "NAME", "FLOW", "STATE"],
            [str(three[0].id), "odd-crane", "etl", "Running"],
            [str(three[1].id), "calm-lynx", "report", "Failed"],
            [str(three[2].id), "brisk-otter", "etl", "Completed"],
        ]
        assert result.lines[3].split()[6:] == ["4m00s", "prod,db"]

    def test_json_is_the_servers_answer(self, cli, three: list[FlowRun], api: TestClient) -> None:
        ours = cli("runs", "ls", "--json").json
        theirs = [api.get(f"/flow_runs/{run.id}").json() for run in three]
        assert [still(run) for run in ours] == [still(run) for run in theirs]

    def test_other_formats(self, cli, three: list[FlowRun]) -> None:
        assert len(cli("runs", "ls", "-o", "jsonl").lines) == 3
        assert cli("runs", "ls", "-o", "yaml").lines[0] == f"- id: {yaml_word(three[0].id)}"
        assert cli("runs", "ls", "-o", "id").lines == [str(run.id) for run in three]
        rows = list(csv.DictReader(cli("runs", "ls", "-o", "csv").lines))
        assert [(row["name"], row["state"], row["tags"]) for row in rows] == [
            ("odd-crane", "Running", ""),
            ("calm-lynx", "Failed", "prod"),
            ("brisk-otter", "Completed", "prod,db"),
        ]
        assert float(rows[2]["duration"]) == 240

    def test_fields(self, cli, three: list[FlowRun]) -> None:
        fields = ("--fields", "name,state.type", "--fields", "nope")
        assert cli("runs", "ls", "--limit", "1", *fields, "--json").json == [
            {"name": "odd-crane", "state.type": "RUNNING", "nope": None}
        ]
        assert cli("runs", "ls", "--limit", "1", *fields).lines == [
            "NAME       STATE.TYPE  NOPE",
            "odd-crane  RUNNING     -",
        ]

    def test_nothing(self, cli) -> None:
        assert cli("runs", "ls").lines == ["ID  NAME  FLOW  STATE  REASON  START  DURATION  TAGS"]
        assert cli("runs", "ls", "--json").json == []
        assert cli("runs", "ls", "-o", "yaml").out == "[]\n"
        assert cli("runs", "ls", "--no-headers").out == ""


def yaml_word(value: object) -> str:
    text = str(value)
    return text if text[0].isalpha() else f'"{text}"'


class TestShow:
    def test_what_a_person_reads(self, cli, world, three: list[FlowRun]) -> None:
        world.run("child", (StateType.RUNNING, 5), (StateType.CRASHED, 4), parent=three[0])
        result = cli("runs", "show", "odd-crane")
        assert result.code == 0
        pairs = dict(line.split("  ", 1) for line in result.lines if not line.startswith(" "))
        pairs = {name: value.strip() for name, value in pairs.items()}
        assert pairs["id"] == str(three[0].id)
        assert pairs["flow"].startswith("etl (")
        assert pairs["state"].startswith("Running for 10m")
        assert pairs["tasks"] == "1 Completed, 1 Crashed"  # the first stands for the subflow
        assert pairs["subflows"] == "1 Crashed"
        assert "odd-crane" in cli("runs", "show", "child").out

    def test_parameters_stand_one_below_the_other(self, cli, three: list[FlowRun]) -> None:
        lines = cli("runs", "show", "brisk-otter").lines
        assert [
            line.split(maxsplit=1)[1] if line.startswith("parameters") else line.strip() for line in lines[-3:]
        ] == [
            "n: 5",
            'env: "prod"',
            'deep: {"er": true}',
        ]

    def test_json_is_the_servers_answer(self, cli, three: list[FlowRun], api: TestClient) -> None:
        assert still(cli("runs", "show", "calm-lynx", "--json").json) == still(
            api.get(f"/flow_runs/{three[1].id}").json()
        )
        assert [run["name"] for run in cli("runs", "show", "calm-lynx", "odd-crane", "--json").json] == [
            "calm-lynx",
            "odd-crane",
        ]

    def test_other_formats(self, cli, three: list[FlowRun]) -> None:
        assert (
            cli("runs", "show", "odd-crane", "--fields", "name,run_count", "-o", "csv").out
            == "name,run_count\nodd-crane,1\n"
        )
        assert cli("runs", "show", "odd-crane", "-o", "csv").lines[0].startswith("id,created,updated,name")
        assert "name: odd-crane" in cli("runs", "show", "odd-crane", "-o", "yaml").lines

    def test_one_that_is_not_there(self, cli) -> None:
        result = cli("runs", "show", "nope")
        assert (result.code, result.out) == (3, "")
        assert result.err == "error: Flow run 'nope' not found.\ntry: flowctl runs ls\n"

    def test_no_name_at_all(self, cli) -> None:
        assert cli("runs", "show").code == 2


class TestHistory:
    def test_states_with_their_durations(self, cli, three: list[FlowRun]) -> None:
        lines = [line.split() for line in cli("runs", "history", "brisk-otter").lines]
        assert lines[0] == ["TIME", "STATE", "DURATION", "MESSAGE"]
        assert [(line[1], line[2]) for line in lines[1:]] == [
            ("Pending", "1m00s"),
            ("Running", "4m00s"),
            ("Completed", "-"),
        ]
        assert cli("runs", "history", "odd-crane").lines[-1].split()[2].startswith("10m")

    def test_json_is_the_servers_answer(self, cli, three: list[FlowRun], api: TestClient) -> None:
        ours = cli("runs", "history", "brisk-otter", "--json").json
        assert [state["type"] for state in ours] == ["PENDING", "RUNNING", "COMPLETED"]
        assert ours[-1] == api.get(f"/flow_runs/{three[2].id}").json()["state"]

    def test_one_that_is_not_there(self, cli) -> None:
        assert cli("runs", "history", "nope").code == 3


class TestLogs:
    def test_lines(self, cli, three: list[FlowRun]) -> None:
        lines = [line.split(maxsplit=3) for line in cli("runs", "logs", "brisk-otter").lines]
        assert [line[1:] for line in lines] == [
            ["INFO", "prefect.flow_runs", "hello"],
            ["WARNING", "prefect.flow_runs", "careful"],
        ]
        assert lines[0][0].endswith("Z")

    def test_which_lines(self, cli, world, three: list[FlowRun]) -> None:
        def messages(*flags: str) -> list[str]:
            return [line["message"] for line in cli("runs", "logs", "brisk-otter", "--json", *flags).json]

        assert messages("--level", "warning") == ["careful"]
        assert messages("--level", "21") == ["careful"]
        assert messages("-n", "1") == ["careful"]
        assert messages("--head", "1") == ["hello"]
        assert messages("--reverse") == ["careful", "hello"]
        assert messages("--since", "57m30s") == ["careful"]
        assert messages("-n", "0") == []

    def test_several_runs_and_other_formats(self, cli, three: list[FlowRun]) -> None:
        assert len(cli("runs", "logs", "brisk-otter", "calm-lynx", "-o", "jsonl").lines) == 3
        assert (
            cli("runs", "logs", "calm-lynx", "-o", "csv").lines[0]
            == "timestamp,level,name,message,flow_run_id,task_run_id"
        )
        assert cli("runs", "logs", "calm-lynx").lines[1] == "in two lines"
        assert set(cli("runs", "logs", "calm-lynx", "--json").json[0]) == {
            "id", "created", "updated", "name", "level", "message", "timestamp", "flow_run_id", "task_run_id",
        }  # fmt: skip

    def test_following_a_run_that_has_ended(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "logs", "-f", "brisk-otter")
        assert result.code == 0
        assert len(result.lines) == 2
        assert len(cli("runs", "logs", "-f", "brisk-otter", "-o", "jsonl", "--fields", "message").lines) == 2

    @pytest.mark.parametrize(
        ("flags", "code", "message"),
        [
            (("nope",), 3, "not found"),
            (("brisk-otter", "--level", "loud"), 2, "is not a level"),
            (("brisk-otter", "--since", "loud"), 2, "is not a time"),
            (("brisk-otter", "-f", "--json"), 2, "use -o table or -o jsonl"),
        ],
    )
    def test_what_is_wrong_is_told(
        self, cli, three: list[FlowRun], flags: tuple[str, ...], code: int, message: str
    ) -> None:
        result = cli("runs", "logs", *flags)
        assert (result.code, result.out) == (code, "")
        assert message in result.err
