"""`flowctl tasks set-state | delete`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowctl.cli import lookups
from flowctl.cli.commands import Command
from flowctl.cli.context import REFUSED, Session
from flowctl.cli.run_changes import note_unasked_rules
from flowctl.cli.run_query import STATE_TYPES, state_type, unknown_state
from flowctl.cli.selection import Outcome, delete_each, each
from flowctl.cli.tables import short_id
from flowctl.cli.tasks_found import TasksSelection, choose, noun
from flowctl.domain.errors import Invalid

app = typer.Typer()

_SET_STATE = """
flowctl tasks set-state load-0 completed
flowctl tasks set-state 3f9c a71e failed -m "bad data" --force
"""


@app.command("set-state", cls=Command, epilog=_SET_STATE)
def set_state(
    ctx: typer.Context,
    tasks_and_state: Annotated[list[str], typer.Argument(metavar="TASK... STATE")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="A name for the state.")] = "",
    message: Annotated[
        str | None, typer.Option("--message", "-m", metavar="TEXT", help="What to say about it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Skip the rules of orchestration.")] = False,
) -> int:
    """Put task runs into a state, by the rules of orchestration.

    A state is a type (pending, running, completed, failed, cancelled, crashed …) or one of Prefect's names (Cached,
    AwaitingRetry …). What the rules refuse ends with exit code 4.
    """
    session = Session.of(ctx)
    *references, word = tasks_and_state
    if not references:
        raise Invalid("A task run or the state is missing.", remedy="flowctl tasks set-state TASK… STATE")
    known = state_type(word)
    if known is None:
        raise Invalid(unknown_state(word), remedy="use " + ", ".join(type.lower() for type in STATE_TYPES))
    state = {"type": known[0], "name": name or known[1] or known[0].title(), "message": message}
    chosen = choose(session, references, what="tasks set-state")
    before = lookups.by_id(session.api, "task_runs", chosen.ids)
    proposal = {"state": state, "force": force}

    def change(id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if not session.options.dry_run:
            return before[id], session.api.post(f"/task_runs/{id}/set_state", proposal)
        if not session.api.is_prefect:
            return before[id], session.api.post(f"/flowctl/task_runs/{id}/set_state", {**proposal, "dry_run": True})
        return before[id], {"status": "ACCEPT", "state": state, "details": {"type": "accept_details"}}

    return _tell(session, each(session, chosen, change), single=len(references) == 1, force=force)


_DELETE = """
flowctl tasks delete load-0
flowctl tasks delete --run brisk-otter --state failed --dry-run
"""


@app.command("delete", cls=TasksSelection, epilog=_DELETE)
def delete_tasks(
    ctx: typer.Context, tasks: Annotated[list[str] | None, typer.Argument(metavar="[TASK...]")] = None
) -> int:
    """Delete task runs with their states and logs; their flow runs stay.  Nothing brings them back."""
    session = Session.of(ctx)
    output = session.output
    chosen = choose(session, tasks, what="tasks delete")
    if not chosen.ids and not chosen.missing:
        output.note("no task runs")
        return 0
    found = lookups.by_id(session.api, "task_runs", chosen.ids)
    runs = len({task["flow_run_id"] for task in found.values()})
    told = f"{noun(len(chosen.ids))} of {runs:,} flow run{'' if runs == 1 else 's'}"
    if session.options.dry_run:
        output.note(f"would delete {told}")
        if output.wants_data or output.format == "id":
            output.data([{"id": id} for id in chosen.ids])
        else:
            output.lines([f"{id}  {found[id]['name']}" for id in chosen.ids])
        return 0
    if chosen.ids and not output.confirm(f"Delete {told}? Nothing brings that back."):
        output.note("Nothing was deleted.")
        return 1
    return delete_each(session, chosen, "/task_runs", "task run")


def _tell(
    session: Session, outcome: Outcome[tuple[dict[str, Any], dict[str, Any]]], *, single: bool, force: bool
) -> int:
    """Print what became of each task run; the exit code."""
    output = session.output
    accepted = [(task, answer) for task, answer in outcome.done if answer["status"] == "ACCEPT"]
    refused = [(task, answer) for task, answer in outcome.done if answer["status"] != "ACCEPT"]
    if output.wants_data:
        answers = [answer if single else {"task_run_id": task["id"], **answer} for task, answer in outcome.done]
        output.data(answers, single=single and len(answers) == 1)
    elif output.format == "id":
        output.lines([task["id"] for task, _ in accepted])
    else:
        arrow = ("→" if output.look.icons else "->") + (" would be" if session.options.dry_run else "")
        output.lines(
            [
                f"{task['name']} ({short_id(task['id'])}): {task['state_name']} {arrow} {answer['state']['name']}"
                for task, answer in accepted
            ]
        )
    note_unasked_rules(session)
    hint = "" if force else ". Use --force to skip the rules."
    for task, answer in refused:
        reason = answer["details"].get("reason") or "no reason"
        output.failure(f"refused: {short_id(task['id'])} is {task['state_name']}: {reason}{hint}")
    outcome.done = accepted
    outcome.failed += [(task["id"], REFUSED) for task, _ in refused]
    return outcome.code
