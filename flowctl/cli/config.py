"""`flowctl config show | get | set | unset | path | validate`: the settings, where they come from, their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowctl.cli import completion
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column
from flowctl.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    from flowctl.cli.config_settings import Row
    from flowctl.cli.tables import Look

app = typer.Typer()

_Key = Annotated[str, typer.Argument(metavar="KEY", autocompletion=completion.setting_names)]
_Project = Annotated[
    bool, typer.Option("--project", help="The project's file: the nearest, else a new flowctl.toml here.")
]


_SHOW = """
flowctl config show
flowctl config show --origin --changed
flowctl config show -o wide
"""


@app.command("show", cls=Command, epilog=_SHOW)
def show(
    ctx: typer.Context,
    origin: Annotated[
        bool, typer.Option("--origin", "--show-sources", help="Tell which flag, variable or file set each.")
    ] = False,
    changed: Annotated[
        bool, typer.Option("--changed", "--hide-defaults", help="Only what is not at its default.")
    ] = False,
    reveal: Annotated[bool, typer.Option("--reveal", "--show-secrets", help="Print secrets as they are.")] = False,
) -> None:
    """Show every setting with its value; secrets are masked.

    A flag is stronger than FLOWCTL_* variables, these than PREFECT_* ones, then come the active profile of Prefect (for
    the server and for runners), the project's file, the user's file, and the default.
    """
    from flowctl.cli import config_settings as known

    output = Session.of(ctx).output
    rows = [row for row in known.rows(Session.of(ctx), reveal=reveal) if not changed or row.origin != known.DEFAULT]
    if output.wants_data:
        output.data([row.wire() for row in rows])
        return
    columns = [
        Column("SETTING", lambda row: row.name, cut=True),
        Column("VALUE", lambda row: known.plain(row.value), _shown, cut=True),
        *([Column("ORIGIN", lambda row: row.origin, _home, style=_dim_default, cut=True)] if origin else []),
        Column("VARIABLES", lambda row: " ".join(row.variables), wide=True),
    ]
    output.table(columns, rows)
    output.hint("" if rows else "everything is at its default")


_GET = """
flowctl config get port
flowctl config get PREFECT_API_URL
flowctl config get api_key --reveal
"""


@app.command("get", cls=Command, epilog=_GET)
def get(
    ctx: typer.Context,
    key: _Key,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print a secret as it is.")] = False,
) -> None:
    """Print the value of one setting; an empty line for one that has none."""
    from flowctl.cli import config_settings as known

    output = Session.of(ctx).output
    name = known.setting_name(key)
    row = next(row for row in known.rows(Session.of(ctx), reveal=reveal) if row.name == name)
    if output.wants_data:
        output.data([row.wire()], single=True)
    else:
        output.lines([known.plain(row.value)])


_SET = """
flowctl config set port 4300
flowctl config set db ./runs.db --project
flowctl config set PREFECT_API_URL=http://10.0.0.5:4200/api port=4300
"""


@app.command("set", cls=Command, epilog=_SET)
def set_(
    ctx: typer.Context,
    words: Annotated[
        list[str], typer.Argument(metavar="KEY VALUE | KEY=VALUE...", autocompletion=completion.settings_to_write)
    ],
    project: _Project = False,
) -> None:
    """Write settings to the user's file, or the project's; its other lines and comments stay as they are.

    Nothing is written if one of several is wrong.
    """
    from flowctl.cli import config_settings as known

    path = known.file_to_change(project=project)
    written = {(name := known.setting_name(key)): known.toml_value(name, value, path) for key, value in _pairs(words)}
    session = Session.of(ctx)
    _put(session, path, written)


_UNSET = """
flowctl config unset port
flowctl config unset db --project
"""


@app.command("unset", cls=Command, epilog=_UNSET)
def unset(ctx: typer.Context, key: _Key, project: _Project = False) -> None:
    """Remove a setting from the user's file, or the project's, so that its default counts again."""
    from flowctl.cli import config_edit
    from flowctl.cli import config_settings as known

    session = Session.of(ctx)
    name, path = known.setting_name(key), known.file_to_change(project=project)
    if name not in known.entries(path):
        raise NotFound(f"{path} does not set {name}.", remedy="flowctl config show --origin")
    if not session.options.dry_run:
        config_edit.unset_value(path, name)
    _tell(session, path, {name: None})


_PATH = """
flowctl config path
flowctl config path --json
"""


@app.command("path", cls=Command, epilog=_PATH)
def show_path(ctx: typer.Context) -> None:
    """Print where the configuration files are: the user's, the project's, and that of contexts.

    The variable FLOWCTL_CONFIG names another file than the user's own; its contexts lie beside it.
    """
    from flowctl.cli import config_settings as known

    output = Session.of(ctx).output
    files = known.files()
    if output.wants_data:
        output.data([{"file": kind, "path": str(path), "exists": path.is_file()} for kind, path in files.items()])
    elif output.format == "id":
        output.lines([str(path) for path in files.values()])
    else:
        absent = output.look.paint("  not there", "dim")
        output.pairs([(kind, f"{path}{'' if path.is_file() else absent}") for kind, path in files.items()])


_VALIDATE = """
flowctl config validate
flowctl config validate deploy/flowctl.toml
"""


@app.command("validate", cls=Command, epilog=_VALIDATE)
def validate(
    ctx: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...")] = None,
) -> int:
    """Check variables, configuration files and contexts, and tell everything that is wrong with them.

    With files, checks these.  Ends with exit code 2 if something is wrong.
    """
    from flowctl.cli import config_settings as known

    output = Session.of(ctx).output
    problems = known.problems(files or [])
    if output.wants_data:
        output.data([{"problem": problem} for problem in problems])
    elif problems:
        output.lines(problems)
    else:
        output.note("All good.")
    return 2 if problems else 0


def write(session: Session, path: Path, name: str, value: object) -> None:
    """Set a setting in a file, unless this is a dry run, and tell so."""
    _put(session, path, {name: value})


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    """Names and values of `KEY VALUE`, or of several `KEY=VALUE`.  Raises Invalid."""
    if len(words) == 2 and "=" not in words[0]:
        return [(words[0], words[1].strip())]
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not equals:
            raise Invalid(f"Which value shall {key} have?", remedy=f"flowctl config set {key}=VALUE")
    return [(key, value.strip()) for key, _, value in pairs]


def _put(session: Session, path: Path, values: Mapping[str, object]) -> None:
    """Set settings in a file, unless this is a dry run, and tell so."""
    from flowctl.cli import config_edit

    for name, value in values.items() if not session.options.dry_run else ():
        config_edit.set_value(path, name, value)
    _tell(session, path, values)


def _tell(session: Session, path: Path, values: Mapping[str, object]) -> None:
    """Tell what was written, None for what was removed, and what is stronger than it."""
    from flowctl.cli import config_settings as known

    shown = {
        name: known.MASK if value is not None and name in known.SECRETS else value for name, value in values.items()
    }
    if session.output.wants_data:
        told = [{"name": name, "value": value, "file": str(path)} for name, value in shown.items()]
        session.output.data(told, single=len(told) == 1)
    for name, value in shown.items():
        _tell_one(session, path, name, value)


def _tell_one(session: Session, path: Path, name: str, value: object) -> None:
    from flowctl.cli import config_settings as known

    output, is_dry = session.output, session.options.dry_run
    if output.wants_data:
        pass
    elif value is not None:
        output.note(f"{'would set' if is_dry else 'set'} {name} = {known.plain(value)} in {path}")
    else:
        output.note(f"{'would remove' if is_dry else 'removed'} {name} from {path}")
    if is_dry:
        return
    try:
        other = known.stronger(name, path)
    except ValueError as error:
        output.note(f"But another source cannot be read: {error}")
        return
    if other:
        output.note(f"{other} sets {name} too, and is stronger." if value is not None else f"{other} still sets it.")


def _shown(row: Row, look: Look) -> str:
    from flowctl.cli.config_settings import plain

    return look.nothing if row.value is None else plain(row.value)


def _home(row: Row, look: Look) -> str:
    home = str(Path.home())
    return "~" + row.origin[len(home) :] if look.terminal and row.origin.startswith(home + "/") else row.origin


def _dim_default(row: Row) -> str:
    return "dim" if row.origin == "default" else ""
