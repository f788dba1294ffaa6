from __future__ import annotations

import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deployed import deploy_some, reached

from flowctl.cli.deployments_run import parse_future
from flowctl.domain.deployments import Deployment
from flowctl.domain.states import StateType


@pytest.fixture
def deployed(db_path: Path) -> dict[str, Deployment]:
    return deploy_some(db_path)


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, deployed: dict[str, Deployment]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


class TestRun:
    def test_makes_a_run_with_what_is_given(self, cli, door: list[str], tmp_path: Path) -> None:
        path = tmp_path / "params.json"
        path.write_text('{"rows": 1, "day": "x"}')
        flags = ("--params-file", str(path), "--param", "day=20260131", "--tag", "backfill", "--name", "otter")
        run = cli("deployments", "run", "etl/nightly", *flags, "--json", *door).json
        assert run["parameters"] == {"rows": 1, "day": "20260131"}
        assert (run["name"], sorted(run["tags"]), run["state_type"]) == ("otter", ["backfill", "prod"], "SCHEDULED")

    def test_says_what_it_made_and_where_to_look(self, cli, door: list[str]) -> None:
        result = cli("deployments", "run", "etl/manual", "--name", "otter", "-jv", "n=2", *door)
        assert result.lines[0].startswith("otter (")
        assert result.lines[0].endswith(") of etl/manual is scheduled")
        (run,) = cli("runs", "ls", "--json").json
        assert run["job_variables"] == {"n": 2}
        expected = [f"{door[1].removesuffix('/api')}/runs/flow-run/{run['id']}"] if door else []
        assert result.lines[1:] == expected
        (id,) = cli("deployments", "run", "etl/manual", "-q", *door).lines
        assert len(id) == 36

    def test_later(self, cli, door: list[str]) -> None:
        before = datetime.now(UTC)
        for flags in (("--in", "10m"), ("--at", (before + timedelta(minutes=10)).isoformat())):
            run = cli("deployments", "run", "etl/manual", *flags, "--json", *door).json
            due = datetime.fromisoformat(run["expected_start_time"])
            assert timedelta(minutes=9) < due - before < timedelta(minutes=11)

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ((), "etl/nightly needs the parameter 'day'."),
            (("--param", "dya=1"), "has no parameter 'dya'"),
            (("--param", "day=1", "--param", "rows=x"), "Parameter 'rows': 'x' is not of type 'integer'"),
            (("--params", "["), "not JSON"),
            (("--at", "soon"), "'soon' is not a time"),
            (("--in", "soon"), "'soon' is not a duration"),
            (("--in", "1m", "--at", "12:00"), "--at or --in"),
            (("--timeout", "soon"), "is not a duration"),
        ],
        ids=str,
    )
    def test_refuses_what_does_not_fit_and_makes_nothing(
        self, cli, door: list[str], flags: tuple[str, ...], message: str
    ) -> None:
        result = cli("deployments", "run", "etl/nightly", *flags, *door)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert cli("runs", "ls", "--json").json == []

    def test_one_that_is_not_there(self, cli, door: list[str]) -> None:
        assert cli("deployments", "run", "etl/none", *door).code == 3

    def test_a_dry_run(self, cli, door: list[str]) -> None:
        result = cli("deployments", "run", "etl/manual", "--dry-run", "--json", "--param", "n=1", *door)
        assert result.json["parameters"] == {"n": 1}
        assert result.err == "would make a run of etl/manual now\n"
        assert cli("runs", "ls", "--json").json == []

    def test_prefects_spellings(self, cli, deployed: dict[str, Deployment]) -> None:
        flags = ("--start-in", "5m", "--flow-run-name", "otter", "--params", '{"day": "x"}')
        assert cli("deployment", "run", "etl/nightly", *flags, "--json").json["name"] == "otter"
        assert cli("deployment", "inspect", "etl/nightly", "-q").code == 0

    @pytest.mark.parametrize(("ending", "code"), [(StateType.COMPLETED, 0), (StateType.FAILED, 10)])
    def test_waits_for_the_end(self, cli, world, deployed: dict[str, Deployment], ending: StateType, code: int) -> None:
        def finish() -> None:
            while True:
                with world.database.read() as tx:
                    row = tx.execute("SELECT id FROM flow_run").fetchone()
                if row:
                    break
                time.sleep(0.01)
            run = type("Run", (), {"id": row[0]})
            world.move(run, StateType.RUNNING)
            world.move(run, ending)

        thread = threading.Thread(target=finish)
        thread.start()
        result = cli("deployments", "run", "etl/manual", "--name", "otter", "--watch", "--timeout", "20s")
        thread.join()
        assert result.code == code
        assert result.lines[-1].split()[-1] == ending.title()

    def test_gives_up_waiting(self, cli, deployed: dict[str, Deployment]) -> None:
        result = cli("deployments", "run", "etl/manual", "--wait", "--timeout", "0.2s", "--json")
        assert result.code == 124
        assert result.json["state_type"] == "SCHEDULED"


class TestNext:
    def test_runs_made_and_to_be_made(self, cli, door: list[str]) -> None:
        cli("deployments", "run", "etl/manual", "--in", "1m", "--name", "otter", *door)
        lines = cli("deployments", "next", "4", "--json", *door).json
        assert len(lines) == 4
        assert (lines[0]["name"], lines[0]["by"]) == ("otter", "request")
        assert {line["deployment"] for line in lines[1:]} <= {"etl/nightly", "report/weekly"}
        assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
        assert cli("deployments", "next", *door).lines[1].split()[1:4] == ["in", "59s", "etl/manual"]

    def test_of_one(self, cli, door: list[str]) -> None:
        lines = cli("deployments", "next", "report/weekly", "3", "--json", *door).json
        assert [line["deployment"] for line in lines] == ["report/weekly"] * 3
        assert {line["by"] for line in lines} == {"0 4 * * 1", "0 5 * * 5"}
        assert len(cli("deployments", "next", "report/weekly", *door).lines) == 11

    def test_paused_ones_make_none(self, cli, door: list[str]) -> None:
        cli("deployments", "pause", "--name", "*", *door)
        assert cli("deployments", "next", "--json", *door).json == []

    def test_what_is_wrong_is_told(self, cli, deployed: dict[str, Deployment]) -> None:
        assert cli("deployments", "next", "etl/none").code == 3
        assert cli("deployments", "next", "0").code == 2


def test_times_to_come() -> None:
    now = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    local = now.astimezone()
    later, earlier = local + timedelta(minutes=5), local - timedelta(minutes=5)
    assert parse_future(later.strftime("%H:%M"), now) == now + timedelta(minutes=5)
    assert parse_future(earlier.strftime("%H:%M"), now) == now + timedelta(days=1, minutes=-5)
    assert parse_future("2026-02-01T00:00:00+01:00", now) == datetime(2026, 1, 31, 23, 0, tzinfo=UTC)
    assert now < parse_future("tomorrow", now) <= now + timedelta(days=1)
    for text in ("25:00", "soon", ""):
        with pytest.raises(ValueError, match="is not a time"):
            parse_future(text, now)
