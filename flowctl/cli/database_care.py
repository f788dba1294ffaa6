"""`flowctl db check | prune | retention | vacuum`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import amounts, completion, moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.run_query import state_type, unknown_state
from flowctl.cli.selection import noun
from flowctl.cli.tables import Column
from flowctl.domain.errors import Busy, Invalid

if TYPE_CHECKING:
    from flowctl.db.maintenance import Room
    from flowctl.ops.pruning import Plan, Rules

app = typer.Typer()

DAMAGED = 6
"""Exit code: the file has a problem."""

_CHECK = """
flowctl db check
flowctl db check --quick -o json
"""

_PROBLEM = (
    Column("CHECK", lambda problem: problem.check, style=lambda _: "red"),
    Column("ROWS", lambda problem: problem.count),
    Column("PROBLEM", lambda problem: problem.message, cut=True),
    Column("SOME OF THEM", lambda problem: problem.ids, cut=True, spare=True),
)


@app.command("check", cls=Command, epilog=_CHECK)
def check(
    ctx: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not compare each index with its table, which takes longest.")
    ] = False,
) -> int:
    """Check the file: its structure, what refers to what, and whether runs, states and histories agree.

    Ends with exit code 6 if something is wrong. Others may go on writing meanwhile.
    """
    session = Session.of(ctx)
    output, database = session.output, session.backend.database
    from flowctl.ops import health_check

    with output.progress("checking", health_check.CHECKS) as advance:
        problems = health_check.run(database, quick=quick, progress=advance)
    if output.wants_data:
        wires: list[dict[str, Any]] = [
            {"check": each.check, "table": each.table, "count": each.count, "message": each.message, "ids": each.ids}
            for each in problems
        ]
        output.data([{"path": str(database.path.absolute()), "ok": not problems, "problems": wires}], single=True)
    elif output.format == "id":
        output.lines([id for each in problems for id in each.ids])
    elif not problems:
        output.lines([f"{database.path} is sound: {health_check.CHECKS} checks"])
    else:
        output.table(_PROBLEM, problems)
        output.failure(
            "What is wrong with the structure is mended by `flowctl db restore`; a run that disagrees with its history "
            "by `flowctl runs set-state --force`, or by deleting it."
        )
    return DAMAGED if problems else 0


_OlderThan = Annotated[
    str | None, typer.Option("--older-than", metavar="AGE", help="Runs that ended longer ago than this go: 90d, 12w.")
]
_KeepLast = Annotated[
    int | None, typer.Option("--keep-last", min=1, metavar="N", help="The last N ended runs of each flow stay.")
]
_States = Annotated[
    str | None,
    typer.Option(
        "--states", metavar="STATE,…", help="Only runs in these states go: completed.", autocompletion=completion.states
    ),
]
_MaxSize = Annotated[
    str | None,
    typer.Option("--max-size", metavar="SIZE", help="While the data is larger than this, the oldest runs go: 5GB."),
]

_PRUNE = """
flowctl db prune --older-than 90d --keep-last 50 --dry-run
flowctl db prune --states completed --older-than 30d -y
flowctl db prune --max-size 5GB
flowctl db prune
"""


@app.command("prune", cls=Command, epilog=_PRUNE)
def prune(
    ctx: typer.Context,
    older_than: _OlderThan = None,
    keep_last: _KeepLast = None,
    states: _States = None,
    max_size: _MaxSize = None,
) -> int:
    """Delete ended runs by age, count, state and size, with all that hangs on them.

    What --keep-last and --states protect stays in any case, and what --max-size takes is at least a day old. Without
    rules those of `flowctl db retention` are applied now. Runs in bounded steps beside a server; nothing waits for it.
    """
    session = Session.of(ctx)
    output, database = session.output, session.backend.database
    from flowctl.ops import pruning, retention, steps

    rules = _rules(older_than, keep_last, states, max_size)
    with database.read() as tx:
        if rules is None:
            policy = retention.read(tx)
            rules = policy and policy.rules
        if rules is None:
            raise Invalid("No rules are given, and the file has none.", remedy="flowctl db prune --older-than 90d")
        plan = pruning.plan(tx, rules)
    if session.options.dry_run:
        _tell_pruned(session, rules, f"would delete {_extent(plan)}", plan, plan.runs)
        return 0
    if not plan.runs:
        _tell_pruned(session, rules, "nothing to delete", plan, 0)
        return 0
    if not output.confirm(f"Delete {_extent(plan)}? Nothing brings that back."):
        output.note("Nothing was deleted.")
        return 1
    with output.progress("deleting runs", plan.runs) as advance:
        pruned = steps.run(database, lambda tx: pruning.prune(tx, rules), advance)
    _tell_pruned(session, rules, f"deleted {noun(pruned.runs)}", plan, pruned.runs)
    output.hint("the file keeps its size, and uses the room again; `flowctl db vacuum` gives it back to the disk")
    return 0


def _tell_pruned(session: Session, rules: Rules, sentence: str, plan: Plan, runs: int) -> None:
    if session.output.wants_data:
        facts = {
            "dry_run": session.options.dry_run,
            "runs": runs,
            "task_runs": plan.task_runs,
            "log_lines": plan.log_lines,
            "flows": plan.flows,
            "size_bytes": plan.size,
            "is_estimate": plan.is_estimate,
            "rules": rules.as_json(),
        }
        session.output.data([facts], single=True)
    else:
        session.output.lines([sentence])


def _extent(plan: Plan) -> str:
    flows = f"{plan.flows:,} flow{'' if plan.flows == 1 else 's'}"
    inside = f"{plan.task_runs:,} task runs, {plan.log_lines:,} log lines, about {amounts.size(plan.size)}"
    return f"{'about ' if plan.is_estimate else ''}{noun(plan.runs)} ({inside}) of {flows}"


def _rules(older_than: str | None, keep_last: int | None, states: str | None, max_size: str | None) -> Rules | None:
    """The rules that the flags give; None without any.  Raises Invalid."""
    from flowctl.ops.pruning import Rules

    if older_than is None and keep_last is None and states is None and max_size is None:
        return None
    try:
        return Rules(
            older_than=None if older_than is None else moments.parse_duration(older_than),
            keep_last=keep_last,
            states=tuple(_state(word.strip()) for word in (states or "").split(",") if word.strip()),
            max_size=None if max_size is None else amounts.parse_size(max_size),
        )
    except ValueError as error:
        raise Invalid(str(error)) from error


def _state(word: str) -> str:
    found = state_type(word)
    if found is None:
        raise Invalid(unknown_state(word))
    type, name = found
    if type not in {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}:
        raise Invalid(f"Runs that are {word} have not ended, and stay.", remedy="flowctl runs delete --state …")
    return name or type


_RETENTION = """
flowctl db retention
flowctl db retention --older-than 30d --keep-last 20
flowctl db retention --off
"""


@app.command("retention", cls=Command, epilog=_RETENTION)
def set_retention(
    ctx: typer.Context,
    older_than: _OlderThan = None,
    keep_last: _KeepLast = None,
    states: _States = None,
    max_size: _MaxSize = None,
    off: Annotated[bool, typer.Option("--off", help="Let runs stay until somebody deletes them.")] = False,
) -> int:
    """Show or set the rules by which a server deletes runs by itself; the file holds them.

    A new file has 90 days, one that came with older runs has none. The rules are those of `flowctl db prune`.
    """
    session = Session.of(ctx)
    output, database = session.output, session.backend.database
    from flowctl.ops import retention

    rules = _rules(older_than, keep_last, states, max_size)
    if rules is not None and off:
        raise Invalid("Give rules or --off, not both.")
    if (rules is not None or off) and not session.options.dry_run:
        with database.write() as tx:
            retention.choose(tx, rules)
    with database.read() as tx:
        policy = retention.read(tx)
    if (rules is not None or off) and session.options.dry_run:
        policy = retention.Policy(rules, is_ours=False)
    if output.wants_data:
        kept = policy.rules.as_json() if policy and policy.rules else None
        output.data([{"rules": kept, "chosen": bool(policy and not policy.is_ours)}], single=True)
    else:
        output.lines([_policy(policy)])
    return 0


def _policy(policy: Any) -> str:
    if policy is None:
        return "not decided yet: the first start of `flowctl serve` gives a new file 90 days"
    if policy.rules is None:
        return "off: runs stay until somebody deletes them"
    rules: Rules = policy.rules
    states = f"{', '.join(word.capitalize() for word in rules.states)} runs" if rules.states else "runs"
    parts: list[str] = []
    if rules.older_than is not None:
        parts.append(f"{moments.age(rules.older_than)} after their end")
    if rules.max_size is not None:
        parts.append(f"while the data is larger than {amounts.size(rules.max_size)} (the oldest first)")
    kept = f"; the last {rules.keep_last} of each flow stay" if rules.keep_last else ""
    when = " or ".join(parts) or "once they have ended"
    return f"{states} are deleted {when}{kept}{' (the default)' if policy.is_ours else ''}"


_VACUUM = """
flowctl db vacuum
flowctl db vacuum --full
"""


@app.command("vacuum", cls=Command, epilog=_VACUUM)
def vacuum(
    ctx: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Write the whole file anew; nobody can write meanwhile, a server must stop.")
    ] = False,
) -> int:
    """Give the free room inside the file back to the disk.

    In small steps, beside a server, in files that flowctl made. A file from elsewhere is written anew once, which needs
    as much disk again as its data, in the end twice.
    """
    session = Session.of(ctx)
    output, database = session.output, session.backend.database
    from flowctl.db import maintenance
    from flowctl.ops import retention, steps
    from flowctl.ops.backup import require_room
    from flowctl.server.lock import serving

    with database.read() as tx:
        room = maintenance.room(tx)
    anew = full or not room.is_incremental
    if session.options.dry_run:
        how = f"by writing it anew, which needs {amounts.size(2 * room.used)} of disk" if anew else "in small steps"
        if output.wants_data:
            output.data([{"path": str(database.path), "size_bytes": room.size, "free_bytes": room.free}], single=True)
        else:
            output.lines([f"would give back about {amounts.size(room.free)} of {amounts.size(room.size)} {how}"])
        return 0
    if not anew:
        with output.progress("giving back pages", max(1, room.free // room.page_size)) as advance:
            steps.run(database, retention.give_back, advance)
        maintenance.checkpoint(database)
        _tell_vacuumed(session, room)
        return 0
    if server := serving(database.path):
        raise Busy(
            f"A server is up on {database.path} (process {server['pid']}), and could not write meanwhile.",
            remedy=f"stop it (kill {server['pid']}) and try again",
        )
    require_room(database.path.parent, 2 * room.used)
    needed = amounts.size(2 * room.used)
    if not output.confirm(f"Write {database.path} anew? That takes up to {needed} of disk meanwhile."):
        output.note("Nothing was done.")
        return 1
    with output.progress("writing the file anew", 1) as advance:
        maintenance.rewrite(database, lambda: advance(0))
    _tell_vacuumed(session, room)
    return 0


def _tell_vacuumed(session: Session, before: Room) -> None:
    from flowctl.db import maintenance

    with session.backend.database.read() as tx:
        after = maintenance.room(tx)
    if session.output.wants_data:
        facts = {"size_bytes_before": before.size, "size_bytes": after.size, "free_bytes": after.free}
        session.output.data([facts], single=True)
    else:
        session.output.lines([f"{amounts.size(before.size)} before, {amounts.size(after.size)} now"])
