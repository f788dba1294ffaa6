"""Task runs from the reports of clients: 3.x clients orchestrate task runs themselves and send an event for each state.

Reports come in any order, twice or late.  The newest state by its own time makes the row, of two of one instant the one
that came last; each state is kept once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.db.tables import states
from flowctl.db.tables import task_runs as table
from flowctl.domain.task_run_reports import TaskRunReport
from flowctl.domain.task_runs import TaskRun
from flowctl.ops.flow_runs import made_up_name


def record(tx: Tx, reports: Iterable[TaskRunReport]) -> int:
    """Bring task runs to what reports say; returns how many of the states were new.

    A report on a flow run that does not exist (any more) is left out.
    source    Prefect: services/task_run_recorder.py
    """
    return sum(_record(tx, report) for report in reports)


def _record(tx: Tx, report: TaskRunReport) -> bool:
    found = _find(tx, report)
    is_elsewhere = found is None or found[2] != _text(report.flow_run_id)
    if is_elsewhere and report.flow_run_id and not _has_flow_run(tx, report.flow_run_id):
        return False
    if found is None:
        id, is_newest = report.task_run_id, False  # the row has it all
        _insert(tx, report)
    else:
        id, timestamp = UUID(found[0]), found[1]
        is_newest = timestamp is None or timestamp <= encode_time(report.state.timestamp)
    details = replace(report.state.state_details, task_run_id=id)
    is_new = states.insert_task_run_state(tx, id, replace(report.state, state_details=details))
    if is_new and is_newest:
        table.update(tx, id, **_changes(report))
    return is_new


def _find(tx: Tx, report: TaskRunReport) -> tuple[str, str | None, str | None] | None:
    """Id, state timestamp and flow run of the run: by its natural key in the flow run, whatever its id, else by id."""
    row = None
    if report.flow_run_id is not None:
        natural = "flow_run_id = ? AND task_key = ? AND dynamic_key = ?"
        keys = (str(report.flow_run_id), report.fields["task_key"], report.fields["dynamic_key"])
        row = tx.execute(f"{_FOUND} WHERE {natural}", keys).fetchone()
    if row is None:
        row = tx.execute(f"{_FOUND} WHERE id = ?", (str(report.task_run_id),)).fetchone()
    return row


_FOUND = "SELECT id, state_timestamp, flow_run_id FROM task_run"


def _has_flow_run(tx: Tx, id: UUID) -> bool:
    return tx.scalar("SELECT 1 FROM flow_run WHERE id = ?", (str(id),)) is not None


def _text(id: UUID | None) -> str | None:
    return id and str(id)


def _changes(report: TaskRunReport) -> dict[str, object]:
    """Columns that the report sets in the row; fields that it does not mention stay as they are."""
    changes: dict[str, object] = {name: value for name, value in report.fields.items() if name != "id"}
    if "total_run_time" in report.fields:
        changes["total_run_time"] = report.fields["total_run_time"].total_seconds()
    return {
        **changes,
        "flow_run_id": report.flow_run_id,
        "state_id": report.state.id,
        "state_type": report.state.type,
        "state_name": report.state.name,
        "state_timestamp": report.state.timestamp,
    }


def _insert(tx: Tx, report: TaskRunReport) -> None:
    changes = _changes(report)
    del changes["state_timestamp"]
    changes.setdefault("labels", None)
    if "name" not in changes:
        changes["name"] = made_up_name()
    run = TaskRun(
        id=report.task_run_id,
        created=tx.now,
        updated=tx.now,
        state=report.state,
        **changes,  # pyright: ignore[reportArgumentType] - columns are named as fields
    )
    table.insert(tx, run)
