"""`flowctl runs delete | undo | trash ls | trash empty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from flowctl.cli import completion, flags, lookups, run_removal, run_table
from flowctl.cli.commands import Command, Group
from flowctl.cli.context import PARTIAL, Session
from flowctl.cli.run_removal import Extent
from flowctl.cli.selection import choose, each, noun
from flowctl.cli.tables import Column, item, short_id
from flowctl.domain.errors import NotFound, Unsupported


class TrashGroup(Group):
    """`flowctl runs trash`."""

    aliases: Mapping[str, str] = {"list": "ls"}


app = typer.Typer()
trash = typer.Typer(
    cls=TrashGroup,
    help="List and forget the runs that were deleted; `runs undo` brings them back.",
    epilog="flowctl runs trash ls\nflowctl runs trash empty",
    rich_markup_mode=None,
)
app.add_typer(trash, name="trash")

_RESTORED_A_REQUEST = 500
_PAGE = 200
_LIMIT = 50
_PREFIX = 4
"""Characters of an id that it takes at least."""


class RunsSelection(Command):
    """A command on the runs that are named or that filters select."""

    flags = (*flags.SELECTION, *flags.LISTING[:1])


class TrashListing(Command):
    """A command that lists the trash."""

    flags = flags.LISTING


_DELETE = """
flowctl runs delete brisk-otter
flowctl runs delete --state completed --older-than 30d --dry-run
flowctl runs ls -q --name 'test-*' | flowctl runs delete -y -
flowctl runs delete --flow etl --state failed --purge
"""


@app.command("delete", cls=RunsSelection, epilog=_DELETE)
def delete(
    ctx: typer.Context,
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN...]", autocompletion=completion.runs)] = None,
    keep_logs: Annotated[
        bool, typer.Option("--keep-logs", help="Leave the log lines: they can still be read and searched.")
    ] = False,
    purge: Annotated[bool, typer.Option("--purge", help="Delete for good at once, not into the trash.")] = False,
) -> int:
    """Delete flow runs with their task runs, states, inputs and logs; `runs undo` brings them back for 7 days.

    Asks first, unless -y is given. Subflow runs and artifacts stay. --dry-run tells how much would go. Log lines that
    --keep-logs leaves can be found by the run's id and by `logs search`, until they reach the age at which
    `db retention` deletes runs. A Prefect server has no trash: there a deletion is for good.
    """
    session = Session.of(ctx)
    output, api = session.output, session.api
    if keep_logs and api.is_prefect:
        raise Unsupported("A Prefect server keeps no logs of runs that are deleted.", remedy="leave out --keep-logs")
    for_good = purge or api.is_prefect
    outcome = each(session, choose(session, runs, what="runs delete"), lambda id: id)
    found, outcome.done = outcome.done, []
    if not found:
        output.hint("no run to delete")
    elif session.options.dry_run:
        extent = run_removal.extent(api, found)
        way = " for good" if for_good else ""
        _tell(session, {"batch": None, "deleted": found}, f"would delete {_size(extent, keep_logs)}{way}")
        outcome.done = found
    else:
        if not output.options.yes and not output.confirm(_question(session, found, keep_logs, for_good)):
            output.note("Nothing was deleted.")
            return 1
        with output.progress("deleting runs", len(found)) as advance:
            answer = run_removal.delete(api, found, advance, keep_logs=keep_logs, purge=purge)
        outcome.done = answer["deleted"]
        _tell(session, answer, f"deleted {noun(len(outcome.done))}{' for good' if for_good else ''}")
        if outcome.done and not for_good:
            output.hint(
                f"flowctl runs undo {short_id(answer['batch'])} brings {_them(len(outcome.done))} back, for 7 days"
            )
    return outcome.code


_UNDO = """
flowctl runs undo
flowctl runs undo brisk-otter
flowctl runs undo 5f1c --dry-run
"""


@app.command("undo", cls=Command, epilog=_UNDO)
def undo(
    ctx: typer.Context,
    named: Annotated[list[str] | None, typer.Argument(metavar="[BATCH|RUN...]")] = None,
) -> int:
    """Bring deleted flow runs back out of the trash: the last deletion, or the batches and runs that are named.

    They come back with task runs, states, inputs and logs, and with their links to parents, subflow runs and
    deployments that still exist. `runs trash ls` lists what is there; after 7 days it is gone.
    """
    session = Session.of(ctx)
    run_removal.needs_trash(session, "runs undo")
    batches, ids = _named(session, named or []) if named else ([_last(session)], [])
    total = sum(batch["runs"] for batch in batches) + len(ids)
    if session.options.dry_run:
        _tell_restored(session, [*_runs_of(session, batches), *ids], [], "would bring back")
        return 0
    restored: list[str] = []
    lost: list[dict[str, Any]] = []
    with session.output.progress("bringing runs back", total) as advance:
        for body in [*({"batch": batch["id"]} for batch in batches), *([{"ids": ids}] if ids else [])]:
            more = True
            while more:
                told = session.api.post("/flowctl/trash/restore", {**body, "limit": _RESTORED_A_REQUEST})
                more = told["more"] and bool(told["restored"])
                restored += told["restored"]
                lost += told["lost"]
                advance(len(told["restored"]))
                if "ids" in body:
                    body = {"ids": [id for id in ids if id not in set(restored)]}
    _tell_restored(session, restored, lost, "brought back")
    failed = [each for each in lost if each["what"] == "run"]
    return 0 if not failed else PARTIAL if restored else 1


_LS = """
flowctl runs trash ls
flowctl runs trash ls --batches
flowctl runs trash ls 5f1c --all -o csv
"""


@trash.command("ls", cls=TrashListing, epilog=_LS)
def list_trash(
    ctx: typer.Context,
    named: Annotated[str, typer.Argument(metavar="[BATCH|RUN]")] = "",
    batches: Annotated[bool, typer.Option("--batches", help="What was deleted together, instead of each run.")] = False,
) -> None:
    """List the deleted flow runs that can be brought back, the last deleted first."""
    session = Session.of(ctx)
    output = session.output
    run_removal.needs_trash(session, "runs trash ls")
    limit = None if session.query.all else session.query.limit or _LIMIT
    body: dict[str, Any] = {}
    if named:
        of_batches, ids = _named(session, [named])
        body = {"batch": of_batches[0]["id"]} if of_batches else {"reference": ids[0]}
    if batches:
        found = session.api.post("/flowctl/trash/filter", {**body, "limit": min(limit or _PAGE, _PAGE)})["batches"]
    else:
        found = _pages(session, body, limit)
    if output.wants_data or output.format == "id":
        output.data(found)
    else:
        output.table(_BATCH_COLUMNS if batches else _RUN_COLUMNS, found)
    if not found:
        output.hint("the trash is empty")
    elif not batches and limit is not None and len(found) == limit:
        output.hint(f"{limit} shown; --all or --limit shows more, --batches sums them up")


_EMPTY = """
flowctl runs trash empty
flowctl runs trash empty 5f1c -y
flowctl runs trash empty --dry-run
"""


@trash.command("empty", cls=Command, epilog=_EMPTY)
def empty_trash(
    ctx: typer.Context,
    named: Annotated[list[str] | None, typer.Argument(metavar="[BATCH|RUN...]")] = None,
) -> int:
    """Forget deleted flow runs for good: all of the trash, or the batches and runs that are named.

    Asks first, unless -y is given.
    """
    session = Session.of(ctx)
    output = session.output
    run_removal.needs_trash(session, "runs trash empty")
    bodies: list[dict[str, Any]] = [{}]
    if named:
        batches, ids = _named(session, named)
        bodies = [*({"batch": batch["id"]} for batch in batches), *([{"ids": ids}] if ids else [])]
        total = sum(batch["runs"] for batch in batches) + len(ids)
    else:
        total = session.api.post("/flowctl/trash/filter", {"limit": 0})["count"]
    if total and not session.options.dry_run:
        if not output.confirm(f"Forget {noun(total)} in the trash? Nothing brings that back."):
            output.note("Nothing was forgotten.")
            return 1
        total = sum(session.api.post("/flowctl/trash/empty", body)["runs"] for body in bodies)
    would = "would forget" if session.options.dry_run else "forgot"
    if output.wants_data:
        output.data([{"runs": total}], single=True)
    elif output.format != "id":
        output.lines([f"{would} {noun(total)}"])
    return 0


# -- what is named


def _last(session: Session) -> dict[str, Any]:
    """What was deleted last.  Raises NotFound."""
    batches = session.api.post("/flowctl/trash/filter", {"limit": 1})["batches"]
    if not batches:
        raise NotFound("The trash is empty: there is nothing to bring back.", remedy="flowctl runs ls")
    return batches[0]


def _named(session: Session, references: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The batches and the ids of the runs that are named.  Raises NotFound, with candidates for what is ambiguous."""
    batches: list[dict[str, Any]] = []
    ids: list[str] = []
    for reference in references:
        found = session.api.post("/flowctl/trash/filter", {"reference": reference, "limit": 10})
        runs = [run for run in found["runs"] if run["name"] == reference or len(reference) >= _PREFIX]
        groups: list[dict[str, Any]] = found["batches"] if len(reference) >= _PREFIX else []
        if not runs and not groups:
            raise NotFound(f"Nothing in the trash is called {reference!r}.", remedy="flowctl runs trash ls")
        if len(runs) + len(groups) > 1:
            candidates = [f"{run['id']}  {run['name']}, deleted {run['deleted']}" for run in runs]
            candidates += [f"{group['id']}  {noun(group['runs'])}, deleted {group['deleted']}" for group in groups]
            raise NotFound(f"{reference!r} is ambiguous.", candidates=candidates, remedy="give more of the id")
        batches += groups
        ids += [run["id"] for run in runs]
    return batches, ids


def _runs_of(session: Session, batches: Sequence[dict[str, Any]]) -> list[str]:
    return [run["id"] for batch in batches for run in _pages(session, {"batch": batch["id"]}, None)]


def _pages(session: Session, body: dict[str, Any], limit: int | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while limit is None or len(found) < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        page = session.api.post("/flowctl/trash/filter", {**body, "limit": size, "offset": len(found)})["runs"]
        found += page
        if len(page) < size:
            break
    return found


# -- telling


def _question(session: Session, ids: list[str], keep_logs: bool, for_good: bool) -> str:
    name = "".join(f"{run.name}, " for run in session.backend.runs.moments(ids if len(ids) == 1 else ()))
    end = "`flowctl runs undo` brings that back, for 7 days."
    if session.api.is_prefect:
        end = "A Prefect server has no trash: nothing brings that back."
    elif for_good:
        end = "Nothing brings that back."
    return f"Delete {name}{_size(run_removal.extent(session.api, ids), keep_logs)}? {end}"


def _size(extent: Extent, keep_logs: bool) -> str:
    """`18,204 runs (41,930 task runs, 1,204,310 log lines) of 12 flows; 3 subflow runs of theirs stay`."""
    parts = [f"{extent.task_runs:,} task runs"]
    if extent.log_lines is not None:
        parts.append("log lines stay" if keep_logs else f"{extent.log_lines:,} log lines")
    flows = "" if len(extent.flows) < 2 else f" of {len(extent.flows)} flows"
    stay = f"; {len(extent.subflow_runs):,} subflow runs of theirs stay" if extent.subflow_runs else ""
    return f"{noun(extent.runs)} ({', '.join(parts)}){flows}{stay}"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _tell(session: Session, answer: dict[str, Any], sentence: str) -> None:
    if session.output.wants_data:
        session.output.data([answer], single=True)
    else:
        session.output.lines(answer["deleted"] if session.output.format == "id" else [sentence])


def _tell_restored(session: Session, ids: list[str], lost: list[dict[str, Any]], verb: str) -> None:
    output = session.output
    if output.wants_data:
        output.data([{"restored": ids, "lost": lost}], single=True)
    else:
        output.lines(ids if output.format == "id" else [f"{verb} {noun(len(ids))}"])
    for one in lost:
        name = f"{one['name']} ({short_id(one['id'])}): " if one["name"] else ""
        output.failure(f"{name}{one['detail']}")


def _time(title: str, name: str) -> Column:
    return Column(title, item(name), lambda told, look: lookups.clock(told[name], look), spare=title == "EXPIRES")


def _short(title: str, name: str) -> Column:
    return Column(title, item(name), lambda told, look: lookups.short(told[name], look))


_RUN_COLUMNS = (
    _short("ID", "id"),
    Column("NAME", item("name"), cut=True),
    Column("FLOW", item("flow_name"), cut=True),
    Column(
        "STATE",
        item("state_name"),
        lambda told, look: run_table.state_text(told["state_type"], told["state_name"], look),
        style=lambda told: run_table.state_style(told["state_type"]),
    ),
    _time("DELETED", "deleted"),
    _time("EXPIRES", "expires"),
    _short("BATCH", "batch"),
    Column("TASKS", item("task_runs"), wide=True),
    Column("LOG LINES", item("log_lines"), wide=True),
)

_BATCH_COLUMNS = (
    _short("BATCH", "id"),
    Column("RUNS", item("runs"), lambda told, _look: f"{told['runs']:,}"),
    _time("DELETED", "deleted"),
    _time("EXPIRES", "expires"),
    Column("FOR ONE", item("name"), cut=True),
    Column("OF FLOW", item("flow_name"), cut=True),
)
