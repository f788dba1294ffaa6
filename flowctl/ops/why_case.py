"""The case of one flow run, on which `why` collects causes and checks, and the commands that it offers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import why as queries
from flowctl.db.shapes import wire_time
from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.spans import age
from flowctl.domain.states import State
from flowctl.domain.values import JSONValue
from flowctl.domain.why import Cause, Check, Fix
from flowctl.orchestration.facts import SlotLimit


@dataclass(slots=True)
class Case:
    """A run, what surrounds it, and what has been found out about it so far.

    state   its present state
    follow  other runs whose own case goes on where this one ends: holders of slots, subflows, a parent
    """

    tx: Tx
    run: FlowRun
    state: State
    around: queries.Surroundings
    causes: list[Cause] = field(default_factory=list[Cause])
    checks: list[Check] = field(default_factory=list[Check])
    follow: list[UUID] = field(default_factory=list[UUID])

    @property
    def now(self) -> datetime:
        """The instant of the transaction."""
        return self.tx.now

    @property
    def deployment(self) -> str:
        """FLOW/DEPLOYMENT."""
        return f"{self.around.flow}/{self.around.deployment}"

    def seconds_since(self, moment: datetime) -> float:
        """Seconds from a time until now; states of one instant are kept some microseconds apart, which do not count."""
        return round((self.now - moment).total_seconds(), 3)

    def blame(
        self,
        code: str,
        subject: str,
        summary: str,
        *,
        reason: str,
        blocks: bool = False,
        fixes: Sequence[Fix] = (),
        **evidence: JSONValue,
    ) -> None:
        """Add a cause; ids and times of its evidence become texts, and what is None is left out."""
        self.causes.append(
            Cause(
                code=code,
                subject=subject,
                summary=summary,
                reason=reason,
                blocks=blocks,
                flow_run_id=self.run.id,
                flow_run_name=self.run.name,
                evidence={name: _plain(value) for name, value in evidence.items() if value is not None},
                fixes=list(fixes),
            )
        )

    def pass_check(self, subject: str, summary: str) -> None:
        """Add something that is in order."""
        self.checks.append(Check(subject=subject, summary=summary))

    def ago(self, moment: datetime | None) -> str:
        """`22m ago`, `never`."""
        return "never" if moment is None else f"{age(self.seconds_since(moment))} ago"


def full_limit(case: Case, limit: SlotLimit, subject: str, what: str, *, code: str, reason: str) -> None:
    """A limit of which no slot is free, with those who hold its slots; the oldest of them may have a cause itself."""
    holders = queries.holders(case.tx, limit.id)
    named = [_named(case, each) for each in holders]
    held_by = f", held by {'; '.join(named)}" if named else ", held by somebody who took them by name"
    more = round(limit.active_slots) - sum(each.slots for each in holders)
    others = f" and {more} more" if named and more > 0 else ""
    runs = list(dict.fromkeys(each.flow_run_id for each in holders if each.flow_run_id))
    if limit.limit == 0:
        held_by = others = ""
    case.blame(
        code,
        subject,
        f"{what}: {limit.active_slots:g} of {limit.limit} slots taken{held_by}{others}",
        reason=reason,
        blocks=limit.limit == 0,
        fixes=[
            raise_limit(limit.name, limit.limit + 1),
            *(cancel(id) for id in runs[:1] if id != case.run.id),
        ],
        limit=limit.limit,
        active_slots=limit.active_slots,
        limit_name=limit.name,
        holders=[
            {"type": each.kind, "id": each.id and str(each.id), "name": each.name, "since": wire_time(each.since)}
            for each in holders
        ],
    )
    case.follow += [id for id in runs if id != case.run.id][:1]


def _named(case: Case, holder: queries.Holder) -> str:
    who = f"{holder.name}, {holder.state_name}," if holder.name else "somebody without a run"
    return f"{who} for {age(case.seconds_since(holder.since))}"


# -- commands


def cancel(run_id: UUID) -> Fix:
    """Cancel a run."""
    return Fix(command=f"flowctl runs cancel {run_id}", effect="cancel the run", gives_up=True)


def start_now(run_id: UUID) -> Fix:
    """Schedule a run for this instant."""
    return Fix(command=f"flowctl runs reschedule {run_id} now", effect="make it due now")


def try_again(run: FlowRun) -> list[Fix]:
    """Let a run that has ended begin another attempt; without a deployment nobody could."""
    if run.deployment_id is None:
        return []
    return [Fix(command=f"flowctl runs retry {run.id}", effect="try again")]


def read_logs(run_id: UUID) -> Fix:
    """Read what a run logged."""
    return Fix(command=f"flowctl runs logs {run_id}", effect="read the log")


def resume(run_id: UUID, fields: Sequence[str] = ()) -> Fix:
    """Let a paused run go on, with the input that it waits for."""
    values = "".join(f" --input {shlex.quote(name)}=…" for name in fields)
    return Fix(command=f"flowctl runs resume {run_id}{values}", effect="let it go on", is_complete=not fields)


def mark_crashed(run_id: UUID) -> Fix:
    """Say that the process of a run is gone."""
    command = f'flowctl runs set-state {run_id} crashed -m "its process is gone"'
    return Fix(command=command, effect="mark it Crashed")


def reap() -> Fix:
    """Mark all runs Crashed whose processes are gone."""
    return Fix(command="flowctl runs reap", effect="mark the runs of dead processes Crashed")


def start_server() -> Fix:
    """Start the server."""
    return Fix(command="flowctl serve", effect="start the server")


def start_worker(pool: str) -> Fix:
    """Start a worker."""
    return Fix(command=f"prefect worker start --pool {shlex.quote(pool)}", effect="start a worker")


def start_runner(deployment: str) -> Fix:
    """Start a process that takes the runs of a deployment."""
    return Fix(command=f"flowctl runner start --name {shlex.quote(deployment)}", effect="start a runner")


def resume_deployment(name: str) -> Fix:
    """Let the schedules of a deployment make runs again."""
    return Fix(command=f"flowctl deployments resume {shlex.quote(name)}", effect="resume the deployment")


def resume_pool(pool: str) -> Fix:
    """Let workers take runs from a pool again."""
    return Fix(command=f"prefect work-pool resume {shlex.quote(pool)}", effect="resume the pool")


def resume_queue(pool: str | None, queue: str) -> Fix:
    """Let workers take runs from a queue again."""
    of = f" --pool {shlex.quote(pool)}" if pool else ""
    return Fix(command=f"prefect work-queue resume {shlex.quote(queue)}{of}", effect="resume the queue")


def raise_limit(name: str, limit: int) -> Fix:
    """Let more run at the same time."""
    return Fix(command=f"prefect gcl update {shlex.quote(name)} --limit {limit}", effect="raise the limit")


def raise_pool_limit(pool: str, limit: int) -> Fix:
    """Let more runs of a pool be under way at the same time."""
    command = f"prefect work-pool set-concurrency-limit {shlex.quote(pool)} {limit}"
    return Fix(command=command, effect="raise the limit")


def raise_queue_limit(pool: str | None, queue: str, limit: int) -> Fix:
    """Let more runs of a queue be under way at the same time."""
    of = f" --pool {shlex.quote(pool)}" if pool else ""
    command = f"prefect work-queue set-concurrency-limit {shlex.quote(queue)} {limit}{of}"
    return Fix(command=command, effect="raise the limit")


def _plain(value: JSONValue) -> JSONValue:
    if isinstance(value, UUID):
        return str(value)
    return wire_time(value) if isinstance(value, datetime) else value
