from __future__ import annotations

import pytest

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType


def shown(cli, reference: str) -> list[str]:
    result = cli("runs", "show", "-q", reference)
    assert result.code == 0, result.err
    return result.lines


def test_a_run_by_its_id_its_prefix_and_its_name(cli, three: list[FlowRun]) -> None:
    id = str(three[0].id)
    for reference in (id, id.upper(), id.replace("-", ""), id[:4], id[:13], "odd-crane"):
        assert shown(cli, reference) == [id], reference


@pytest.mark.parametrize("reference", ["@last", "@running"])
def test_the_last_and_the_running(cli, three: list[FlowRun], reference: str) -> None:
    assert shown(cli, reference) == [str(three[0].id)]


def test_the_last_that_failed(cli, three: list[FlowRun]) -> None:
    assert shown(cli, "@last-failed") == [str(three[1].id)]


def test_all_that_are_running(cli, world, three: list[FlowRun]) -> None:
    other = world.run("other", (StateType.RUNNING, 20))
    assert shown(cli, "@running") == [str(other.id), str(three[0].id)]
    result = cli("runs", "history", "@running")
    assert (result.code, result.out) == (3, "")
    assert "takes one" in result.err
    assert "odd-crane" in result.err


@pytest.mark.parametrize("reference", ["@last", "@last-failed", "@running", "@nothing", "nobody", "abcd", "a-"])
def test_what_is_not_there_ends_with_3(cli, reference: str) -> None:
    result = cli("runs", "show", reference)
    assert (result.code, result.out) == (3, "")
    assert "try: " in result.err


def test_bytes_that_are_no_text(cli) -> None:
    result = cli("runs", "show", "\udcff")
    assert (result.code, result.out) == (2, "")
    assert "is not text" in result.err


def test_a_prefix_of_less_than_four_characters_is_no_id(cli, three: list[FlowRun]) -> None:
    assert cli("runs", "show", str(three[0].id)[:3]).code == 3


def test_an_ambiguous_name_lists_its_candidates(cli, world) -> None:
    runs = [world.run("twin") for _ in range(12)]
    result = cli("runs", "show", "twin")
    assert (result.code, result.out) == (3, "")
    assert "fits 12 flow runs" in result.err
    assert sum(str(run.id) in result.err for run in runs) == 10


def test_a_name_that_is_also_the_prefix_of_an_id(cli, world, three: list[FlowRun]) -> None:
    prefix = str(three[0].id)[:6]
    world.run(prefix)
    assert "is ambiguous" in cli("runs", "show", prefix).err


def test_several_and_those_that_are_missing(cli, three: list[FlowRun]) -> None:
    result = cli("runs", "show", "-q", "odd-crane", "nobody", "calm-lynx", "odd-crane")
    assert result.code == 7
    assert result.lines == [str(three[0].id), str(three[1].id)]
    assert "'nobody' not found" in result.err


def test_ids_from_standard_input(cli, three: list[FlowRun]) -> None:
    result = cli("runs", "show", "-q", "-", stdin=f"{three[0].id}  odd-crane\n\ncalm-lynx\n")
    assert result.lines == [str(three[0].id), str(three[1].id)]
    assert cli("runs", "show", "-", stdin="").code == 0
