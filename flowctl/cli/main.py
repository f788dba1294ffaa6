"""The tree of commands, and Prefect's spellings of them."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import typer

from flowctl import API_VERSION, PREFECT_VERSION, __version__
from flowctl.cli import (
    api_command,
    completion,
    config,
    config_contexts,
    config_env,
    database,
    database_care,
    database_copies,
    database_query,
    deployments,
    deployments_missed,
    deployments_run,
    deployments_write,
    doctor,
    events,
    exec_command,
    flows,
    flows_stats,
    imports,
    logs,
    logs_index,
    logs_search,
    open_page,
    runner,
    runs_again,
    runs_create,
    runs_diff,
    runs_follow,
    runs_inputs,
    runs_read,
    runs_reap,
    runs_stats,
    runs_trash,
    runs_tree,
    runs_why,
    runs_write,
    schedules,
    serve_process,
    serve_service,
    tasks,
    tasks_stats,
    tasks_write,
)
from flowctl.cli import ps as ps_command
from flowctl.cli import serve as serving
from flowctl.cli import status as status_command
from flowctl.cli import top as top_command
from flowctl.cli.commands import Command, Group
from flowctl.cli.context import Session
from flowctl.cli.version import version_line
from flowctl.domain.errors import Invalid


class Root(Group):
    """`flowctl` itself."""

    order: ClassVar[Sequence[str]] = (
        "runs",
        "tasks",
        "flows",
        "deployments",
        "logs",
        "events",
        "db",
        "serve",
        "runner",
        "config",
        "status",
        "ps",
        "top",
        "why",
        "open",
        "api",
        "completion",
        "version",
    )


class RunsGroup(Group):
    """`flowctl runs`."""

    aliases: ClassVar[Mapping[str, str]] = {"inspect": "show", "list": "ls"}


class ListsGroup(Group):
    """A group whose `ls` may be called `list`."""

    aliases: ClassVar[Mapping[str, str]] = {"inspect": "show", "list": "ls"}


class DatabaseGroup(Group):
    """`flowctl db`."""

    order: ClassVar[Sequence[str]] = ("path", "init", "stats", "headroom", "check", "backup", "restore", "prune")


class ConfigGroup(Group):
    """`flowctl config`."""

    order: ClassVar[Sequence[str]] = ("show", "get", "set", "unset", "path", "validate", "context", "env")


_EXAMPLES = """
flowctl serve
flowctl runs ls --state failed,crashed --since 2d
flowctl runs show @last-failed
flowctl runs logs brisk-otter -f
"""

app = typer.Typer(
    cls=Root,
    help="Prefect's control plane in one small program with an embedded SQLite database.",
    epilog=_EXAMPLES,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _group(name: str, cls: type[Group], text: str, epilog: str, *parts: typer.Typer, hidden: bool = False) -> None:
    group = typer.Typer(cls=cls, help=text, epilog=epilog, rich_markup_mode=None, hidden=hidden)
    for part in parts:
        group.add_typer(part)
    app.add_typer(group, name=name)


_group(
    "runs",
    RunsGroup,
    "List, show, follow and change flow runs.",
    "flowctl runs ls --since 2h\nflowctl runs cancel brisk-otter",
    runs_read.app,
    runs_follow.app,
    runs_write.app,
    runs_reap.app,
    runs_again.app,
    runs_create.app,
    runs_tree.app,
    runs_diff.app,
    runs_stats.app,
    runs_inputs.app,
    runs_trash.app,
    runs_why.app,
    open_page.app,
)
_group(
    "tasks",
    ListsGroup,
    "List, show and change task runs, and tell how tasks are doing.",
    "flowctl tasks ls --run @last\nflowctl tasks stats --flow etl",
    tasks.app,
    tasks_write.app,
    tasks_stats.app,
)
_group(
    "flows",
    ListsGroup,
    "List, show and delete flows, and tell how they are doing.",
    "flowctl flows ls\nflowctl flows stats --since 30d",
    flows.app,
    flows_stats.app,
)
_group(
    "deployments",
    ListsGroup,
    "List, run, change and schedule deployments.",
    "flowctl deployments ls\nflowctl deployments run etl/nightly --wait",
    deployments.app,
    deployments_run.app,
    deployments_write.app,
    deployments_missed.app,
    schedules.app,
)
_group(
    "logs",
    Group,
    "Follow and search what all runs log.",
    'flowctl logs tail --level warning\nflowctl logs search "connection refused" --since 7d',
    logs.app,
    logs_search.app,
    logs_index.app,
)
_group(
    "events",
    ListsGroup,
    "List, follow and count events.",
    "flowctl events ls --since 2h\nflowctl events tail --event prefect.flow-run.",
    events.app,
)
_group(
    "db",
    DatabaseGroup,
    "Look after the database file: back it up, check it, prune it, ask it.",
    "flowctl db backup /backups/ --keep 7\nflowctl db prune --older-than 90d --dry-run\nflowctl db headroom",
    database.app,
    database_copies.app,
    database_care.app,
    database_query.app,
)

_group(
    "import",
    Group,
    "Bring the history of another server here.",
    "flowctl import prefect --dry-run\nflowctl import prefect http://127.0.0.1:4200/api",
    imports.app,
)

app.add_typer(doctor.app)

_contexts = typer.Typer(
    cls=ListsGroup,
    help="Name servers and database files, and choose the one that commands work on.",
    epilog="flowctl config context add prod --api https://flows.example.com/api\nflowctl config context use prod",
    rich_markup_mode=None,
)
_contexts.add_typer(config_contexts.app)
config.app.add_typer(_contexts, name="context")
_group(
    "config",
    ConfigGroup,
    "Show and change settings, and name the servers to work on.",
    "flowctl config show --origin\nflowctl config set port 4300\nflowctl config context use prod",
    config.app,
    config_env.app,
)

app.command("exec", cls=exec_command.ExecCommand, epilog=exec_command.EXAMPLES)(exec_command.run)
_serve = typer.Typer(cls=serving.ServeGroup, callback=serving.serve, epilog=serving.EXAMPLES, rich_markup_mode=None)
_serve.add_typer(serve_process.app)
_service = typer.Typer(
    cls=Group,
    help="Let the system start and look after the server.",
    epilog="flowctl serve service install\nflowctl serve service install --print",
    rich_markup_mode=None,
)
_service.add_typer(serve_service.app)
_serve.add_typer(_service, name="service")
app.add_typer(_serve, name="serve")
_group(
    "runner",
    Group,
    "Run deployments on this machine.",
    "flowctl runner serve flows/etl.py:main --interval 10m\nflowctl runner status",
    runner.app,
)
app.command("why", cls=Command, epilog=runs_why.EXAMPLES)(runs_why.why)
app.command("open", cls=Command, epilog=open_page.EXAMPLES)(open_page.open_page)
app.command("api", cls=Command, epilog=api_command.EXAMPLES)(api_command.api)
app.command("ps", cls=Command, epilog=ps_command.EXAMPLES)(ps_command.ps)
app.command("top", cls=Command, epilog=top_command.EXAMPLES)(top_command.top)
app.command("status", cls=Command, epilog=status_command.EXAMPLES)(status_command.status)

_server = typer.Typer()
_server.command("start", cls=Command, epilog=serving.EXAMPLES)(serving.serve)
_server.command("stop", cls=Command, epilog=serve_process.STOP)(serve_process.stop)
_group("server", Group, "Prefect's spelling of `flowctl serve`.", "flowctl server start", _server, hidden=True)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(version_line())
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version."),
    ] = False,
) -> None:
    """Prefect's control plane in one small program with an embedded SQLite database."""


@app.command("version", cls=Command, epilog="flowctl version\nflowctl version --json")
def show_version(ctx: typer.Context) -> None:
    """Print the versions of flowctl, of Prefect's API, and of what they stand on."""
    output = Session.of(ctx).output
    versions = {
        "flowctl": __version__,
        "prefect": PREFECT_VERSION,
        "api": API_VERSION,
        "python": ".".join(map(str, sys.version_info[:3])),
        "sqlite": sqlite3.sqlite_version,
    }
    if output.wants_data:
        output.data([versions], single=True)
    else:
        output.pairs(list(versions.items()))


_COMPLETION = """
eval "$(flowctl completion bash)"                          # in ~/.bashrc
flowctl completion zsh > ~/.zfunc/_flowctl                 # with fpath+=~/.zfunc in ~/.zshrc
flowctl completion fish > ~/.config/fish/completions/flowctl.fish
"""


@app.command("completion", cls=Command, epilog=_COMPLETION)
def print_completion(
    ctx: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", autocompletion=completion.shells)],
) -> None:
    """Print the script that makes a shell complete commands, states, flows, names and ids: bash, zsh, fish or pwsh."""
    script = completion.script(shell)
    if script is None:
        raise Invalid(f"There is no completion for {shell!r}.", remedy="use bash, zsh, fish or pwsh")
    Session.of(ctx).output.write(script + "\n")


def run(arguments: Sequence[str]) -> int:
    """Do the command; its exit code."""
    completion.prepare()
    command: Any = typer.main.get_command(app)
    try:
        command.main(args=list(arguments), prog_name="flowctl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
