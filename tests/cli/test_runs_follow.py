from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType


@contextmanager
def meanwhile(*steps: Callable[[], object]) -> Iterator[None]:
    """Do the steps one after the other in another thread, a moment after the block has begun."""

    def work() -> None:
        for step in steps:
            time.sleep(0.3)
            step()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


END_CODES = [
    (StateType.COMPLETED, 0),
    (StateType.FAILED, 10),
    (StateType.CRASHED, 11),
    (StateType.CANCELLED, 12),
    (StateType.PAUSED, 13),
]


class TestWait:
    @pytest.mark.parametrize(("ending", "code"), END_CODES)
    def test_the_exit_code_tells_how_it_ended(
        self, cli, world, three: list[FlowRun], ending: StateType, code: int
    ) -> None:
        with meanwhile(lambda: world.move(three[0], ending)):
            result = cli("runs", "wait", "odd-crane", "--timeout", "20s")
        assert result.code == code
        assert result.out == f"odd-crane ({three[0].id})  {ending.title()}\n"

    def test_a_timeout(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "wait", "odd-crane", "brisk-otter", "--timeout", "0.3s")
        assert result.code == 124
        assert "timed out: 1 of 2 still going" in result.err
        assert "brisk-otter" in result.out

    def test_any_and_all(self, cli, world, three: list[FlowRun]) -> None:
        assert cli("runs", "wait", "odd-crane", "calm-lynx", "--any").code == 10
        with meanwhile(lambda: world.move(three[0], StateType.CRASHED)):
            result = cli("runs", "wait", "brisk-otter", "odd-crane", "calm-lynx", "--json")
        assert result.code == 11
        assert [run["state_type"] for run in result.json] == ["COMPLETED", "FAILED", "CRASHED"]

    def test_a_run_that_is_deleted_meanwhile(self, cli, world, three: list[FlowRun]) -> None:
        def delete() -> None:
            with world.database.write() as tx:
                tx.execute("DELETE FROM flow_run WHERE id = ?", (str(three[0].id),))

        with meanwhile(delete):
            result = cli("runs", "wait", "odd-crane")
        assert (result.code, result.out) == (3, "")
        assert "was deleted meanwhile" in result.err

    def test_what_is_wrong_is_told(self, cli, three: list[FlowRun]) -> None:
        assert cli("runs", "wait", "nobody").code == 3
        assert cli("runs", "wait").code == 2
        assert cli("runs", "wait", "odd-crane", "--timeout", "soon").code == 2
        assert cli("runs", "wait", "brisk-otter", "nobody").code == 7


class TestWatch:
    def test_each_change_is_a_line(self, cli, world, three: list[FlowRun]) -> None:
        with meanwhile(
            lambda: world.move(three[0], StateType.CANCELLING), lambda: world.move(three[0], StateType.CANCELLED)
        ):
            result = cli("runs", "watch", "odd-crane", "--timeout", "20s")
        assert result.code == 12
        assert [line.split()[-1] for line in result.lines] == ["Running", "Cancelling", "Cancelled"]

    def test_a_timeout_and_an_interruption(self, cli, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch) -> None:
        assert cli("runs", "watch", "odd-crane", "--timeout", "0.2s").code == 124

        def interrupt(_seconds: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("flowctl.cli.waiting.time.sleep", interrupt)
        assert cli("runs", "watch", "odd-crane").code == 130

    def test_a_live_list_needs_a_terminal(self, cli, three: list[FlowRun]) -> None:
        result = cli("runs", "watch")
        assert (result.code, result.out) == (2, "")
        assert "needs a terminal" in result.err

    def test_one_that_is_not_there(self, cli) -> None:
        assert cli("runs", "watch", "nobody").code == 3


def test_logs_are_followed_until_the_run_ends(cli, world, three: list[FlowRun]) -> None:
    with meanwhile(
        lambda: world.log(three[0], "one"),
        lambda: world.log(three[1], "of another run"),
        lambda: world.log(three[0], "two"),
        lambda: world.move(three[0], StateType.COMPLETED),
    ):
        result = cli("runs", "logs", "-f", "odd-crane")
    assert result.code == 0
    assert [line.split()[-1] for line in result.lines] == ["one", "two"]


def test_all_logs_are_followed_until_interrupted(
    cli, world, three: list[FlowRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter(range(3))

    def sleep(_seconds: float) -> None:
        match next(rounds):
            case 0:
                world.log(three[1], "new", level=40)
                world.log(three[1], "unimportant")
                world.log(three[0], "of another flow", level=40)
            case 1:
                return
            case _:
                raise KeyboardInterrupt

    monkeypatch.setattr("flowctl.cli.log_lines.time.sleep", sleep)
    result = cli(
        "logs", "tail", "--flow", "report", "--level", "warning", "-n", "5", "-o", "jsonl", "--fields", "message"
    )
    assert result.code == 130
    assert result.lines == ['{"message":"broken\\nin two lines"}', '{"message":"new"}']


def test_tail_of_a_flow_that_is_not_there(cli) -> None:
    assert cli("logs", "tail", "--flow", "nope").code == 3
    assert cli("logs", "tail", "--json").code == 2
