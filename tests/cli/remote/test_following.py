"""Following a server: what changes there while a command waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from live_server import served

from flowctl.cli import log_lines, waiting
from flowctl.cli.remote import backend
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType
from flowctl.settings import Settings


@pytest.fixture
def flags(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    monkeypatch.setattr(backend, "POLL_SECONDS", 0.05)
    with served(Settings(db=db_path)) as url:
        yield ["--api", url]


Naps = Callable[[Callable[[], object]], None]


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Naps:
    """Takes what commands do instead of sleeping between two looks."""

    def naps(nap: Callable[[], object]) -> None:
        clock = SimpleNamespace(sleep=lambda _seconds: nap(), monotonic=time.monotonic)  # no other thread's
        for module in (waiting, log_lines):
            monkeypatch.setattr(module, "time", clock)

    return naps


@pytest.fixture
def meanwhile(naps: Naps) -> Naps:
    """Takes work that is done when a command waits for the first time."""

    def meanwhile(work: Callable[[], object]) -> None:
        rounds = iter([work])
        naps(lambda: next(rounds, lambda: time.sleep(0.01))())

    return meanwhile


def test_waiting_ends_with_the_run(cli, world, three: list[FlowRun], flags: list[str], meanwhile: Naps) -> None:
    meanwhile(lambda: world.move(three[0], StateType.FAILED))
    result = cli("runs", "wait", "odd-crane", "--timeout", "30s", *flags)
    assert result.code == 10
    assert "Failed" in result.out


def test_waiting_gives_up_in_time(cli, three: list[FlowRun], flags: list[str]) -> None:
    assert cli("runs", "wait", "odd-crane", "--timeout", "0.3s", *flags).code == 124


def test_a_run_that_is_deleted_meanwhile(cli, world, three: list[FlowRun], flags: list[str], meanwhile: Naps) -> None:
    def delete() -> None:
        with world.database.write() as tx:
            tx.execute("DELETE FROM flow_run WHERE id = ?", (str(three[0].id),))

    meanwhile(delete)
    result = cli("runs", "wait", "odd-crane", "--timeout", "30s", *flags)
    assert result.code == 3
    assert "was deleted meanwhile" in result.err


def test_the_log_of_one_flow_is_followed_until_interrupted(
    cli, world, three: list[FlowRun], flags: list[str], naps: Naps
) -> None:
    rounds = iter(range(30))

    def nap() -> None:
        time.sleep(0.01)
        match next(rounds):
            case 0:
                world.log(three[1], "new", level=40)
                world.log(three[1], "unimportant")
                world.log(three[0], "of another flow", level=40)
            case 29:
                raise KeyboardInterrupt
            case _:
                pass

    naps(nap)
    words = ["logs", "tail", "--flow", "report", "--level", "warning", "-n", "5", "-o", "jsonl", "--fields", "message"]
    result = cli(*words, *flags)
    assert result.code == 130
    assert result.lines == ['{"message":"broken\\nin two lines"}', '{"message":"new"}']
