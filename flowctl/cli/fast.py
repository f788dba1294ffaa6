"""The quick door to the hot commands: `flowctl runs ls`, `--help`, `--version`; no Typer, dataclasses, migrations.

It reads the same table of flags and calls the same functions as the commands of `main.py`, and it serves only what
goes well: whatever is unusual (another flag, a value that cannot be read, a database to be made, any error at all) it
leaves, before a character is printed, to the other door, which says what is the matter.
"""

from __future__ import annotations

import os
import sys

from flowctl.cli import flags
from flowctl.cli.flags import Globals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_RUNS_LS = (["runs", "ls"], ["flow-run", "ls"])


def serve(arguments: Sequence[str]) -> int | None:
    """Do the command if it is one of the hot ones; its exit code, or None if the other door must serve it."""
    if "_FLOWCTL_COMPLETE" in os.environ:  # a shell asks what may follow (completion.py)
        return None
    if list(arguments) in ([], ["--help"], ["-h"]):
        from flowctl.cli import help_page

        sys.stdout.write(help_page.root() + "\n")
        return 0
    if list(arguments) == ["--version"]:
        from flowctl.cli.version import version_line

        sys.stdout.write(version_line() + "\n")
        return 0
    known = {
        spelling: flag for flag in (*flags.GLOBAL, *flags.RUNS_LISTING) for spelling in (*flag.spellings, *flag.aliases)
    }
    parsed = _parse(arguments, known)
    if parsed is None:
        return None
    words, values = parsed
    if words not in _RUNS_LS:
        return None
    own = {flag.name for flag in flags.GLOBAL}
    options = Globals({name: value for name, value in values.items() if name in own})
    path = database_path(options)
    if path is None or options.fields or options.format not in {"table", "wide", "id", "csv"}:
        return None
    return _list_runs(options, path, {name: value for name, value in values.items() if name not in own})


def database_path(options: Globals) -> str | None:
    """The database file, where finding it takes no more than the environment and the absence of other files."""
    if options.api or options.context:
        return None
    if options.db:
        return os.path.expanduser(options.db)
    environ = os.environ
    if environ.get("FLOWCTL_API", "").strip() or environ.get("FLOWCTL_CONTEXT", "").strip():
        return None
    if path := environ.get("FLOWCTL_DB", "").strip():
        return os.path.expanduser(path)
    if sys.platform != "linux" or _is_configured():
        return None
    data = environ.get("XDG_DATA_HOME", "").strip() or "~/.local/share"
    return os.path.expanduser(f"{data}/flowctl/flowctl.db")


def _is_configured() -> bool:
    """Whether there is a configuration file, which may name a database (`flowctl/config_files.py`)."""
    home = os.environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    user = os.environ.get("FLOWCTL_CONFIG", "").strip() or f"{home}/flowctl/config.toml"
    if os.path.exists(os.path.expanduser(user)):
        return True
    try:
        directory = os.getcwd()
    except OSError:
        return True
    while True:
        if os.path.exists(f"{directory}/flowctl.toml") or _names_flowctl(f"{directory}/pyproject.toml"):
            return True
        above = os.path.dirname(directory)
        if above == directory:
            return False
        directory = above


def _names_flowctl(pyproject: str) -> bool:
    try:
        with open(pyproject, "rb") as file:
            return b"[tool.flowctl" in file.read()
    except OSError:
        return False


def _list_runs(options: Globals, path: str, given: dict[str, object]) -> int | None:
    import sqlite3

    from flowctl.cli import run_table
    from flowctl.cli.output import Output
    from flowctl.cli.run_query import RunQuery
    from flowctl.db.migrate import APPLICATION_ID, SCHEMA_VERSION
    from flowctl.domain.errors import FlowctlError

    output, query = Output(options), RunQuery(given)
    try:
        connection = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, isolation_level=None)
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if (application, version) != (APPLICATION_ID, SCHEMA_VERSION):
                return None
            lines, more = run_table.find(connection.execute, query, output.now, reasons=options.format != "id")
        finally:
            connection.close()
    except (sqlite3.Error, FlowctlError, UnicodeEncodeError):
        return None
    try:
        run_table.show(output, query, lines, more)
    except BrokenPipeError:
        return close_pipe()
    return 0


def close_pipe() -> int:
    """Answer to a reader that went away (`| head`): let nothing be written any more; the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _quoted(path: str) -> str:
    """The path as part of a URI."""
    return os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _parse(arguments: Sequence[str], known: dict[str, flags.Flag]) -> tuple[list[str], dict[str, object]] | None:
    """Words and flags of a command line; None if there is anything unusual about it."""
    words: list[str] = []
    values: dict[str, object] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            words.append(argument)
            continue
        spelling, equals, attached = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        flag = known.get(spelling)
        if flag is None or (flag.is_switch and equals):
            return None
        value: object = True if flag.is_switch else attached if equals else next(rest, None)
        if value is None or (flag.choices and value not in flag.choices):
            return None
        if flag.number:
            if not (isinstance(value, str) and value.isdecimal() and int(value)):
                return None
            value = int(value)
        if flag.many:
            values[flag.name] = [*_list(values.get(flag.name)), value]
        else:
            values[flag.name] = value
    return words, values


def _list(values: object) -> list[object]:
    return list(values) if isinstance(values, list) else []  # pyright: ignore[reportUnknownArgumentType] - made above
