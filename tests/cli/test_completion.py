"""What shells are offered: by the way in which they ask, and by the shells themselves where they are installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from live_server import served

from flowctl.cli import main
from flowctl.domain.flow_runs import FlowRun
from flowctl.settings import Settings

PATIENCE = 30.0
"""Seconds after which a shell that should answer does not."""

SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "pwsh"])
def test_there_is_a_script_for_each_shell(cli, shell: str) -> None:
    result = cli("completion", shell)
    assert result.code == 0
    assert "_FLOWCTL_COMPLETE" in result.out


def test_another_shell_has_none(cli) -> None:
    result = cli("completion", "tcsh")
    assert (result.code, result.out) == (2, "")


def environment(db_path: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "FLOWCTL_DB": str(db_path), "PATH": path}


def complete(db_path: Path, line: str, **variables: str) -> list[str]:
    """What bash would be offered at the end of the line."""
    asking = {"_FLOWCTL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    code = "import sys; sys.argv = ['flowctl']; from flowctl.__main__ import main; sys.exit(main())"
    env = {**environment(db_path), **asking, **variables}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return result.stdout.split()


def test_commands_also_in_prefects_words(db_path: Path) -> None:
    assert "runs" in complete(db_path, "flowctl r")
    assert {"show", "set-state"} <= set(complete(db_path, "flowctl runs s"))
    assert "set-state" in complete(db_path, "flowctl flow-run s")
    assert complete(db_path, "flowctl profile us") == ["use"]


def test_values_that_are_known_beforehand(db_path: Path) -> None:
    assert complete(db_path, "flowctl runs ls --state fa") == ["failed"]
    assert complete(db_path, "flowctl runs ls --state failed,cr") == ["failed,crashed"]
    assert complete(db_path, "flowctl runs ls -o j") == ["json", "jsonl"]
    assert complete(db_path, "flowctl completion z") == ["zsh"]
    assert complete(db_path, "flowctl logs tail --level w") == ["warning"]
    assert complete(db_path, "flowctl deployments schedule add --timezone Europe/Berl") == ["Europe/Berlin"]
    assert complete(db_path, "flowctl deployments update --collision ") == ["wait", "cancel"]
    assert complete(db_path, "flowctl api P") == ["POST", "PUT", "PATCH"]


@pytest.mark.parametrize("where", ["file", "server"])
def test_names_and_ids_of_the_file_and_of_a_server(world, three: list[FlowRun], db_path: Path, where: str) -> None:
    task = world.task(three[0], "transform")

    def offered(line: str, **variables: str) -> list[str]:
        return complete(db_path, line, **variables)

    def check(**variables: str) -> None:
        assert offered("flowctl runs ls --flow ", **variables) == ["etl", "report"]
        assert offered("flowctl runs show br", **variables) == ["brisk-otter"]
        assert offered(f"flowctl runs show {str(three[0].id)[:9]}", **variables) == [str(three[0].id)]
        assert offered("flowctl runs show @last-", **variables) == ["@last-failed"]
        assert "completed" in offered("flowctl runs set-state brisk-otter com", **variables)
        assert offered("flowctl why ", **variables) == ["odd-crane", "calm-lynx", "brisk-otter"], "the newest first"
        assert offered("flowctl tasks show tran", **variables) == ["transform"]
        assert str(task.id) in offered(f"flowctl tasks logs {str(task.id)[:9]}", **variables)
        assert offered("flowctl runs ls --tag ", **variables) == ["db", "prod"]

    if where == "file":
        check()
        assert offered("flowctl runs ls --tag ", FLOWCTL_DB="/nowhere/none.db") == []
        assert offered(f"flowctl --db {db_path} runs show od", FLOWCTL_DB="/nowhere/none.db") == ["odd-crane"]
        return
    with served(Settings(db=db_path)) as api:
        check(FLOWCTL_API=api, FLOWCTL_DB="/nowhere/none.db")
    assert offered("flowctl runs show br", FLOWCTL_API="http://127.0.0.1:9/api") == []


def test_settings_and_contexts(cli, db_path: Path, tmp_path: Path, monkeypatch) -> None:
    user = str(tmp_path / "user" / "config.toml")
    monkeypatch.setenv("FLOWCTL_CONFIG", user)
    cli("config", "context", "add", "prod", "--api", "http://h/api")
    assert complete(db_path, "flowctl config set missed") == ["missed_runs"]
    assert complete(db_path, "flowctl config set missed_runs ") == ["skip", "latest", "all"]
    assert complete(db_path, "flowctl config set ui_enabled f") == ["false"]
    assert complete(db_path, "flowctl config set context pr") == ["prod"]
    assert complete(db_path, "flowctl config context use ") == ["local", "prod"]
    assert complete(db_path, "flowctl runs ls --context p") == ["prod"]


def test_without_a_database_it_is_silent(tmp_path: Path) -> None:
    assert complete(tmp_path / "none.db", "flowctl runs show br") == []
    assert not (tmp_path / "none.db").exists()


def test_every_parameter_that_names_something_has_a_completer() -> None:
    named = {"RUN", "RUN...", "TASK...", "FLOW", "FLOW...", "POOL", "QUEUE", "TAG", "LEVEL", "FLOW/DEPLOYMENT", "ZONE"}

    def walk(command: Any, path: str) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{path} {name}")
        for parameter in () if hasattr(command, "commands") else command.params:
            if (parameter.metavar or "").strip("[]") in named:
                assert parameter._custom_shell_complete is not None, (path, parameter.name)

    walk(main.command(), "flowctl")


class TestRealShells:
    @pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell == "bash"])
    def test_bash(self, three: list[FlowRun], db_path: Path, shell: str) -> None:
        lines = [
            'eval "$(flowctl completion bash)"',
            "complete -p flowctl",
            "COMP_WORDS=(flowctl runs show br); COMP_CWORD=3; _flowctl_completion flowctl",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        ]
        done = subprocess.run(
            [shell, "--norc", "-c", "\n".join(lines)],
            env=environment(db_path),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "brisk-otter"
        assert done.stderr == ""

    @pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell == "fish"])
    def test_fish(self, three: list[FlowRun], db_path: Path, tmp_path: Path, shell: str) -> None:
        asked = "; ".join(f"complete -C 'flowctl {line}'" for line in ("runs show br", "runs ls --flow r"))
        script = f"flowctl completion fish | source; {asked}"
        env = {
            **environment(db_path),
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path),
        }
        done = subprocess.run([shell, "-c", script], env=env, capture_output=True, text=True, check=True)
        names = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert names == ["brisk-otter", "report"]

    @pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell == "zsh"])
    def test_zsh(self, three: list[FlowRun], db_path: Path, tmp_path: Path, shell: str) -> None:
        env = {**environment(db_path), "HOME": str(tmp_path), "TERM": "dumb", "ZDOTDIR": str(tmp_path)}
        terminal, inner = pty.openpty()
        process = subprocess.Popen(
            [shell, "-f", "-i"], env=env, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        try:
            script = tmp_path / "_flowctl"
            start = f"autoload -Uz compinit; compinit -u -d {tmp_path}/dump; flowctl completion zsh > {script}"
            os.write(terminal, f"{start}; source {script}; print rea''dy\n".encode())
            read_until(terminal, "ready")
            os.write(terminal, b"flowctl runs show br\t")
            read_until(terminal, "brisk-otter")
        finally:
            process.kill()
            process.wait(10)
            os.close(terminal)


def read_until(terminal: int, wanted: str) -> str:
    """What a terminal shows until it shows this."""
    shown, end = "", time.monotonic() + PATIENCE
    while wanted not in shown:
        readable, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert readable, f"{wanted!r} did not come:\n{shown}"
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown
