"""What the shell may complete: states, flows, deployments, pools, tags, names and ids of runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import typer

from flowctl.cli.context import GIVEN, Session
from flowctl.cli.flags import Flag
from flowctl.cli.run_query import STATE_NAMES, STATE_TYPES
from flowctl.domain.errors import FlowctlError

Found: TypeAlias = list[str | tuple[str, str]]
"""Values, or values with a word about each."""

Completer: TypeAlias = Callable[[typer.Context, list[str], str], Found]

VARIABLE = "_FLOWCTL_COMPLETE"
"""The environment variable by which a shell asks."""

_MOST = 50


def of_flag(flag: Flag) -> Completer | None:
    """The completer of a flag's values, or None: the shell then offers files."""
    if flag.choices:
        return lambda _ctx, _args, _incomplete: [*flag.choices]
    return _OF_FLAGS.get(flag.name)


def states(_ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """State types and names; after a comma the next one."""
    before, comma, _ = incomplete.rpartition(",")
    return [f"{before}{comma}{word}" for word in (*(type.lower() for type in STATE_TYPES), *STATE_NAMES)]


def runs(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """Names and ids of runs, the newest first, and the special words."""
    if incomplete.startswith("@"):
        return ["@last", "@last-failed", "@running"]
    sql = """
        SELECT flow_run.{0}, flow.name || ' · ' || flow_run.state_name
        FROM flow_run
        JOIN flow ON flow.id = flow_run.flow_id
        WHERE flow_run.{0} >= ? AND flow_run.{0} < ?
        ORDER BY coalesce(flow_run.start_time, flow_run.expected_start_time) DESC
        LIMIT ?"""
    last = incomplete + "\U0010ffff"
    found = _ask(ctx, sql.format("name"), (incomplete, last, _MOST))
    return found + (_ask(ctx, sql.format("id"), (incomplete, last, _MOST)) if incomplete else [])


def runs_and_states(ctx: typer.Context, args: list[str], incomplete: str) -> Found:
    """The arguments of `set-state`: runs, and at last a state."""
    return [*(type.lower() for type in STATE_TYPES), *runs(ctx, args, incomplete)]


def shells(_ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Shells that have a script."""
    return ["bash", "zsh", "fish", "pwsh"]


def methods(_ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Methods of requests."""
    return ["GET", "POST", "PUT", "PATCH", "DELETE"]


def env_shells(_ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Shells whose variables `config env` can set."""
    return ["bash", "zsh", "sh", "fish", "pwsh", "cmd"]


def setting_names(_ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Settings, by name."""
    from flowctl.settings import VARIABLES

    return [*VARIABLES]


def setting_values(ctx: typer.Context, args: list[str], incomplete: str) -> Found:
    """Values of the setting that stands before, where only some are possible."""
    from flowctl.setting_values import CHOICES
    from flowctl.settings import setting_types

    name = str(ctx.params.get("key") or "").replace("-", "_")
    if name == "context":
        return contexts(ctx, args, incomplete)
    is_switch = setting_types().get(name) == "bool"
    return ["true", "false"] if is_switch else [*CHOICES.get(name, ())]


def contexts(_ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Names of contexts, with their target."""
    from flowctl.cli.contexts import LOCAL, read

    try:
        return [(LOCAL, "the database file"), *((each.name, each.target) for each in read().values())]
    except FlowctlError:
        return []


def script(shell: str) -> str | None:
    """The completion script of a shell, or None."""
    from typer import completion

    if shell not in {"bash", "zsh", "fish", "pwsh", "powershell"}:
        return None
    make = completion.get_completion_script  # pyright: ignore[reportPrivateImportUsage] - no other way to its scripts
    return make(prog_name="flowctl", complete_var=VARIABLE, shell=shell)


def prepare() -> None:
    """Make Typer answer shells that ask for completions."""
    if VARIABLE in os.environ:
        from typer import completion

        # Typer itself does this only with its option --install-completion
        completion.completion_init()  # pyright: ignore[reportPrivateImportUsage] - no other way


def flows(ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Names of flows."""
    return _ask(ctx, "SELECT name FROM flow ORDER BY name", ())


def deployments(ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    """Names of deployments, with their flow."""
    sql = "SELECT flow.name || '/' || deployment.name FROM deployment JOIN flow ON flow.id = flow_id ORDER BY 1"
    return _ask(ctx, sql, ())


def _pools(ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    return _ask(ctx, "SELECT name FROM work_pool ORDER BY name", ())


def _queues(ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    return _ask(ctx, "SELECT DISTINCT name FROM work_queue ORDER BY name", ())


_OF_FLAGS: dict[str, Completer] = {
    "state": states,
    "flow": flows,
    "deployment": deployments,
    "pool": _pools,
    "queue": _queues,
    "parent": runs,
    "context": contexts,
}


def _ask(ctx: typer.Context, sql: str, parameters: Sequence[object]) -> Found:
    """Rows of one column, or of a value and a word about it; nothing if the database is not there."""
    given: dict[str, Any] = ctx.meta.get(GIVEN, {})
    try:
        with Session({**given, "read_only": True}) as session, session.backend.database.read() as tx:
            rows = tx.execute(sql, parameters).fetchall()
    except FlowctlError:
        return []
    return [row[0] if len(row) == 1 else (row[0], row[1] or "") for row in rows]
