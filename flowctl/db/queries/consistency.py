"""What must agree inside a database: references that lead somewhere, and runs with their states."""

from __future__ import annotations

from typing import NamedTuple

from flowctl.db.database import Tx


class Reference(NamedTuple):
    """A column that holds the key of another table's row, or NULL."""

    table: str
    column: str
    target: str
    key: str = "id"


REFERENCES = (
    Reference("flow_run", "flow_id", "flow"),
    Reference("flow_run", "state_id", "flow_run_state"),
    Reference("flow_run", "parent_task_run_id", "task_run"),
    Reference("flow_run_state", "flow_run_id", "flow_run"),
    Reference("flow_run_input", "flow_run_id", "flow_run"),
    Reference("task_run", "flow_run_id", "flow_run"),
    Reference("task_run", "state_id", "task_run_state"),
    Reference("task_run_state", "task_run_id", "task_run"),
    Reference("deployment", "flow_id", "flow"),
    Reference("deployment_schedule", "deployment_id", "deployment"),
    Reference("work_queue", "work_pool_id", "work_pool"),
    Reference("worker", "work_pool_id", "work_pool"),
    Reference("concurrency_slot", "limit_id", "concurrency_limit_v2"),
    Reference("concurrency_slot", "lease_id", "concurrency_lease"),
    Reference("trashed_run", "batch", "trash_batch", "number"),
    Reference("trash_part", "run", "trashed_run", "position"),
)
"""Those that the ops keep.  A run may outlive its deployment, its work queue, and its artifacts outlive it."""

RUN_TABLES = ("flow_run", "task_run")


class Case(NamedTuple):
    """How many rows are wrong in one way, and some of them."""

    total: int
    examples: list[str]


def dangling(tx: Tx, reference: Reference, examples: int) -> Case:
    """Rows whose reference leads nowhere, named by what they refer to."""
    table, column, target, key = reference
    source = f"""
        FROM {table} AS source
        WHERE source.{column} IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM {target} AS target WHERE target.{key} = source.{column})
    """
    return _case(tx, f"source.{column}", source, examples)


def rows_that_differ(tx: Tx, table: str, examples: int) -> Case:
    """Runs whose row says another state than the state that it names."""
    source = f"""
        FROM {table} AS run
        JOIN {table}_state AS state ON state.id = run.state_id
        WHERE state.{table}_id IS NOT run.id OR state.type IS NOT run.state_type OR state.name IS NOT run.state_name
          OR state.timestamp IS NOT run.state_timestamp
    """
    return _case(tx, "run.id", source, examples)


def rows_behind(tx: Tx, table: str, examples: int) -> Case:
    """Runs whose history goes on after the state that their row names, or that have a history and name no state."""
    source = f"""
        FROM {table} AS run
        WHERE EXISTS (
            SELECT 1 FROM {table}_state AS later
            WHERE later.{table}_id = run.id AND later.timestamp > coalesce(run.state_timestamp, '')
        )
    """  # ix_…_state__…_run
    return _case(tx, "run.id", source, examples)


def _case(tx: Tx, name: str, source: str, examples: int) -> Case:
    found = [str(row[0]) for row in tx.execute(f"SELECT {name} {source} LIMIT ?", (examples + 1,))]
    count = len(found) if len(found) <= examples else int(tx.scalar(f"SELECT count(*) {source}"))
    return Case(count, found[:examples])
