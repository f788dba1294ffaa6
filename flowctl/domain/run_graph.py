"""The graph of a flow run: its task runs and subflow runs, with what each waited for and what they left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from flowctl.domain.states import State, StateType
from flowctl.domain.task_runs import TaskRunResult
from flowctl.domain.values import JSONValue


@dataclass(slots=True, kw_only=True)
class GraphState:
    """A state that the flow run was in."""

    id: UUID
    timestamp: datetime
    type: StateType
    name: str


@dataclass(slots=True, kw_only=True)
class GraphArtifact:
    """An artifact of the flow run or of one of its task runs; `data` is given for progress only."""

    id: UUID
    created: datetime
    key: str | None
    type: str | None
    is_latest: bool
    data: JSONValue


@dataclass(slots=True, kw_only=True)
class Edge:
    """A reference to another node."""

    id: UUID


@dataclass(slots=True, kw_only=True)
class Node:
    """A task run, or the subflow run that stands for it."""

    kind: Literal["flow-run", "task-run"]
    id: UUID
    label: str
    state_type: StateType
    start_time: datetime
    end_time: datetime | None
    parents: list[Edge] = field(default_factory=list[Edge])
    """One for each pair of inputs, of this node and of the parent: Prefect answers repetitions too."""
    children: list[Edge] = field(default_factory=list[Edge])
    encapsulating: list[Edge] = field(default_factory=list[Edge])
    """The tasks inside of which the task ran."""
    artifacts: list[GraphArtifact] = field(default_factory=list[GraphArtifact])


@dataclass(slots=True, kw_only=True)
class Graph:
    """The answer of `graph-v2`."""

    start_time: datetime | None
    end_time: datetime | None
    root_node_ids: list[UUID] = field(default_factory=list[UUID])
    nodes: list[tuple[UUID, Node]] = field(default_factory=list[tuple[UUID, Node]])
    artifacts: list[GraphArtifact] = field(default_factory=list[GraphArtifact])
    states: list[GraphState] = field(default_factory=list[GraphState])


@dataclass(slots=True, kw_only=True)
class DependencyResult:
    """A task run with the task runs that it waited for (`graph`, the older form); durations in seconds."""

    id: UUID
    name: str
    upstream_dependencies: list[TaskRunResult]
    state: State | None
    expected_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    total_run_time: float | None
    estimated_run_time: float | None
    untrackable_result: bool
