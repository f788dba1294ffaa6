"""Fixtures that most tests share: a migrated database file, and a transaction on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import hypothesis
import pytest
from support import Clock

from flowctl.db.database import Database, Tx
from flowctl.settings import Settings

hypothesis.settings.register_profile("flowctl", deadline=None)  # machines are shared: no stopwatch
hypothesis.settings.load_profile("flowctl")


@pytest.fixture(scope="session", autouse=True)
def _no_configuration_of_this_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's own configuration and contexts out of all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOWCTL_CONFIG", str(tmp_path_factory.mktemp("config") / "config.toml"))
        yield


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, migrated once per test run; copy it, do not open it."""
    path = tmp_path_factory.mktemp("template") / "flowctl.db"
    Database(path).close()
    return path


@pytest.fixture
def db_path(migrated_file: Path, tmp_path: Path) -> Path:
    """A fresh, migrated database file."""
    path = tmp_path / "flowctl.db"
    shutil.copy(migrated_file, path)
    return path


@pytest.fixture
def clock() -> Clock:
    """The clock of the `db` fixture; it starts at noon of 2026-03-01 UTC."""
    return Clock()


@pytest.fixture
def db(db_path: Path, clock: Callable[[], datetime]) -> Iterator[Database]:
    """A database on a fresh file, whose transactions happen at `clock`."""
    database = Database(db_path, Settings(db=db_path), clock=clock)
    yield database
    database.close()


@pytest.fixture
def tx(db: Database) -> Iterator[Tx]:
    """An open write transaction."""
    with db.write() as transaction:
        yield transaction
