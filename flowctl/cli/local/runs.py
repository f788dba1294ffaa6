"""Reading flow runs from the database file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flowctl.cli import run_table
from flowctl.cli.results import Moment, Surroundings
from flowctl.cli.run_query import RunQuery, sql
from flowctl.cli.targets import Named
from flowctl.db.database import Database
from flowctl.db.tables.flow_runs import FLOW_RUN
from flowctl.db.tables.states import of_flow_run

if TYPE_CHECKING:
    from flowctl.cli.targets import Find


class Runs(Named):
    """Flow runs, in the API's shape where they are objects."""

    def __init__(self, database: Database, find: Find) -> None:
        super().__init__(find, "flow_run")
        self._database = database

    def lines(self, query: RunQuery) -> tuple[list[run_table.RunLine], bool]:
        """The runs of a table, and whether there are more than the query's limit."""
        with self._database.read() as tx:
            return run_table.find(tx.execute, query, tx.now)

    def objects(self, query: RunQuery) -> list[dict[str, Any]]:
        """The same runs in full."""
        with self._database.read() as tx:
            where, parameters = sql(tx.execute, query, tx.now)
            limit = "" if query.all else f" LIMIT {query.limit or run_table.DEFAULT_LIMIT}"
            return FLOW_RUN.rows(tx, where + limit, parameters).wire(json.loads)

    def selected(self, query: RunQuery) -> list[str]:
        """The ids of the runs that a query selects; without a limit of its own, all of them."""
        with self._database.read() as tx:
            where, parameters = sql(tx.execute, query, tx.now)
            limit = "" if query.all or query.limit is None else f" LIMIT {query.limit}"
            return [row[0] for row in tx.execute(f"SELECT flow_run.id FROM flow_run {where}{limit}", parameters)]

    def read(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Runs in full, in the order of their ids."""
        with self._database.read() as tx:
            found: list[dict[str, Any]] = []
            for id in ids:
                found += FLOW_RUN.rows(tx, "WHERE flow_run.id = ?", (id,)).wire(json.loads)
            return found

    def surroundings(self, id: str) -> Surroundings:
        """What stands around a run."""
        with self._database.read() as tx:
            names = tx.execute(_NAMES, (id,)).fetchone()
            tasks = dict(tx.execute(_TASK_STATES, (id,)).fetchall())
            children = dict(tx.execute(_CHILD_STATES, (id,)).fetchall())
        flow, deployment, parent_id, parent_name = names
        return Surroundings(flow, deployment, parent_id, parent_name, tasks, children)

    def why(self, id: str) -> dict[str, Any]:
        """Why a run waits, does not get on, or has ended."""
        from flowctl.cli.local.changes import wire_of
        from flowctl.ops.why import why

        with self._database.read() as tx:
            return wire_of(why(tx, UUID(id)))

    def states(self, id: str) -> list[dict[str, Any]]:
        """All states of a run, oldest first."""
        with self._database.read() as tx:
            return of_flow_run(tx, UUID(id)).wire(json.loads)

    def moments(self, ids: Sequence[str], *, tasks: bool = False) -> list[Moment]:
        """Runs as of now; those that are gone are left out.

        tasks  also count the states of their task runs
        """
        with self._database.read() as tx:
            found: list[Moment] = []
            for id in ids:
                row = tx.execute(_MOMENT, (id,)).fetchone()
                if row:
                    own_id, name, type_, state_name, message = row
                    states = dict(tx.execute(_TASK_STATES, (id,)).fetchall()) if tasks else {}
                    found.append(Moment(own_id, name, type_, state_name, message, states))
            return found


_NAMES = """
    SELECT flow.name, deployment.name, parent.id, parent.name
    FROM flow_run
    LEFT JOIN flow ON flow.id = flow_run.flow_id
    LEFT JOIN deployment ON deployment.id = flow_run.deployment_id
    LEFT JOIN task_run ON task_run.id = flow_run.parent_task_run_id
    LEFT JOIN flow_run AS parent ON parent.id = task_run.flow_run_id
    WHERE flow_run.id = ?
"""

_TASK_STATES = """
    SELECT coalesce(state_name, 'Pending'), count(*)
    FROM task_run
    WHERE flow_run_id = ?
    GROUP BY 1
    ORDER BY 2 DESC, 1
"""

_CHILD_STATES = """
    SELECT coalesce(child.state_name, 'Pending'), count(*)
    FROM task_run
    JOIN flow_run AS child ON child.parent_task_run_id = task_run.id
    WHERE task_run.flow_run_id = ?
    GROUP BY 1
    ORDER BY 2 DESC, 1
"""

_MOMENT = """
    SELECT flow_run.id, flow_run.name, flow_run.state_type, flow_run.state_name, state.message
    FROM flow_run
    LEFT JOIN flow_run_state AS state ON state.id = flow_run.state_id
    WHERE flow_run.id = ?
"""
