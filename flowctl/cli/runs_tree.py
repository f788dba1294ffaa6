"""`flowctl runs tree`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from flowctl.cli import completion, lookups, moments, run_table
from flowctl.cli.commands import Command
from flowctl.cli.context import Session
from flowctl.cli.tables import Look, clean, cut, pad, width

app = typer.Typer()

_TASKS = 50
"""Task runs below one run that are shown unless --all is given."""

_UNREMARKABLE = frozenset({"COMPLETED", "SCHEDULED", "PENDING", None})

_TREE = """
flowctl runs tree brisk-otter
flowctl runs tree @last --no-tasks
flowctl runs tree @last-failed --all -o json
"""


@app.command("tree", cls=Command, epilog=_TREE)
def tree(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="[RUN]", autocompletion=completion.runs)] = "@last",
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=1, help="Subflow runs down to here.")] = 20,
    every: Annotated[bool, typer.Option("--all", help=f"All task runs; else {_TASKS} of each run.")] = False,
    tasks: Annotated[bool, typer.Option("--tasks/--no-tasks", help="Task runs as well as subflow runs.")] = True,
) -> None:
    """Show a flow run with its task runs and subflow runs as a tree, each with its state and duration (@last)."""
    session = Session.of(ctx)
    output = session.output
    root = grow(session, session.backend.runs.id(run), depth=depth)
    if not tasks:
        _prune(root)
    if output.wants_data:
        output.data([root], single=True)
    elif output.format == "id":
        output.lines([each["id"] for each in _all(root)])
    else:
        output.lines(_lines(root, output.look, None if every else _TASKS))


def grow(session: Session, id: str, *, depth: int) -> dict[str, Any]:
    """A run with what it called, as nested objects; task runs that stand for subflow runs are left out for those."""
    api = session.api
    found = api.get(f"/flow_runs/{id}")
    root = _node(found, "flow_run")
    flows = {found["flow_id"]}
    level, nodes = [found], [root]
    while level:
        ids = [each["id"] for each in level]
        below = api.all("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": ids}}}) if depth > 1 else []
        called = {each["parent_task_run_id"]: each for each in below}
        of_run: dict[str, list[dict[str, Any]]] = defaultdict(list)
        body = {"task_runs": {"flow_run_id": {"any_": ids}}, "sort": "EXPECTED_START_TIME_ASC"}
        for task in api.all("/task_runs/filter", body):
            of_run[task["flow_run_id"]].append(task)
        next_nodes: list[dict[str, Any]] = []
        for owner, node in zip(level, nodes, strict=True):
            for task in sorted(of_run[owner["id"]], key=_start):
                child = called.get(task["id"])
                node["children"].append(_node(child, "flow_run") if child else _node(task, "task_run"))
                if child:
                    next_nodes.append(node["children"][-1])
        by_id = {each["id"]: each for each in below}
        nodes = next_nodes
        level = [by_id[node["id"]] for node in nodes]
        flows.update(each["flow_id"] for each in level)
        depth -= 1
    names = lookups.names(api, "flows", flows)
    for node in _all(root):
        if node["kind"] == "flow_run":
            node["flow_name"] = names.get(node["flow_id"])
    return root


def _node(found: dict[str, Any], kind: str) -> dict[str, Any]:
    state: dict[str, Any] = found["state"] or {}
    node: dict[str, Any] = {
        "kind": kind,
        "id": found["id"],
        "name": found["name"],
        "state_type": found["state_type"],
        "state_name": found["state_name"],
        "message": state.get("message"),
        "start_time": found["start_time"],
        "end_time": found["end_time"],
        "seconds": found["estimated_run_time"],
        "run_count": found["run_count"],
        "children": [],
    }
    if kind == "flow_run":
        node |= {"flow_id": found["flow_id"], "flow_name": None}
    return node


def _start(found: dict[str, Any]) -> str:
    return found["start_time"] or found["expected_start_time"] or found["created"]


def _prune(node: dict[str, Any]) -> None:
    node["children"] = [child for child in node["children"] if child["kind"] == "flow_run"]
    for child in node["children"]:
        _prune(child)


def _all(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from _all(child)


# -- text


def _lines(root: dict[str, Any], look: Look, most: int | None) -> list[str]:
    rows = [("", root), *_rows(root, "", look, most)]
    heads = [f"{branch}{_name(node)}" for branch, node in rows]
    room = max((width(head) for head in heads), default=0)
    if look.terminal:
        room = min(room, max(20, look.width - 30))
    return [
        f"{pad(cut(head, room), room)}  {_rest(node, look, look.width - room - 2)}".rstrip()
        for head, (_, node) in zip(heads, rows, strict=True)
    ]


def _rows(node: dict[str, Any], margin: str, look: Look, most: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
    tee, corner, bar = ("├─ ", "└─ ", "│  ") if look.icons else ("|- ", "`- ", "|  ")
    children = _shown(node["children"], most)
    for number, child in enumerate(children):
        is_last = number == len(children) - 1
        yield margin + (corner if is_last else tee), child
        yield from _rows(child, margin + ("   " if is_last else bar), look, most)


def _shown(children: Sequence[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    """The children, but of many unremarkable task runs only the first ones, and how many more there are."""
    if most is None or len(children) <= most:
        return list(children)
    shown: list[dict[str, Any]] = []
    left: Counter[str] = Counter()
    for child in children:
        if child["kind"] == "flow_run" or child["state_type"] not in _UNREMARKABLE or len(shown) < most:
            shown.append(child)
        else:
            left[child["state_name"] or "without a state"] += 1
    if left:
        rest = ", ".join(f"{count:,} {name}" for name, count in left.most_common())
        shown.append({"kind": "more", "name": f"… {sum(left.values()):,} more task runs: {rest}", "children": []})
    return shown


def _name(node: dict[str, Any]) -> str:
    flow = f" ({node['flow_name']})" if node.get("flow_name") else ""
    return clean(node["name"]) + clean(flow)


def _rest(node: dict[str, Any], look: Look, room: int) -> str:
    """State, duration and, of what failed, the message."""
    if node["kind"] == "more":
        return ""
    type_ = node["state_type"]
    state = run_table.state_text(type_, node["state_name"], look)
    time = moments.duration(node["seconds"]) if node["seconds"] else ""
    tries = f"{node['run_count']} runs" if (node["run_count"] or 0) > 1 else ""
    id = "" if node["kind"] == "task_run" and look.terminal else lookups.short(node["id"], look)
    plain = "  ".join(part for part in (state, time, tries, id) if part)
    text = plain.replace(state, look.paint(state, run_table.state_style(type_)), 1) if state else plain
    if type_ in ("FAILED", "CRASHED") and node["message"]:
        message = clean(node["message"].splitlines()[0])
        left = room - width(plain) - 2
        text += "  " + (cut(message, left) if look.terminal and left > 8 else "" if look.terminal else message)
    return text.rstrip()
