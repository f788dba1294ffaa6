"""`flowctl db backup | restore`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flowctl.cli import amounts
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.domain.errors import Busy, Invalid

app = typer.Typer()

_BACKUP = """
flowctl db backup
flowctl db backup /backups/ --keep 7
flowctl db backup before-upgrade.db
"""


@app.command("backup", cls=Command, epilog=_BACKUP)
def backup(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|DIR]", help="A file, or a folder for a file named by date and time."),
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, metavar="N", help="Remove all but the last N backups of the folder.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Open the copy and check it (default).")] = True,
) -> int:
    """Copy the database while it is in use, and check the copy.

    The copy is the database of one moment; a server goes on meanwhile. Without a target it goes to the folder
    "backups" beside the database. A file that exists is replaced, after a question.
    """
    session = Session.of(ctx)
    output, database = session.output, session.database_path.absolute()
    from flowctl.db import copies
    from flowctl.ops import backup as op

    copies.schema_version(database)
    folder = Path(target).expanduser() if target else database.parent / "backups"
    is_folder = target is None or target.endswith(("/", os.sep)) or folder.is_dir()
    if keep is not None and not is_folder:
        raise Invalid("--keep goes with a folder.", remedy=f"flowctl db backup {folder.parent}/ --keep {keep}")
    path = (op.named(folder, database, output.now) if is_folder else folder).absolute()
    if path == database:
        raise Invalid(f"{path} is the database itself.", remedy="choose another file")
    size = copies.size(database)
    if session.options.dry_run:
        old = op.existing(folder, database)[: -(keep - 1) or None] if keep else []
        _tell(session, f"would back up {amounts.size(size)} to {path}", path, size, old, verified=False)
        return 0
    if path.exists() and not output.confirm(f"Replace {path}?"):
        output.note("Nothing was backed up.")
        return 1
    with output.progress("copying", max(1, size // 4096)) as advance:
        made = op.create(database, path, verify=verify, progress=advance)
    removed = op.remove_old(folder, database, keep) if keep else []
    checked = ", checked" if made.verified else ""
    _tell(session, f"backed up to {path} ({amounts.size(made.size)}{checked})", path, made.size, removed, made.verified)
    return 0


def _tell(session: Session, sentence: str, path: Path, size: int, removed: list[Path], verified: bool) -> None:
    output = session.output
    if output.wants_data:
        names = [str(each) for each in removed]
        output.data([{"path": str(path), "size_bytes": size, "verified": verified, "removed": names}], single=True)
    elif output.format == "id":
        output.lines([str(path)])
    else:
        output.lines([sentence])
        verb = "would remove" if session.options.dry_run else "removed"
        output.lines([f"{verb} {each}" for each in removed])


_RESTORE = """
flowctl db restore backups/flowctl-20260301-120000.db
flowctl db restore backup.db --to /tmp/look.db
"""


@app.command("restore", cls=Command, epilog=_RESTORE)
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="PATH", help="Restore into this file instead of the database.")
    ] = None,
) -> int:
    """Put a backup in the place of the database, which is kept beside it under another name.

    Refused while a server is up; --to PATH restores into another file.
    """
    session = Session.of(ctx)
    output, source = session.output, file.expanduser().absolute()
    target = to.expanduser().absolute() if to else session.database_path.absolute()
    from flowctl.db import copies
    from flowctl.ops import backup as op
    from flowctl.server.lock import ServerLock, serving

    schema = copies.schema_version(source)
    if source == target:
        raise Invalid(f"{source} is the database itself.", remedy="name a backup")
    if server := serving(target):
        raise Busy(
            f"A server is up on {target}, at {server.get('url')} (process {server['pid']}).",
            remedy=f"stop it (kill {server['pid']}), or restore beside it with --to PATH",
        )
    if session.options.dry_run:
        output.lines([f"would restore {source} ({amounts.size(copies.size(source))}, schema {schema}) to {target}"])
        return 0
    if target.exists() and not output.confirm(f"Put {source} in the place of {target}? That is kept beside it."):
        output.note("Nothing was restored.")
        return 1
    lock = None if to else ServerLock(target)  # no server can start meanwhile
    try:
        with output.progress("restoring", max(1, copies.size(source) // 4096)) as advance:
            kept = op.restore(source, target, output.now, progress=advance)
    finally:
        if lock is not None:
            lock.release()
    if output.wants_data:
        output.data([{"path": str(target), "from": str(source), "replaced": kept and str(kept)}], single=True)
    else:
        output.lines([f"restored {target} from {source}"])
        if kept:
            output.note(f"what was there before is {kept}")
    return 0
