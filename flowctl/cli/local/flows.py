"""Reading flows from the database file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flowctl.cli import moments
from flowctl.cli.results import FlowLine
from flowctl.cli.run_query import RunQuery
from flowctl.cli.run_table import DEFAULT_LIMIT
from flowctl.cli.targets import Named
from flowctl.db.database import Database
from flowctl.db.tables.flows import FLOW

if TYPE_CHECKING:
    from flowctl.cli.targets import Find


class Flows(Named):
    """Flows, in the API's shape where they are objects."""

    def __init__(self, database: Database, find: Find) -> None:
        super().__init__(find, "flow")
        self._database = database

    def lines(self, query: RunQuery) -> tuple[list[FlowLine], bool]:
        """The flows of a table, and whether there are more than the query's limit."""
        where, parameters = _sql(query)
        limit = None if query.all else query.limit or DEFAULT_LIMIT
        ending = "" if limit is None else f" LIMIT {limit + 1}"
        with self._database.read() as tx:
            rows = tx.execute(f"{_SELECT} {where}{ending}", (moments.stored(tx.now), *parameters)).fetchall()
        return [FlowLine(*row) for row in rows[:limit]], limit is not None and len(rows) > limit

    def objects(self, query: RunQuery) -> list[dict[str, Any]]:
        """The same flows in full."""
        where, parameters = _sql(query)
        limit = "" if query.all else f" LIMIT {query.limit or DEFAULT_LIMIT}"
        with self._database.read() as tx:
            return FLOW.rows(tx, f"{_LAST} {where}{limit}", (moments.stored(tx.now), *parameters)).wire(json.loads)

    def read(self, id: str) -> dict[str, Any]:
        """A flow in full."""
        with self._database.read() as tx:
            return FLOW.rows(tx, "WHERE flow.id = ?", (id,)).wire(json.loads)[0]

    def deployments(self, id: str) -> list[str]:
        """Names of the deployments of a flow."""
        with self._database.read() as tx:
            return [row[0] for row in tx.execute("SELECT name FROM deployment WHERE flow_id = ? ORDER BY 1", (id,))]

    def run_states(self, id: str) -> dict[str, int]:
        """How many runs of a flow are in which state, by state type."""
        with self._database.read() as tx:
            return dict(tx.execute(_RUN_STATES, (id,)).fetchall())


_LAST = """
    LEFT JOIN flow_run AS last ON last.id = (
        SELECT flow_run.id
        FROM flow_run
        WHERE flow_run.flow_id = flow.id AND coalesce(flow_run.start_time, flow_run.expected_start_time) <= ?
        ORDER BY coalesce(flow_run.start_time, flow_run.expected_start_time) DESC
        LIMIT 1
    )"""  # ix_flow_run__flow; takes the present time: what is scheduled is not the last

_SELECT = f"""
    SELECT flow.id, flow.name, flow.created, flow.updated, (SELECT group_concat(value, ',') FROM json_each(flow.tags)),
        (SELECT count(*) FROM flow_run WHERE flow_run.flow_id = flow.id),
        (SELECT count(*) FROM deployment WHERE deployment.flow_id = flow.id),
        last.state_type, last.state_name, coalesce(last.start_time, last.expected_start_time)
    FROM flow
    {_LAST}
"""

_RUN_STATES = """
    SELECT coalesce(state_type, 'PENDING'), count(*)
    FROM flow_run
    WHERE flow_id = ?
    GROUP BY 1
    ORDER BY 2 DESC, 1
"""

_ORDERS = {
    "name": "flow.name",
    "created": "flow.created",
    "start": "coalesce(last.start_time, last.expected_start_time)",
}


def _sql(query: RunQuery) -> tuple[str, list[object]]:
    """`WHERE … ORDER BY …` and its parameters; by name unless the query says otherwise."""
    conditions = ["EXISTS (SELECT 1 FROM json_each(flow.tags) WHERE value = ?)"] * len(query.tag)
    parameters: list[object] = [*query.tag]
    if query.name is not None:
        conditions.append("flow.name GLOB ?")
        parameters.append(query.name)
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    sort = query.__dict__.get("sort", "name")
    return f"{where}ORDER BY {_ORDERS[sort.lstrip('-')]} {'DESC' if sort.startswith('-') else 'ASC'}", parameters
