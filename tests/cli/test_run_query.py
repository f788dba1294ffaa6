from __future__ import annotations

import pytest

from flowctl.cli import run_query
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import TERMINAL, StateType


def names(cli, *flags: str) -> set[str]:
    result = cli("runs", "ls", "--json", "--fields", "name", *flags)
    assert result.code == 0, result.err
    return {run["name"] for run in result.json}


DONE, FAILED, GOING = "brisk-otter", "calm-lynx", "odd-crane"

CASES = [
    ((), {DONE, FAILED, GOING}),
    (("--state", "failed"), {FAILED}),
    (("--state", "RUNNING,completed"), {DONE, GOING}),
    (("--state", "failed", "--state", "running"), {FAILED, GOING}),
    (("--state-type", "RUNNING"), {GOING}),
    (("--state", "no-such"), set()),
    (("--flow", "report"), {FAILED}),
    (("--flow", "report", "--flow", "etl"), {DONE, FAILED, GOING}),
    (("--flow-name", "report"), {FAILED}),
    (("--tag", "prod"), {DONE, FAILED}),
    (("--tag", "prod", "--tag", "db"), {DONE}),
    (("--any-tag", "db", "--any-tag", "other"), {DONE}),
    (("--name", "*-otter"), {DONE}),
    (("--name", "[bc]*"), {DONE, FAILED}),
    (("--param", "n=5"), {DONE}),
    (("--param", "env=prod", "--param", "deep.er=true"), {DONE}),
    (("--param", "n=6"), set()),
    (("--since", "45m"), {FAILED, GOING}),
    (("--until", "45m"), {DONE}),
    (("--since", "45m", "--until", "20m"), {FAILED}),
    (("--older-than", "20m"), {DONE, FAILED}),
    (("--no-deployment",), {DONE, FAILED, GOING}),
    (("--root",), {DONE, FAILED, GOING}),
    (("--pool", "local"), set()),
    (("--queue", "default"), set()),
    (("--state", "completed", "--flow", "report"), set()),
]


@pytest.mark.parametrize(
    ("flags", "expected"), CASES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_filters(cli, three: list[FlowRun], flags: tuple[str, ...], expected: set[str]) -> None:
    assert names(cli, *flags) == expected


def test_parent_and_root_tell_subflows_from_others(cli, world, three: list[FlowRun]) -> None:
    world.run("child", parent=three[0])
    assert names(cli, "--parent", GOING) == {"child"}
    assert "child" not in names(cli, "--root")


def test_late_and_stuck(cli, world) -> None:
    waiting = world.run("waiting", (StateType.SCHEDULED, 20))
    world.move(waiting, StateType.SCHEDULED, scheduled_time=world.ago(10))
    soon = world.run("soon", (StateType.SCHEDULED, 20))
    world.move(soon, StateType.SCHEDULED, scheduled_time=world.ago(-10))
    world.run("queued", (StateType.PENDING, 6))
    world.run("just-queued", (StateType.PENDING, 4))
    assert names(cli, "--late") == {"waiting"}
    assert names(cli, "--stuck") == {"queued"}


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("start", [DONE, FAILED, GOING]),
        ("-start", [GOING, FAILED, DONE]),
        ("name", [DONE, FAILED, GOING]),
        ("-name", [GOING, FAILED, DONE]),
        ("duration", [FAILED, DONE, GOING]),
        ("-duration", [GOING, DONE, FAILED]),
    ],
)
def test_order(cli, three: list[FlowRun], sort: str, order: list[str]) -> None:
    assert [run["name"] for run in cli("runs", "ls", "--json", "--sort", sort).json] == order


def test_deployments_pools_and_queues(cli, world, three: list[FlowRun]) -> None:
    run = three[1]
    with world.database.write() as tx:
        pool, queue, deployment = (str(tx.new_id()) for _ in range(3))
        now = "2026-01-01 00:00:00.000000"
        tx.execute(
            "INSERT INTO work_pool (id, created, updated, name, type) VALUES (?, ?, ?, 'local', 'process')",
            (pool, now, now),
        )
        tx.execute(
            "INSERT INTO work_queue (id, created, updated, name, work_pool_id) VALUES (?, ?, ?, 'fast', ?)",
            (queue, now, now, pool),
        )
        tx.execute(
            "INSERT INTO deployment (id, created, updated, name, flow_id) VALUES (?, ?, ?, 'nightly', ?)",
            (deployment, now, now, str(run.flow_id)),
        )
        tx.execute(
            "UPDATE flow_run SET deployment_id = ?, work_queue_id = ?, work_queue_name = 'fast' WHERE id = ?",
            (deployment, queue, str(run.id)),
        )
    for flags in (
        ("--deployment", "nightly"),
        ("--deployment", "report/nightly"),
        ("--deployment", deployment[:8]),
        ("--pool", "local"),
        ("--queue", "fast"),
    ):
        assert names(cli, *flags) == {FAILED}, flags
    assert names(cli, "--no-deployment") == {DONE, GOING}
    line = cli("runs", "ls", "-o", "csv", "--state", "failed").lines[1].split(",")
    assert line[9:12] == ["nightly", "local", "fast"]


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--since", "soon"), 2, "is not a time"),
        (("--older-than", "99999999w"), 2, "beginning of time"),
        (("--param", "x"), 2, "is not a parameter"),
        (("--sort", "size"), 2, "is not one of"),
        (("--limit", "0"), 2, "less than 1"),
        (("--flow", "nope"), 3, "Flow 'nope' not found"),
        (("--deployment", "a/b"), 3, "Deployment 'a/b' not found"),
        (("--parent", "nope"), 3, "Flow run 'nope' not found"),
        (("--nope",), 2, "No such option"),
    ],
)
def test_what_cannot_be_read_is_told(
    cli, three: list[FlowRun], flags: tuple[str, ...], code: int, message: str
) -> None:
    result = cli("runs", "ls", *flags)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_types_of_states_are_those_of_the_domain() -> None:
    assert set(run_query.STATE_TYPES) == set(StateType)
    assert set(run_query.STATE_NAMES.values()) <= set(StateType)
    assert run_query.FINAL_STATE_TYPES == TERMINAL


def test_an_unknown_state_is_mentioned_when_nothing_is_found(cli) -> None:
    assert "did you mean 'failed'" in cli("runs", "ls", "--state", "faild").err
    assert "did you mean 'AwaitingRetry'" in cli("runs", "ls", "--state", "awaitingretri").err


def test_limits_and_all(cli, world) -> None:
    for number in range(55):
        world.run(f"run-{number}", (StateType.RUNNING, number))
    assert len(cli("runs", "ls", "-q").lines) == 50
    assert len(cli("runs", "ls", "-q", "--all").lines) == 55
    assert cli("runs", "ls", "--limit", "2", "--json", "--fields", "name").json == [
        {"name": "run-0"},
        {"name": "run-1"},
    ]
