from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from deployed import deploy_some, reached

from flowctl.domain.deployments import Deployment


@pytest.fixture
def deployed(db_path: Path) -> dict[str, Deployment]:
    return deploy_some(db_path)


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path, deployed: dict[str, Deployment]) -> Generator[list[str]]:
    with reached(request.param, db_path) as flags:
        yield flags


class TestUpdate:
    @pytest.mark.parametrize(
        ("flags", "expected"),
        [
            (("--description", "New", "--version", "2"), {"description": "New", "version": "2"}),
            (("--description", ""), {"description": None}),
            (("--tag", "slow", "--untag", "prod"), {"tags": ["slow"]}),
            (("--param", "day=5"), {"parameters": {"rows": 20, "day": "5"}}),
            (("--param", "day=5", "--unset-param", "rows"), {"parameters": {"day": "5"}}),
            (("--job-variable", "n=2"), {"job_variables": {"n": 2}}),
            (("--pool", "gpu"), {"work_pool_name": "gpu", "work_queue_name": "default"}),
        ],
        ids=str,
    )
    def test_only_what_is_given_changes(
        self, cli, door: list[str], flags: tuple[str, ...], expected: dict[str, Any]
    ) -> None:
        before = cli("deployments", "show", "etl/nightly", "--json", *door).json
        after = cli("deployments", "update", "etl/nightly", *flags, "--json", *door).json
        assert {name: after[name] for name in expected} == expected
        moving = {*expected, "updated", "updated_by", "work_queue_id", "job_variables"}
        assert {n: v for n, v in after.items() if n not in moving} == {
            n: v for n, v in before.items() if n not in moving
        }

    def test_a_limit_with_its_strategy(self, cli, door: list[str]) -> None:
        flags = ("--concurrency-limit", "2", "--collision", "cancel")
        after = cli("deployments", "update", "etl/nightly", *flags, "--json", *door).json
        assert after["global_concurrency_limit"]["limit"] == 2
        assert after["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
        shown = cli("deployments", "show", "etl/nightly", *door).out
        assert "0 of 2 runs at once; others are cancelled" in shown
        after = cli("deployments", "update", "etl/nightly", "--concurrency-limit", "none", "--json", *door).json
        assert after["global_concurrency_limit"] is None

    def test_a_dry_run_tells_the_difference(self, cli, door: list[str]) -> None:
        result = cli("deployments", "update", "etl/nightly", "--param", "rows=30", "--dry-run", *door)
        assert result.lines == ["would change etl/nightly", '  parameters: {"rows": 20} -> {"rows": 30}']
        assert cli("deployments", "show", "etl/nightly", "--json", *door).json["parameters"] == {"rows": 20}

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ((), "Nothing to change."),
            (("--param", "rows=x"), "'x' is not of type 'integer'"),
            (("--unset-param", "nope"), "There is no 'nope'"),
            (("--concurrency-limit", "0"), "'0' is not a limit"),
            (("--collision", "fight"), "'fight' is not a strategy"),
            (("--queue", "high"), "is in no work pool"),
        ],
        ids=str,
    )
    def test_what_is_wrong_is_told(
        self, cli, deployed: dict[str, Deployment], flags: tuple[str, ...], message: str
    ) -> None:
        result = cli("deployments", "update", "etl/nightly", *flags)
        assert (result.code, result.out) == (2, "")
        assert message in result.err

    def test_what_is_not_there(self, cli, door: list[str]) -> None:
        assert cli("deployments", "update", "etl/none", "--tag", "x", *door).code == 3
        assert cli("deployments", "update", "etl/nightly", "--pool", "none", *door).code == 3


class TestDelete:
    def test_asks_and_tells_what_goes_along(self, cli, door: list[str]) -> None:
        cli("deployments", "run", "etl/nightly", "--param", "day=1", *door)
        told = "etl/nightly with 1 schedule and 1 run not started yet"
        result = cli("deployments", "delete", "etl/nightly", *door)
        assert result.code == 2
        assert f"Delete {told}?" in result.err
        result = cli("deployments", "delete", "etl/nightly", "--dry-run", *door)
        assert (result.code, result.lines, result.err) == (0, ["etl/nightly"], f"would delete {told}\n")
        assert cli("deployments", "show", "etl/nightly", "-q", *door).code == 0
        assert cli("deployments", "delete", "etl/nightly", "-y", *door).err == "deleted 1 deployment\n"
        assert cli("deployments", "show", "etl/nightly", *door).code == 3
        assert cli("runs", "ls", "--json").json == []

    def test_by_filter(self, cli, door: list[str], deployed: dict[str, Deployment]) -> None:
        result = cli("deployments", "delete", "--flow", "etl", "-y", "--json", *door)
        assert {each["id"] for each in result.json} == {str(deployed[name].id) for name in ("nightly", "manual")}
        assert len(cli("deployments", "ls", "--json", *door).json) == 1

    def test_what_is_wrong_is_told(self, cli, deployed: dict[str, Deployment]) -> None:
        assert cli("deployments", "delete", "-y").code == 2
        assert cli("deployments", "delete", "etl/none", "-y").code == 3
        assert cli("deployments", "delete", "--flow", "etl", "nightly", "-y").code == 2
        assert cli("deployments", "delete", "--tag", "none", "-y").err == "no deployments\n"
