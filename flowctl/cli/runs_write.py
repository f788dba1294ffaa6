"""`flowctl runs set-state | resume | cancel`; deleting is in `runs_trash.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import completion, flags, run_changes
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.parameters import parse_value
from flowctl.cli.run_query import STATE_TYPES, state_type, unknown_state
from flowctl.cli.selection import Chosen, choose, each, noun
from flowctl.domain.errors import Invalid

if TYPE_CHECKING:
    from flowctl.cli.results import Verdict
    from flowctl.domain.states import ExpectedState, StateCreate

app = typer.Typer()


class RunsSelection(Command):
    """A command on the runs that are named or that filters select."""

    flags = (*flags.SELECTION, *flags.LISTING[:1])


_Runs = Annotated[list[str] | None, typer.Argument(metavar="[RUN...]", autocompletion=completion.runs)]
_Message = Annotated[str | None, typer.Option("--message", "-m", metavar="TEXT", help="What to say about it.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Then wait until the runs have ended; see `runs wait`.")]
_Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="With --wait: give up after 90s, 10m …")]

_SET_STATE = """
flowctl runs set-state brisk-otter completed
flowctl runs set-state 3f9c a71e failed -m "node was lost" --force
flowctl runs set-state 3f9c crashed --expect running
"""


@app.command("set-state", cls=Command, epilog=_SET_STATE)
def set_state(
    ctx: typer.Context,
    runs_and_state: Annotated[
        list[str], typer.Argument(metavar="RUN... STATE", autocompletion=completion.runs_and_states)
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="A name for the state.")] = None,
    message: _Message = None,
    force: Annotated[bool, typer.Option("--force", help="Skip the rules of orchestration.")] = False,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="STATE", help="Only from this state; exit code 4 if the run has moved."),
    ] = None,
    wait: _Wait = False,
    timeout: _Timeout = "",
) -> int:
    """Put flow runs into a state, by the rules of orchestration.

    A state is a type (scheduled, pending, running, completed, failed, cancelled, crashed, paused, cancelling) or one of
    Prefect's names (Late, AwaitingRetry, Suspended, Cached …). What the rules refuse ends with exit code 4.
    """
    session = Session.of(ctx)
    *references, word = runs_and_state
    if not references:
        raise Invalid("A run or the state is missing.", remedy="flowctl runs set-state RUN… STATE")
    propose = _proposals(word, name, message)
    dry_run = session.options.dry_run
    expected = _expected(expect) if expect else None
    outcome = each(
        session,
        choose(session, references, what="runs set-state"),
        lambda id: session.backend.changes.set_state(id, propose(), force=force, expect=expected, dry_run=dry_run),
    )
    hint = "" if force else "Use --force to skip the rules."
    code = run_changes.tell(session, outcome, single=len(references) == 1, hint=hint)
    return run_changes.then_wait(session, outcome, code, timeout) if wait and not dry_run else code


_RESUME = """
flowctl runs resume brisk-otter
flowctl runs resume brisk-otter --input approved=true --input reviewer=ada
flowctl runs resume brisk-otter --input-file answer.json
"""


@app.command("resume", cls=Command, epilog=_RESUME)
def resume(
    ctx: typer.Context,
    runs: _Runs = None,
    values: Annotated[
        list[str] | None, typer.Option("--input", metavar="K=V", help="A value that the pause waits for.")
    ] = None,
    input_file: Annotated[
        Path | None, typer.Option("--input-file", metavar="FILE", help="A JSON file with all of them; - is stdin.")
    ] = None,
    wait: _Wait = False,
    timeout: _Timeout = "",
) -> int:
    """Let paused or suspended flow runs go on, with the input that they wait for.

    The input is checked against the schema that the run stored when it paused.
    """
    session = Session.of(ctx)
    run_input = _run_input(values or [], input_file)
    dry_run = session.options.dry_run
    outcome = each(
        session,
        choose(session, runs, what="runs resume"),
        lambda id: session.backend.changes.resume(id, run_input, dry_run=dry_run),
    )
    lacks_input = any(not each.accepted and "Validation failed" in (each.reason or "") for each in outcome.done)
    hint = "Give what it waits for with --input K=V." if lacks_input else ""
    code = run_changes.tell(session, outcome, single=len(runs or ()) == 1, hint=hint)
    return run_changes.then_wait(session, outcome, code, timeout) if wait and not dry_run else code


_CANCEL = """
flowctl runs cancel brisk-otter -m "wrong parameters" --wait
flowctl runs cancel --flow etl --state scheduled,pending
flowctl runs cancel @running --dry-run
"""


@app.command("cancel", cls=RunsSelection, epilog=_CANCEL)
def cancel(
    ctx: typer.Context, runs: _Runs = None, message: _Message = None, wait: _Wait = False, timeout: _Timeout = ""
) -> int:
    """Cancel flow runs; what runs somewhere is asked to stop.

    A run that nothing executes is Cancelled at once, another is Cancelling until its process has ended. A paused run is
    Cancelled at once, too; a process that waits in its pause goes on waiting for no longer than the pause lasts. Runs
    that filters select are cancelled after a question, unless -y is given; those that have ended are left alone.
    """
    session = Session.of(ctx)
    chosen = choose(session, runs, what="runs cancel")
    dry_run = session.options.dry_run
    if not runs:
        chosen = Chosen([moment.id for moment in session.backend.runs.moments(chosen.ids) if not moment.is_over])
        if chosen.ids and not dry_run and not session.output.confirm(f"Cancel {noun(len(chosen.ids))}?"):
            session.output.note("Nothing was cancelled.")
            return 1
    asked_to_stop, stopped = (_proposals(word, None, message) for word in ("cancelling", "cancelled"))

    def cancel(id: str) -> Verdict:
        verdict = session.backend.changes.set_state(id, asked_to_stop(), dry_run=dry_run)
        if not verdict.accepted and verdict.after_type == "PAUSED":
            return session.backend.changes.set_state(id, stopped(), dry_run=dry_run)
        return _cancelled(verdict)

    outcome = each(session, chosen, cancel)
    if not chosen.ids and not chosen.missing:
        session.output.hint("no run to cancel")
    code = run_changes.tell(session, outcome, single=len(runs or ()) == 1)
    return run_changes.then_wait(session, outcome, code, timeout, welcome="CANCELLED") if wait and not dry_run else code


def _proposals(word: str, name: str | None, message: str | None) -> Callable[[], StateCreate]:
    """A maker of proposals: each run needs one of its own.  Raises Invalid for a word that names no state."""
    known = state_type(word)
    if known is None:
        raise Invalid(unknown_state(word), remedy="use " + ", ".join(type.lower() for type in STATE_TYPES))
    from flowctl.domain.states import StateCreate, StateType

    type_ = StateType(known[0])
    title = name or known[1] or type_.value.title()
    return lambda: StateCreate(type=type_, name=title, message=message)


def _expected(word: str) -> ExpectedState:
    """The state that a word for a type or a name means, in any case."""
    from flowctl.domain.states import ExpectedState, StateType

    type, name = state_type(word) or (None, word)
    return ExpectedState(name=name) if name else ExpectedState(type=StateType(type))


def _run_input(pairs: Sequence[str], file: Path | None) -> dict[str, Any] | None:
    """What `--input` and `--input-file` give together.  Raises Invalid."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
            values = json.loads(text)
        except OSError as error:
            raise Invalid(f"{file} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise Invalid(f"{file} is not JSON: {error}.") from error
        if not isinstance(values, dict):
            raise Invalid(f"{file} must hold a JSON object.")
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Invalid(f"{pair!r} is not an input.", remedy="write it like --input name=value")
        values[key] = parse_value(value)
    return values or None


def _cancelled(verdict: Verdict) -> Verdict:
    """The verdict on a cancellation: that it is Cancelled at once, instead of Cancelling, is what was asked for."""
    from dataclasses import replace

    is_done = verdict.after_type == "CANCELLED" and verdict.before != verdict.after
    return replace(verdict, accepted=True, reason=None) if is_done else verdict
