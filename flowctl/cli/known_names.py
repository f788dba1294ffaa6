"""Names and ids that a shell may complete, from the database file or a server: at most some, and at once.

At a million runs each question must still be answered between two keystrokes, so none reads more rows than it shows,
or than `_RECENT` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from flowctl.cli.context import Session
from flowctl.domain.errors import FlowctlError

if TYPE_CHECKING:
    from flowctl.cli.api.door import Door
    from flowctl.cli.targets import Execute

Found: TypeAlias = list[str | tuple[str, str]]
"""Values, or values with a word about each."""

_MOST = 50
_RECENT = 300


def runs(given: Mapping[str, object], start: str) -> Found:
    """Names and ids of flow runs that begin so, the newest first."""
    return _ask(given, lambda execute: _rows_of_file(execute, _RUNS, start), lambda api: _runs_of_server(api, start))


def tasks(given: Mapping[str, object], start: str) -> Found:
    """Names and ids of task runs that begin so, the newest first."""
    return _ask(given, lambda execute: _rows_of_file(execute, _TASKS, start), lambda api: _tasks_of_server(api, start))


def flows(given: Mapping[str, object], start: str) -> Found:
    """Names of flows."""
    sql = "SELECT name FROM flow WHERE name >= ? AND name < ? ORDER BY name LIMIT ?"
    query = {"flows": {"name": {"like_": start}}, "sort": "NAME_ASC", "limit": _MOST}
    return _ask(
        given,
        lambda execute: [row[0] for row in execute(sql, (start, _end(start), _MOST))],
        lambda api: [flow["name"] for flow in api.post("/flows/filter", query)],
    )


def deployments(given: Mapping[str, object], _start: str) -> Found:
    """Names of deployments, with their flow."""
    sql = """
        SELECT flow.name || '/' || deployment.name
        FROM deployment JOIN flow ON flow.id = deployment.flow_id
        ORDER BY 1 LIMIT ?"""
    return _ask(given, lambda execute: [row[0] for row in execute(sql, (1000,))], _deployments_of_server)


def variables(given: Mapping[str, object], start: str) -> Found:
    """Names of variables."""
    sql = "SELECT name FROM variable WHERE name >= ? AND name < ? ORDER BY name LIMIT ?"
    return _ask(
        given,
        lambda execute: [row[0] for row in execute(sql, (start, _end(start), _MOST))],
        _names("/variables/filter"),
    )


def pools(given: Mapping[str, object], _start: str) -> Found:
    """Names of work pools."""
    sql = "SELECT name FROM work_pool ORDER BY name LIMIT ?"
    return _ask(given, lambda execute: [row[0] for row in execute(sql, (200,))], _names("/work_pools/filter"))


def queues(given: Mapping[str, object], _start: str) -> Found:
    """Names of work queues."""
    sql = "SELECT DISTINCT name FROM work_queue ORDER BY name LIMIT ?"
    return _ask(given, lambda execute: [row[0] for row in execute(sql, (200,))], _names("/work_queues/filter"))


def tags(given: Mapping[str, object], _start: str) -> Found:
    """Tags of deployments, and of the newest runs."""
    sql = f"""
        SELECT DISTINCT value FROM (
            SELECT tags FROM deployment
            UNION ALL
            SELECT * FROM (SELECT tags FROM flow_run ORDER BY {_WHEN} DESC LIMIT {_RECENT})
        ), json_each(tags)
        ORDER BY value LIMIT ?"""  # ix_flow_run__start

    def of_server(api: Door) -> Found:
        newest = api.post("/flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 200})
        objects = [*api.post("/deployments/filter", {"limit": 200}), *newest]
        return sorted({tag for each in objects for tag in each["tags"]})

    return _ask(given, lambda execute: [row[0] for row in execute(sql, (200,))], of_server)


_WHEN = "coalesce(flow_run.start_time, flow_run.expected_start_time)"

_RUNS = (
    f"""
    SELECT flow_run.id, flow_run.name, flow.name || ' · ' || flow_run.state_name, {_WHEN}
    FROM flow_run JOIN flow ON flow.id = flow_run.flow_id""",
    "flow_run",
    _WHEN,  # ix_flow_run__start
)
_TASKS = (
    """
    SELECT task_run.id, task_run.name, coalesce(flow_run.name || ' · ', '') || coalesce(task_run.state_name, ''),
           task_run.expected_start_time
    FROM task_run LEFT JOIN flow_run ON flow_run.id = task_run.flow_run_id""",
    "task_run",
    "task_run.expected_start_time",  # ix_task_run__expected
)


def _rows_of_file(execute: Execute, what: tuple[str, str, str], start: str) -> Found:
    """The newest that begin so, then others by their name; ids, once there is something to go by."""
    select, table, when = what
    rows = execute(f"{select} ORDER BY {when} DESC LIMIT ?", (_RECENT,)).fetchall()
    between = (start, _end(start), _MOST)
    if start:
        rows += execute(f"{select} WHERE {table}.name >= ? AND {table}.name < ? LIMIT ?", between).fetchall()
        rows += execute(f"{select} WHERE {table}.id >= ? AND {table}.id < ? LIMIT ?", between).fetchall()
    return _fitting(start, [(id, name, about) for id, name, about, _ in rows])


def _fitting(start: str, rows: Iterable[tuple[str, str, str]]) -> Found:
    found = {name: about for _, name, about in rows if name.startswith(start)}
    ids = {id: f"{name} · {about}" for id, name, about in rows if start and id.startswith(start)}
    return [*list(found.items())[:_MOST], *list(ids.items())[:_MOST]]


def _runs_of_server(api: Door, start: str) -> Found:
    from flowctl.cli import lookups

    found = _newest(api, "flow_runs", "START_TIME_DESC", start)
    flow_names = lookups.names(api, "flows", [run["flow_id"] for run in found])
    return _fitting(
        start, [(run["id"], run["name"], f"{flow_names.get(run['flow_id'])} · {run['state_name']}") for run in found]
    )


def _tasks_of_server(api: Door, start: str) -> Found:
    found = _newest(api, "task_runs", "EXPECTED_START_TIME_DESC", start)
    return _fitting(start, [(task["id"], task["name"], task["state_name"] or "") for task in found])


def _newest(api: Door, kind: str, sort: str, start: str) -> list[dict[str, Any]]:
    """The newest runs, then others by their name; the API finds no ids by how they begin."""
    found = api.post(f"/{kind}/filter", {"sort": sort, "limit": 200})
    if start:
        found += api.post(f"/{kind}/filter", {kind: {"name": {"like_": start}}, "sort": sort, "limit": _MOST})
    return found


def _deployments_of_server(api: Door) -> Found:
    from flowctl.cli import lookups

    found = api.post("/deployments/filter", {"sort": "NAME_ASC", "limit": 200})
    flow_names = lookups.names(api, "flows", [each["flow_id"] for each in found])
    return [f"{flow_names[each['flow_id']]}/{each['name']}" for each in found if each["flow_id"] in flow_names]


def _names(path: str) -> Callable[[Door], Found]:
    return lambda api: sorted({each["name"] for each in api.post(path, {"limit": 200})})


def _ask(given: Mapping[str, object], of_file: Callable[[Execute], Found], of_server: Callable[[Door], Found]) -> Found:
    """The answer of the file or the server in force; nothing where there is neither."""
    flags: dict[str, Any] = {**given, "read_only": True}
    try:
        with Session(flags) as session:
            if session.is_remote:
                return of_server(session.api)
            with session.backend.database.read() as tx:
                return of_file(tx.execute)
    except FlowctlError:
        return []


def _end(start: str) -> str:
    """What follows all texts that begin so."""
    return start + "\U0010ffff"
