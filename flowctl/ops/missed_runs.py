"""Missed runs: what becomes of scheduled runs that were due while flowctl did not run (closed lid, server stopped).

    latest  of each schedule the latest missed run is made up for, the others are skipped        the default
    skip    all are skipped; but a run that is only a few minutes late is still wanted
    all     all of them run, as Prefect does it: an hour's worth of an every-minute schedule at once

`latest` is what the owner of a laptop expects: the nightly backup of a night with a closed lid runs in the morning,
once, and a schedule of every minute does not start sixty runs when the lid opens.  `FLOWCTL_MISSED_RUNS` says it for
all deployments.  For one of them a tag says it where it is written, which any client can send and a new deploy keeps:
`missed-runs:skip`.  What `flowctl deployments missed-runs` sets goes before that.

That flowctl did not run shows in the schedule itself: the scheduler looks at each at least once a minute and notes
when.  A skipped run stays, as CANCELLED "Skipped", with the reason.  Runs that are late for another reason (no runner,
no slot), and backfills, are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from flowctl.db.columns import TIME
from flowctl.db.database import Tx
from flowctl.db.tables import deployment_schedules, deployments
from flowctl.domain.deployments import MissedRuns
from flowctl.domain.errors import NotFound
from flowctl.domain.states import StateCreate, StateType
from flowctl.ops import set_state

TAG = "missed-runs:"
"""Before the policy, in a deployment's tags."""

UNNOTICED = timedelta(minutes=2)
"""How long the scheduler may be silent, and a run be late, before that counts as an absence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What becomes of a deployment's missed runs, and who says so: its own setting, its tag, or the server's."""

    policy: MissedRuns
    source: Literal["deployment", "tag", "server"]


def read_policy(tx: Tx, deployment_id: UUID) -> Policy:
    """What becomes of a deployment's missed runs.  Raises NotFound."""
    deployment = deployments.get(tx, deployment_id)
    if deployment is None:
        raise NotFound("Deployment not found")
    own = deployments.missed_runs(tx, deployment_id)
    if own:
        return Policy(policy=own, source="deployment")
    for policy in get_args(MissedRuns):
        if f"{TAG}{policy}" in deployment.tags:
            return Policy(policy=policy, source="tag")
    return Policy(policy=tx.settings.missed_runs, source="server")


def settle_overdue(tx: Tx, deployment_ids: Sequence[UUID]) -> int:
    """Skip what was missed of some deployments' schedules, if flowctl was absent; returns how many runs.

    Who hands out runs calls this first: after an absence he may be asked before the scheduler has had its turn.
    """
    if not (deployment_ids and tx.settings.services_enabled and tx.settings.services_scheduler_enabled):
        return 0
    skipped = 0
    for id, deployment_id, since in deployment_schedules.overdue_of(tx, deployment_ids, tx.now - _absence(tx)):
        skipped += settle(tx, id, deployment_id, since)
        deployment_schedules.ask_for_evaluation(tx, deployment_id)
    return skipped


def settle(tx: Tx, schedule_id: UUID, deployment_id: UUID, since: datetime) -> int:
    """Skip what was missed of one schedule that was last looked at `since`; returns how many runs."""
    if tx.now - since <= _absence(tx):
        return 0
    policy = read_policy(tx, deployment_id).policy
    if policy == "all":
        return 0
    missed = _missed(tx, schedule_id, deployment_id, since)
    if missed and (policy == "latest" or tx.now - missed[0][1] <= UNNOTICED):
        missed = missed[1:]
    kept = "only the latest run missed meanwhile is made up for" if policy == "latest" else "missed runs are skipped"
    for run_id, due in missed:
        message = f"Due {due:%Y-%m-%d %H:%M:%S} UTC; flowctl did not run from {since:%H:%M:%S} UTC on, and {kept}."
        state = StateCreate(type=StateType.CANCELLED, name="Skipped", message=message)
        set_state.set_flow_run_state(tx, run_id, state, force=True)
    return len(missed)


def _absence(tx: Tx) -> timedelta:
    return timedelta(seconds=tx.settings.scheduler_loop_seconds) + UNNOTICED


def _missed(tx: Tx, schedule_id: UUID, deployment_id: UUID, since: datetime) -> list[tuple[UUID, datetime]]:
    """Runs that a schedule had made due in the absence and nobody took, the latest first, with their times."""
    rows = tx.execute(
        """
        SELECT id, next_scheduled_start_time FROM flow_run
        WHERE deployment_id = ? AND state_type = 'SCHEDULED' AND state_name IN ('Scheduled', 'Late')
          AND auto_scheduled = 1 AND run_count = 0
          AND next_scheduled_start_time > ? AND next_scheduled_start_time <= ?
          AND created < next_scheduled_start_time
          AND json_extract(created_by, '$.id') = ?
        ORDER BY next_scheduled_start_time DESC
        """,  # ix_flow_run__deployment
        (str(deployment_id), TIME.encode(since), TIME.encode(tx.now), str(schedule_id)),
    )
    return [(UUID(id), TIME.decode(due)) for id, due in rows.fetchall()]
