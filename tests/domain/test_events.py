"""Events: what is accepted as one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from flowctl import wire
from flowctl.domain.errors import Invalid
from flowctl.domain.events import Event, prefect_object_id

ID = "01a1fb7d-378c-7084-ba86-0b21f6c955fe"
SENT: dict[str, Any] = {
    "occurred": "2026-03-01T12:00:00Z",
    "event": "demo.happened",
    "resource": {"prefect.resource.id": "demo.1"},
    "id": ID,
}


def validated(**changes: Any) -> Event:
    return wire.adapter(Event).validate({**SENT, **changes})


def test_an_event_needs_a_time_a_name_a_resource_and_an_id() -> None:
    event = validated()
    assert event == Event(
        occurred=datetime(2026, 3, 1, 12, tzinfo=UTC),
        event="demo.happened",
        resource={"prefect.resource.id": "demo.1"},
        id=UUID(ID),
    )
    with pytest.raises(Invalid) as caught:
        wire.adapter(Event).validate({})
    assert [entry["loc"] for entry in caught.value.entries] == [
        ["body", "occurred"],
        ["body", "event"],
        ["body", "resource"],
        ["body", "id"],
    ]


@pytest.mark.parametrize(
    ("changes", "loc", "message"),
    [
        ({"resource": {}}, ["body", "resource"], "Resources must include the prefect.resource.id label"),
        (
            {"resource": {"prefect.resource.id": ""}},
            ["body", "resource"],
            "The prefect.resource.id label must be non-empty",
        ),
        (
            {"resource": {"prefect.resource.id": "x", **{str(n): "" for n in range(500)}}},
            ["body", "resource"],
            "The maximum number of labels per resource is 500",
        ),
        (
            {"related": [{"prefect.resource.id": "x"}]},
            ["body", "related", 0],
            "Related Resources must include the prefect.resource.role label",
        ),
        (
            {"related": [{"prefect.resource.id": "x", "prefect.resource.role": ""}]},
            ["body", "related", 0],
            "The prefect.resource.role label must be non-empty",
        ),
        (
            {"related": [{"prefect.resource.id": "x", "prefect.resource.role": "r"}] * 101},
            ["body", "related"],
            "The maximum number of related resources is 100",
        ),
        ({"event": "x" * 1025}, ["body", "event"], "Event name must be at most 1024 characters"),
    ],
)
def test_limits_are_prefects(changes: dict[str, Any], loc: list[str | int], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        validated(**changes)
    assert [(entry["loc"], entry["msg"]) for entry in caught.value.entries] == [(loc, f"Value error, {message}")]


def test_the_first_related_resource_in_a_role_counts() -> None:
    first, second = ({"prefect.resource.id": id, "prefect.resource.role": "owner"} for id in ("a", "b"))
    event = validated(related=[first, second])
    assert event.related_in_role("owner") == first
    assert event.related_in_role("flow") is None


def test_prefect_object_id_minds_the_kind() -> None:
    assert prefect_object_id({"prefect.resource.id": f"prefect.flow.{ID}"}, "prefect.flow") == UUID(ID)
    for id in (f"prefect.flow-run.{ID}", "prefect.flow.x", ID):
        with pytest.raises(ValueError, match=r"."):
            prefect_object_id({"prefect.resource.id": id}, "prefect.flow")
