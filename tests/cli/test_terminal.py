"""What a person sees: the same commands in a terminal of a certain size."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from flowctl.cli.tables import width
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import StateType

pty = pytest.importorskip("pty", reason="terminals of this kind are POSIX's")


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, db: Path, arguments: Sequence[str], *, columns: int = 80, rows: int = 24, **env: str) -> None:
        import fcntl
        import termios

        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        skipped = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LESS", "PAGER"}
        inherited = {name: value for name, value in os.environ.items() if name not in skipped}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", *arguments],
            stdin=side,
            stdout=side,
            stderr=side,
            env={**inherited, "FLOWCTL_DB": str(db), "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env},
            start_new_session=True,
        )
        os.close(side)
        self.seen = ""

    def until(self, text: str) -> str:
        """Read until the text has appeared."""
        deadline = time.monotonic() + 20
        while text not in self.seen and time.monotonic() < deadline and self._read():
            pass
        assert text in self.seen, self.seen
        return self.seen

    def write(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self) -> tuple[int, str]:
        """Read to the end; exit code and everything that was shown."""
        while self._read():
            pass
        os.close(self._main)
        return self.process.wait(20), self.seen.replace("\r\n", "\n")

    def _read(self) -> bool:
        try:
            data = os.read(self._main, 65536)
        except OSError:  # Linux's way to say that nobody is at the other end
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@pytest.mark.parametrize("columns", [50, 66, 80, 132])
@pytest.mark.parametrize(
    "arguments", [("runs", "ls"), ("flows", "ls"), ("runs", "history", "brisk-otter")], ids=" ".join
)
def test_tables_fit_the_terminal(db_path: Path, three: list[FlowRun], arguments: tuple[str, ...], columns: int) -> None:
    code, text = Terminal(db_path, arguments, columns=columns, NO_COLOR="1").end()
    assert code == 0
    assert max(map(width, text.splitlines())) <= columns


def test_states_have_icon_word_and_colour(db_path: Path, three: list[FlowRun]) -> None:
    _, text = Terminal(db_path, ["runs", "ls"]).end()
    assert "\x1b[31m✗ Failed" in text
    assert "\x1b[32m✓ Completed" in text
    assert str(three[0].id)[:8] in text
    assert str(three[0].id) not in text
    assert "3 runs" in text
    _, plain = Terminal(db_path, ["runs", "ls"], TERM="dumb").end()
    assert "\x1b[" not in plain
    _, ascii_only = Terminal(db_path, ["runs", "ls"], PYTHONIOENCODING="ascii", NO_COLOR="1").end()
    assert ascii_only.isascii()
    assert "Failed" in ascii_only


def test_an_empty_list_says_so(db_path: Path) -> None:
    assert Terminal(db_path, ["runs", "ls"], NO_COLOR="1").end() == (0, "no runs\n")


def test_times_are_local_or_utc(db_path: Path, world, three: list[FlowRun]) -> None:
    _, local = Terminal(db_path, ["runs", "show", "odd-crane"], TZ="XYZ-05:00", NO_COLOR="1").end()
    _, utc = Terminal(db_path, ["runs", "show", "odd-crane", "--utc"], TZ="XYZ-05:00", NO_COLOR="1").end()
    assert " XYZ (10m ago)" in local
    assert " UTC (10m ago)" in utc


def test_what_is_longer_than_the_terminal_is_paged(db_path: Path, world) -> None:
    for number in range(12):
        world.run(f"run-{number}")
    pager = "sed 's/^/paged: /'"
    _, text = Terminal(db_path, ["runs", "ls"], rows=10, PAGER=pager).end()
    assert text.startswith("paged: ")
    for flags, env in ((["--no-pager"], {}), ([], {"PAGER": "no-such-pager-anywhere"}), (["--limit", "3"], {})):
        _, text = Terminal(db_path, ["runs", "ls", *flags], rows=10, **{"PAGER": pager, **env}).end()
        assert "paged: " not in text
        assert "run-11" in text


def test_a_question_and_its_answers(db_path: Path, three: list[FlowRun]) -> None:
    terminal = Terminal(db_path, ["runs", "delete", "odd-crane"], NO_COLOR="1")
    terminal.until("[y/N] ")
    terminal.write("n\n")
    code, text = terminal.end()
    assert code == 1
    assert text.endswith("Nothing was deleted.\n")
    terminal = Terminal(db_path, ["runs", "delete", "odd-crane"], NO_COLOR="1")
    terminal.until("Nothing brings that back. [y/N] ")
    terminal.write("y\n")
    code, text = terminal.end()
    assert code == 0
    assert text.endswith("deleted 1 run\n")


def test_the_live_list_follows_and_ends(db_path: Path, world, three: list[FlowRun]) -> None:
    terminal = Terminal(db_path, ["runs", "watch", "--timeout", "4s"], NO_COLOR="1", columns=120)
    terminal.until("● Running")
    world.run("a-newcomer")
    terminal.until("a-newcomer")
    code, text = terminal.end()
    assert code == 124
    assert text.endswith("\x1b[?25h\x1b[?1049l")


def test_watching_a_run_keeps_a_line_of_what_goes_on(db_path: Path, world, three: list[FlowRun]) -> None:
    terminal = Terminal(db_path, ["runs", "watch", "odd-crane"], NO_COLOR="1", columns=120)
    terminal.until("1 run going · 1 Completed · ")
    world.move(three[0], StateType.FAILED)
    code, text = terminal.end()
    assert code == 10
    assert "odd-crane" in text.rpartition("✗ Failed")[0].splitlines()[-1]
