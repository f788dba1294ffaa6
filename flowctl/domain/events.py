"""Events: what happened to which resource.  As they are sent by clients (Event) and as they are stored (ReceivedEvent).

A resource is a dict of labels; `prefect.resource.id` names it, and in a related resource `prefect.resource.role` says
what it has to do with the event.  Filters on events live in `event_filters.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from flowctl.domain.values import JSONObject

RESOURCE_ID = "prefect.resource.id"
RESOURCE_NAME = "prefect.resource.name"
RESOURCE_ROLE = "prefect.resource.role"

MAXIMUM_NAME_LENGTH = 1024
MAXIMUM_LABELS = 500
MAXIMUM_RELATED = 100


class Check:
    """Marks a value (`Annotated[…, Check(function)]`) that a function must accept; pydantic finds it by name.

    The function returns the value or raises ValueError with the message for the client.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return {
            "type": "function-after",
            "function": {"type": "no-info", "function": self.function},
            "schema": handler(source),
        }


def check_resource(labels: dict[str, str]) -> dict[str, str]:
    """Raise ValueError unless these are labels of a resource (the messages are Prefect's)."""
    if len(labels) > MAXIMUM_LABELS:
        raise ValueError(f"The maximum number of labels per resource is {MAXIMUM_LABELS}")
    if RESOURCE_ID not in labels:
        raise ValueError("Resources must include the prefect.resource.id label")
    if not labels[RESOURCE_ID]:
        raise ValueError("The prefect.resource.id label must be non-empty")
    return labels


def check_related_resource(labels: dict[str, str]) -> dict[str, str]:
    """Raise ValueError unless these are labels of a resource with a role."""
    check_resource(labels)
    if RESOURCE_ROLE not in labels:
        raise ValueError("Related Resources must include the prefect.resource.role label")
    if not labels[RESOURCE_ROLE]:
        raise ValueError("The prefect.resource.role label must be non-empty")
    return labels


def _check_name(name: str) -> str:
    if len(name) > MAXIMUM_NAME_LENGTH:
        raise ValueError(f"Event name must be at most {MAXIMUM_NAME_LENGTH} characters")
    return name


def _check_related(related: list[dict[str, str]]) -> list[dict[str, str]]:
    if len(related) > MAXIMUM_RELATED:
        raise ValueError(f"The maximum number of related resources is {MAXIMUM_RELATED}")
    return related


Resource: TypeAlias = Annotated[dict[str, str], Check(check_resource)]
RelatedResource: TypeAlias = Annotated[dict[str, str], Check(check_related_resource)]


@dataclass(slots=True, kw_only=True)
class Event:
    """An event as a client sends it."""

    occurred: datetime
    event: Annotated[str, Check(_check_name)]
    """Its name, such as `prefect.flow-run.Completed`."""
    resource: Resource
    related: Annotated[list[RelatedResource], Check(_check_related)] = field(default_factory=list[dict[str, str]])
    payload: JSONObject = field(default_factory=dict[str, Any])
    id: UUID
    follows: UUID | None = None
    """The event of the same chain before this one, to put those in order that arrive out of it."""

    @property
    def resource_id(self) -> str:
        """The `prefect.resource.id` of what the event is about."""
        return self.resource[RESOURCE_ID]

    def related_in_role(self, role: str) -> dict[str, str] | None:
        """The first related resource with this role, or None."""
        return next((related for related in self.related if related[RESOURCE_ROLE] == role), None)

    def receive(self, moment: datetime) -> ReceivedEvent:
        """The event as the server has it from now on."""
        return ReceivedEvent(
            occurred=self.occurred,
            event=self.event,
            resource=self.resource,
            related=self.related,
            payload=self.payload,
            id=self.id,
            follows=self.follows,
            received=moment,
        )


@dataclass(slots=True, kw_only=True)
class ReceivedEvent(Event):
    """An event as it is stored and answered."""

    received: datetime


def prefect_object_id(resource: dict[str, str], kind: str) -> UUID:
    """The id in a `prefect.resource.id` such as `prefect.task-run.<id>`.

    Raises ValueError when the resource is of another kind or has no such id.
    """
    prefix, _, id = resource[RESOURCE_ID].rpartition(".")
    if prefix != kind:
        raise ValueError(f"Resource {resource[RESOURCE_ID]!r} is no {kind}")
    return UUID(id)
