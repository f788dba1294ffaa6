"""Changing flow runs in the database file: states, resuming; each run in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from flowctl.cli.results import Verdict
from flowctl.cli.run_query import state_type
from flowctl.db.database import Database, Tx
from flowctl.db.shapes import wire_time
from flowctl.domain.errors import Refused
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import OrchestrationResult, SetStateStatus, StateAcceptDetails, StateWaitDetails
from flowctl.domain.states import StateCreate
from flowctl.domain.values import JSONObject
from flowctl.ops import flow_runs, set_state


class Changes:
    """What commands may do to flow runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_state(
        self,
        id: str,
        proposed: StateCreate,
        *,
        force: bool = False,
        expect: str | None = None,
        dry_run: bool = False,
    ) -> Verdict:
        """Propose a state.

        expect   type or name that the present state must have
        dry_run  decide, and undo it
        Raises NotFound, and Refused if the run is not in the state that is expected.
        """

        def propose(tx: Tx, run: FlowRun) -> OrchestrationResult:
            if expect is not None and not _is(run, expect):
                raise Refused(
                    f"{run.id} is {_name(run)}, not {expect}: it has moved.", remedy=f"flowctl runs show {id}"
                )
            return set_state.set_flow_run_state(tx, run.id, proposed, force=force)

        return self._change(id, propose, dry_run=dry_run)

    def resume(self, id: str, run_input: JSONObject | None, *, dry_run: bool = False) -> Verdict:
        """Let a paused run go on, with the input that it waits for.  Raises NotFound."""

        def resume(tx: Tx, run: FlowRun) -> OrchestrationResult:
            return set_state.resume_flow_run(tx, run.id, run_input=run_input)

        return self._change(id, resume, dry_run=dry_run)

    def _change(self, id: str, change: Callable[[Tx, FlowRun], OrchestrationResult], *, dry_run: bool) -> Verdict:
        with self._transaction(dry_run=dry_run) as tx:
            run = flow_runs.read(tx, UUID(id))
            result = change(tx, run)
        state = result.state
        return Verdict(
            id=id,
            name=run.name,
            before=_name(run),
            after=state.name if state else _name(run),
            after_type=str(state.type) if state else None,
            accepted=result.status is SetStateStatus.ACCEPT,
            reason=_reason(result),
            wire=wire_of(result),
        )

    @contextmanager
    def _transaction(self, *, dry_run: bool) -> Generator[Tx]:
        """A write transaction; of a dry run nothing stays."""
        with suppress(_Undo), self._database.write() as tx:
            yield tx
            if dry_run:
                raise _Undo


class _Undo(Exception):
    """Ends a transaction without a commit."""


def wire_of(value: Any) -> Any:
    """A value as the API's JSON has it, dataclasses in full."""
    if is_dataclass(value):
        return {field.name: wire_of(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return wire_time(value)
    if isinstance(value, Mapping):
        return {key: wire_of(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(value, (list, tuple)):
        return [wire_of(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    return value


def _name(run: FlowRun) -> str:
    return run.state.name if run.state else "without a state"


def _is(run: FlowRun, word: str) -> bool:
    known = state_type(word)
    if run.state is None:
        return False
    if known and known[1] is None:
        return run.state.type == known[0]
    return run.state.name.lower() == word.lower()


def _reason(result: OrchestrationResult) -> str | None:
    if isinstance(result.details, StateAcceptDetails):
        return None
    if isinstance(result.details, StateWaitDetails):
        return f"{result.details.reason} (try again in {result.details.delay_seconds} s)"
    return result.details.reason
