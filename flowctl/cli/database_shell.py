"""`flowctl db upgrade | shell`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flowctl.cli import amounts
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Invalid, Unusable

app = typer.Typer()

_UPGRADE = """
flowctl db upgrade --dry-run
flowctl db upgrade
flowctl db upgrade --no-backup --db /srv/flowctl.db
"""


@app.command("upgrade", cls=Command, epilog=_UPGRADE)
def upgrade(
    ctx: typer.Context,
    backup: Annotated[
        bool, typer.Option("--backup/--no-backup", help="First back the file up, beside it (default).")
    ] = True,
) -> None:
    """Bring the database file to the present schema, after a backup beside it; one that has it stays as it is.

    Every command that opens an older file does the same without a backup. `db init` also makes a new file.
    """
    session = Session.of(ctx)
    output, path, dry_run = session.output, session.database_path.absolute(), session.options.dry_run
    from flowctl.db import copies
    from flowctl.db.migrate import SCHEMA_VERSION
    from flowctl.ops import backup as op

    if not path.is_file():
        raise Unusable(f"{path} is not there.", remedy="flowctl db init")
    before = copies.schema_version(path)
    if before < SCHEMA_VERSION and session.options.read_only:
        raise Invalid("--read-only leaves nothing to upgrade.", remedy="leave out --read-only")
    kept = None
    if before < SCHEMA_VERSION and backup:
        kept = path.with_name(f"{path.stem}-schema-{before}-{output.now:%Y%m%d-%H%M%S}{path.suffix}")
    if before < SCHEMA_VERSION and not dry_run:
        if kept:
            with output.progress("copying", max(1, copies.size(path) // 4096)) as advance:
                op.create(path, kept, verify=True, progress=advance)
        assert session.backend.database.path
    facts = {"path": str(path), "schema": SCHEMA_VERSION, "before": before, "backup": kept and str(kept)}
    if output.wants_data:
        output.data([facts], single=True)
    elif before == SCHEMA_VERSION:
        output.lines([f"{path} has schema {SCHEMA_VERSION} already"])
    else:
        size = f" ({amounts.size(copies.size(path if dry_run else kept))})" if kept else ""
        words = ("would back up to", "would upgrade") if dry_run else ("backed up to", "upgraded")
        output.lines([f"{words[0]} {kept}{size}"] if kept else [])
        output.lines([f"{words[1]} {path} from schema {before} to {SCHEMA_VERSION}"])


_SHELL = """
flowctl db shell
flowctl db shell --write
echo "SELECT count(*) FROM flow_run" | flowctl db shell
"""


@app.command("shell", cls=Command, epilog=_SHELL)
def shell(
    ctx: typer.Context,
    write: Annotated[
        bool, typer.Option("--write", help="Statements may change the database, past all rules; asks first.")
    ] = False,
) -> int:
    """Type SQL on the database file, in SQLite's own shell if it is installed, else in a small one.

    Statements read and nothing else, unless --write is given. `db query` asks one question, in all formats.
    """
    session = Session.of(ctx)
    output = session.output
    from flowctl.db import shell as sql_shell

    if output.wants_data:
        raise Invalid("A shell answers in its own format.", remedy="flowctl db query 'SELECT …' -o json")
    if write and session.options.read_only:
        raise Invalid("--write and --read-only exclude each other.", remedy="leave out one of them")
    if session.options.dry_run:
        output.note(f"would open {session.database_path} {'for writing' if write else 'for reading'}")
        return 0
    if write and not output.confirm(f"Write to {session.database_path} past all rules of runs?"):
        output.note("Nothing was opened.")
        return 1
    sys.stdout.flush()
    return 1 if sql_shell.run(session.database_path, write=write) else 0
