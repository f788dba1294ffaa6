"""Task workers: which processes are connected to take background tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowctl.server.endpoint import Call, Routes
from flowctl.server.task_queue import TaskQueue, TaskWorker

routes = Routes("/task_workers", tag="Task Workers")


@dataclass(slots=True, kw_only=True)
class TaskWorkerFilter:
    """Workers that serve one of these tasks; an empty list is no criterion."""

    task_keys: list[str]


@dataclass(slots=True, kw_only=True)
class TaskWorkersQuery:
    """Body of `POST /task_workers/filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    task_worker_filter: TaskWorkerFilter | None = None


@routes.plain("POST", "/filter")
def read_task_workers(body: TaskWorkersQuery, call: Call) -> list[TaskWorker]:
    """List the task workers that are connected."""
    queue = next(part for part in call.context.parts if isinstance(part, TaskQueue))
    return queue.workers(body.task_worker_filter.task_keys if body.task_worker_filter else ())
