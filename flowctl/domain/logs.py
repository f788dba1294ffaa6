"""Log lines that flows, tasks and workers sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from flowctl.domain.values import STRICT_BODY


@dataclass(slots=True, kw_only=True)
class Log:
    """A log line as it is stored and answered; `level` is Python's (20 = INFO)."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class LogCreate:
    """One item of the list that `POST /logs/` takes; both run ids may be null."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
