"""What is sent into the logs of a run, and what its client sends by itself."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import uuid4

import pytest

from flowctl.domain.errors import Invalid
from flowctl.runner import output
from flowctl.runner.client import Api, Unreachable
from flowctl.runner.output import BEGIN, END, LogShipper, RunOutput, Unmarker, console_formats

RECORD = f"{BEGIN}04:35:20.944 | ERROR   | Flow run 'odd-crane' - Encountered an exception{END}"
TRACEBACK = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
    fails()
KeyError: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "b.py", line 7, in main
ValueError: no""".splitlines()


def ours(*lines: str) -> list[str]:
    unmarker = Unmarker()
    return [text for text, is_ours in map(unmarker.read, lines) if is_ours]


def test_a_marked_record_is_the_clients_and_shows_no_marks() -> None:
    text, is_ours = Unmarker().read(RECORD)
    assert (text, is_ours) == ("04:35:20.944 | ERROR   | Flow run 'odd-crane' - Encountered an exception", False)


def test_what_is_printed_between_records_is_ours() -> None:
    assert ours("before", RECORD, "after", RECORD, "  indented") == ["before", "after", "  indented"]


def test_a_record_of_several_lines_is_the_clients_to_its_end() -> None:
    assert ours(f"{BEGIN}first", "second", f"third{END}", "printed") == ["printed"]


def test_a_traceback_belongs_to_the_record_before_it_and_only_then() -> None:
    assert ours(RECORD, *TRACEBACK, "printed", *TRACEBACK) == ["printed", *TRACEBACK]


def test_the_engine_repeats_itself() -> None:
    assert ours("04:35 | ERROR   | prefect.engine - Execution exited", *TRACEBACK, "printed") == ["printed"]
    assert ours("04:35 | WARNING | my.library - careful") == ["04:35 | WARNING | my.library - careful"]


def test_the_users_own_format_is_kept_inside_the_marks() -> None:
    name = "PREFECT_LOGGING_FORMATTERS_STANDARD_FLOW_RUN_FMT"
    assert console_formats({name: "%(message)s"})[name] == f"{BEGIN}%(message)s{END}"
    assert "%(task_run_name)r" in console_formats({})["PREFECT_LOGGING_FORMATTERS_STANDARD_TASK_RUN_FMT"]


class Server(Api):
    """An API that keeps what it is sent, or fails."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.error: Exception | None = None

    async def call(self, method: str, path: str, body: Any = None, *, patience: float = 0) -> None:
        assert (method, path) == ("POST", "/logs/")
        if self.error is not None:
            raise self.error
        self.batches.append(body)


def test_lines_are_printed_and_sent_once(caplog: pytest.LogCaptureFixture) -> None:
    server, run_id = Server(), uuid4()
    logs = LogShipper(server)
    run = RunOutput(logs, run_id, "odd-crane")
    with caplog.at_level(logging.INFO, "flowctl.runner.output"):
        run.line("stderr", RECORD)
        run.line("stdout", "printed\0")
        run.line("stdout", "  ")
    asyncio.run(logs.flush())
    [[line]] = server.batches
    assert (line["message"], line["name"], line["level"]) == ("printed", "flowctl.runner.stdout", logging.INFO)
    assert line["flow_run_id"] == run_id
    assert [record.getMessage()[:12] for record in caplog.records] == ["04:35:20.944", "odd-crane | ", "odd-crane | "]


def test_lines_wait_for_a_server_that_is_away_in_their_order() -> None:
    server = Server()
    logs = LogShipper(server)
    for number in range(output.BATCH + 1):
        logs.add(uuid4(), "x", 20, str(number))
    server.error = Unreachable("away")
    with pytest.raises(Unreachable):
        asyncio.run(logs.flush())
    server.error = None
    asyncio.run(logs.flush())
    assert [len(batch) for batch in server.batches] == [output.BATCH, 1]
    assert [line["message"] for batch in server.batches for line in batch] == [str(n) for n in range(output.BATCH + 1)]


def test_the_oldest_lines_give_way(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(output, "MOST_LINES", 2)
    server = Server()
    logs = LogShipper(server)
    for number in range(3):
        logs.add(uuid4(), "x", 20, str(number))
    asyncio.run(logs.flush())
    assert [line["message"] for line in server.batches[0]] == ["1", "2"]
    assert "1 lines of output were left out" in caplog.text


def test_lines_that_the_server_refuses_are_not_sent_again(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    server.error = Invalid("too long")
    logs = LogShipper(server)
    logs.add(uuid4(), "x", 20, "line")
    asyncio.run(logs.flush())
    server.error = None
    asyncio.run(logs.flush())
    assert server.batches == []
    assert "refused: too long" in caplog.text
