"""DbFacts: answers the questions of orchestration with queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits, flow_runs, states, task_run_state_cache
from flowctl.domain.concurrency_limits import TAG_PREFIX, ConcurrencyLimitV2
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import State
from flowctl.domain.task_runs import TaskRun
from flowctl.domain.values import JSONObject
from flowctl.orchestration.facts import DeploymentConcurrency, SlotLimit


class DbFacts:
    """Facts about one run, as a transaction sees them (orchestration.facts.Facts)."""

    def __init__(self, tx: Tx, run: FlowRun | TaskRun) -> None:
        self._tx = tx
        self._run = run
        self._flow_run: FlowRun | None = None

    def flow_run(self) -> FlowRun | None:
        """The flow run that a task run belongs to, with its state."""
        if isinstance(self._run, FlowRun) or self._run.flow_run_id is None:
            return None
        if self._flow_run is None:
            self._flow_run = flow_runs.get(self._tx, self._run.flow_run_id)
        return self._flow_run

    def deployment_concurrency(self, deployment_id: UUID) -> DeploymentConcurrency | None:
        """Of a deployment; None if it does not exist."""
        row = self._tx.execute(
            "SELECT concurrency_limit_id, concurrency_options FROM deployment WHERE id = ?", (str(deployment_id),)
        ).fetchone()
        if row is None:
            return None
        limit = concurrency_limits.get(self._tx, UUID(row[0])) if row[0] else None
        options: JSONObject = json.loads(row[1] or "null") or {}
        return DeploymentConcurrency(
            limit=_slot_limit(limit) if limit else None,
            collision_strategy=options.get("collision_strategy"),
            grace_period_seconds=options.get("grace_period_seconds"),
        )

    def tag_limits(self, tags: Sequence[str]) -> list[SlotLimit]:
        """The limits `tag:<tag>` that exist for these tags, also those switched off."""
        limits = concurrency_limits.by_names(self._tx, [TAG_PREFIX + tag for tag in tags])
        held = concurrency_limits.limits_held_by(self._tx, self._run.id) if limits else ()
        return [_slot_limit(limit, is_held=limit.id in held) for limit in limits]

    def lease_exists(self, lease_id: UUID) -> bool:
        """Whether a lease is still there; one that has run out is until it is collected."""
        return concurrency_limits.get_lease(self._tx, lease_id) is not None

    def cached_state(self, cache_key: str) -> State | None:
        """The newest COMPLETED state cached under this key and not expired."""
        id = task_run_state_cache.newest_state_id(self._tx, cache_key)
        return states.get_task_run_state(self._tx, id) if id else None


def _slot_limit(limit: ConcurrencyLimitV2, *, is_held: bool = False) -> SlotLimit:
    return SlotLimit(
        id=limit.id,
        name=limit.name,
        limit=limit.limit,
        active=limit.active,
        active_slots=limit.active_slots,
        avg_slot_occupancy_seconds=limit.avg_slot_occupancy_seconds,
        is_held=is_held,
    )
