from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from deployed import deploy_some, reached


@pytest.fixture(params=["file", "server"])
def door(request: pytest.FixtureRequest, db_path: Path) -> Generator[list[str]]:
    deploy_some(db_path)
    with reached(request.param, db_path) as flags:
        yield flags


def test_it_is_told_set_and_given_back(cli, door: list[str]) -> None:
    command = ("deployments", "missed-runs", "etl/nightly")
    assert cli(*command, *door).lines[0].startswith("latest: the latest is made up for, the others are skipped; as for")
    assert cli(*command, "skip", *door).lines == ["skip: they are skipped; set for this deployment"]
    told = cli(*command, "--json", *door).json
    assert (told["name"], told["policy"], told["source"]) == ("etl/nightly", "skip", "deployment")
    assert cli(*command, "default", "--json", *door).json["source"] == "server"


def test_a_rehearsal_changes_nothing(cli, door: list[str]) -> None:
    assert cli("deployments", "missed-runs", "etl/nightly", "all", "--dry-run", *door).code == 0
    assert cli("deployments", "missed-runs", "etl/nightly", "--json", *door).json["policy"] == "latest"


@pytest.mark.parametrize(("arguments", "code"), [(("etl/nightly", "perhaps"), 2), (("etl/none",), 3)])
def test_what_cannot_be(cli, door: list[str], arguments: tuple[str, ...], code: int) -> None:
    assert cli("deployments", "missed-runs", *arguments, *door).code == code
