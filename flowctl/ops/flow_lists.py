"""Flows, many at a time: lists and counts."""

from __future__ import annotations

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.queries import lists
from flowctl.domain.criteria import Criteria
from flowctl.domain.flow_filters import FlowSort
from flowctl.domain.flows import Flow
from flowctl.ops.pages import Page, page_of


def find(tx: Tx, criteria: Criteria, *, sort: FlowSort, limit: int, offset: int) -> Rows[Flow]:
    """List flows that match, or that have deployments and runs that do.

    criteria  one filter per resource; an empty one matches all.  Filters on work queues do not apply to flows.
    source    Prefect: POST /flows/filter
    """
    return lists.flows(tx, criteria, sort, limit, offset)


def count(tx: Tx, criteria: Criteria) -> int:
    """Count flows that match."""
    return lists.count_flows(tx, criteria)


def paginate(tx: Tx, criteria: Criteria, *, sort: FlowSort, limit: int, page: int) -> Page[Flow]:
    """One page of the flows that match, pages counted from 1, and how many there are in all."""
    results = find(tx, criteria, sort=sort, limit=limit, offset=(page - 1) * limit)
    return page_of(results, count=count(tx, criteria), limit=limit, page=page)
