"""What the shell may complete, by parameter: states, flows, deployments, names and ids of runs, settings, contexts …

A parameter either names its completer, or gets one by what the help calls its value (`RUN`, `TAG`, `wait|cancel`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import typer

from flowctl.cli import known_names
from flowctl.cli.context import GIVEN
from flowctl.cli.flags import Flag
from flowctl.cli.known_names import Found
from flowctl.cli.run_query import STATE_NAMES, STATE_TYPES
from flowctl.domain.errors import FlowctlError

Completer: TypeAlias = Callable[[typer.Context, list[str], str], Found]

VARIABLE = "_FLOWCTL_COMPLETE"
"""The environment variable by which a shell asks."""


def of_flag(flag: Flag) -> Completer | None:
    """The completer of a flag's values, or None: the shell then offers files."""
    if flag.choices:
        return _words(flag.choices)
    return contexts if flag.name == "context" else of_metavar(flag.metavar)


def of_metavar(metavar: str | None) -> Completer | None:
    """The completer of what the help calls so; None where anything may stand."""
    name = (metavar or "").strip("[].").replace("...", "").rstrip("…,")
    if name in _OF_METAVARS:
        return _OF_METAVARS[name]
    words = name.split("|")
    return _words(words) if len(words) > 1 and all(word.islower() for word in words) else None


def fill(parameters: Iterable[Any]) -> None:
    """Give parameters without a completer the one of their metavar."""
    from typer import core

    # Typer takes a completer only where a parameter is declared; this is how it attaches it then
    attach: Any = core._typer_param_setup_autocompletion_compat  # pyright: ignore[reportPrivateUsage] - no other way
    for parameter in parameters:
        if parameter._custom_shell_complete is None and (completer := of_metavar(parameter.metavar)):
            attach(parameter, autocompletion=completer)


def states(_ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """State types and names; after a comma the next one."""
    before, comma, _ = incomplete.rpartition(",")
    return [f"{before}{comma}{word}" for word in (*(type.lower() for type in STATE_TYPES), *STATE_NAMES)]


def runs(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """Names and ids of runs, the newest first, and the special words."""
    if incomplete.startswith("@"):
        return ["@last", "@last-failed", "@running"]
    return known_names.runs(_given(ctx), incomplete)


def runs_and_states(ctx: typer.Context, args: list[str], incomplete: str) -> Found:
    """The arguments of `set-state`: runs, and at last a state."""
    return [*(type.lower() for type in STATE_TYPES), *runs(ctx, args, incomplete)]


def tasks(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """Names and ids of task runs, the newest first."""
    return known_names.tasks(_given(ctx), incomplete)


def flows(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """Names of flows."""
    return known_names.flows(_given(ctx), incomplete)


def deployments(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    """Names of deployments, with their flow."""
    return known_names.deployments(_given(ctx), incomplete)


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


def settings_to_write(ctx: typer.Context, args: list[str], incomplete: str) -> Found:
    """Settings by name; after one, its values where only some are possible."""
    from flowctl.setting_values import CHOICES
    from flowctl.settings import setting_types

    words: list[str] = [*(ctx.params.get("words") or ())]
    if len(words) != 1 or "=" in words[0]:
        return setting_names(ctx, args, incomplete)
    name = words[0].replace("-", "_")
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


def _pools(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    return known_names.pools(_given(ctx), incomplete)


def _queues(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    return known_names.queues(_given(ctx), incomplete)


def _variables(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    return known_names.variables(_given(ctx), incomplete)


def _tags(ctx: typer.Context, _args: list[str], incomplete: str) -> Found:
    return known_names.tags(_given(ctx), incomplete)


def _tasks_and_states(ctx: typer.Context, args: list[str], incomplete: str) -> Found:
    return [*(type.lower() for type in STATE_TYPES), *tasks(ctx, args, incomplete)]


def _zones(_ctx: typer.Context, _args: list[str], _incomplete: str) -> Found:
    from zoneinfo import available_timezones

    return sorted(available_timezones())


def _words(words: Iterable[str]) -> Completer:
    return lambda _ctx, _args, _incomplete: [*words]


def _given(ctx: typer.Context) -> dict[str, object]:
    """The flags before the cursor."""
    return ctx.meta.get(GIVEN, {})


_OF_METAVARS: dict[str, Completer] = {
    "STATE": states,
    "RUN": runs,
    "TASK": tasks,
    "TASK... STATE": _tasks_and_states,
    "TASK STATE": _tasks_and_states,
    "FLOW": flows,
    "DEPLOYMENT": deployments,
    "FLOW/DEPLOYMENT": deployments,
    "POOL": _pools,
    "QUEUE": _queues,
    "TAG": _tags,
    "VARIABLE": _variables,
    "LEVEL": _words(("debug", "info", "warning", "error", "critical")),
    "ZONE": _zones,
}
