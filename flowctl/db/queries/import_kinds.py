"""What an import brings: the tables of a history, and how a row of each is written down between its two databases.

A row on its way is a list of values as SQLite has them, in the order of `Kind.columns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from flowctl.db import shapes
from flowctl.db.columns import TIME, Columns, Kind
from flowctl.db.tables.artifacts import ARTIFACT, ARTIFACT_COLLECTION
from flowctl.db.tables.concurrency_limits import LIMIT
from flowctl.db.tables.deployment_schedules import DEPLOYMENT_SCHEDULE
from flowctl.db.tables.deployments import DEPLOYMENT
from flowctl.db.tables.events import EVENT
from flowctl.db.tables.flow_run_inputs import FLOW_RUN_INPUT
from flowctl.db.tables.flow_runs import FLOW_RUN
from flowctl.db.tables.flows import FLOW
from flowctl.db.tables.logs import LOG
from flowctl.db.tables.saved_searches import SAVED_SEARCH
from flowctl.db.tables.states import FLOW_RUN_STATE, TASK_RUN_STATE
from flowctl.db.tables.task_runs import TASK_RUN
from flowctl.db.tables.variables import VARIABLE
from flowctl.db.tables.work_pools import WORK_POOL
from flowctl.db.tables.work_queues import WORK_QUEUE
from flowctl.db.tables.workers import WORKER
from flowctl.domain.flow_runs import FlowRunPolicy
from flowctl.domain.states import StateDetails
from flowctl.domain.task_runs import TaskRunPolicy

Row: TypeAlias = "list[Any]"

_DEFAULTS: Mapping[str, object] = {
    "tags": "[]",
    "labels": "{}",
    "parameters": "{}",
    "context": "{}",
    "empirical_policy": "{}",
    "task_inputs": "{}",
    "infra_overrides": "{}",
    "state_details": "{}",
    "storage_configuration": "{}",
    "base_job_template": "{}",
    "filters": "[]",
    "related": "[]",
    "related_resource_ids": "[]",
    "payload": "{}",
    "run_count": 0,
    "flow_run_run_count": 0,
    "total_run_time": 0.0,
    "auto_scheduled": 0,
    "enforce_parameter_schema": 0,
    "paused": 0,
    "is_paused": 0,
    "active": 1,
    "active_slots": 0,
    "denied_slots": 0,
    "slot_decay_per_second": 0.0,
    "avg_slot_occupancy_seconds": 2.0,
    "level": 20,
}
"""What an older release that has no such column, or a NULL in it, means."""


@dataclass(frozen=True, eq=False)
class Matter:
    """One kind of thing that is imported.

    table    its table, which has the same name in both databases
    label    what people call it
    columns  those that are written
    times    those that hold times
    json     those that hold JSON text
    sparse   of these, the ones that store only what differs from these defaults
    natural  columns that name a row beside its id: of two with the same name one is kept
    refers   columns that hold the id of a row of another kind that may have got another one here
    """

    table: str
    label: str
    columns: tuple[str, ...]
    times: frozenset[str]
    json: frozenset[str]
    sparse: Mapping[str, Mapping[str, object]]
    natural: tuple[str, ...] = ()
    refers: tuple[tuple[str, str], ...] = ()

    @cached_property
    def at(self) -> Mapping[str, int]:
        """The place of each column in a row."""
        return {name: place for place, name in enumerate(self.columns)}

    def default(self, column: str) -> object:
        """What stands where the source has nothing."""
        return _DEFAULTS.get(column)


def _matter(
    columns: Columns[Any],
    label: str,
    *,
    leave_out: Iterable[str] = (),
    sparse: Mapping[str, type] | None = None,
    natural: tuple[str, ...] = (),
    refers: tuple[tuple[str, str], ...] = (),
) -> Matter:
    kinds: dict[str, Kind] = {**columns.stored, **columns.extra}
    for name in leave_out:
        kinds.pop(name, None)
    return Matter(
        columns.table,
        label,
        tuple(kinds),
        frozenset(name for name, kind in kinds.items() if kind is TIME),
        frozenset(name for name, kind in kinds.items() if _is_json(kind)),
        {name: shapes.full_defaults(cls) for name, cls in (sparse or {}).items()},
        natural,
        refers,
    )


def _is_json(kind: Kind) -> bool:
    return getattr(kind.encode, "__name__", "").startswith("dumps")


FLOWS = _matter(FLOW, "flows", natural=("name",))
WORK_POOLS = _matter(WORK_POOL, "work pools", natural=("name",))
WORK_QUEUES = _matter(
    WORK_QUEUE, "work queues", natural=("work_pool_id", "name"), refers=(("work_pool_id", "work_pool"),)
)
WORKERS = _matter(WORKER, "workers", natural=("work_pool_id", "name"), refers=(("work_pool_id", "work_pool"),))
DEPLOYMENTS = _matter(
    DEPLOYMENT,
    "deployments",
    leave_out=("missed_runs",),
    natural=("flow_id", "name"),
    refers=(("flow_id", "flow"), ("work_queue_id", "work_queue")),
)
SCHEDULES = _matter(
    DEPLOYMENT_SCHEDULE,
    "schedules",
    leave_out=("evaluated_at",),
    natural=("deployment_id", "slug"),
    refers=(("deployment_id", "deployment"),),
)
LIMITS = _matter(LIMIT, "concurrency limits", natural=("name",))
SEARCHES = _matter(SAVED_SEARCH, "saved searches", natural=("name",))
VARIABLES = _matter(VARIABLE, "variables", natural=("name",))

FLOW_RUNS = _matter(
    FLOW_RUN,
    "flow runs",
    sparse={"empirical_policy": FlowRunPolicy},
    refers=(("flow_id", "flow"), ("deployment_id", "deployment"), ("work_queue_id", "work_queue")),
)
FLOW_RUN_STATES = _matter(FLOW_RUN_STATE, "states of flow runs", sparse={"state_details": StateDetails})
TASK_RUNS = _matter(TASK_RUN, "task runs", sparse={"empirical_policy": TaskRunPolicy})
TASK_RUN_STATES = _matter(TASK_RUN_STATE, "states of task runs", sparse={"state_details": StateDetails})

INPUTS = _matter(FLOW_RUN_INPUT, "run inputs", natural=("flow_run_id", "key"))
CACHE = Matter(
    "task_run_state_cache",
    "cached results",
    ("id", "created", "updated", "cache_key", "cache_expiration", "task_run_state_id"),
    frozenset({"created", "updated", "cache_expiration"}),
    frozenset(),
    {},
)
ARTIFACTS = _matter(ARTIFACT, "artifacts")
COLLECTIONS = _matter(ARTIFACT_COLLECTION, "artifact collections", natural=("key",))
LOGS = _matter(LOG, "log lines", leave_out=("position",))
EVENTS = _matter(EVENT, "events", leave_out=("position",))

SETTINGS = (FLOWS, WORK_POOLS, WORK_QUEUES, WORKERS, DEPLOYMENTS, SCHEDULES, LIMITS, SEARCHES, VARIABLES)
"""What people set up: few rows, which may change on both sides."""

RUNS = {FLOW_RUNS: FLOW_RUN_STATES, TASK_RUNS: TASK_RUN_STATES}
"""Runs, and the states that come with them."""

DATED = (ARTIFACTS, COLLECTIONS)
"""What may be changed, and is as it was changed last."""

FIXED = (INPUTS, CACHE)
"""What is written once."""

ALL = (*SETTINGS, FLOW_RUNS, FLOW_RUN_STATES, TASK_RUNS, TASK_RUN_STATES, *FIXED, *DATED, LOGS, EVENTS)
