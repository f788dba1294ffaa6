"""`flowctl runs retry | reschedule | pause | suspend`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import completion, flags, moments, parameters, run_changes
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.deployments_run import parse_future
from flowctl.cli.run_query import FINAL_STATE_TYPES
from flowctl.cli.selection import choose, each
from flowctl.cli.tables import short_id
from flowctl.domain.errors import Invalid, Refused

if TYPE_CHECKING:
    from flowctl.domain.states import StateCreate

app = typer.Typer()


class RunsSelection(Command):
    """A command on the runs that are named or that filters select."""

    flags = (*flags.SELECTION, *flags.LISTING[:1])


_Runs = Annotated[list[str] | None, typer.Argument(metavar="[RUN...]", autocompletion=completion.runs)]
_Message = Annotated[str | None, typer.Option("--message", "-m", metavar="TEXT", help="What to say about it.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Then wait until the runs have ended; see `runs wait`.")]
_Timeout = Annotated[str, typer.Option("--timeout", metavar="TIME", help="With --wait: give up after 90s, 10m …")]
_Force = Annotated[bool, typer.Option("--force", help="Skip the rules of orchestration.")]

_RETRY = """
flowctl runs retry brisk-otter --wait
flowctl runs retry @last-failed --edit-params
flowctl runs retry --flow etl --state failed,crashed --since 1d
"""


@app.command("retry", cls=RunsSelection, epilog=_RETRY)
def retry(
    ctx: typer.Context,
    runs: _Runs = None,
    edit_params: Annotated[
        bool, typer.Option("--edit-params", help="Change the parameters first, in your editor ($VISUAL, $EDITOR).")
    ] = False,
    message: _Message = None,
    force: _Force = False,
    wait: _Wait = False,
    timeout: _Timeout = "",
) -> int:
    """Let flow runs that have ended begin another attempt, by the runner or worker of their deployment.

    Task runs that completed and kept their results are not repeated. A run without a deployment is started by its own
    code, as the message says. A run that Completed with a result is refused unless --force is given.
    """
    session = Session.of(ctx)
    chosen = choose(session, runs, what="runs retry")
    if edit_params and len(chosen.ids) != 1:
        raise Invalid("--edit-params takes one run.", remedy="flowctl runs retry RUN --edit-params")

    def again(id: str) -> Any:
        run = session.api.get(f"/flow_runs/{id}")
        _check_retry(run)
        if edit_params:
            _edit_parameters(session, run)
        proposed = _state("SCHEDULED", "AwaitingRetry", message or "Retried from the command line")
        return session.backend.changes.set_state(id, proposed, force=force, dry_run=session.options.dry_run)

    outcome = each(session, chosen, again)
    if not chosen.ids and not chosen.missing:
        session.output.hint("no run to retry")
    hint = "" if force else "Use --force to skip the rules."
    code = run_changes.tell(session, outcome, single=len(runs or ()) == 1, hint=hint)
    waits = wait and not session.options.dry_run
    return run_changes.then_wait(session, outcome, code, timeout) if waits else code


_RESCHEDULE = """
flowctl runs reschedule brisk-otter +10m
flowctl runs reschedule a71e b802 now
flowctl runs reschedule a71e 2026-01-31T10:00
"""


@app.command("reschedule", cls=Command, epilog=_RESCHEDULE)
def reschedule(
    ctx: typer.Context,
    runs_and_time: Annotated[
        list[str], typer.Argument(metavar="RUN... TIME", autocompletion=completion.runs, help="+10m, now, 14:30 …")
    ],
    message: _Message = None,
    force: _Force = False,
) -> int:
    """Make scheduled flow runs due at another time: +10m from now, now, 14:30 (the next), tomorrow, 2026-01-31T10:00.

    Runs that are under way are refused, and so are those that have ended: `runs retry` starts them again.
    """
    session = Session.of(ctx)
    *references, when = runs_and_time
    if not references:
        raise Invalid("A run or the time is missing.", remedy="flowctl runs reschedule RUN… +10m")
    due = _due(when, session.output.now)

    def move(id: str) -> Any:
        run = session.api.get(f"/flow_runs/{id}")
        _check_reschedule(run)
        name = run["state_name"] if run["state_name"] == "AwaitingRetry" else "Scheduled"
        proposed = _state("SCHEDULED", name, message or "Rescheduled from the command line", scheduled_time=due)
        return session.backend.changes.set_state(id, proposed, force=force, dry_run=session.options.dry_run)

    outcome = each(session, choose(session, references, what="runs reschedule"), move)
    code = run_changes.tell(session, outcome, single=len(references) == 1)
    if outcome.done and due > session.output.now:
        clock = moments.clock(due, session.output.now, utc=session.output.options.utc, precise=True)
        session.output.hint(f"due {clock}")
    return code


_PAUSE = """
flowctl runs pause brisk-otter
flowctl runs pause brisk-otter --for 2h -m "wait for the upload"
"""

_For = Annotated[str, typer.Option("--for", metavar="TIME", help="It fails if it is not resumed for so long (1h).")]


@app.command("pause", cls=Command, epilog=_PAUSE)
def pause(ctx: typer.Context, runs: _Runs = None, time: _For = "1h", message: _Message = None) -> int:
    """Pause running flow runs: their process waits before the next task until `runs resume`."""
    return _interrupt(ctx, runs, "Paused", time, message, what="runs pause")


_SUSPEND = """
flowctl runs suspend brisk-otter
flowctl runs suspend @running --for 8h
"""


@app.command("suspend", cls=Command, epilog=_SUSPEND)
def suspend(ctx: typer.Context, runs: _Runs = None, time: _For = "1h", message: _Message = None) -> int:
    """Suspend running flow runs: their process ends before the next task, and `runs resume` starts another.

    Only a run of a deployment can be started again, and no subflow run.
    """
    return _interrupt(ctx, runs, "Suspended", time, message, what="runs suspend")


def _interrupt(
    ctx: typer.Context, runs: list[str] | None, name: str, time: str, message: str | None, *, what: str
) -> int:
    session = Session.of(ctx)
    try:
        until = session.output.now + timedelta(seconds=moments.parse_duration(time))
    except (ValueError, OverflowError) as error:
        raise Invalid(str(error)) from None
    propose: Callable[[], StateCreate] = lambda: _state(  # noqa: E731 - each run needs a state of its own
        "PAUSED", name, message, pause_timeout=until, pause_reschedule=name == "Suspended"
    )
    dry_run = session.options.dry_run
    outcome = each(
        session,
        choose(session, runs, what=what),
        lambda id: session.backend.changes.set_state(id, propose(), dry_run=dry_run),
    )
    return run_changes.tell(session, outcome, single=len(runs or ()) == 1)


def _state(type: str, name: str, message: str | None, **details: Any) -> StateCreate:
    from flowctl.domain.states import StateCreate, StateDetails, StateType

    return StateCreate(type=StateType(type), name=name, message=message, state_details=StateDetails(**details))


def _check_retry(run: dict[str, Any]) -> None:
    if run["state_type"] not in FINAL_STATE_TYPES:
        raise Refused(
            f"{run['name']} ({short_id(run['id'])}) is {run['state_name'] or 'without a state'}: "
            "only a run that has ended can be retried.",
            remedy=f"flowctl runs why {run['id']}",
        )
    if run["deployment_id"] is None:
        raise Refused(
            f"{run['name']} ({short_id(run['id'])}) has no deployment: no runner and no worker could start it. "
            "Its own code can, where it is:",
            remedy=f"prefect flow-run retry {run['id']} --entrypoint FILE:FLOW",
        )


def _check_reschedule(run: dict[str, Any]) -> None:
    if run["state_type"] in FINAL_STATE_TYPES:
        raise Refused(
            f"{run['name']} ({short_id(run['id'])}) has ended: it is {run['state_name']}.",
            remedy=f"flowctl runs retry {run['id']}",
        )
    if run["state_type"] not in ("SCHEDULED", "PENDING"):
        raise Refused(
            f"{run['name']} ({short_id(run['id'])}) is {run['state_name']}: "
            "only a run that has not started can be moved.",
            remedy=f"flowctl runs cancel {run['id']}",
        )


def _due(text: str, now: datetime) -> datetime:
    """The time that `+10m`, `10m`, `now`, `14:30` … names.  Raises Invalid."""
    word = text.strip().lower()
    if word == "now":
        return now
    try:
        return now + timedelta(seconds=moments.parse_duration(word.removeprefix("+")))
    except (ValueError, OverflowError):
        if word.startswith("+"):
            raise Invalid(f"{text!r} is not a time; write it like +10m.") from None
    try:
        return parse_future(text, now)
    except (ValueError, OverflowError):
        raise Invalid(f"{text!r} is not a time; write it like +10m, now, 14:30 or 2026-01-31T10:00.") from None


def _edit_parameters(session: Session, run: dict[str, Any]) -> None:
    """Let the user change the parameters of a run, and store them.  Raises Invalid for what the deployment refuses."""
    text = json.dumps(run["parameters"], ensure_ascii=False, indent=2) + "\n"
    values = parameters.parse_object(_edited(text), "the edited text")
    deployment = session.api.get(f"/deployments/{run['deployment_id']}")
    if deployment["enforce_parameter_schema"]:
        schema = deployment["parameter_openapi_schema"]
        parameters.check({**deployment["parameters"], **values}, schema, of=deployment["name"])
    if values != run["parameters"] and not session.options.dry_run:
        session.api.call("PATCH", f"/flow_runs/{run['id']}", {"parameters": values})


def _edited(text: str) -> str:
    """The text after the user's editor.  Raises Refused if the editor cannot be run or says that it failed."""
    import os
    import shlex
    import subprocess
    import tempfile
    from pathlib import Path

    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "parameters.json")
        path.write_text(text)
        try:
            code = subprocess.run([*shlex.split(command), str(path)], check=False).returncode
        except OSError as error:
            raise Refused(f"{command} cannot be run: {error.strerror}.", remedy="set EDITOR") from None
        if code:
            raise Refused(f"{command} ended with code {code}: nothing was changed.")
        return path.read_text()
