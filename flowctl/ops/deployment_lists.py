"""Deployments, many at a time: lists and counts."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.db.queries import deployment_lists
from flowctl.domain.criteria import Criteria
from flowctl.domain.deployment_filters import DeploymentSort
from flowctl.domain.deployments import Deployment
from flowctl.ops.pages import Page, page_of


def find(tx: Tx, criteria: Criteria, *, sort: DeploymentSort, limit: int, offset: int) -> list[Deployment]:
    """List deployments that match.

    criteria  one filter per resource; an empty one matches all, but an empty one of runs asks for such that have some
    source    Prefect: POST /deployments/filter
    """
    return deployment_lists.find(tx, criteria, sort, limit, offset)


def count(tx: Tx, criteria: Criteria) -> int:
    """Count deployments that match."""
    return deployment_lists.count(tx, criteria)


def paginate(tx: Tx, criteria: Criteria, *, sort: DeploymentSort, limit: int, page: int) -> Page[Deployment]:
    """One page of the deployments that match, pages counted from 1, and how many there are in all."""
    results = find(tx, criteria, sort=sort, limit=limit, offset=(page - 1) * limit)
    return page_of(results, count=count(tx, criteria), limit=limit, page=page)
