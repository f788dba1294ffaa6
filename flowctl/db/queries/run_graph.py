"""The graph of a flow run: nodes from its task runs and their subflow runs, edges from the inputs of the tasks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from flowctl.db.columns import decode_time, encode_time
from flowctl.db.database import Tx
from flowctl.domain.run_graph import Edge, GraphArtifact, Node
from flowctl.domain.states import StateType

_TASK_RUNS = """
    SELECT task_run.id, child.id, task_run.name, flow.name || ' / ' || child.name,
        coalesce(child.state_type, task_run.state_type),
        coalesce(child.start_time, child.expected_start_time, task_run.start_time, task_run.expected_start_time)
            AS started,
        coalesce(child.end_time, task_run.end_time,
            CASE task_run.state_type WHEN 'COMPLETED' THEN task_run.expected_start_time END),
        task_run.task_inputs
    FROM task_run
    LEFT JOIN flow_run AS child ON child.parent_task_run_id = task_run.id
    LEFT JOIN flow ON flow.id = child.flow_id
    WHERE task_run.flow_run_id = ? AND started IS NOT NULL
        AND coalesce(child.state_type, task_run.state_type) IS NOT NULL
    ORDER BY task_run.task_key, task_run.dynamic_key
"""  # uq_task_run__flow_run_id_task_key_dynamic_key, ix_flow_run__parent_task_run

_ARTIFACTS = """
    SELECT artifact.id, artifact.created, artifact.key, artifact.type, artifact.task_run_id,
        artifact.key IS NULL OR latest.id IS NOT NULL,
        CASE artifact.type WHEN 'progress' THEN artifact.data END
    FROM artifact
    LEFT JOIN artifact_collection AS latest ON latest.key = artifact.key AND latest.latest_id = artifact.id
    WHERE artifact.flow_run_id = ? AND artifact.type <> 'result'
    ORDER BY artifact.created
    LIMIT ?
"""  # ix_artifact__flow_run

_ENCAPSULATING = "__parents__"
"""The key of `task_inputs` under which a task names the tasks inside of which it ran."""


def nodes(tx: Tx, flow_run_id: UUID, *, since: datetime, most: int) -> list[Node]:
    """The runs that have not ended, or ended at `since` or later, by start and end; `most` + 1 if there are more.

    Edges lead to runs that `since` leaves out, too.  An edge is there once for each pair of inputs, of the one run and
    of the other, as in Prefect.
    """
    rows = {row.id: row for row in _rows(tx, flow_run_id)}
    parents: defaultdict[str, list[str]] = defaultdict(list)
    children: defaultdict[str, list[str]] = defaultdict(list)
    encapsulating: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows.values():
        for key, id in row.inputs:
            if id not in rows:
                continue
            if key == _ENCAPSULATING:
                encapsulating[row.id].append(id)
            else:
                repetitions = max(1, len(rows[id].inputs))
                parents[row.id] += [id] * repetitions
                children[id] += [row.id] * repetitions
    earliest = encode_time(since)
    shown = [row for row in rows.values() if row.end is None or row.end >= earliest]
    shown.sort(key=lambda row: (row.start, row.end or ""))
    return [
        Node(
            kind=row.kind,
            id=UUID(row.id),
            label=row.label,
            state_type=StateType(row.state_type),
            start_time=decode_time(row.start),
            end_time=None if row.end is None else decode_time(row.end),
            parents=_edges(parents[row.id]),
            children=_edges(children[row.id]),
            encapsulating=_edges(dict.fromkeys(encapsulating[row.id])),
        )
        for row in shown[: most + 1]
    ]


def artifacts(tx: Tx, flow_run_id: UUID, *, most: int) -> dict[UUID | None, list[GraphArtifact]]:
    """The first artifacts of a flow run, oldest first, by task run; those of no task run under None."""
    found: defaultdict[UUID | None, list[GraphArtifact]] = defaultdict(list)
    for id, created, key, type, task_run_id, is_latest, data in tx.execute(_ARTIFACTS, (str(flow_run_id), most)):
        found[UUID(task_run_id) if task_run_id else None].append(
            GraphArtifact(
                id=UUID(id),
                created=decode_time(created),
                key=key,
                type=type,
                is_latest=bool(is_latest),
                data=None if data is None else json.loads(data),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """A task run, or a subflow run in its place; `inputs` are (key, id of the run that is the input, or None)."""

    id: str
    kind: Literal["flow-run", "task-run"]
    label: str
    state_type: str
    start: str
    end: str | None
    inputs: list[tuple[str, str | None]]


def _rows(tx: Tx, flow_run_id: UUID) -> Iterator[_Row]:
    for id, child_id, name, child_label, state_type, start, end, inputs in tx.execute(_TASK_RUNS, (str(flow_run_id),)):
        yield _Row(
            id=child_id or id,
            kind="flow-run" if child_id else "task-run",
            label=child_label or name,
            state_type=state_type,
            start=start,
            end=end,
            inputs=[pair for key, items in json.loads(inputs or "{}").items() for pair in _inputs(key, items)],
        )


def _inputs(key: str, items: list[dict[str, str]]) -> list[tuple[str, str | None]]:
    """One pair for each input of a key, and one for a key without inputs."""
    return [(key, item.get("id")) for item in items] or [(key, None)]


def _edges(ids: Iterable[str]) -> list[Edge]:
    return [Edge(id=UUID(id)) for id in ids]
