"""What a page of runs shows beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, TypeAlias
from uuid import UUID

from annotated_types import MaxLen

from flowctl.db.database import Tx
from flowctl.domain.values import STRICT_BODY
from flowctl.ops import related as ops
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/related", tag="Flowctl")

Ids: TypeAlias = Annotated[list[UUID], MaxLen(ops.LIMIT)]


@dataclass(slots=True, kw_only=True)
class RelatedQuery:
    """Body: what is wanted, by ids; `reasons` and `task_counts` are of flow runs, `steps` of task runs."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    flows: Ids = field(default_factory=list[UUID])
    deployments: Ids = field(default_factory=list[UUID])
    reasons: Ids = field(default_factory=list[UUID])
    task_counts: Ids = field(default_factory=list[UUID])
    steps: Ids = field(default_factory=list[UUID])


@routes.read("POST", "/")
def read_related(tx: Tx, body: RelatedQuery) -> ops.Related:
    """Read the flows, deployments, reasons, numbers of tasks and states of tasks that go with a page of runs."""
    return ops.read(
        tx,
        flows=body.flows,
        deployments=body.deployments,
        reasons=body.reasons,
        task_counts=body.task_counts,
        steps=body.steps,
        is_serving=True,
    )
