"""`flowctl runs why`, and its shortcut `flowctl why`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from flowctl.cli import completion
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, Look, clean, item, pad, short_id, width
from flowctl.domain.errors import Refused

app = typer.Typer()

EXAMPLES = """
flowctl why brisk-otter
flowctl runs why @last-failed
flowctl runs why a71e --fix
flowctl runs why a71e --json --fields verdict,summary
"""


@app.command("why", cls=Command, epilog=EXAMPLES)
def why(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs)],
    fix: Annotated[bool, typer.Option("--fix", help="Offer to run the first command that helps.")] = False,
) -> int:
    """Tell what a flow run waits for, or why it ended, and the command that helps.

    The chain goes on through other runs: who holds the slot, which subflow is awaited. ✗ stays until somebody does
    something, • passes by itself, ✓ was looked at and is in order.
    """
    session = Session.of(ctx)
    output = session.output
    told = session.backend.runs.why(session.backend.runs.id(run))
    if fix:
        output.note(f"{told['flow_run_name']} {told['summary']}.")
        return _fix(session, told)
    if output.wants_data:
        output.data([told], single=True)
    elif output.format == "id":
        output.lines([told["flow_run_id"]])
    elif output.format == "csv":
        output.table(_COLUMNS, told["causes"])
    else:
        output.lines(list(text_of(told, output.look)))
    return 0


_COLUMNS = [Column(name, item(name)) for name in ("code", "blocks", "subject", "summary", "flow_run_id")]


# -- text


def text_of(told: Mapping[str, Any], look: Look) -> Iterator[str]:
    """The explanation (the API's shape) as lines for a person."""
    id = told["flow_run_id"]
    name = look.paint(clean(told["flow_run_name"]), "bold")
    yield from _wrapped(f"{name} ({_short(id, look)}) ", f"{told['summary']}.", look, indent=0)
    indent = max((width(each["subject"]) for each in (*told["causes"], *told["checks"])), default=0)
    about = id
    for cause in told["causes"]:
        if cause["flow_run_id"] != about:
            about = cause["flow_run_id"]
            arrow = "↳" if look.icons else "->"
            yield f" {arrow} {look.paint(clean(cause['flow_run_name']), 'bold')} ({_short(about, look)})"
        icon, style = ("✗", "red") if cause["blocks"] or told["verdict"] == "ended" else ("•", "yellow")
        margin = " " if about == id else "   "
        icon = look.paint(icon if look.icons else {"✗": "x", "•": "-"}[icon], style)
        yield from _wrapped(f"{margin}{icon} {pad(cause['subject'], indent)}  ", clean(cause["summary"]), look)
    yield from _checks(told["checks"], look)
    label = "fix:" if told["verdict"] == "blocked" else "next:"
    yield from _commands([fix["command"] for fix in _fixes(told)], label, look)


def _checks(checks: Sequence[Mapping[str, str]], look: Look) -> Iterator[str]:
    """What is in order, several to a line."""
    icon = look.paint("✓" if look.icons else "+", "green")
    line, room = "", look.width
    for check in checks:
        text = f"{check['subject']} {clean(check['summary'])}"
        taken = width(text) + 3
        if line and taken + 3 > room:
            yield line
            line = ""
        line, room = (f"{line}   {icon} {text}", room - taken - 2) if line else (f" {icon} {text}", look.width - taken)
    if line:
        yield line


def _commands(commands: Sequence[str], label: str, look: Look) -> Iterator[str]:
    """The commands that help, one a line, never cut: they are there to be copied."""
    for number, command in enumerate(commands):
        yield look.paint(pad("or:" if number else label, 6), "dim") + _short_ids(command, look)


def _wrapped(head: str, text: str, look: Look, *, indent: int | None = None) -> Iterator[str]:
    """A text behind a head; on a terminal wrapped, the further lines below the text or at an indent."""
    cells = width(plain(head))
    indent = cells if indent is None else indent
    line, room = head, look.width - cells
    is_first = True
    for word in text.split(" "):
        if look.terminal and not is_first and width(word) + 1 > room:
            yield line
            line, room, is_first = " " * indent, look.width - indent, True
        line += word if is_first else f" {word}"
        room -= width(word) + (not is_first)
        is_first = False
    yield line


def plain(text: str) -> str:
    """The text without its colours."""
    parts = text.split("\x1b[")
    return parts[0] + "".join(part.partition("m")[2] for part in parts[1:])


def _short(id: str, look: Look) -> str:
    return short_id(id) if look.terminal else id


def _short_ids(command: str, look: Look) -> str:
    words = command.split(" ")
    return " ".join(_short(word, look) if len(word) == 36 and word.count("-") == 4 else word for word in words)


# -- fixing


def _fixes(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What may be done, each command once: for what blocks first, and what gives the run up last."""
    causes = sorted(told["causes"], key=lambda cause: not cause["blocks"])
    fixes = {fix["command"]: fix for cause in causes for fix in cause["fixes"]}
    return sorted(fixes.values(), key=lambda fix: fix["gives_up"])


def _fix(session: Session, told: Mapping[str, Any]) -> int:
    """Run the first command that helps, if the user wants it; its exit code.  Raises Refused when there is none."""
    fixes = _fixes(told)
    chosen = next((fix for fix in fixes if fix["is_complete"] and not fix["gives_up"]), None)
    if chosen is None:
        raise Refused(
            "There is nothing here that could be done without you.",
            remedy=fixes[0]["command"] if fixes else f"flowctl runs show {told['flow_run_id']}",
        )
    command: str = chosen["command"]
    if session.options.dry_run:
        session.output.lines([command])
        return 0
    if not session.output.confirm(f"{chosen['effect'].capitalize()}: {command}?"):
        session.output.note("Nothing was done.")
        return 0
    return _run(session, shlex.split(command))


def _run(session: Session, words: list[str]) -> int:
    """Run a command in the foreground, on the same database or server."""
    import subprocess

    if words[0] == "flowctl":
        program = [sys.argv[0]] if sys.argv[0].endswith(".pyz") else ["-m", "flowctl"]
        words = [sys.executable, *program, *words[1:]]
    try:
        return subprocess.run(words, env=_environment(session), check=False).returncode
    except FileNotFoundError:
        raise Refused(f"{words[0]} is not installed here.", remedy=shlex.join(words)) from None


def _environment(session: Session) -> dict[str, str]:
    """The environment in which a command works where this one does."""
    environment = {name: text for name, text in os.environ.items() if name not in _TARGETS}
    if session.context is not None:
        environment["FLOWCTL_CONTEXT"] = session.options.context or session.configured.context or ""
    elif session.api_url is not None:
        environment["FLOWCTL_API"] = session.api_url
    else:
        environment["FLOWCTL_DB"] = str(session.database_path)
    return environment


_TARGETS = ("FLOWCTL_API", "FLOWCTL_CONTEXT", "FLOWCTL_DB")
