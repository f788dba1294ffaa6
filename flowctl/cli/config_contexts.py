"""`flowctl config context ls | add | use | show | test | rename | remove`: servers and database files by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli import completion, config, contexts
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.contexts import LOCAL, Context
from flowctl.cli.tables import Column
from flowctl.domain.errors import Conflict, Invalid

if TYPE_CHECKING:
    from flowctl.cli.tables import Look

app = typer.Typer()

_Name = Annotated[str, typer.Argument(metavar="NAME", autocompletion=completion.contexts)]


@dataclass(frozen=True, slots=True)
class _Line:
    """A context as it is listed."""

    context: Context
    is_current: bool

    @property
    def id(self) -> str:
        return self.context.name

    def wire(self) -> dict[str, Any]:
        return {**self.context.wire(), "current": self.is_current}


_LS = """
flowctl config context ls
flowctl config context ls --json
"""


@app.command("ls", cls=Command, epilog=_LS)
def list_contexts(ctx: typer.Context) -> None:
    """List the contexts, and which one is in force; `local` is the database file of the settings."""
    session = Session.of(ctx)
    lines = _lines(session)
    if session.output.wants_data:
        session.output.data([line.wire() for line in lines])
    else:
        session.output.table(_COLUMNS, lines)


def _marked(line: _Line, look: Look) -> str:
    return line.context.name + (" *" if line.is_current and look.terminal else "")


_COLUMNS = (
    Column("NAME", lambda line: line.context.name, _marked, style=lambda line: "green" if line.is_current else ""),
    Column("KIND", lambda line: "server" if line.context.api else "file"),
    Column("TARGET", lambda line: line.context.target, cut=True),
    Column("CREDENTIALS", lambda line: line.context.credentials, spare=True),
    Column("CURRENT", lambda line: str(line.is_current).lower(), wide=True),
)


_ADD = """
flowctl config context add prod --api https://flows.example.com/api --auth-env PROD_AUTH
flowctl config context add staging --api http://10.0.0.5:4200/api --auth -
flowctl config context add archive --db /backups/2026.db
"""


@app.command("add", cls=Command, epilog=_ADD)
def add_context(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    auth: Annotated[
        str | None, typer.Option("--auth", metavar="USER:PASSWORD", help="Its auth string; - reads or asks for it.")
    ] = None,
    auth_env: Annotated[
        str | None, typer.Option("--auth-env", metavar="NAME", help="The variable that holds the auth string.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Its API key; - as for --auth.")] = None,
    key_env: Annotated[
        str | None, typer.Option("--key-env", metavar="NAME", help="The variable that holds the API key.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a context of this name.")] = False,
    use: Annotated[bool, typer.Option("--use", help="Make it the current one.")] = False,
) -> None:
    """Name a server (--api URL) or a database file (--db PATH), to work on with --context NAME.

    Credentials are kept in a file that only you may read; --auth-env and --key-env keep the name of a variable instead.
    A context sends its own credentials, and no others.
    """
    session = Session.of(ctx)
    options = session.options
    _check_name(name)
    if (options.api is None) == (options.db is None):
        raise Invalid(
            "A context is one server, or one database file.", remedy=f"flowctl config context add {name} --api URL"
        )
    if sum(each is not None for each in (auth, auth_env, key, key_env)) > 1:
        raise Invalid("A context has one kind of credentials: --auth, --auth-env, --key or --key-env.")
    if options.db and (auth or auth_env or key or key_env):
        raise Invalid("A database file takes no credentials.")
    if name in contexts.read() and not force:
        raise Conflict(f"There is a context {name!r} already.", remedy="--force to replace it, or another name")
    context = Context(
        name=name,
        api=_checked(options.api) if options.api else None,
        db=str(Path(options.db).expanduser().absolute()) if options.db else None,
        auth=_secret(auth, "Auth string (user:password)"),
        auth_env=auth_env,
        key=_secret(key, "API key"),
        key_env=key_env,
    )
    if not options.dry_run:
        contexts.save(context)
    if session.output.wants_data:
        session.output.data([context.wire()], single=True)
    else:
        done = "would add" if options.dry_run else "added"
        session.output.note(f"{done} {name}: {context.target}")
    if use:
        _use(session, name)


_USE = """
flowctl config context use prod
flowctl config context use local
"""


@app.command("use", cls=Command, epilog=_USE)
def use_context(ctx: typer.Context, name: _Name) -> None:
    """Make a context the current one, where nothing stronger says otherwise; `local` goes back to the file."""
    session = Session.of(ctx)
    if name != LOCAL:
        contexts.find(name)
    _use(session, name)


_SHOW = """
flowctl config context show
flowctl config context show prod --json
"""


@app.command("show", cls=Command, epilog=_SHOW)
def show_context(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", show_default="current", autocompletion=completion.contexts)
    ] = None,
) -> None:
    """Show a context, by default the current one; its secrets stay hidden."""
    session = Session.of(ctx)
    line = _line(session, name)
    if session.output.wants_data:
        session.output.data([line.wire()], single=True)
        return
    context = line.context
    session.output.pairs(
        [
            ("name", context.name),
            ("server" if context.api else "file", context.target),
            ("credentials", context.credentials),
            ("current", "yes" if line.is_current else "no"),
        ]
    )


_TEST = """
flowctl config context test
flowctl config context test prod
flowctl config context test --api http://127.0.0.1:4200/api
"""


@app.command("test", cls=Command, epilog=_TEST)
def ask_context(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", show_default="current", autocompletion=completion.contexts)
    ] = None,
) -> None:
    """Ask a context's server what it is, how long an answer takes, and whether the credentials are right.

    Ends with exit code 9 if no server answers, and with 8 if it does not take the credentials.
    """
    from flowctl.cli import context_probe

    session = Session.of(ctx)
    context = _line(session, name).context
    facts = context_probe.server(session.configured, context) if context.api else context_probe.file(context)
    if session.output.wants_data:
        session.output.data([facts], single=True)
    else:
        session.output.pairs([(key, str(value)) for key, value in facts.items() if value is not None])


_RENAME = """
flowctl config context rename staging test
"""


@app.command("rename", cls=Command, epilog=_RENAME)
def rename_context(ctx: typer.Context, name: _Name, new: Annotated[str, typer.Argument(metavar="NEW")]) -> None:
    """Give a context another name; if it is the current one, it stays so."""
    from flowctl.cli import config_settings

    session = Session.of(ctx)
    context = contexts.find(name)
    _check_name(new)
    if new in contexts.read():
        raise Conflict(f"There is a context {new!r} already.", remedy="choose another name")
    if not session.options.dry_run:
        contexts.save(replace(context, name=new))
        contexts.remove(name)
    session.output.note(f"{'would rename' if session.options.dry_run else 'renamed'} {name} to {new}: {context.target}")
    entry = config_settings.entries(config_settings.user_file()).get("context")
    if entry and entry.text == name:
        config.write(session, config_settings.user_file(), "context", new)


_REMOVE = """
flowctl config context remove staging
flowctl config context remove staging -y
"""


@app.command("remove", cls=Command, epilog=_REMOVE)
def remove_context(ctx: typer.Context, name: _Name) -> None:
    """Remove a context with its credentials; if it is the current one, `local` takes its place."""
    from flowctl.cli import config_edit, config_settings

    session = Session.of(ctx)
    context = contexts.find(name)
    if session.options.dry_run:
        session.output.note(f"would remove {name}: {context.target}")
        return
    if not session.output.confirm(f"Remove the context {name} ({context.target})?"):
        return
    contexts.remove(name)
    session.output.note(f"removed {name}")
    entry = config_settings.entries(config_settings.user_file()).get("context")
    if entry and entry.text == name:
        config_edit.unset_value(config_settings.user_file(), "context")
        session.output.note("It was the current one; now commands work on the database file.")


def _use(session: Session, name: str) -> None:
    """Write the user's choice, and tell what says otherwise and is stronger."""
    from flowctl import settings
    from flowctl.cli import config_settings

    config.write(session, config_settings.user_file(), "context", name)
    if session.options.dry_run:
        return
    try:
        found = settings.load()
    except ValueError:
        return  # `config.write` told it
    if found.target not in (None, "context"):
        session.output.note(f"{found.origins[found.target]} says where to work, by {found.target!r}, and is stronger.")


def _lines(session: Session) -> list[_Line]:
    """`local`, and all others by name."""
    from flowctl.settings import database_path

    target = session.context.name if session.context else LOCAL if session.api_url is None else None
    local = Context(name=LOCAL, db=str(database_path(session.configured)))
    known = contexts.read()
    return [_Line(each, each.name == target) for each in (local, *(known[name] for name in sorted(known)))]


def _line(session: Session, name: str | None) -> _Line:
    """The named context, or the one in force; one without a name if a flag or variable gives a server."""
    lines = _lines(session)
    if name is None:
        unnamed = Context(
            name="-",
            api=session.api_url,
            auth=session.settings.client_auth_string,
            key=None if session.settings.client_auth_string else session.settings.api_key,
        )
        return next((line for line in lines if line.is_current), _Line(unnamed, is_current=True))
    if name != LOCAL:
        contexts.find(name)
    return next(line for line in lines if line.context.name == name)


def _check_name(name: str) -> None:
    if name == LOCAL:
        raise Invalid("`local` is the database file of the settings, and not to be named.")
    if not name or not all(each.isalnum() or each in "-_." for each in name):
        raise Invalid(f"{name!r} is no name: letters, digits, -, _ and . make one.")


def _checked(url: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{url} is not the address of an API.", remedy="write it like --api http://127.0.0.1:4200/api")
    return url.rstrip("/")


def _secret(given: str | None, what: str) -> str | None:
    """A secret as given; `-` reads it from standard input, or asks at a terminal without showing it."""
    if given != "-":
        return given
    if sys.stdin.isatty():
        from getpass import getpass

        text = getpass(f"{what}: ", stream=sys.stderr)
    else:
        text = sys.stdin.readline()
    if not text.strip():
        raise Invalid(f"{what}: nothing was given.")
    return text.strip()
