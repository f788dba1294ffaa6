"""Concurrency limits: named numbers of slots, and the leases that hold some of them.

A limit on a tag is the limit named `tag:<tag>`; that of a deployment is named `deployment:<id>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias
from uuid import UUID

from annotated_types import Ge, Gt, Le
from typing_extensions import TypedDict

from flowctl.domain.values import PROPER_NAME, STRICT_BODY, NonNegative

TAG_PREFIX = "tag:"

Name: TypeAlias = Annotated[str, PROPER_NAME]
HolderType: TypeAlias = Literal["flow_run", "task_run", "deployment"]
Mode: TypeAlias = Literal["concurrency", "rate_limit"]
LeaseDuration: TypeAlias = Annotated[float, Ge(60), Le(86400)]
"""Seconds."""


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimitV2:
    """A limit as `POST /v2/concurrency_limits/` answers it."""

    id: UUID
    created: datetime
    updated: datetime
    active: bool = True
    name: str
    limit: int
    active_slots: int = 0
    """Slots taken, as of the transaction's `now`."""
    denied_slots: int = 0
    """Slots that were asked for in vain lately; they make the next wait longer."""
    slot_decay_per_second: float = 0.0
    """Above 0 the limit is one of rate: slots become free by themselves."""
    avg_slot_occupancy_seconds: float = 2.0

    @property
    def tag(self) -> str | None:
        """The tag that the limit is about, or None."""
        return self.name.removeprefix(TAG_PREFIX) if self.name.startswith(TAG_PREFIX) else None


@dataclass(slots=True, kw_only=True)
class GlobalConcurrencyLimit:
    """A limit as it is read (Prefect: GlobalConcurrencyLimitResponse)."""

    id: UUID
    created: datetime
    updated: datetime
    active: bool
    name: str
    limit: int
    active_slots: int
    slot_decay_per_second: float


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimitV2Create:
    """Body of `POST /v2/concurrency_limits/`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: Name
    limit: NonNegative
    active: bool = True
    active_slots: NonNegative = 0
    denied_slots: NonNegative = 0
    slot_decay_per_second: Annotated[float, Ge(0)] = 0.0


class ConcurrencyLimitV2Update(TypedDict, total=False):
    """Body of `PATCH /v2/concurrency_limits/{id_or_name}`: the keys present are the keys sent."""

    __pydantic_config__ = STRICT_BODY  # pyright: ignore[reportGeneralTypeIssues] - pydantic reads it from the class

    active: bool | None
    name: Name | None
    limit: NonNegative | None
    active_slots: NonNegative | None
    denied_slots: NonNegative | None
    slot_decay_per_second: Annotated[float, Ge(0)] | None


@dataclass(slots=True, kw_only=True)
class MinimalConcurrencyLimit:
    """A limit of which slots were taken or given back."""

    id: UUID
    name: str
    limit: int


@dataclass(slots=True, kw_only=True)
class LeaseHolder:
    """Who holds a lease."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    type: HolderType
    id: UUID


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimitWithLease:
    """Slots taken under a lease."""

    lease_id: UUID
    limits: list[MinimalConcurrencyLimit]


@dataclass(slots=True, kw_only=True)
class ConcurrencyLease:
    """A hold on slots of some limits; when it runs out they become free."""

    id: UUID
    created: datetime
    expiration: datetime | None
    """None: it never runs out."""
    slots: int = 1
    """Of each limit."""
    holder_type: HolderType | None = None
    holder_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class Increment:
    """Body of `POST /v2/concurrency_limits/increment`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    slots: Annotated[int, Gt(0)]
    names: list[str]
    mode: Mode = "concurrency"
    create_if_missing: bool | None = None
    """Deprecated in Prefect and without effect: limits are made before they are used."""


@dataclass(slots=True, kw_only=True)
class IncrementWithLease:
    """Body of `POST /v2/concurrency_limits/increment-with-lease`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    slots: Annotated[int, Gt(0)]
    names: list[str]
    mode: Mode = "concurrency"
    lease_duration: LeaseDuration = 300.0
    holder: LeaseHolder | None = None


@dataclass(slots=True, kw_only=True)
class Decrement:
    """Body of `POST /v2/concurrency_limits/decrement`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    slots: Annotated[int, Gt(0)]
    names: list[str]
    occupancy_seconds: Annotated[float, Gt(0)] | None = None
    create_if_missing: bool | None = None
    """Deprecated in Prefect and without effect."""


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimit:
    """A limit on a tag, as the first generation of the API has it."""

    id: UUID
    created: datetime
    updated: datetime
    tag: str
    concurrency_limit: int
    active_slots: list[UUID] = field(default_factory=list[UUID])
    """The task runs that hold a slot."""


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimitCreate:
    """Body of `POST /concurrency_limits/`."""

    __pydantic_config__: ClassVar[object] = STRICT_BODY

    tag: str
    concurrency_limit: int


@dataclass(slots=True, kw_only=True)
class TagSlots:
    """Body of `increment` and `decrement` of the first generation."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    names: list[str]
    """Tags."""
    task_run_id: UUID


@dataclass(slots=True, kw_only=True)
class LimitsQuery:
    """Body of both generations' `filter`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    limit: int | None = None
    offset: NonNegative = 0


@dataclass(slots=True, kw_only=True)
class LeaseReturn:
    """Body of `POST /v2/concurrency_limits/decrement-with-lease`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    lease_id: UUID


@dataclass(slots=True, kw_only=True)
class LeaseRenewal:
    """Body of `POST /v2/concurrency_limits/leases/{lease_id}/renew`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    lease_duration: LeaseDuration = 300.0


@dataclass(slots=True, kw_only=True)
class TagReset:
    """Body of `POST /concurrency_limits/tag/{tag}/reset`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    slot_override: list[UUID] | None = None
    """The task runs that shall hold a slot from now on."""
