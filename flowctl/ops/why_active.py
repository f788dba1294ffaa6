"""Why a flow run that is under way does not get on: PENDING, RUNNING and CANCELLING runs, and their processes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timedelta

from flowctl import processes
from flowctl.db.facts import DbFacts
from flowctl.db.queries import why as queries
from flowctl.db.shapes import wire_time
from flowctl.domain import reasons
from flowctl.domain.concurrency_limits import TAG_PREFIX
from flowctl.domain.spans import age
from flowctl.domain.states import StateType
from flowctl.domain.why import Fix
from flowctl.ops import reap, why_case
from flowctl.ops.why_case import Case

_LONG_SILENCE_SECONDS = 900.0
"""A run without heartbeats that is silent for so long is worth a look."""

_UNDER_WAY = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")


def pending(case: Case) -> None:
    """Somebody said that it would start the run; has it?"""
    seconds = case.seconds_since(case.state.timestamp)
    if process(case):
        return
    stage = "" if case.state.name == "Pending" else f" ({case.state.name})"
    if case.run.infrastructure_pid or _process_is_known(case):
        case.blame(
            "starting",
            "process",
            f"its process was started and has not reported yet, {age(seconds)} after the run was taken{stage}",
            reason=reasons.pending(seconds) if seconds > reasons.PENDING_STUCK_SECONDS else "",
            fixes=[why_case.read_logs(case.run.id), why_case.cancel(case.run.id)],
            infrastructure_pid=case.run.infrastructure_pid,
        )
        return
    is_stuck = seconds > reasons.PENDING_STUCK_SECONDS
    taker = (
        f"a worker of pool '{case.around.pool}'"
        if case.around.pool
        else "a runner"
        if case.around.deployment
        else "the program that made it"
    )
    case.blame(
        "pending_no_process",
        "process",
        f"{taker} took it {age(seconds)} ago{stage}, and no process has reported since"
        + ("; what took it has probably died" if is_stuck else ""),
        reason=reasons.pending(seconds) if is_stuck else "",
        blocks=is_stuck,
        fixes=[*_start_again(case), why_case.cancel(case.run.id)] if is_stuck else [],
        pending_seconds=round(seconds, 3),
        state_name=case.state.name,
    )


def running(case: Case) -> None:
    """Whether its process lives, and what its tasks and subflows wait for."""
    process(case)
    _tasks_without_slot(case)
    waiting = queries.tasks_in(case.tx, case.run.id, "task_run.state_name = 'AwaitingRetry'")
    for task in waiting[: queries.MOST]:
        _task_retry(case, task)
    blocked = queries.tasks_in(case.tx, case.run.id, "task_run.state_type = 'PAUSED'")
    if blocked:
        case.blame(
            "task_paused",
            "task",
            f"{_names(blocked)} {'waits' if len(blocked) == 1 else 'wait'} for a pause to end",
            reason=reasons.PAUSED,
            fixes=[why_case.resume(case.run.id)],
            task_run_ids=[str(task.id) for task in blocked],
        )
    for child in queries.subflows_in(case.tx, case.run.id, _UNDER_WAY)[: queries.MOST]:
        if child.state_type == "RUNNING":
            case.pass_check("subflow", f"{child.name} is {child.state_name}")
        else:
            case.blame(
                "waits_for_subflow",
                "subflow",
                f"waits for {child.name}, which is {child.state_name}",
                reason=f"waits for {child.name}",
                child_flow_run_id=child.id,
            )
        case.follow.append(child.id)
    going = queries.tasks_in(case.tx, case.run.id, "task_run.state_type = 'RUNNING'")
    if going:
        case.pass_check("tasks", f"{_names(going)} running")


def cancelling(case: Case) -> None:
    """Whose turn it is to stop it, and when the server does so by itself."""
    seconds = case.seconds_since(case.state.timestamp)
    timeout = timedelta(seconds=case.tx.settings.cancellation_cleanup_cancelling_timeout_seconds)
    left = (case.state.timestamp + timeout - case.now).total_seconds()
    then = f"the server ends it in {age(left)}" if left > 0 else "the server should have ended it by now"
    by = f" ({case.state.message})" if case.state.message else ""
    process(case)
    case.blame(
        "cancelling",
        "cancellation",
        f"asked to stop {age(seconds)} ago{by}; its process has not confirmed it, and {then}",
        reason=reasons.STOPPING,
        blocks=left <= 0,
        fixes=[
            Fix(command=f"flowctl runs set-state {case.run.id} cancelled --force", effect="end it without its process")
        ],
        requested=case.state.timestamp,
        message=case.state.message,
        ends_at=case.state.timestamp + timeout,
    )


def process(case: Case) -> bool:
    """Look for the run's process; adds the cause `process_dead` and tells so if it is gone."""
    known = queries.process_of(case.tx, case.run.id)
    heartbeat = queries.last_event(case.tx, case.run.id, reap.HEARTBEAT)
    sign = _last_sign(case)
    silence = case.seconds_since(sign)
    is_silent = silence > case.tx.settings.reaper_after_seconds
    proof = processes.evidence_of_death(known) if known else None
    if proof is None and known is None:
        proof = _evidence_by_pid(case.run.infrastructure_pid) if is_silent else None
    if proof is None and heartbeat and case.seconds_since(heartbeat) > case.tx.settings.reaper_after_seconds:
        proof = f"heartbeats have stopped: the last one came {case.ago(heartbeat)}." if is_silent else None
    if proof is None:
        if known:
            where = f"process {known.pid} of {processes.host_of(known.machine)}"
            case.pass_check("process", f"{where}, heard of {case.ago(sign)}")
        elif heartbeat:
            case.pass_check("process", f"heartbeat {case.ago(heartbeat)}")
        elif case.state.type is StateType.RUNNING:
            _unknown_process(case, silence, sign)
        return False
    case.blame(
        "process_dead",
        "process",
        f"{proof.rstrip('.')}; the run was last heard of {case.ago(sign)}",
        reason="process is dead",
        blocks=True,
        fixes=[why_case.reap(), why_case.mark_crashed(case.run.id)]
        if known and case.state.type is StateType.RUNNING and is_silent
        else [why_case.mark_crashed(case.run.id)],
        pid=known.pid if known else case.run.infrastructure_pid,
        host=processes.host_of(known.machine) if known else None,
        last_heartbeat=heartbeat,
        last_sign=sign,
    )
    return True


def _unknown_process(case: Case, silence: float, sign: datetime) -> None:
    """A run whose process this machine cannot see: it may be elsewhere, or gone without a word."""
    if silence < _LONG_SILENCE_SECONDS:
        case.pass_check("process", f"not known here; the run was heard of {case.ago(sign)}")
        return
    case.blame(
        "silent",
        "process",
        f"no log line, task or heartbeat came for {age(silence)}, and its process is not known here; "
        "if that is gone, the run stays Running for ever",
        reason=f"silent for {age(silence)}",
        fixes=[why_case.read_logs(case.run.id), why_case.mark_crashed(case.run.id)],
        last_sign=sign,
    )


def _process_is_known(case: Case) -> bool:
    return queries.process_of(case.tx, case.run.id) is not None


def _last_sign(case: Case) -> datetime:
    """When the run was last heard of."""
    found = (
        queries.last_event(case.tx, case.run.id),
        queries.last_log(case.tx, case.run.id),
        queries.last_task(case.tx, case.run.id),
    )
    return max([case.state.timestamp, *(moment for moment in found if moment)])


def _evidence_by_pid(identifier: str | None) -> str | None:
    """What a worker noted as the run's process (`8121`, `host:8121`), if it is a process of this machine and gone."""
    host, _, number = (identifier or "").rpartition(":")
    if not number.isdecimal() or (host and host != processes.host_of(processes.this_machine())):
        return None
    with suppress(ProcessLookupError, PermissionError, OverflowError):
        os.kill(int(number), 0)
        return None
    return f"process {number} is not on this machine." if processes.look_up(int(number)) is None else None


def _start_again(case: Case) -> list[Fix]:
    """Let somebody else take a run that is Pending for nobody."""
    if case.run.deployment_id is None:
        return []
    return [why_case.start_now(case.run.id)]


def _tasks_without_slot(case: Case) -> None:
    """The limits on tags of tasks that are PENDING."""
    from_tags: dict[str, list[queries.Part]] = {}
    for task, tags in queries.task_tags(case.tx, case.run.id):
        for tag in json.loads(tags):
            from_tags.setdefault(tag, []).append(task)
    if not from_tags:
        return
    for limit in DbFacts(case.tx, case.run).tag_limits(list(from_tags)):
        if not limit.active or limit.has_free_slot:
            continue
        tasks = from_tags[limit.name.removeprefix(TAG_PREFIX)]
        why_case.full_limit(
            case,
            limit,
            "tag limit",
            f"{_names(tasks)} {'needs' if len(tasks) == 1 else 'need'} a slot of tag '{limit.tag}'",
            code="tag_limit_full",
            reason=reasons.slot(f"tag '{limit.tag}'", limit.active_slots, limit.limit),
        )


def _task_retry(case: Case, task: queries.Part) -> None:
    left = -case.seconds_since(task.next_start) if task.next_start else 0.0
    when = f"begins in {age(left)}" if left > 0 else "is due"
    case.blame(
        "task_retry_delay",
        "task",
        f"attempt {task.run_count + 1} of task {task.name} {when}"
        + (f"; the one before failed: {reasons.last_line(task.message)}" if task.message else ""),
        reason=reasons.retry(task.run_count + 1, None, left),
        task_run_id=task.id,
        next_start=task.next_start and wire_time(task.next_start),
        message=task.message,
    )


def _names(tasks: list[queries.Part]) -> str:
    shown = ", ".join(task.name for task in tasks[: queries.MOST])
    more = "" if len(tasks) <= queries.MOST else " and more"
    return f"{'task' if len(tasks) == 1 else 'tasks'} {shown}{more}"
