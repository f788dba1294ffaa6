"""Which work pools, which work queues."""

from __future__ import annotations

from dataclasses import dataclass

from flowctl.domain.filters import IdAnyFilter, OperatorFilter, PrefixFilter, TextAnyFilter


@dataclass(slots=True, kw_only=True)
class WorkPoolFilter(OperatorFilter):
    """Which work pools (Prefect: WorkPoolFilter)."""

    id: IdAnyFilter | None = None
    name: TextAnyFilter | None = None
    type: TextAnyFilter | None = None


@dataclass(slots=True, kw_only=True)
class WorkQueueFilter(OperatorFilter):
    """Which work queues (Prefect: WorkQueueFilter)."""

    id: IdAnyFilter | None = None
    name: PrefixFilter | None = None
