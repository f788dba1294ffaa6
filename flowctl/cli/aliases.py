"""Prefect's spellings of commands, so that `alias prefect=flowctl` serves; the help does not show them.

Each row is a whole spelling and the command that serves it.  What stands below a group needs no row of its own where
both call it the same: `flow-run` is `runs`, so `flow-run cancel` is `runs cancel`.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFECT: Mapping[str, str] = {
    "flow-run": "runs",
    "flow-runs": "runs",
    "run": "runs",
    "flow-run inspect": "runs show",
    "flow": "flows",
    "flow inspect": "flows show",
    "flow serve": "runner serve",
    "task-run": "tasks",
    "task-runs": "tasks",
    "task": "tasks",
    "task-run inspect": "tasks show",
    "deployment": "deployments",
    "deployment inspect": "deployments show",
    "deployment schedule create": "deployments schedule add",
    "variable": "variables",
    "variable inspect": "variables get",
    "variable delete": "variables unset",
    "event": "events",
    "event stream": "events tail",
    "events stream": "events tail",
    "server start": "serve",
    "server status": "serve status",
    "server database": "db",
    "server database upgrade": "db init",
    "config view": "config show",
    "dashboard open": "open",
    "profile": "config context",
    "profiles": "config context",
    "profile create": "config context add",
    "profile delete": "config context remove",
    "profile rename": "config context rename",
    "profile inspect": "config context show",
    "profiles create": "config context add",
    "profiles delete": "config context remove",
    "profiles rename": "config context rename",
    "profiles inspect": "config context show",
}
