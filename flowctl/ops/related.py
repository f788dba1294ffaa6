"""What a page of runs shows beside them, in one answer: their flows and deployments, why they wait, their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import states
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentFilter, DeploymentSort
from flowctl.domain.deployments import Deployment
from flowctl.domain.filters import IdFilter
from flowctl.domain.flow_filters import FlowFilter, FlowSort
from flowctl.domain.flows import Flow
from flowctl.domain.states import StateType
from flowctl.ops import deployment_lists, flow_lists, run_reasons, ui

LIMIT = 200
"""Objects of each kind that are asked about at once: a page of a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A state that a task run came into, as far as its timeline shows it."""

    type: StateType
    name: str
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """What is known of the objects that were asked about; the unknown ones are left out.

    reasons      why a flow run waits or has ended, in a few words, by the run's id
    task_counts  how many task runs a flow run has, by its id
    steps        the states that a task run has been in, oldest first, by its id
    """

    flows: Rows[Flow] | list[Flow]
    deployments: list[Deployment]
    reasons: dict[str, str]
    task_counts: dict[UUID, int]
    steps: dict[UUID, list[Step]]


def read(
    tx: Tx,
    *,
    flows: Sequence[UUID] = (),
    deployments: Sequence[UUID] = (),
    reasons: Sequence[UUID] = (),
    task_counts: Sequence[UUID] = (),
    steps: Sequence[UUID] = (),
    is_serving: bool = False,
) -> Related:
    """Read what goes with the flow runs, or the task runs, of a page: at most LIMIT ids of each kind."""
    return Related(
        flows=_flows(tx, flows) if flows else [],
        deployments=_deployments(tx, deployments) if deployments else [],
        reasons=run_reasons.read_reasons(tx, reasons, is_serving=is_serving),
        task_counts=ui.count_task_runs(tx, task_counts) if task_counts else {},
        steps=_steps(tx, steps) if steps else {},
    )


def _flows(tx: Tx, ids: Sequence[UUID]) -> Rows[Flow]:
    criteria = Criteria(flows=FlowFilter(id=IdFilter(any_=[*ids])))
    return flow_lists.find(tx, criteria, sort=FlowSort.NAME_ASC, limit=LIMIT, offset=0)


def _deployments(tx: Tx, ids: Sequence[UUID]) -> list[Deployment]:
    criteria = Criteria(deployments=DeploymentFilter(id=IdFilter(any_=[*ids])))
    return deployment_lists.find(tx, criteria, sort=DeploymentSort.NAME_ASC, limit=LIMIT, offset=0)


def _steps(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, list[Step]]:
    found: dict[UUID, list[Step]] = {}
    for id, type, name, timestamp in states.steps_of_task_runs(tx, ids):
        found.setdefault(id, []).append(Step(type=type, name=name, timestamp=timestamp))
    return found
