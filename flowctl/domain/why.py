"""Why a flow run waits, goes on or has ended: the causes with their evidence, and the commands that help."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from flowctl.domain.states import StateType
from flowctl.domain.values import JSONObject

Verdict: TypeAlias = Literal["waiting", "blocked", "running", "ended"]
"""waiting: goes on by itself; blocked: somebody must do something; running: executes; ended: its state is final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A command that removes a cause.

    command      as it is typed in a shell
    effect       what it does, as an order
    is_complete  whether it can be run as it stands; else it has blanks to fill in
    gives_up     whether it ends the run instead of letting it go on
    """

    command: str
    effect: str
    is_complete: bool = True
    gives_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One link of the chain, the nearest to the run first.

    code      what kind of cause, for programs: `no_worker`, `limit_full` …
    subject   what it is about, in a word or two
    summary   the whole truth, as a sentence without its full stop
    reason    the same in a few words
    blocks    whether it stays until somebody does something
    flow_run  the run that it holds; another one than was asked about, further down the chain
    evidence  what was seen: names, ids, counts, times
    """

    code: str
    subject: str
    summary: str
    reason: str
    blocks: bool
    flow_run_id: UUID
    flow_run_name: str
    evidence: JSONObject = field(default_factory=dict[str, object])
    fixes: list[Fix] = field(default_factory=list[Fix])


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that was looked at and is in order."""

    subject: str
    summary: str


@dataclass(slots=True, kw_only=True)
class Explanation:
    """The answer to "why": of a flow run, as of now (`GET /flowctl/runs/{id}/why`)."""

    flow_run_id: UUID
    flow_run_name: str
    state_type: StateType | None
    state_name: str | None
    since: datetime | None
    """When it came into its state."""
    verdict: Verdict
    summary: str
    """What follows the run's name in a sentence: `is Late by 22m and will not start by itself`."""
    reason: str | None
    """The nearest causes in a few words, as `runs ls` shows them."""
    causes: list[Cause] = field(default_factory=list[Cause])
    checks: list[Check] = field(default_factory=list[Check])
