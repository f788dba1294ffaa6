"""Columns: one declaration per table that maps dataclass <-> row, in both directions, and row -> JSON without a detour.

A read gives `Rows`: a sequence of dataclasses made on demand (ops, CLI), which can also be written as JSON directly
(server): stored JSON text passes through unparsed, ids and times are text already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, get_args, overload
from uuid import UUID

from flowctl.db import shapes

if TYPE_CHECKING:
    from flowctl.db.database import Tx

T = TypeVar("T")
RawJSON = Callable[[str], object]
"""Makes something to put into an answer from stored JSON text: `json.loads`, or an encoder's raw fragment."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one type of value is stored, read, and written as JSON; none of the three sees None."""

    encode: Callable[[Any], object]
    decode: Callable[[Any], Any]
    wire: Callable[[Any, RawJSON], object]


@lru_cache(maxsize=256)  # a transaction writes its one instant into many columns
def encode_time(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS.ffffff` in UTC: fixed width, so that text order is time order."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]


def decode_time(text: str) -> datetime:
    """The aware UTC datetime of a stored time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wire_time(text: str) -> str:
    """Stored time -> RFC 3339 as the API writes it."""
    fraction = text[19:26]
    return f"{text[:10]}T{text[11:19]}{'' if fraction == '.000000' else fraction}Z"


def _same(value: Any) -> Any:
    return value


def _wire_same(value: Any, _raw: RawJSON) -> object:
    return value


def json_of(cls: type) -> Kind:
    """A dataclass stored as sparse JSON text."""
    read = shapes.reader(cls)
    defaults = shapes.full_defaults(cls)
    return Kind(shapes.dumps, lambda text: read(json.loads(text)), lambda text, _raw: {**defaults, **json.loads(text)})


def json_items(hint: Any) -> Kind:
    """A container of dataclasses stored as JSON text, complete as it is."""
    read = shapes.reader(hint)
    return Kind(shapes.dumps_complete, lambda text: read(json.loads(text)), lambda text, raw: raw(text))


def enum_of(cls: Callable[[str], Any]) -> Kind:
    """A StrEnum stored as its text."""
    return Kind(str, cls, _wire_same)


UUID_ = Kind(str, UUID, _wire_same)
TIME = Kind(encode_time, decode_time, lambda text, _raw: wire_time(text))
TEXT = Kind(_same, _same, _wire_same)
INT = Kind(_same, _same, _wire_same)
FLOAT = Kind(_same, float, lambda value, _raw: float(value))
BOOL = Kind(int, bool, lambda value, _raw: bool(value))
JSON = Kind(shapes.dumps, json.loads, lambda text, raw: raw(text))


@dataclass(frozen=True, slots=True)
class Joined:
    """A field read from another table's column: an SQL expression over the joins, never written."""

    expression: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that is an object of another table, joined under an alias; None when its id is NULL."""

    columns: Columns[Any]
    alias: str


class Derive(Protocol):
    """Gives the fields that are computed from a row's stored values (text times) as of `now`."""

    def __call__(self, row: Mapping[str, Any], now: datetime) -> dict[str, object]: ...


Spec = Kind | Joined | Nested


class Columns(Generic[T]):
    """The mapping of one dataclass to one table.

    cls      the entity; each of its fields is a keyword here, or comes from `derive`
    table    its table
    joins    SQL after `FROM table` that `Joined` and `Nested` fields need
    derive   computes the rest
    extra    stored columns that are no field of the entity (Kind by name), settable by `update` and `insert`
    """

    def __init__(
        self,
        cls: type[T],
        *,
        table: str,
        joins: str = "",
        derive: Derive | None = None,
        extra: Mapping[str, Kind] | None = None,
        **specs: Spec,
    ) -> None:
        self.cls = cls
        self.table = table
        self.specs = specs
        self.stored: dict[str, Kind] = {name: spec for name, spec in specs.items() if isinstance(spec, Kind)}
        self.extra = dict(extra or {})
        self._encoders = {name: kind.encode for name, kind in (*self.stored.items(), *self.extra.items())}
        self._insert_sql: dict[tuple[str, ...], str] = {}
        self.derive = derive
        self._joined = {name: spec for name, spec in specs.items() if isinstance(spec, Joined)}
        self._nested = {name: spec for name, spec in specs.items() if isinstance(spec, Nested)}
        self._flat: list[tuple[str, Kind]] = [
            *self.stored.items(),
            *((name, spec.kind) for name, spec in self._joined.items()),
        ]
        self.expressions = [f'{table}."{name}"' for name in self.stored]
        self.expressions += [spec.expression for spec in self._joined.values()]
        if derive:
            self.expressions += [f'{table}."{name}"' for name in self.extra]
        for spec in self._nested.values():
            self.expressions += [f'{spec.alias}."{name}"' for name in spec.columns.stored]
        self.select = f"SELECT {', '.join(self.expressions)} FROM {table} {joins}".rstrip()
        """`SELECT … FROM table joins`, to be followed by WHERE."""

    # -- reading

    def one(self, tx: Tx, where: str, parameters: Sequence[object] = ()) -> T | None:
        """The first row of `select` + `where`, or None."""
        row = tx.execute(f"{self.select} {where}", parameters).fetchone()
        return None if row is None else self.entity(row, tx.now)

    def by_id(self, tx: Tx, id: UUID) -> T | None:
        """The row with this primary key, or None."""
        return self.one(tx, f"WHERE {self.table}.id = ?", (str(id),))

    def rows(self, tx: Tx, where: str = "", parameters: Sequence[object] = ()) -> Rows[T]:
        """All rows of `select` + `where` (which may go on with ORDER BY, LIMIT …)."""
        return Rows(self, tx.execute(f"{self.select} {where}", parameters).fetchall(), tx.now)

    def entity(self, row: Sequence[Any], now: datetime) -> T:
        """The dataclass of one row of `select`."""
        values: dict[str, Any] = {
            name: None if value is None else kind.decode(value)
            for (name, kind), value in zip(self._flat, row, strict=False)
        }
        if self.derive:
            values.update(self.derive(self._raw(row), now))
        start = self._nested_start()
        for name, spec in self._nested.items():
            part = row[start : start + len(spec.columns.stored)]
            values[name] = None if part[0] is None else spec.columns.entity(part, now)
            start += len(part)
        return self.cls(**values)

    def wire(self, row: Sequence[Any], now: datetime, raw: RawJSON) -> dict[str, object]:
        """The JSON object of one row of `select`, ready for an encoder; `raw` treats stored JSON text."""
        values: dict[str, object] = {
            name: None if value is None else kind.wire(value, raw)
            for (name, kind), value in zip(self._flat, row, strict=False)
        }
        if self.derive:
            values.update(self.derive(self._raw(row), now))
        start = self._nested_start()
        for name, spec in self._nested.items():
            part = row[start : start + len(spec.columns.stored)]
            values[name] = None if part[0] is None else spec.columns.wire(part, now, raw)
            start += len(part)
        return values

    # -- writing

    def insert(self, tx: Tx, entity: T, **extra: object) -> T:
        """Insert an entity, and values of `extra` columns.  Raises Conflict if a uniqueness rule is broken."""
        values = {name: getattr(entity, name) for name in self.stored}
        self._insert(tx, "INSERT", self._encoded({**values, **extra}))
        return entity

    def insert_many(self, tx: Tx, entities: Sequence[T]) -> None:
        """Insert many entities with one prepared statement."""
        names = ", ".join(f'"{name}"' for name in self.stored)
        marks = ", ".join("?" * len(self.stored))
        rows = [[_encode(kind, getattr(entity, name)) for name, kind in self.stored.items()] for entity in entities]
        tx.executemany(f"INSERT INTO {self.table} ({names}) VALUES ({marks})", rows)

    def insert_or_ignore(self, tx: Tx, entity: T, **extra: object) -> bool:
        """Insert unless that would break a uniqueness rule; tells whether a row was added."""
        values = {name: getattr(entity, name) for name in self.stored}
        return self._insert(tx, "INSERT OR IGNORE", self._encoded({**values, **extra})) > 0

    def update(self, tx: Tx, id: UUID, **changes: object) -> bool:
        """Set columns of one row; tells whether it exists.  `updated` is the caller's to give."""
        encoded = self._encoded(changes)
        clause = ", ".join(f'"{name}" = ?' for name in encoded)
        return tx.execute(f"UPDATE {self.table} SET {clause} WHERE id = ?", (*encoded.values(), str(id))).rowcount > 0

    def delete(self, tx: Tx, id: UUID) -> bool:
        """Delete one row; tells whether it was there."""
        return tx.execute(f"DELETE FROM {self.table} WHERE id = ?", (str(id),)).rowcount > 0

    # -- inside

    def _insert(self, tx: Tx, verb: str, encoded: dict[str, object]) -> int:
        key = (verb, *encoded)
        sql = self._insert_sql.get(key)
        if sql is None:
            names = ", ".join(f'"{name}"' for name in encoded)
            sql = f"{verb} INTO {self.table} ({names}) VALUES ({', '.join('?' * len(encoded))})"
            self._insert_sql[key] = sql
        return tx.execute(sql, tuple(encoded.values())).rowcount

    def _encoded(self, values: Mapping[str, object]) -> dict[str, object]:
        encoders = self._encoders
        return {name: None if value is None else encoders[name](value) for name, value in values.items()}

    def _nested_start(self) -> int:
        return len(self._flat) + (len(self.extra) if self.derive else 0)

    def _raw(self, row: Sequence[Any]) -> dict[str, Any]:
        """Stored and extra values by name, as SQLite has them, for `derive`."""
        raw = {name: value for (name, _), value in zip(self._flat, row, strict=False)}
        raw.update(zip(self.extra, row[len(self._flat) :], strict=False))
        return raw

    def missing_fields(self) -> set[str]:
        """Fields of the entity that no keyword gives (they must come from `derive`)."""
        return {f.name for f in fields(self.cls)} - set(self.specs)  # pyright: ignore[reportArgumentType] - a dataclass


def _encode(kind: Kind, value: object) -> object:
    return None if value is None else kind.encode(value)


class Rows(Sequence[T]):
    """What a read found: dataclasses on demand, or JSON at once."""

    __slots__ = ("_columns", "_now", "_rows")

    def __init__(self, columns: Columns[T], rows: list[Any], now: datetime) -> None:
        self._columns = columns
        self._rows = rows
        self._now = now

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In the OpenAPI document it is a list; pydantic finds this by name."""
        return handler.generate_schema(list[get_args(source)[0]])

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[T]: ...
    def __getitem__(self, index: int | slice) -> T | Rows[T]:
        if isinstance(index, slice):
            return Rows(self._columns, self._rows[index], self._now)
        return self._columns.entity(self._rows[index], self._now)

    def __iter__(self) -> Iterator[T]:
        return (self._columns.entity(row, self._now) for row in self._rows)

    def wire(self, raw: RawJSON = json.loads) -> list[dict[str, object]]:
        """The JSON objects of the rows; `raw` treats stored JSON text."""
        columns, now = self._columns, self._now
        return [columns.wire(row, now, raw) for row in self._rows]
