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


def table_columns(db: Database, table: str) -> set[str]:
    with db.read() as tx:
        return {row[1] for row in tx.execute(f"PRAGMA table_info({table})")}


def test_each_mapped_table_has_a_mapping_of_all_its_columns(db: Database) -> None:
    missing: dict[str, set[str]] = {}
    for _, columns in declared():
        left = table_columns(db, columns.table) - set(columns.stored) - set(columns.extra)
        missing[columns.table] = min(missing.get(columns.table, left), left, key=len)
    assert {table: left for table, left in missing.items() if left} == {}


@pytest.mark.parametrize(("name", "columns"), [pytest.param(*each, id=each[0]) for each in declared()])
class TestEach:
    def test_stored_columns_are_in_the_table(self, db: Database, name: str, columns: Columns[Any]) -> None:
        assert set(columns.stored) | set(columns.extra) <= table_columns(db, columns.table), name

    def test_every_field_has_a_source(self, db: Database, name: str, columns: Columns[Any]) -> None:
        with db.read() as tx:
            tx.execute(f"{columns.select} LIMIT 1")
        derived = columns.missing_fields()
        if derived:
            assert columns.derive is not None, name
            null_row = dict.fromkeys([*columns.stored, *columns.extra])
            assert derived == set(columns.derive(null_row, db.clock())), name
        assert set(columns.specs) <= {field.name for field in fields(columns.cls)}, name
