"""What the backends tell commands, whether they ask the database file (`cli/local`) or a server (`cli/remote`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})

ACTIVE = ("running", "pending", "late", "scheduled", "paused", "cancelling")
"""How runs that are not over are counted."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a run: names of what it refers to, and how its tasks and subflows are doing."""

    flow: str | None
    deployment: str | None
    parent_id: str | None
    parent_name: str | None
    task_states: Mapping[str, int]
    child_states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """A run as of now, for those who wait for it."""

    id: str
    name: str
    state_type: str | None
    state_name: str | None
    message: str | None
    task_states: Mapping[str, int]

    @property
    def is_over(self) -> bool:
        """Whether its state is final."""
        return self.state_type in FINAL


@dataclass(frozen=True, slots=True)
class FlowLine:
    """What a table shows of one flow; times are text as the database or the API writes it."""

    id: str
    name: str
    created: str
    updated: str
    tags: str | None
    runs: int
    deployments: int
    last_state_type: str | None
    last_state_name: str | None
    last_start_time: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a proposed state."""

    id: str
    name: str
    before: str
    """Name of the state that the run was in."""
    after: str
    after_type: str | None
    accepted: bool
    reason: str | None
    wire: dict[str, Any]
    """The API's answer to `set_state`."""


@dataclass(frozen=True, slots=True)
class Reaped:
    """A run whose process died."""

    id: str
    name: str
    evidence: str
    wire: dict[str, object]


@dataclass(frozen=True, slots=True)
class NextRun:
    """A run that is scheduled."""

    id: str
    name: str
    flow: str
    deployment: str | None
    at: str


@dataclass(frozen=True, slots=True)
class Status:
    """How things are.

    database  path, size_bytes, wal_size_bytes and schema of the file; None where the server does not tell
    free      bytes that are free on the file's disk
    server    who serves it (url, version …), with `message` ("OK") and `services`; None: nobody does
    runs      those that are not over, by state type in small letters; `late` ones are not among `scheduled`
    """

    database: dict[str, Any] | None
    free: int | None
    server: dict[str, Any] | None
    runs: dict[str, int]
    next_runs: list[NextRun]

    def wire(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "database": self.database,
            "disk": None if self.free is None else {"free_bytes": self.free},
            "runs": self.runs,
            "next_runs": [asdict(run) for run in self.next_runs],
            "server": self.server,
        }
