"""What a run's owner asks of orchestration, and what it is told."""

from __future__ import annotations

import re
from dataclasses import InitVar, dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from flowctl.domain.states import State


class SetStateStatus(StrEnum):
    """The four answers to a proposed state."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    """Another state was put in its place, or the present one stands."""
    ABORT = "ABORT"
    """Nothing changed, and the client should stop."""
    WAIT = "WAIT"
    """Nothing changed; the client should propose again after some seconds."""


@dataclass(slots=True, kw_only=True)
class StateAcceptDetails:
    """Details of ACCEPT."""

    type: Literal["accept_details"] = "accept_details"


@dataclass(slots=True, kw_only=True)
class StateRejectDetails:
    """Details of REJECT."""

    type: Literal["reject_details"] = "reject_details"
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class StateAbortDetails:
    """Details of ABORT, and of a REJECT by `resume`."""

    type: Literal["abort_details"] = "abort_details"
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class StateWaitDetails:
    """Details of WAIT."""

    type: Literal["wait_details"] = "wait_details"
    delay_seconds: int
    reason: str | None = None


StateResponseDetails: TypeAlias = StateAcceptDetails | StateRejectDetails | StateAbortDetails | StateWaitDetails


@dataclass(kw_only=True)  # without slots: `_created` stands beside the fields that are answered
class OrchestrationResult:
    """The answer to a proposed state (Prefect: OrchestrationResult)."""

    state: State | None
    """The state the run is in now; None only when `resume` found the run not paused."""
    status: SetStateStatus
    details: StateResponseDetails
    written: InitVar[bool] = False

    def __post_init__(self, written: bool) -> None:
        self._created = written

    @property
    def created(self) -> bool:
        """Whether a state was written: the API answers 201, else 200."""
        return self._created


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks, as far as rules care: versions that the request's headers name."""

    api_version: tuple[int, int, int] | None = None
    """X-PREFECT-API-VERSION; None counts as the newest."""
    prefect_version: str | None = None
    """From the User-Agent `prefect/3.8.1 (API 0.8.4)`; None for the dashboard, the CLI and flowctl's own services."""
    _release: tuple[int, int, int, bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_release", _release(self.prefect_version or ""))

    def speaks(self, *version: int) -> bool:
        """Whether the client's API version is this one or a newer one."""
        return self.api_version is None or self.api_version >= version

    def is_prefect(self, *release: int) -> bool:
        """Whether it says that it is this release of Prefect's client or a newer one (a pre-release is older)."""
        return self._release >= (*release, True)


_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?P<pre>[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|dev)\d*)?")


def _release(text: str) -> tuple[int, int, int, bool]:
    """Sortable form of a version: numbers, then whether it is final."""
    match = _RELEASE.match(text)
    if match is None:
        return (0, 0, 0, False)
    major, minor, micro = (int(part or 0) for part in match.groups()[:3])
    return (major, minor, micro, match["pre"] is None)
