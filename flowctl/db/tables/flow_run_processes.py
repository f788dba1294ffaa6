"""Table flow_run_process: the process that executes a flow run, of the few runs that are not over."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import decode_time, encode_time
from flowctl.db.database import Tx
from flowctl.domain.processes import Process


def put(tx: Tx, flow_run_id: UUID, process: Process) -> None:
    """Note which process executes a run."""
    tx.execute(
        "INSERT OR REPLACE INTO flow_run_process (flow_run_id, machine, pid, stamp, started) VALUES (?, ?, ?, ?, ?)",
        (str(flow_run_id), process.machine, process.pid, process.stamp, encode_time(process.started)),
    )


def delete(tx: Tx, flow_run_id: UUID) -> None:
    """Forget the process of a run."""
    tx.execute("DELETE FROM flow_run_process WHERE flow_run_id = ?", (str(flow_run_id),))


def delete_of_ended(tx: Tx) -> None:
    """Forget the processes of runs that are over, wait for their next attempt, or are deleted."""
    tx.execute(
        """
        DELETE FROM flow_run_process
        WHERE NOT EXISTS (
            SELECT 1 FROM flow_run
            WHERE flow_run.id = flow_run_process.flow_run_id AND state_type IN ('RUNNING', 'PAUSED', 'CANCELLING')
        )
        """
    )


def of_running(tx: Tx) -> list[tuple[UUID, Process]]:
    """The RUNNING runs whose processes are known."""
    rows = tx.execute(
        """
        SELECT flow_run.id, machine, pid, stamp, started
        FROM flow_run_process
        JOIN flow_run ON flow_run.id = flow_run_process.flow_run_id
        WHERE flow_run.state_type = 'RUNNING'
        """
    )
    return [
        (UUID(id), Process(machine=machine, pid=pid, stamp=stamp, started=decode_time(started)))
        for id, machine, pid, stamp, started in rows
    ]
