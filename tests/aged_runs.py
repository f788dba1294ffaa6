"""Runs that ended so many days ago, with task runs, states and logs, for tests of pruning and of figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Database
from flowctl.domain.flow_runs import FlowRunCreate
from flowctl.domain.flows import FlowCreate
from flowctl.domain.logs import LogCreate
from flowctl.domain.states import StateCreate, StateType
from flowctl.domain.task_runs import TaskRunCreate
from flowctl.ops import flow_runs, flows, logs, set_state, task_runs


class Past:
    """Makes runs in the past of `now`; the database's clock is moved for it, and moved back."""

    def __init__(self, database: Database, clock: Any) -> None:
        self._database = database
        self._clock = clock
        self.now: datetime = clock.now

    def run(
        self,
        days: float,
        *,
        flow: str = "etl",
        end: StateType | None = StateType.COMPLETED,
        name: str | None = None,
        tasks: int = 1,
        lines: int = 2,
    ) -> UUID:
        """A run that started, and ended unless `end` is None, so many days ago."""
        self._clock.now = self.now - timedelta(days=days)
        try:
            with self._database.write() as tx:
                owner, _ = flows.create(tx, FlowCreate(name=flow))
                body = FlowRunCreate(flow_id=owner.id, name=name, state=StateCreate(type=StateType.RUNNING))
                run, _ = flow_runs.create(tx, body)
                for number in range(tasks):
                    task_runs.create(tx, TaskRunCreate(flow_run_id=run.id, task_key="load", dynamic_key=str(number)))
                line = LogCreate(name="test", level=20, message="hello", timestamp=tx.now, flow_run_id=run.id)
                logs.create(tx, [line] * lines)
                if end is not None:
                    set_state.set_flow_run_state(tx, run.id, StateCreate(type=end), force=True)
        finally:
            self._clock.now = self.now
        return run.id

    def left(self) -> set[UUID]:
        """Ids of the runs that are there."""
        with self._database.read() as tx:
            return {UUID(id) for (id,) in tx.execute("SELECT id FROM flow_run")}

    def rows(self) -> dict[str, int]:
        """How many rows the tables that runs fill have."""
        tables = ("flow_run", "flow_run_state", "task_run", "task_run_state", "log")
        with self._database.read() as tx:
            return {table: tx.scalar(f"SELECT count(*) FROM {table}") for table in tables}

    def stored(self, days: float) -> str:
        """The time so many days ago, as it is stored."""
        return encode_time(self.now - timedelta(days=days))
