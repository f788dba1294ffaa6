"""What flowctl keeps of deployments beyond Prefect's API."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.domain.deployments import MissedRuns
from flowctl.ops import deployments, missed_runs
from flowctl.ops.missed_runs import Policy
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/deployments", tag="Flowctl")


@dataclass(slots=True, kw_only=True)
class MissedRunsBody:
    """Body of `PATCH missed_runs`; null leaves it to the tag or to the server."""

    policy: MissedRuns | None


@routes.read("GET", "/{id}/missed_runs")
def read_missed_runs(tx: Tx, id: UUID) -> Policy:
    """Tell what becomes of the runs of a deployment that were due while flowctl did not run."""
    return missed_runs.read_policy(tx, id)


@routes.write("PATCH", "/{id}/missed_runs", status=200)
def set_missed_runs(tx: Tx, id: UUID, body: MissedRunsBody) -> Policy:
    """Say what becomes of the runs of a deployment that were due while flowctl did not run."""
    deployments.set_missed_runs(tx, id, body.policy)
    return missed_runs.read_policy(tx, id)
