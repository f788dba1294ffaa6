"""`flowctl runs diff`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from flowctl.cli import completion, lookups, moments
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Column, Look, item, short_id

app = typer.Typer()

_SLOWER, _SECONDS = 1.5, 1.0
"""From this factor and this many seconds on a duration differs."""

_DIFF = """
flowctl runs diff brisk-otter calm-lynx
flowctl runs diff @last @last-failed
flowctl runs diff a71e b802 --all-tasks -o json
"""


@app.command("diff", cls=Command, epilog=_DIFF)
def diff(
    ctx: typer.Context,
    left: Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs)],
    right: Annotated[str, typer.Argument(metavar="RUN", autocompletion=completion.runs)],
    all_tasks: Annotated[bool, typer.Option("--all-tasks", help="Also the task runs that do not differ.")] = False,
) -> None:
    """Compare two flow runs: parameters, state, durations, and their task runs one by one.

    Task runs are paired by their task and the order in which the run called it. Durations differ if one is 1.5 times as
    long as the other, and a second longer. The first task run whose state differs is named: what came after it may only
    be its consequence.
    """
    session = Session.of(ctx)
    output = session.output
    ids = [session.backend.runs.id(left), session.backend.runs.id(right)]
    runs = [session.api.get(f"/flow_runs/{id}") for id in ids]
    fields = _fields(session, runs)
    tasks = _tasks(*(_read_tasks(session, run) for run in runs))
    first = next((task for task in tasks if task["differs"] == "state"), None)
    shown = [task for task in tasks if all_tasks or task["differs"]]
    if output.wants_data or output.format == "id":
        answer = {
            "runs": [{"id": run["id"], "name": run["name"]} for run in runs],
            "fields": fields,
            "tasks": shown,
            "first_difference": first and first["task"],
        }
        if output.format == "id":
            output.lines(ids)
        else:
            output.data([answer], single=True)
        return
    titles = [f"{run['name']} ({short_id(run['id'])})" for run in runs]
    rows = fields if output.format == "csv" else [field for field in fields if field["left"] != field["right"]]
    output.table(_columns("FIELD", "field", titles), rows)
    if shown and output.format != "csv":
        output.text("\n")
    if shown:
        output.table(_columns("TASK RUN", "task", titles), shown)
    if first is not None:
        output.note(f"first difference: {first['task']} is {_or_none(first['left'])} and {_or_none(first['right'])}")
    elif not rows and not shown:
        output.note("they do not differ")


def _fields(session: Session, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What both runs say of themselves, name by name."""
    flows = lookups.names(session.api, "flows", (run["flow_id"] for run in runs))
    deployments = lookups.names(session.api, "deployments", (run["deployment_id"] for run in runs))
    told: list[dict[str, Any]] = []
    for run in runs:
        state: dict[str, Any] = run["state"] or {}
        variables: dict[str, Any] = run["job_variables"] or {}
        values: dict[str, Any] = {
            "flow": flows.get(run["flow_id"]),
            "flow version": run["flow_version"],
            "deployment": deployments.get(run["deployment_id"] or ""),
            "deployment version": run["deployment_version"],
            "work pool": run["work_pool_name"],
            "state": run["state_name"],
            "message": state.get("message"),
            "run count": run["run_count"],
            "tags": ", ".join(sorted(run["tags"])) or None,
        }
        values |= {f"parameter {name}": _text(value) for name, value in run["parameters"].items()}
        values |= {f"job variable {name}": _text(value) for name, value in variables.items()}
        told.append(values)
    left, right = told
    found = [{"field": name, "left": left.get(name), "right": right.get(name)} for name in {**left, **right}]
    seconds = [run["estimated_run_time"] for run in runs]
    duration = {"field": "duration", "left": _duration(seconds[0]), "right": _duration(seconds[1])}
    if not _is_slower(*seconds):
        duration["right"] = duration["left"]
    return [*found, duration]


def _read_tasks(session: Session, run: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """The task runs of a run by their task and their number among those of the task.

    `after` is set to the seconds from the start of the run to the end of the task run.
    """
    body = {"task_runs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    of_task: dict[str, list[dict[str, Any]]] = defaultdict(list)
    begun = moments.read(_start(run))
    for task in session.api.all("/task_runs/filter", body):
        task["after"] = (moments.read(task["end_time"] or _start(task)) - begun).total_seconds()
        of_task[task["task_key"]].append(task)
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for key, runs in of_task.items():
        found |= {(key, number): run for number, run in enumerate(sorted(runs, key=_order))}
    return found


def _order(task: Mapping[str, Any]) -> tuple[int, str]:
    """By the number of the call, where the key is one, else by the start."""
    key: str = task["dynamic_key"]
    return (int(key) if key.isdigit() else 0, _start(task))


def _tasks(
    left: Mapping[tuple[str, int], dict[str, Any]], right: Mapping[tuple[str, int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Pairs of task runs in the order in which they ended; `differs` is `state`, `duration` or None."""
    pairs: list[tuple[float, dict[str, Any]]] = []
    for key in {**left, **right}:
        one, other = left.get(key), right.get(key)
        either = one or other or {}
        states = [None if task is None else task["state_name"] for task in (one, other)]
        seconds = [None if task is None else task["estimated_run_time"] for task in (one, other)]
        differs = None
        if states[0] != states[1]:
            differs = "state"
        elif one is not None and other is not None and _is_slower(*seconds):
            differs = "duration"
        told = {
            "task": either["name"],
            "differs": differs,
            "left": states[0],
            "right": states[1],
            "left_seconds": seconds[0],
            "right_seconds": seconds[1],
        }
        pairs.append((either["after"], told))
    return [told for _, told in sorted(pairs, key=lambda pair: pair[0])]


def _start(run: Mapping[str, Any]) -> str:
    return run["start_time"] or run["expected_start_time"] or run["created"]


def _is_slower(left: float | None, right: float | None) -> bool:
    short, long = sorted((left or 0.0, right or 0.0))
    return long - short >= _SECONDS and long >= short * _SLOWER


# -- text


def _columns(title: str, name: str, titles: list[str]) -> list[Column]:
    return [
        Column(title, item(name), cut=True),
        *(Column(run, _value(side), _cell(side), cut=True) for run, side in zip(titles, _SIDES, strict=True)),
    ]


_SIDES = ("left", "right")


def _value(side: str) -> Callable[[Mapping[str, Any]], object]:
    return lambda row: row[side]


def _cell(side: str) -> Callable[[Mapping[str, Any], Look], str]:
    def text(row: Mapping[str, Any], look: Look) -> str:
        seconds = row.get(f"{side}_seconds")
        time = f" {_duration(seconds)}" if seconds else ""
        return f"{row[side]}{time}" if row[side] is not None else ""

    return text


def _duration(seconds: float | None) -> str | None:
    return moments.duration(seconds) if seconds else None


def _or_none(state: str | None) -> str:
    return state or "not there"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
