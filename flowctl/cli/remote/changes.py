"""Changing flow runs on a server: states, resuming."""

from __future__ import annotations

import json
from typing import Any

from flowctl.cli import lookups
from flowctl.cli.api.door import Door
from flowctl.cli.results import Verdict
from flowctl.cli.run_query import state_type
from flowctl.db import shapes
from flowctl.domain.errors import NotFound, Refused
from flowctl.domain.states import StateCreate
from flowctl.domain.values import JSONObject


class Changes:
    """What commands may do to flow runs."""

    def __init__(self, door: Door) -> None:
        self._door = door

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

        expect   type or name that the present state must have when it is looked at, just before
        dry_run  tell what would be proposed; the server's rules are not asked
        Raises NotFound, and Refused if the run is not in the state that is expected.
        """
        run = self._run(id)
        if expect is not None and not _is(run, expect):
            raise Refused(f"{id} is {_name(run)}, not {expect}: it has moved.", remedy=f"flowctl runs show {id}")
        state: dict[str, Any] = {"type": proposed.type.value, "name": proposed.name, "message": proposed.message}
        state["state_details"] = json.loads(shapes.dumps(proposed.state_details))
        if dry_run:
            return _foreseen(run, state)
        return _verdict(run, self._door.post(f"/flow_runs/{id}/set_state", {"state": state, "force": force}))

    def resume(self, id: str, run_input: JSONObject | None, *, dry_run: bool = False) -> Verdict:
        """Let a paused run go on, with the input that it waits for.  Raises NotFound."""
        run = self._run(id)
        if dry_run:
            return _foreseen(run, {"type": "SCHEDULED", "name": "Resuming", "message": None})
        return _verdict(run, self._door.post(f"/flow_runs/{id}/resume", {"run_input": run_input}))

    def _run(self, id: str) -> dict[str, Any]:
        found = lookups.by_id(self._door, "flow_runs", [id])
        if id not in found:
            raise NotFound(f"Flow run {id} not found.", remedy="flowctl runs ls")
        return found[id]


def _verdict(run: dict[str, Any], answer: dict[str, Any]) -> Verdict:
    state = answer["state"]
    return Verdict(
        id=run["id"],
        name=run["name"],
        before=_name(run),
        after=state["name"] if state else _name(run),
        after_type=state and state["type"],
        accepted=answer["status"] == "ACCEPT",
        reason=_reason(answer["details"]),
        wire=answer,
    )


def _foreseen(run: dict[str, Any], state: dict[str, Any]) -> Verdict:
    """The verdict if the rules agree, which they are not asked about."""
    wire = {"state": state, "status": "ACCEPT", "details": {"type": "accept_details"}}
    return Verdict(
        id=run["id"],
        name=run["name"],
        before=_name(run),
        after=state["name"],
        after_type=state["type"],
        accepted=True,
        reason=None,
        wire=wire,
    )


def _reason(details: dict[str, Any]) -> str | None:
    reason = details.get("reason")
    if details.get("type") == "wait_details":
        return f"{reason} (try again in {details['delay_seconds']} s)"
    return reason


def _name(run: dict[str, Any]) -> str:
    return run["state_name"] or "without a state"


def _is(run: dict[str, Any], word: str) -> bool:
    known = state_type(word)
    if known and known[1] is None:
        return run["state_type"] == known[0]
    return (run["state_name"] or "").lower() == word.lower()
