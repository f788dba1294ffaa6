"""`flowctl db backup | restore`."""

from __future__ import annotations

from pathlib import Path

from flowctl.domain.flow_runs import FlowRun
from flowctl.server.lock import ServerLock


def test_backup_to_a_file(cli, three: list[FlowRun], tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    dry = cli("db", "backup", str(path), "--dry-run")
    assert (dry.code, path.exists()) == (0, False)
    assert dry.out.startswith("would back up ")
    result = cli("db", "backup", str(path))
    assert result.code == 0
    assert result.out.startswith(f"backed up to {path} (")
    assert result.out.endswith(", checked)\n")
    assert len(cli("runs", "ls", "-q", "--db", str(path)).lines) == 3
    assert cli("db", "backup", str(path)).code == 2  # nobody is there to ask
    assert cli("db", "backup", str(path), "-y", "-q").lines == [str(path)]
    assert cli("db", "backup", str(path), "--keep", "3", "-y").code == 2
    assert cli("db", "backup", str(cli.db_path), "-y").code == 2


def test_backup_to_a_folder_keeps_so_many(cli, three: list[FlowRun], tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 5):
        (folder / f"flowctl-2026010{day}-120000.db").touch()
    assert "would remove" in cli("db", "backup", str(folder), "--keep", "2", "--dry-run").out
    wire = cli("db", "backup", str(folder), "--keep", "2", "--json").json
    assert wire["verified"] is True
    assert len(wire["removed"]) == 3
    assert sorted(folder.iterdir()) == [folder / "flowctl-20260104-120000.db", Path(wire["path"])]
    assert Path(cli("db", "backup", "--no-verify", "-y", "-q").out.strip()).parent == folder  # beside the database


def test_backup_of_what_is_not_there(cli, tmp_path: Path) -> None:
    result = cli("db", "backup", "--db", str(tmp_path / "none.db"))
    assert (result.code, result.out) == (6, "")
    assert not (tmp_path / "none.db").exists()


def test_restore(cli, three: list[FlowRun], world, tmp_path: Path) -> None:
    copy = str(tmp_path / "copy.db")
    cli("db", "backup", copy)
    cli("runs", "delete", "odd-crane", "-y")
    world.database.close()
    assert cli("db", "restore", copy, "--dry-run").out.startswith(f"would restore {copy} (")
    assert cli("db", "restore", copy).code == 2
    assert len(cli("runs", "ls", "-q").lines) == 2
    wire = cli("db", "restore", copy, "-y", "--json").json
    assert len(cli("runs", "ls", "-q").lines) == 3
    assert len(cli("runs", "ls", "-q", "--db", wire["replaced"]).lines) == 2


def test_restore_refuses_while_a_server_is_up_unless_elsewhere(
    cli, three: list[FlowRun], world, tmp_path: Path
) -> None:
    copy, elsewhere = str(tmp_path / "copy.db"), tmp_path / "elsewhere.db"
    cli("db", "backup", copy)
    world.database.close()
    lock = ServerLock(cli.db_path)
    lock.announce(url="http://127.0.0.1:4980", api="http://127.0.0.1:4980/api")
    try:
        refused = cli("db", "restore", copy, "-y")
        assert (refused.code, refused.out) == (5, "")
        assert "A server is up" in refused.err
        assert "--to PATH" in refused.err
        assert cli("db", "vacuum", "--full", "-y").code == 5
        assert cli("db", "restore", copy, "--to", str(elsewhere)).code == 0
    finally:
        lock.release()
    assert len(cli("runs", "ls", "-q", "--db", str(elsewhere)).lines) == 3
    assert cli("db", "restore", copy, "-y").code == 0


def test_restore_of_what_is_no_backup(cli, three: list[FlowRun], tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("no database" * 1000)
    for path in (text, tmp_path / "none.db"):
        result = cli("db", "restore", str(path), "-y")
        assert (result.code, result.out) == (6, "")
    assert len(cli("runs", "ls", "-q").lines) == 3
