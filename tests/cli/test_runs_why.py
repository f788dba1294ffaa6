"""`flowctl why`, and the REASON column of `flowctl runs ls`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support import Clock
from why_world import TRACEBACK, WhyWorld, why_world

from flowctl.cli import main, moments, run_table, runs_why
from flowctl.cli.run_query import RunQuery
from flowctl.cli.tables import Look, width
from flowctl.db.database import Database
from flowctl.ops import why as ops


@pytest.fixture
def made(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WhyWorld]:
    """Its clock shows the real time, as the commands' does."""
    with why_world(db_path, Clock(moments.now()), monkeypatch) as world:
        yield world


@pytest.fixture
def late(made: WhyWorld) -> str:
    """A run that is late, as no worker has ever served its pool; a server was here a moment ago."""
    now = made.clock.now
    made.clock.advance(minutes=-22)
    made.pool()
    run = made.run(deployment=made.deploy(work_pool_name="local"))
    made.clock.now = now
    made.present()
    return run


class TestWhy:
    def test_for_a_person(self, cli, late: str) -> None:
        result = cli("runs", "why", "calm-lynx")
        assert (result.code, result.err) == (0, "")
        assert result.lines == [
            f"calm-lynx ({late}) is Scheduled and Late by 22m and will not start by itself.",
            " ✗ worker      pool 'local' has 0 online workers; none has ever reported",
            " ✓ server was here 0s ago   ✓ pool/queue not paused   ✓ line starts next",
            "fix:  prefect worker start --pool local",
            f"or:   flowctl runs cancel {late}",
        ]
        assert cli("why", "calm-lynx").lines[0] == result.lines[0]

    def test_json_is_the_servers_answer(self, cli, late: str, made: WhyWorld) -> None:
        ours, theirs = cli("why", late, "--json").json, made.why(late)
        assert ours["checks"].pop(0)["subject"] == "server", "a server that answers need not say that it is there"
        ours["summary"] = theirs["summary"]
        assert ours == theirs

    def test_other_formats(self, cli, late: str) -> None:
        assert cli("why", late, "-q").lines == [late]
        assert cli("why", late, "-o", "csv").lines[1].startswith("no_worker,true,worker,pool 'local' has 0 online")
        assert cli("why", late, "--fields", "verdict").lines == ["VERDICT", "blocked"]
        assert cli("why", late, "-o", "yaml").lines[0].startswith("flow_run_id: ")

    def test_a_run_that_does_not_exist(self, cli) -> None:
        result = cli("why", "nobody")
        assert (result.code, result.err.splitlines()[0]) == (3, "error: Flow run 'nobody' not found.")

    def test_the_chain_goes_on_in_another_run(self, cli, made: WhyWorld) -> None:
        run = made.run("PENDING")
        made.move(run, "RUNNING")
        child = made.child(run, "odd-crane")
        made.move(child, "RUNNING")
        task = made.task(child, "load-0", "FAILED", message="Task run encountered an exception ValueError: bad row")
        made.log(TRACEBACK, run=child, task=task)
        made.move(child, "FAILED", message="Flow run encountered an exception: ValueError: bad row")
        made.move(run, "FAILED", message="1/1 states failed.")
        lines = cli("why", run).lines
        assert [line.strip() for line in lines if not line.startswith(("calm", "next", "or"))] == [
            "✗ flow     1/1 states failed.",
            "✗ subflow  odd-crane is Failed: ValueError: bad row",
            f"↳ odd-crane ({child})",
            "✗ flow     ValueError: bad row",
            "✗ task     load-0 failed: ValueError: bad row (at /srv/etl.py:42)",
        ]
        assert lines[-1] == f"or:   flowctl runs logs {child}"

    @pytest.mark.parametrize("columns", [40, 80, 160])
    def test_it_fits_the_terminal(self, made: WhyWorld, late: str, columns: int) -> None:
        lines = shown(made.why(late), columns)
        texts = [line for line in lines if not line.startswith(("fix:", "or:"))]
        assert f"({late[:8]})" in lines[0]
        assert late not in " ".join(lines)
        assert max(map(width, texts)) <= columns

    def test_colours_do_not_change_the_text(self, made: WhyWorld, late: str) -> None:
        plain, painted = shown(made.why(late), 60), shown(made.why(late), 60, color=True)
        assert "\x1b[31m✗\x1b[0m" in painted[2]
        assert [runs_why.plain(line) for line in painted] == plain

    def test_a_terminal_without_unicode_sees_letters(self, made: WhyWorld, late: str) -> None:
        lines = shown(made.why(late), 80, icons=False)
        assert lines[1].startswith(" x worker")
        assert " ".join(lines[:-2]).isascii()


def shown(told: Any, columns: int, *, color: bool = False, icons: bool = True) -> list[str]:
    """The lines on a terminal of this width."""
    look = Look(terminal=True, color=color, icons=icons, utc=True, width=columns, now=moments.now())
    return list(runs_why.text_of(told, look))


class TestFix:
    @pytest.fixture(autouse=True)
    def commands(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """What is run, without running it."""
        ran: list[list[str]] = []

        def run(words: list[str], **_rest: Any) -> subprocess.CompletedProcess[str]:
            ran.append(words)
            return subprocess.CompletedProcess(words, 3)

        monkeypatch.setattr(subprocess, "run", run)
        return ran

    def test_it_asks_first(self, cli, late: str, commands: list[list[str]]) -> None:
        result = cli("why", late, "--fix")
        assert (result.code, commands) == (2, [])
        assert "Start a worker: prefect worker start --pool local?" in result.err

    def test_yes_runs_it(self, cli, late: str, commands: list[list[str]]) -> None:
        assert cli("why", late, "--fix", "-y").code == 3, "the command's own exit code"
        assert commands == [["prefect", "worker", "start", "--pool", "local"]]

    def test_a_dry_run_tells_it(self, cli, late: str, commands: list[list[str]]) -> None:
        result = cli("why", late, "--fix", "--dry-run")
        assert (result.code, result.out, commands) == (0, "prefect worker start --pool local\n", [])

    def test_what_needs_an_answer_or_gives_up_is_not_run(self, cli, made: WhyWorld, commands: list[list[str]]) -> None:
        run = made.run("PENDING")
        made.move(run, "RUNNING")
        made.post(f"/flow_runs/{run}/input", {"key": "schema", "value": '{"properties": {"ok": {}}}'})
        made.move(run, "PAUSED", run_input_keyset={"schema": "schema", "response": "response"})
        result = cli("why", run, "--fix", "-y")
        assert (result.code, commands) == (4, [])
        assert f"try: flowctl runs resume {run} --input ok=…" in result.err


def test_fix_does_what_it_says(cli, made: WhyWorld) -> None:
    run = made.run("PENDING")
    made.move(run, "RUNNING")
    made.move(run, "PAUSED")
    assert cli("why", run, "--fix", "-y").code == 0
    assert made.get(f"/flow_runs/{run}")["state_name"] == "Running"


def test_a_fix_of_prefects_needs_prefect(cli, late: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = cli("why", late, "--fix", "-y")
    assert (result.code, result.err.splitlines()[-2:]) == (
        4,
        ["error: prefect is not installed here.", "try: prefect worker start --pool local"],
    )


class TestReason:
    """`runs ls` says what `why` says."""

    @pytest.fixture
    def mixed(self, made: WhyWorld) -> dict[str, str]:
        """Runs in all kinds of trouble, by the reason that is expected."""
        now = made.clock.now
        made.clock.advance(minutes=-10)
        made.pool("idle")
        made.pool("shut", is_paused=True)
        made.pool("full", concurrency_limit=1)
        served, paused, narrow = (
            made.deploy("served"),
            made.deploy("paused"),
            made.deploy("narrow", concurrency_limit=1),
        )
        full = made.deploy("full", work_pool_name="full")
        made.move(made.run(deployment=full), "PENDING")
        made.start(made.run(deployment=narrow))
        runs = {
            "no runner": made.run(deployment=made.deploy("left")),
            "deployment paused, no runner": made.run(deployment=paused),
            "no worker on pool 'idle'": made.run(deployment=made.deploy("idle", work_pool_name="idle")),
            "pool 'shut' paused, no worker on pool 'shut'": made.run(
                deployment=made.deploy("shut", work_pool_name="shut")
            ),
            "no worker on pool 'full'": made.run(deployment=full),
            "not taken": made.run(deployment=served),
            "no deployment to start it": made.run("SCHEDULED"),
            "no process for 10m": made.run("PENDING"),
        }
        made.post(f"/deployments/{paused}/pause_deployment")
        going = [
            made.run("PENDING", empirical_policy=policy)
            for policy in ({}, {}, {}, {}, {}, {"retries": 2, "retry_delay": 1200}, {}, {})
        ]
        for run in going:
            made.move(run, "RUNNING")
        failed, timed_out, crashed, stopped, asking, retrying, stopping, expired = going
        made.move(failed, "FAILED", message="Flow run encountered an exception: ValueError: bad row")
        made.move(timed_out, "FAILED", "TimedOut", "Flow run exceeded timeout of 60.0 second(s)")
        made.move(crashed, "CRASHED", message="Execution was aborted by a termination signal.")
        made.move(stopped, "CANCELLING", message="wrong parameters")
        made.move(stopped, "CANCELLED", message="Flow run was cancelled successfully.")
        made.post(f"/flow_runs/{asking}/input", {"key": "schema", "value": '{"properties": {"ok": {}, "by": {}}}'})
        made.move(asking, "PAUSED", run_input_keyset={"schema": "schema", "response": "response"})
        made.move(retrying, "FAILED")
        made.move(stopping, "CANCELLING")
        made.move(expired, "PAUSED", pause_timeout=made.clock.now.isoformat())
        made.clock.now = now
        waits = made.run(deployment=narrow)
        made.move(waits, "PENDING")
        for deployment in (served, narrow):
            made.poll(deployment)
        made.present()
        return {
            **runs,
            "ValueError: bad row": failed,
            "timed out": timed_out,
            "Execution was aborted by a termination signal.": crashed,
            "wrong parameters": stopped,
            "waits for input: ok, by": asking,
            "retry 2/3 in 10m": retrying,
            "stopping": stopping,
            "pause timed out": expired,
            "slot: deployment 1/1 held": waits,
        }

    def test_each_reason_is_that_of_why(self, cli, mixed: dict[str, str], db_path: Path, made: WhyWorld) -> None:
        database = Database(db_path, clock=made.clock)
        with database.read() as tx:
            lines, _ = run_table.find(tx.execute, RunQuery({}), tx.now)
            shown = {line.id: line.reason for line in lines}
            told = {run: ops.why(tx, UUID(run)).reason for run in mixed.values()}
        database.close()
        assert made.post("/flowctl/runs/reasons", {"ids": list(mixed.values())}) == told
        assert {run: shown[run] for run in mixed.values()} == {run: reason for reason, run in mixed.items()}
        assert told == {run: reason for reason, run in mixed.items()}

    def test_two_queries_answer_for_all(self, mixed: dict[str, str], db_path: Path, made: WhyWorld) -> None:
        asked: list[str] = []
        database = Database(db_path, clock=made.clock)
        with database.read() as tx:

            def execute(sql: str, parameters: Any) -> Any:
                asked.append(sql)
                return tx.execute(sql, parameters)

            run_table.find(execute, RunQuery({}), tx.now)
            assert len(asked) == 3
            run_table.find(execute, RunQuery({}), tx.now, reasons=False)
            assert len(asked) == 4
            run_table.find(execute, RunQuery({"state": ["running", "completed"]}), tx.now)
            assert len(asked) == 5
        database.close()

    def test_both_doors_show_it(self, cli, mixed: dict[str, str]) -> None:
        listed = cli("runs", "ls", "--late", quick=True)
        assert "not taken" in listed.out
        assert listed.out == cli("runs", "ls", "--late").out

    def test_a_person_is_told_how_to_go_on(self, mixed: dict[str, str], db_path: Path, made: WhyWorld) -> None:
        database = Database(db_path, clock=made.clock)
        with database.read() as tx:
            lines, more = run_table.find(tx.execute, RunQuery({"state": ["timedout"]}), tx.now)
        database.close()
        assert run_table.footer(lines, more) == f"1 run · next: flowctl why {mixed['timed out'][:8]}"


def test_every_command_that_is_offered_exists(made: WhyWorld) -> None:
    """Commands of nouns that flowctl does not have yet are left out."""
    offered = set[str]()
    source = (
        Path(ops.__file__).with_name("why_case.py").read_text()
        + Path(ops.__file__).with_name("why_active.py").read_text()
    )
    for line in source.splitlines():
        _, found, rest = line.partition('"flowctl ')
        if found or (found := line.partition("'flowctl ")[1]):
            words = (rest or line.partition("'flowctl ")[2]).split('"')[0].split()
            offered.add(" ".join(word for word in words[:2] if word.isidentifier() or "-" in word))
    groups: dict[str, Any] = main.command().commands  # type: ignore[attr-defined]
    nouns = set(groups)
    known = {f"{noun} {verb}" for noun, group in groups.items() for verb in getattr(group, "commands", {})} | nouns
    assert len(offered) > 4
    assert {command for command in offered if command.split()[0] in nouns} <= known


def test_it_runs_as_a_program(db_path: Path, late: str) -> None:
    command = [sys.executable, "-m", "flowctl", "--db", str(db_path), "why", late]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
