"""Changing flow runs in the database file: states, resuming; each run in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from flowctl.cli.results import Verdict
from flowctl.db.database import Database, Tx
from flowctl.db.shapes import wire_time
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.orchestration import OrchestrationResult, SetStateStatus, StateAcceptDetails, StateWaitDetails
from flowctl.domain.states import ConditionalSetState, ExpectedState, StateCreate
from flowctl.domain.values import JSONObject
from flowctl.ops import flow_runs, proposals


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
        expect: ExpectedState | None = None,
        dry_run: bool = False,
    ) -> Verdict:
        """Propose a state.

        expect   what the present state must be
        dry_run  decide, and undo it
        Raises NotFound, and Refused if the run is not in the state that is expected.
        """
        proposal = ConditionalSetState(state=proposed, force=force, expected=expect, dry_run=dry_run)
        return self._change(id, lambda tx: proposals.set_flow_run_state(tx, UUID(id), proposal))

    def resume(self, id: str, run_input: JSONObject | None, *, dry_run: bool = False) -> Verdict:
        """Let a paused run go on, with the input that it waits for.  Raises NotFound."""
        return self._change(
            id, lambda tx: proposals.resume_flow_run(tx, UUID(id), run_input=run_input, dry_run=dry_run)
        )

    def _change(self, id: str, change: Callable[[Tx], OrchestrationResult]) -> Verdict:
        with self._database.write() as tx:
            run = flow_runs.read(tx, UUID(id))
            result = change(tx)
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


def _reason(result: OrchestrationResult) -> str | None:
    if isinstance(result.details, StateAcceptDetails):
        return None
    if isinstance(result.details, StateWaitDetails):
        return f"{result.details.reason} (try again in {result.details.delay_seconds} s)"
    return result.details.reason
