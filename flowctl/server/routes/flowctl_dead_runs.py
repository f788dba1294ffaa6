"""Runs that are Running for nobody: their process, on the server's machine, is gone."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.ops import reap
from flowctl.server.endpoint import Routes

routes = Routes("/flowctl/dead_runs", tag="Flowctl")


@routes.read("GET", "")
def find_dead_runs(tx: Tx) -> list[reap.DeadRun]:
    """Find the runs whose process died; nothing is changed."""
    return list(reap.find(tx))


@routes.write("POST", "/reap", status=200)
def reap_dead_runs(tx: Tx) -> list[reap.DeadRun]:
    """Mark all dead runs Crashed; tells those that have been marked."""
    return [dead for dead in reap.find(tx) if reap.mark(tx, dead)]
