"""The events that flowctl emits about its own objects, with Prefect's names, labels and payloads."""

from __future__ import annotations

from datetime import timedelta

from flowctl.db.database import Tx
from flowctl.db.queries import related_resources
from flowctl.domain.concurrency_limits import ConcurrencyLimitV2
from flowctl.domain.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, ReceivedEvent
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.states import State, StateType
from flowctl.domain.values import Actor, JSONObject
from flowctl.ops import events

LONGEST_MESSAGE = 100_000
"""Characters; some users put whole results into state messages."""

TIGHT = timedelta(minutes=5)
"""States closer than this are chained by `follows`, because their events may arrive in the wrong order."""


def emit_flow_run_state(tx: Tx, run: FlowRun, initial: State | None, state: State) -> None:
    """Announce a flow run's new state as `prefect.flow-run.<name>`; the event's id is the state's."""
    event = ReceivedEvent(
        id=state.id,
        occurred=state.timestamp,
        received=tx.now,
        event=f"prefect.flow-run.{state.name}",
        resource={
            RESOURCE_ID: f"prefect.flow-run.{run.id}",
            RESOURCE_NAME: run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-message": _shortened(state.message or ""),
            "prefect.state-name": state.name,
            "prefect.state-timestamp": state.timestamp.isoformat(),
            "prefect.state-type": state.type.value,
        },
        related=_related_to_flow_run(tx, run),
        payload={
            "intended": {"from": initial.type.value if initial else None, "to": state.type.value},
            "initial_state": _state_payload(initial) if initial else None,
            "validated_state": _state_payload(state),
        },
        follows=initial.id if initial and abs(state.timestamp - initial.timestamp) < TIGHT else None,
    )
    events.emit(tx, event)


def emit_concurrency_limit(tx: Tx, action: str, limit: ConcurrencyLimitV2) -> None:
    """Announce that a limit was `created`, `updated` or `deleted`."""
    payload: JSONObject = {
        "name": limit.name,
        "limit": limit.limit,
        "active": limit.active,
        "slot_decay_per_second": limit.slot_decay_per_second,
    }
    emit(tx, f"prefect.concurrency-limit.{action}", f"prefect.concurrency-limit.{limit.id}", limit.name, payload)


def emit(
    tx: Tx,
    event: str,
    resource_id: str,
    name: str | None,
    payload: JSONObject,
    related: list[dict[str, str]] | None = None,
) -> None:
    """Announce something about an object that happens now."""
    resource = {RESOURCE_ID: resource_id}
    if name is not None:
        resource[RESOURCE_NAME] = name
    events.emit(
        tx,
        ReceivedEvent(
            id=tx.new_time_id(),
            occurred=tx.now,
            received=tx.now,
            event=event,
            resource=resource,
            related=related or [],
            payload=payload,
        ),
    )


def _related_to_flow_run(tx: Tx, run: FlowRun) -> list[dict[str, str]]:
    """What the run belongs to, the tags of all of these, and who created it."""
    around = related_resources.around_flow_run(tx, run.id)
    tags = set(run.tags)
    related: list[dict[str, str]] = []
    for each in around:
        tags.update(each.tags)
        labels = {RESOURCE_ID: f"prefect.{each.kind}.{each.id}", RESOURCE_ROLE: each.kind, RESOURCE_NAME: each.name}
        if each.type is not None:
            labels["prefect.work-pool.type"] = each.type
        related.append(labels)
    related += [{RESOURCE_ID: f"prefect.tag.{tag}", RESOURCE_ROLE: "tag"} for tag in sorted(tags)]
    return related + _creator(run.created_by)


def _creator(created_by: Actor | None) -> list[dict[str, str]]:
    if created_by is None or created_by.type not in ("DEPLOYMENT", "AUTOMATION"):
        return []
    labels = {RESOURCE_ID: f"prefect.{created_by.type.lower()}.{created_by.id}", RESOURCE_ROLE: "creator"}
    if created_by.display_value:
        labels[RESOURCE_NAME] = created_by.display_value
    return [labels]


def _state_payload(state: State) -> dict[str, str]:
    payload = {"type": state.type.value, "name": state.name}
    if state.message:
        payload["message"] = _shortened(state.message)
    if state.type is StateType.PAUSED:
        payload["pause_reschedule"] = str(state.state_details.pause_reschedule).lower()
    return payload


def _shortened(text: str) -> str:
    """A long text without its middle."""
    if len(text) <= LONGEST_MESSAGE:
        return text
    half = LONGEST_MESSAGE // 2
    shorter = f"{text[:half]}...{len(text) - 2 * half} additional characters...{text[-half:]}"
    return shorter if len(shorter) < len(text) else text
