"""States of flow runs and task runs, and constructors for the ones that flowctl itself proposes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, cast
from uuid import UUID

from flowctl.domain.values import OPEN_PART, STRICT_BODY, JSONObject, JSONValue, changed


class StateType(StrEnum):
    """The nine kinds of state; a state's name says more (`Late` is SCHEDULED)."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED})


@dataclass(slots=True, kw_only=True)
class StateDetails:
    """What a state carries besides its type, name and message (Prefect: StateDetails)."""

    __pydantic_config__: ClassVar[object] = OPEN_PART

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: datetime | None = None
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    deferred: bool | None = False
    untrackable_result: bool = False
    pause_timeout: datetime | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class State:
    """A state as it is stored and answered; `id` is also the id of the event that announces it."""

    id: UUID
    type: StateType
    name: str
    timestamp: datetime
    message: str | None = None
    data: JSONValue = None
    state_details: StateDetails = field(default_factory=StateDetails)

    @property
    def is_final(self) -> bool:
        """Whether the run is over unless someone starts it again."""
        return self.type in TERMINAL

    def with_details(self, **changes: object) -> State:
        """A copy with other `state_details`."""
        return changed(self, state_details=changed(self.state_details, **changes))

    def to_create(self) -> StateCreate:
        """The same state as a proposal, without its id and time."""
        return StateCreate(
            type=self.type,
            name=self.name,
            message=self.message,
            data=self.data,
            state_details=replace(self.state_details),
        )


@dataclass(slots=True, kw_only=True)
class StateCreate:
    """A state as a client proposes it; without a name it is called after its type."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    type: StateType
    name: str | None = None
    message: str | None = None
    data: JSONValue = None
    state_details: StateDetails = field(default_factory=StateDetails)

    def at(self, moment: datetime, id: UUID) -> State:
        """Make the state that would be stored now; SCHEDULED without a time is scheduled for now."""
        if self.type is StateType.SCHEDULED and self.state_details.scheduled_time is None:
            self.state_details.scheduled_time = moment
        return State(
            id=id,
            type=self.type,
            name=self.name or self.type.value.title(),
            timestamp=moment,
            message=self.message,
            data=self.data,
            state_details=self.state_details,
        )


@dataclass(slots=True, kw_only=True)
class SetState:
    """Body of `set_state`; `force` skips the rules, but not those that keep data whole."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    state: StateCreate
    force: bool = False


@dataclass(slots=True, kw_only=True)
class ExpectedState:
    """The state that a run must be in; None stands for any type or name."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    type: StateType | None = None
    name: str | None = None

    def fits(self, type: str | None, name: str | None) -> bool:
        """Whether a state of this type and name is the expected one; names are compared in any case."""
        is_type = self.type is None or self.type == type
        return is_type and (self.name is None or self.name.lower() == (name or "").lower())

    def __str__(self) -> str:
        return self.name or (self.type.value.lower() if self.type else "any state")


@dataclass(slots=True, kw_only=True)
class ConditionalSetState:
    """A state that is proposed on a condition, or only to see what would become of it (`dry_run`)."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    state: StateCreate
    force: bool = False
    expected: ExpectedState | None = None
    dry_run: bool = False


def _proposal(type: StateType, name: str, message: str | None, details: StateDetails | None = None) -> StateCreate:
    return StateCreate(type=type, name=name, message=message, state_details=details or StateDetails())


def scheduled(at: datetime, message: str | None = None, *, name: str = "Scheduled") -> StateCreate:
    """SCHEDULED for the given time."""
    return _proposal(StateType.SCHEDULED, name, message, StateDetails(scheduled_time=at))


def late(at: datetime) -> StateCreate:
    """SCHEDULED "Late": the scheduled time has passed and nobody took the run."""
    return scheduled(at, name="Late")


def awaiting_retry(at: datetime, message: str | None = None) -> StateCreate:
    """SCHEDULED "AwaitingRetry"."""
    return scheduled(at, message, name="AwaitingRetry")


def awaiting_concurrency_slot(at: datetime, message: str | None = None) -> StateCreate:
    """SCHEDULED "AwaitingConcurrencySlot"."""
    return scheduled(at, message, name="AwaitingConcurrencySlot")


def pending(message: str | None = None, *, name: str = "Pending") -> StateCreate:
    """PENDING: somebody is about to start the run."""
    return _proposal(StateType.PENDING, name, message)


def running(message: str | None = None, *, name: str = "Running") -> StateCreate:
    """RUNNING."""
    return _proposal(StateType.RUNNING, name, message)


def completed(message: str | None = None) -> StateCreate:
    """COMPLETED."""
    return _proposal(StateType.COMPLETED, "Completed", message)


def failed(message: str | None = None) -> StateCreate:
    """FAILED."""
    return _proposal(StateType.FAILED, "Failed", message)


def crashed(message: str | None = None) -> StateCreate:
    """CRASHED: the process that executed the run is gone."""
    return _proposal(StateType.CRASHED, "Crashed", message)


def cancelled(message: str | None = None) -> StateCreate:
    """CANCELLED."""
    return _proposal(StateType.CANCELLED, "Cancelled", message)


def cancelling(message: str | None = None) -> StateCreate:
    """CANCELLING: whoever executes the run is asked to stop it."""
    return _proposal(StateType.CANCELLING, "Cancelling", message)


def paused(
    *, timeout: timedelta | None, now: datetime, reschedule: bool = False, key: str | None = None
) -> StateCreate:
    """PAUSED (or "Suspended" when the process ends meanwhile) until `now + timeout`."""
    details = StateDetails(pause_timeout=now + timeout if timeout else None, pause_reschedule=reschedule, pause_key=key)
    return _proposal(StateType.PAUSED, "Suspended" if reschedule else "Paused", None, details)


def is_unpersisted(data: JSONValue) -> bool:
    """Whether a state's data stands for a result that nobody keeps."""
    return isinstance(data, dict) and cast("JSONObject", data).get("type") == "unpersisted"
