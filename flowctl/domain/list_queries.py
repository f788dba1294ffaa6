"""Bodies of the API's questions about lists: filters, sort order, page.

They are embedded bodies: null stands for the default, unknown keys are ignored.  Without a `limit` a page has the size
of the settings (`api_default_limit`), which is also the most it may have; `ops/pages.py` checks that.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le

from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentFilter
from flowctl.domain.flow_filters import FlowFilter, FlowSort
from flowctl.domain.flow_run_filters import FlowRunFilter, FlowRunSort
from flowctl.domain.log_filters import LogFilter, LogSort
from flowctl.domain.task_run_filters import TaskRunFilter, TaskRunSort
from flowctl.domain.values import NonNegative
from flowctl.domain.work_pool_filters import WorkPoolFilter, WorkQueueFilter

PageNumber = Annotated[int, Ge(1)]


@dataclass(slots=True, kw_only=True)
class _Body:
    NULL_IS_DEFAULT: ClassVar[bool] = True

    def criteria(self) -> Criteria:
        """The filters of the body."""
        names = [field.name for field in fields(Criteria)]
        return Criteria(**{name: getattr(self, name) for name in names if hasattr(self, name)})


@dataclass(slots=True, kw_only=True)
class TaskRunsCount(_Body):
    """Body of `POST /task_runs/count` and `/ui/task_runs/count`."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None


@dataclass(slots=True, kw_only=True)
class TaskRunsQuery(TaskRunsCount):
    """Body of `POST /task_runs/filter`."""

    sort: TaskRunSort = TaskRunSort.ID_DESC
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class TaskRunsPage(TaskRunsCount):
    """Body of `POST /task_runs/paginate`; pages count from 1."""

    sort: TaskRunSort = TaskRunSort.ID_DESC
    limit: int | None = None
    page: PageNumber = 1


@dataclass(slots=True, kw_only=True)
class TaskRunsHistory(TaskRunsCount):
    """Body of `POST /task_runs/history`; the interval in seconds, at least 1."""

    history_start: datetime
    history_end: datetime
    history_interval_seconds: float


@dataclass(slots=True, kw_only=True)
class FlowsCount(TaskRunsCount):
    """Body of `POST /flows/count`."""

    work_pools: WorkPoolFilter | None = None


@dataclass(slots=True, kw_only=True)
class FlowsQuery(FlowsCount):
    """Body of `POST /flows/filter`."""

    sort: FlowSort = FlowSort.NAME_ASC
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class FlowsPage(FlowsCount):
    """Body of `POST /flows/paginate`."""

    sort: FlowSort = FlowSort.NAME_ASC
    limit: int | None = None
    page: PageNumber = 1


@dataclass(slots=True, kw_only=True)
class FlowRunsCount(FlowsCount):
    """Body of `POST /flow_runs/count` and `/flow_runs/lateness`."""

    work_pool_queues: WorkQueueFilter | None = None

    @property
    def work_queues(self) -> WorkQueueFilter | None:
        """The same filter under the name that `Criteria` and the body of the history have for it."""
        return self.work_pool_queues


@dataclass(slots=True, kw_only=True)
class FlowRunsQuery(FlowRunsCount):
    """Body of `POST /flow_runs/filter`."""

    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class FlowRunsPage(FlowRunsCount):
    """Body of `POST /flow_runs/paginate`."""

    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: int | None = None
    page: PageNumber = 1


@dataclass(slots=True, kw_only=True)
class FlowRunsHistory(FlowsCount):
    """Body of `POST /flow_runs/history`."""

    history_start: datetime
    history_end: datetime
    history_interval_seconds: float
    work_queues: WorkQueueFilter | None = None


@dataclass(slots=True, kw_only=True)
class DashboardFlowRuns(FlowsCount):
    """Body of `POST /ui/flow_runs/history`."""

    sort: FlowRunSort = FlowRunSort.EXPECTED_START_TIME_DESC
    limit: Annotated[int, Le(1000)] = 1000
    offset: NonNegative = 0

    @property
    def size(self) -> int:
        """The limit; a negative one means as many as there may be (in Prefect: all)."""
        return self.limit if self.limit >= 0 else 1000


@dataclass(slots=True, kw_only=True)
class DashboardTaskRuns(_Body):
    """Body of `POST /ui/task_runs/dashboard/counts`."""

    task_runs: TaskRunFilter
    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: WorkPoolFilter | None = None
    work_queues: WorkQueueFilter | None = None


@dataclass(slots=True, kw_only=True)
class FlowIds:
    """Body of `POST /ui/flows/count-deployments` and `/ui/flows/next-runs`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    flow_ids: list[UUID]


@dataclass(slots=True, kw_only=True)
class FlowRunIds:
    """Body of `POST /ui/flow_runs/count-task-runs`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    flow_run_ids: list[UUID]


@dataclass(slots=True, kw_only=True)
class LogsQuery:
    """Body of `POST /logs/filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    logs: LogFilter | None = None
    sort: LogSort = LogSort.TIMESTAMP_ASC
    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class PageQuery:
    """Body of a list without filters."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    limit: int | None = None
    offset: NonNegative = 0
