"""Flows, many at a time: lists and counts."""

from __future__ import annotations

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.flows import Flow
from flowctl.domain.list_queries import FlowsCount, FlowsPage, FlowsQuery
from flowctl.ops import flow_lists as ops
from flowctl.ops.pages import Page, size
from flowctl.server.endpoint import Routes

routes = Routes("/flows", tag="Flows")


@routes.read("POST", "/filter")
def read_flows(tx: Tx, body: FlowsQuery) -> Rows[Flow]:
    """List flows."""
    return ops.find(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), offset=body.offset)


@routes.read("POST", "/paginate")
def paginate_flows(tx: Tx, body: FlowsPage) -> Page[Flow]:
    """Get one page of the flows, with the number of pages."""
    return ops.paginate(tx, body.criteria(), sort=body.sort, limit=size(tx, body.limit), page=body.page)


@routes.read("POST", "/count")
def count_flows(tx: Tx, body: FlowsCount) -> int:
    """Count flows."""
    return ops.count(tx, body.criteria())
