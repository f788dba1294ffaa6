"""The objects around a flow run that its events name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flowctl.db.database import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedObject:
    """An object as events show it."""

    kind: str
    """As in `prefect.<kind>.<id>`; also its role."""
    id: str
    name: str
    tags: list[str] = field(default_factory=list[str])
    type: str | None = None
    """Of a work pool."""


_AROUND_FLOW_RUN = """
    SELECT
        flow.id, flow.name, flow.tags,
        deployment.id, deployment.name, deployment.tags,
        work_queue.id, work_queue.name,
        work_pool.id, work_pool.name, work_pool.type,
        parent.id, parent.name, parent.tags
    FROM flow_run
    LEFT JOIN flow ON flow.id = flow_run.flow_id
    LEFT JOIN deployment ON deployment.id = flow_run.deployment_id
    LEFT JOIN work_queue ON work_queue.id = flow_run.work_queue_id
    LEFT JOIN work_pool ON work_pool.id = work_queue.work_pool_id
    LEFT JOIN task_run AS parent ON parent.id = flow_run.parent_task_run_id
    WHERE flow_run.id = ?
"""  # primary keys only


def around_flow_run(tx: Tx, flow_run_id: UUID) -> list[RelatedObject]:
    """The flow, deployment, work queue, work pool and parent task run of a flow run, as far as there are any."""
    row: Any = tx.execute(_AROUND_FLOW_RUN, (str(flow_run_id),)).fetchone()
    if row is None:
        return []
    found = [
        RelatedObject(kind="flow", id=row[0], name=row[1], tags=_tags(row[2])),
        RelatedObject(kind="deployment", id=row[3], name=row[4], tags=_tags(row[5])),
        RelatedObject(kind="work-queue", id=row[6], name=row[7]),
        RelatedObject(kind="work-pool", id=row[8], name=row[9], type=row[10]),
        RelatedObject(kind="task-run", id=row[11], name=row[12], tags=_tags(row[13])),
    ]
    return [each for each in found if each.id]


def _tags(text: str | None) -> list[str]:
    return json.loads(text) if text else []
