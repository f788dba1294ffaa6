"""Changing flow runs on a server: states, resuming."""

from __future__ import annotations

import json
from typing import Any

from flowctl.cli import lookups
from flowctl.cli.api.door import Door
from flowctl.cli.results import Verdict
from flowctl.db import shapes
from flowctl.domain.errors import NotFound, Refused
from flowctl.domain.states import ExpectedState, StateCreate
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
        expect: ExpectedState | None = None,
        dry_run: bool = False,
    ) -> Verdict:
        """Propose a state.

        expect   what the present state must be; on a Prefect server it is looked at just before
        dry_run  tell what would become of it; a Prefect server's rules are not asked
        Raises NotFound, and Refused if the run is not in the state that is expected.
        """
        run = self._run(id)
        state: dict[str, Any] = {"type": proposed.type.value, "name": proposed.name, "message": proposed.message}
        state["state_details"] = json.loads(shapes.dumps(proposed.state_details))
        body: dict[str, Any] = {"state": state, "force": force}
        if expect is None and not dry_run:
            return _verdict(run, self._door.post(f"/flow_runs/{id}/set_state", body))
        if not self._door.is_prefect:
            body["dry_run"] = dry_run
            body["expected"] = expect and {"type": expect.type and expect.type.value, "name": expect.name}
            return _verdict(run, self._door.post(f"/flowctl/runs/{id}/set_state", body))
        if expect is not None and not expect.fits(run["state_type"], run["state_name"]):
            raise Refused(f"{id} is {_name(run)}, not {expect}: it has moved.")
        return _foreseen(run, state) if dry_run else _verdict(run, self._door.post(f"/flow_runs/{id}/set_state", body))

    def resume(self, id: str, run_input: JSONObject | None, *, dry_run: bool = False) -> Verdict:
        """Let a paused run go on, with the input that it waits for.  Raises NotFound."""
        run = self._run(id)
        if not dry_run:
            return _verdict(run, self._door.post(f"/flow_runs/{id}/resume", {"run_input": run_input}))
        if not self._door.is_prefect:
            body = {"run_input": run_input, "dry_run": True}
            return _verdict(run, self._door.post(f"/flowctl/runs/{id}/resume", body))
        return _foreseen(run, {"type": "SCHEDULED", "name": "Resuming", "message": None})

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
