"""Deployments for the command line's tests, and the two ways to reach them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployment_world import cron, deploy, make_pool
from live_server import served

from flowctl.db.database import Database
from flowctl.domain.deployments import Deployment
from flowctl.settings import Settings

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"day": {"type": "string"}, "rows": {"type": "integer", "default": 10}},
    "required": ["day"],
}


def deploy_some(db_path: Path) -> dict[str, Deployment]:
    """`etl/nightly` with a schema and a schedule, `etl/manual` in a pool, `report/weekly` with two schedules."""
    database = Database(db_path)
    with database.write() as tx:
        make_pool(tx, "gpu")
        made = [
            deploy(
                tx,
                "nightly",
                parameter_openapi_schema=SCHEMA,
                parameters={"rows": 20},
                tags=["prod"],
                schedules=[cron("0 3 * * *")],
                description="Loads the day",
            ),
            deploy(tx, "manual", work_pool_name="gpu", tags=["prod", "db"]),
            deploy(tx, "weekly", "report", schedules=[cron("0 4 * * 1", slug="mondays"), cron("0 5 * * 5")]),
        ]
    database.close()
    return {deployment.name: deployment for deployment in made}


@contextmanager
def reached(way: str, db_path: Path) -> Generator[list[str]]:
    """Flags that reach the database as a file, or by a server."""
    if way == "file":
        yield []
    else:
        with served(Settings(db=db_path)) as url:
            yield ["--api", url]
