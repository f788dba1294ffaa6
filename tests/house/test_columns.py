"""Every `Columns` against its table and its dataclass."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

import flowctl.db.tables
from flowctl.db.columns import Columns
from flowctl.db.database import Database


def declared() -> Iterator[tuple[str, Columns[Any]]]:
    for info in pkgutil.iter_modules(flowctl.db.tables.__path__):
        module = importlib.import_module(f"flowctl.db.tables.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Columns):
                yield f"{info.name}.{name}", value


@pytest.mark.parametrize(("name", "columns"), [pytest.param(*each, id=each[0]) for each in declared()])
class TestEach:
    def test_stored_columns_are_the_tables(self, db: Database, name: str, columns: Columns[Any]) -> None:
        with db.read() as tx:
            table = {row[1] for row in tx.execute(f"PRAGMA table_info({columns.table})")}
        assert set(columns.stored) | set(columns.extra) == table, name

    def test_every_field_has_a_source(self, db: Database, name: str, columns: Columns[Any]) -> None:
        with db.read() as tx:
            tx.execute(f"{columns.select} LIMIT 1")
        derived = columns.missing_fields()
        if derived:
            assert columns.derive is not None, name
            null_row = dict.fromkeys([*columns.stored, *columns.extra])
            assert derived == set(columns.derive(null_row, db.clock())), name
        assert set(columns.specs) <= {field.name for field in fields(columns.cls)}, name
