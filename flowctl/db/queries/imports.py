"""Reading the SQLite file of a Prefect 3 server, of whatever release, also while that server writes to it.

Columns that a release does not have yet are read as what they mean there; ids, times and JSON are stored as in flowctl.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from flowctl.db import shapes
from flowctl.db.columns import encode_time
from flowctl.db.database import translated
from flowctl.db.migrate import APPLICATION_ID
from flowctl.db.queries import import_kinds as kinds
from flowctl.db.queries.import_kinds import Matter, Row
from flowctl.domain.errors import NotFound, Unusable

_LEFT_OUT = {
    "block_document": "blocks",
    "automation": "automations",
    "deployment_version": "versions of deployments",
    "flow_run_notification_policy": "notification policies",
    "agent": "agents",
}
"""What flowctl has no tables for."""

_ENDED = "'COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED'"
_LAST_SIGN = "coalesce(end_time, start_time, expected_start_time, created)"


class PrefectFile:
    """A Prefect file, as it was in one instant: all is read in one transaction, which no writer waits for.

    since           leaves out what ended earlier; runs that go on, and the parents of others, stay
    skip_scheduled  leaves out the runs that schedules have made for the future
    Raises NotFound, and Unusable if it is none of Prefect 3.
    """

    def __init__(self, path: Path, *, since: datetime | None = None, skip_scheduled: bool = False) -> None:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.", remedy="flowctl import prefect FILE|URL")
        self.where = str(path)
        self._path = path
        self._since = since and encode_time(since)
        self.is_partial = since is not None or skip_scheduled
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._conn = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            with _reading(path):
                self._conn.execute("PRAGMA temp_store = MEMORY")
                self._conn.execute("BEGIN")
                self._columns = self._read_schema()
                if self.is_partial:
                    self._choose(skip_scheduled=skip_scheduled)
        except BaseException:
            self._conn.close()
            raise

    def close(self) -> None:
        """End the reading."""
        self._conn.close()

    def count(self, matter: Matter) -> int | None:
        """How many there are, whatever is left out."""
        if matter is kinds.LIMITS:
            return sum(self._scalar(f"SELECT count(*) FROM ({sql})") for sql in self._limit_queries(matter))
        return self._scalar(f"SELECT count(*) FROM {matter.table}") if matter.table in self._columns else 0

    def left_out(self) -> dict[str, int]:
        """What the file holds and flowctl has no place for, by name."""
        found = {
            label: self._scalar(f"SELECT count(*) FROM {table}")
            for table, label in _LEFT_OUT.items()
            if table in self._columns
        }
        return {label: count for label, count in found.items() if count}

    def pages(self, matter: Matter, size: int) -> Iterator[list[Row]]:
        """Rows in the order in which they were written, events the other way round."""
        if matter is kinds.LIMITS:
            queries = self._limit_queries(matter)
        elif matter.table in self._columns:
            order = "DESC" if matter is kinds.EVENTS else "ASC"
            queries = [f"{self._select(matter)} {self._where(matter)} ORDER BY {matter.table}.rowid {order}"]
        else:
            queries = []
        for query in queries:
            with _reading(self._path):
                cursor = self._conn.execute(query, {"since": self._since} if ":since" in query else {})
            while rows := self._fetch(cursor, size):
                yield _mended(matter, rows)

    def states(self, matter: Matter, owners: Sequence[str]) -> list[Row]:
        """The states of some runs, oldest first."""
        column = matter.columns[-1]
        query = f"""
            {self._select(matter)}
            WHERE {column} IN (SELECT value FROM json_each(?)) ORDER BY {column}, timestamp, {matter.table}.rowid
        """
        with _reading(self._path):
            return _mended(matter, [list(row) for row in self._conn.execute(query, (json.dumps(owners),))])

    # -- inside

    def _read_schema(self) -> Mapping[str, frozenset[str]]:
        """The columns of each table.  Raises Unusable for a file that is not Prefect 3's."""
        if self._scalar("PRAGMA application_id") == APPLICATION_ID:
            raise Unusable(
                f"{self._path} is a file of flowctl's, not of a Prefect server.",
                remedy="flowctl serve --db FILE, or flowctl db backup",
            )
        names = [row[0] for row in self._conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            name: frozenset(row[1] for row in self._conn.execute(f'PRAGMA table_info("{name}")')) for name in names
        }
        if not {"alembic_version", "flow_run", "flow_run_state", "task_run"} <= columns.keys():
            raise Unusable(
                f"{self._path} is not the database of a Prefect server.", remedy="flowctl import prefect FILE"
            )
        if "events" not in columns or "job_variables" not in columns["flow_run"]:
            raise Unusable(
                f"{self._path} was written by Prefect 2; only files of Prefect 3 can be imported.",
                remedy="upgrade it with Prefect 3 (prefect server database upgrade), then try again",
            )
        return columns

    def _choose(self, *, skip_scheduled: bool) -> None:
        """Note the runs that are wanted."""
        conditions: list[str] = []
        if self._since:
            conditions.append(f"(state_type IS NULL OR state_type NOT IN ({_ENDED}) OR {_LAST_SIGN} >= :since)")
        if skip_scheduled:
            conditions.append("NOT (auto_scheduled = 1 AND state_type = 'SCHEDULED')")
        sql = f"""
            CREATE TEMP TABLE wanted_flow_run AS
            WITH RECURSIVE wanted (id) AS (
                SELECT id FROM flow_run WHERE {" AND ".join(conditions)}
                UNION
                SELECT task_run.flow_run_id
                FROM wanted
                JOIN flow_run ON flow_run.id = wanted.id
                JOIN task_run ON task_run.id = flow_run.parent_task_run_id
                WHERE task_run.flow_run_id IS NOT NULL
            )
            SELECT id FROM wanted
        """
        given = {"since": self._since} if self._since else {}
        self._conn.execute(sql, given)
        self._conn.execute("CREATE UNIQUE INDEX temp.ux_wanted_flow_run ON wanted_flow_run (id)")
        loose = f"{_LAST_SIGN} >= :since" if self._since else "1"
        self._conn.execute(
            f"""
            CREATE TEMP TABLE wanted_task_run AS
            SELECT id FROM task_run
            WHERE flow_run_id IN (SELECT id FROM wanted_flow_run) OR (flow_run_id IS NULL AND {loose})
            """,
            given,
        )
        self._conn.execute("CREATE UNIQUE INDEX temp.ux_wanted_task_run ON wanted_task_run (id)")

    def _where(self, matter: Matter) -> str:
        """What of a table is wanted; also when nothing is left out, log lines of runs that are gone are not."""
        flow_runs, task_runs = ("wanted_flow_run", "wanted_task_run") if self.is_partial else ("flow_run", "task_run")
        if matter in (kinds.LOGS, *kinds.DATED):
            moment = "timestamp" if matter is kinds.LOGS else "updated"
            loose = f"{moment} >= :since" if self._since else "1"
            if matter is not kinds.LOGS and not self.is_partial:
                return ""
            return f"""
                WHERE CASE
                    WHEN flow_run_id IS NOT NULL
                        THEN EXISTS (SELECT 1 FROM {flow_runs} AS run WHERE run.id = {matter.table}.flow_run_id)
                    WHEN task_run_id IS NOT NULL
                        THEN EXISTS (SELECT 1 FROM {task_runs} AS run WHERE run.id = {matter.table}.task_run_id)
                    ELSE {loose}
                END
            """
        if matter is kinds.CACHE:
            return f"""
                WHERE EXISTS (
                    SELECT 1 FROM task_run_state AS state
                    JOIN {task_runs} AS run ON run.id = state.task_run_id
                    WHERE state.id = task_run_state_cache.task_run_state_id
                )
            """
        if not self.is_partial:
            return ""
        if matter is kinds.FLOW_RUNS:
            return "WHERE id IN (SELECT id FROM wanted_flow_run)"
        if matter is kinds.TASK_RUNS:
            return "WHERE id IN (SELECT id FROM wanted_task_run)"
        if matter is kinds.INPUTS:
            return "WHERE flow_run_id IN (SELECT id FROM wanted_flow_run)"
        if matter is kinds.EVENTS and self._since:
            return "WHERE occurred >= :since"
        return ""

    def _select(self, matter: Matter) -> str:
        present = self._columns[matter.table]
        return f"SELECT {', '.join(_expression(matter, name, present) for name in matter.columns)} FROM {matter.table}"

    def _limit_queries(self, matter: Matter) -> list[str]:
        """Limits; those of deployments and tags were columns and a table of their own in the first releases of 3."""
        queries: list[str] = []
        named = "''"
        if "concurrency_limit_v2" in self._columns:
            queries.append(self._select(matter))
            named = "SELECT name FROM concurrency_limit_v2"
        older = (
            ("concurrency_limit", "'tag:' || tag", "1"),
            ("deployment", "'deployment:' || id", "concurrency_limit IS NOT NULL"),
        )
        for table, name, condition in older:
            if "concurrency_limit" not in self._columns.get(table, ()):
                continue
            if table == "deployment" and "concurrency_limit_id" in self._columns[table]:
                continue
            given = {"id": "id", "created": "created", "updated": "updated", "name": name, "limit": "concurrency_limit"}
            parts = [given.get(column) or _literal(matter.default(column)) for column in matter.columns]
            queries.append(f"SELECT {', '.join(parts)} FROM {table} WHERE {condition} AND {name} NOT IN ({named})")
        return queries

    def _fetch(self, cursor: sqlite3.Cursor, size: int) -> list[Row]:
        with _reading(self._path):
            return [list(row) for row in cursor.fetchmany(size)]

    def _scalar(self, sql: str) -> Any:
        return self._conn.execute(sql).fetchone()[0]


@contextmanager
def _reading(path: Path) -> Generator[None]:
    """Turn SQLite's errors into flowctl's, with the remedies of a file that is only read."""
    try:
        with translated(path):
            yield
    except Unusable as error:
        if error.remedy and "--db" in error.remedy:
            error.remedy = "check its permissions; SQLite has to write beside it, so copy it where that is possible"
        raise


def _expression(matter: Matter, name: str, present: frozenset[str]) -> str:
    """A column of the source as flowctl stores it."""
    default = matter.default(name)
    if matter is kinds.LIMITS and name == "active_slots":
        return "0"  # who holds them gives them back there, not here
    if name not in present:
        if matter is kinds.DEPLOYMENTS and name == "concurrency_limit_id" and "concurrency_limit" in present:
            return "CASE WHEN concurrency_limit IS NOT NULL THEN id END"
        return _literal(default)
    column = f'{matter.table}."{name}"'
    if name == "total_run_time":
        # SQLAlchemy stores an interval as the time that long after 1970
        seconds = f"CAST(strftime('%s', substr({column}, 1, 19)) AS INTEGER)"
        column = f"(({seconds} * 1000000 + CAST(substr({column}, 21, 6) AS INTEGER)) / 1000000.0)"
    elif name in matter.json:
        column = f"nullif({column}, 'null')"
        if name == "data" and "result_artifact_id" in present:
            result = f"SELECT nullif(data, 'null') FROM artifact WHERE artifact.id = {matter.table}.result_artifact_id"
            column = f"coalesce({column}, ({result}))"
    return column if default is None else f"coalesce({column}, {_literal(default)})"


def _literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def _mended(matter: Matter, rows: list[Row]) -> list[Row]:
    """Rows whose sparse columns store only what differs from what is understood."""
    for name, defaults in matter.sparse.items():
        place = matter.at[name]
        for row in rows:
            row[place] = sparse_text(row[place], defaults)
    return rows


def sparse_text(text: str, defaults: Mapping[str, object]) -> str:
    """`sparse_part` of JSON text."""
    return shapes.dumps(sparse_part(json.loads(text), defaults))


def sparse_part(value: Mapping[str, Any], defaults: Mapping[str, object]) -> dict[str, Any]:
    """The known fields of an object that differ from their defaults."""
    return {name: item for name, item in value.items() if name in defaults and item != defaults[name]}
