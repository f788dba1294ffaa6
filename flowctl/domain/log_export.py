"""Reading log lines one page after the other, and counting them: bodies and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from annotated_types import Ge, Le

from flowctl.domain.log_search import LogSelection
from flowctl.domain.logs import Log


@dataclass(slots=True, kw_only=True)
class LogRead(LogSelection):
    """Body of `POST /flowctl/logs/read`.

    after  go on behind this position: `after` of the answer to the last request
    """

    after: int = 0
    limit: Annotated[int, Ge(1), Le(1000)] = 1000


@dataclass(slots=True, kw_only=True)
class LogPage:
    """Lines in the order in which they were stored.

    after  where to go on; None at the end.  A page may be short, or empty, and still not be the last: one request looks
           at a bounded number of lines.
    last   the position of the newest line
    """

    lines: list[Log]
    after: int | None
    last: int


@dataclass(slots=True, kw_only=True)
class LogCount:
    """Lines of one day (UTC), level and flow run.

    size  bytes of their messages
    """

    day: str
    level: int
    flow_run_id: UUID | None
    lines: int
    size: int
