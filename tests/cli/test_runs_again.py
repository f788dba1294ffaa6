"""`flowctl runs create | retry | reschedule | pause | suspend`, on the file and by a server."""

from __future__ import annotations

import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deployed import deploy_some, reached

from flowctl.domain.deployments import Deployment
from flowctl.domain.flow_runs import FlowRun


@pytest.fixture
def deployed(db_path: Path) -> dict[str, Deployment]:
    return deploy_some(db_path)


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, deployed: dict[str, Deployment]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


def make(cli: Any, door: list[str], *flags: str, deployment: str = "etl/manual") -> dict[str, Any]:
    return cli("runs", "create", deployment, "--json", *flags, *door).json


def show(cli: Any, id: str) -> dict[str, Any]:
    return cli("runs", "show", id, "--json").json


class TestCreate:
    def test_of_a_deployment(self, cli, door: list[str]) -> None:
        flags = ("--param", "day=x", "--tag", "a", "--job-variable", "n=2", "--idempotency-key", "k", "--name", "otter")
        run = make(cli, door, *flags, deployment="etl/nightly")
        assert (run["name"], run["parameters"]["day"], run["state_type"]) == ("otter", "x", "SCHEDULED")
        assert (sorted(run["tags"]), run["job_variables"]) == (["a", "prod"], {"n": 2})
        assert make(cli, door, *flags, deployment="etl/nightly")["id"] == run["id"]

    def test_of_a_flow(self, cli, door: list[str]) -> None:
        result = cli("runs", "create", "etl", "--name", "by-hand", "--param", "n=1", *door)
        assert (result.code, result.err) == (0, "")
        assert result.out.endswith(" of etl is Pending\n")
        run = show(cli, "by-hand")
        assert (run["deployment_id"], run["parameters"], run["state_type"]) == (None, {"n": 1}, "PENDING")
        (id,) = cli("runs", "create", "etl", "-q", "--in", "1h", *door).lines
        assert show(cli, id)["state_type"] == "SCHEDULED"

    def test_later(self, cli, door: list[str]) -> None:
        due = datetime.fromisoformat(make(cli, door, "--in", "10m")["expected_start_time"])
        assert timedelta(minutes=9) < due - datetime.now(UTC) < timedelta(minutes=11)

    def test_a_dry_run(self, cli, door: list[str]) -> None:
        result = cli("runs", "create", "etl/manual", "--dry-run", *door)
        assert (result.code, "would create a run of etl/manual" in result.err) == (0, True)
        assert cli("runs", "ls", "-q").lines == []

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (("nobody",), 3, "No deployment and no flow is called 'nobody'"),
            (("etl/nobody",), 3, "not found"),
            (("etl/nightly",), 2, "needs the parameter 'day'"),
            (("etl", "--job-variable", "n=1"), 2, "--job-variable is for deployments"),
            (("etl", "--at", "14:30", "--in", "1h"), 2, "not both"),
            (("etl", "--at", "soon"), 2, "is not a time"),
        ],
    )
    def test_what_cannot_be_made(
        self, cli, deployed: dict[str, Deployment], arguments: tuple[str, ...], code: int, message: str
    ) -> None:
        result = cli("runs", "create", *arguments)
        assert (result.code, message in result.err) == (code, True)

    def test_waiting_gives_up(self, cli, door: list[str]) -> None:
        assert cli("runs", "create", "etl/manual", "--wait", "--timeout", "0.1s", *door).code == 124
        assert cli("runs", "create", "etl/manual", "--watch", "--timeout", "0.1s", *door).code == 124


class TestRetry:
    def failed(self, cli: Any, door: list[str], *flags: str, deployment: str = "etl/manual") -> dict[str, Any]:
        run = make(cli, door, *flags, deployment=deployment)
        assert cli("runs", "set-state", run["id"], "failed", "--force").code == 0
        return run

    def test_a_run_that_failed(self, cli, door: list[str]) -> None:
        run = self.failed(cli, door)
        result = cli("runs", "retry", run["id"], *door)
        assert (result.code, result.err) == (0, "")
        assert "Failed" in result.out
        assert "AwaitingRetry" in result.out
        assert show(cli, run["id"])["state_name"] == "AwaitingRetry"

    def test_as_data(self, cli, door: list[str]) -> None:
        run = self.failed(cli, door)
        assert cli("runs", "retry", run["id"], "--dry-run", *door).code == 0
        assert show(cli, run["id"])["state_name"] == "Failed"
        assert cli("runs", "retry", run["id"], "--json", *door).json["status"] == "ACCEPT"

    def test_why_offers_it_and_does_it_there(self, cli, door: list[str]) -> None:
        run = self.failed(cli, door)
        assert cli("why", run["id"], "--fix", "--dry-run", *door).out == f"flowctl runs retry {run['id']}\n"
        assert cli("why", run["id"], "--fix", "-y", *door).code == 0
        assert show(cli, run["id"])["state_name"] == "AwaitingRetry"

    def test_by_filters(self, cli, door: list[str]) -> None:
        runs = {self.failed(cli, door)["id"] for _ in range(2)}
        assert set(cli("runs", "retry", "--state", "failed", "-q", *door).lines) == runs

    def test_other_parameters(self, cli, door: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        run = self.failed(cli, door, "--param", "day=old", deployment="etl/nightly")
        editor = tmp_path / "editor.py"
        editor.write_text(
            "import pathlib, sys\n"
            "path = pathlib.Path(sys.argv[1])\n"
            "path.write_text(path.read_text().replace('old', 'new'))\n"
        )
        monkeypatch.setenv("VISUAL", f"{sys.executable} {editor}")
        assert cli("runs", "retry", run["id"], "--edit-params", *door).code == 0
        assert show(cli, run["id"])["parameters"]["day"] == "new"

    def test_an_editor_that_fails(self, cli, deployed: dict[str, Deployment], monkeypatch: pytest.MonkeyPatch) -> None:
        run = self.failed(cli, [])
        monkeypatch.setenv("VISUAL", "false")
        assert cli("runs", "retry", run["id"], "--edit-params").code == 4
        monkeypatch.setenv("VISUAL", "/nowhere/editor")
        assert cli("runs", "retry", run["id"], "--edit-params").code == 4
        assert show(cli, run["id"])["state_name"] == "Failed"
        assert cli("runs", "retry", run["id"], run["id"], "@last", "--edit-params").code != 0

    def test_what_is_refused(self, cli, three: list[FlowRun]) -> None:
        going = cli("runs", "retry", "odd-crane")
        assert (going.code, "only a run that has ended" in going.err) == (4, True)
        alone = cli("runs", "retry", "calm-lynx")
        assert (alone.code, "has no deployment" in alone.err) == (4, True)
        assert f"prefect flow-run retry {three[1].id} --entrypoint FILE:FLOW" in alone.err
        assert cli("runs", "retry", "nobody").code == 3


class TestReschedule:
    def test_later_and_now(self, cli, door: list[str]) -> None:
        run = make(cli, door)
        assert cli("runs", "reschedule", run["id"], "+10m", *door).code == 0
        due = datetime.fromisoformat(show(cli, run["id"])["next_scheduled_start_time"])
        assert timedelta(minutes=9) < due - datetime.now(UTC) < timedelta(minutes=11)
        assert cli("runs", "reschedule", run["id"], "now", "--json", *door).json["status"] == "ACCEPT"
        due = datetime.fromisoformat(show(cli, run["id"])["next_scheduled_start_time"])
        assert due <= datetime.now(UTC)
        moment = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
        assert cli("runs", "reschedule", run["id"], moment.isoformat(), *door).code == 0
        assert datetime.fromisoformat(show(cli, run["id"])["next_scheduled_start_time"]) == moment

    def test_what_is_refused(self, cli, three: list[FlowRun]) -> None:
        for name, word in (("odd-crane", "has not started"), ("calm-lynx", "has ended")):
            result = cli("runs", "reschedule", name, "+10m")
            assert (result.code, word in result.err) == (4, True)
        for time in ("+soon", "soon"):
            assert cli("runs", "reschedule", "odd-crane", time).code == 2
        assert cli("runs", "reschedule", "now").code == 2


class TestInterrupt:
    def test_pause(self, cli, door: list[str], three: list[FlowRun]) -> None:
        result = cli("runs", "pause", "odd-crane", "--for", "2h", *door)
        assert (result.code, "Paused" in result.out) == (0, True)
        state = show(cli, "odd-crane")["state"]
        timeout = datetime.fromisoformat(state["state_details"]["pause_timeout"])
        assert timedelta(minutes=119) < timeout - datetime.now(UTC) < timedelta(minutes=121)
        assert cli("runs", "resume", "odd-crane").code == 0

    def test_suspend(self, cli, door: list[str]) -> None:
        run = make(cli, door)
        assert cli("runs", "set-state", run["id"], "running", "--force").code == 0
        assert cli("runs", "suspend", run["id"], "--json", *door).json["status"] == "ACCEPT"
        state = show(cli, run["id"])["state"]
        assert (state["name"], state["state_details"]["pause_reschedule"]) == ("Suspended", True)

    def test_what_is_refused(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "suspend", "odd-crane").code == 4
        assert cli("runs", "pause", "calm-lynx").code == 4
        assert cli("runs", "pause", "odd-crane", "--for", "ever").code == 2
