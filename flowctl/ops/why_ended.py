"""Why a flow run ended: FAILED, CRASHED and CANCELLED runs, and what failed in one that completed."""

from __future__ import annotations

import re

from flowctl.db.queries import why as queries
from flowctl.domain import reasons
from flowctl.domain.spans import age, duration
from flowctl.domain.states import State, StateType
from flowctl.ops import why_case
from flowctl.ops.why_case import Case

_FAILED = "task_run.state_type IN ('FAILED', 'CRASHED')"
_NOT_READY = "task_run.state_name = 'NotReady' AND task_run.state_type = 'PENDING'"

_PLACE = re.compile(r'^\s*File "([^"]+)", line (\d+)', re.MULTILINE)

_BY_THE_SERVER = {
    reasons.PARENT_CANCELLED: "its parent was cancelled, and it with it",
    reasons.LIMIT_REACHED: "its deployment's limit was reached, and its strategy is to cancel new runs",
    "Deployment concurrency slot lost during provisioning - no slots available to continue execution": (
        "it took too long to start, and its deployment's slot went to another run"
    ),
    "Flow run cancellation timed out; marked this flow run as Cancelled.": (
        "its process did not confirm the cancellation in time, and the server ended it"
    ),
}


def failed(case: Case) -> None:
    """What the flow said, then which of its tasks and subflows failed, and which never ran because of them."""
    message = case.state.message or ""
    if reasons.is_expired_pause(message):
        _expired_pause(case, message)
    elif case.state.name == "TimedOut":
        case.blame(
            "timeout",
            "flow",
            f"exceeded its timeout after {duration(case.run.estimated_run_time)}: {reasons.last_line(message)}",
            reason=reasons.TIMED_OUT,
            fixes=[*why_case.try_again(case.run), why_case.read_logs(case.run.id)],
            message=message,
        )
    else:
        log = queries.last_error(case.tx, flow_run_id=case.run.id)
        _blame_exception(case, "flow_failed", "flow", "", message, log, attempts=_attempts(case))
    _parts(case)


def crashed(case: Case) -> None:
    """How its process ended, as far as somebody could tell."""
    message = case.state.message or ""
    process = f"process {case.run.infrastructure_pid}" if case.run.infrastructure_pid else None
    case.blame(
        "crashed",
        "process",
        " ".join(message.split()).rstrip(".") or f"{process or 'its process'} ended without a word",
        reason=reasons.ended(case.state.name, message) or reasons.PROCESS_ENDED,
        fixes=[*why_case.try_again(case.run), why_case.read_logs(case.run.id)],
        message=message or None,
        infrastructure_pid=case.run.infrastructure_pid,
        last_log=queries.last_log(case.tx, case.run.id),
    )
    _parts(case)


def cancelled(case: Case) -> None:
    """Who asked for it, and what it was doing then."""
    states = queries.last_states(case.tx, case.run.id)
    request = next((state for state in states if state.type is StateType.CANCELLING), None)
    before = next((state for state in states if state.type not in (StateType.CANCELLING, StateType.CANCELLED)), None)
    words = [state.message for state in (request, case.state) if state and state.message]
    known = next((word for word in words if word in _BY_THE_SERVER), None)
    was = f", while it was {before.name}" if before else ""
    message = words[0] if words else None
    if known:
        by, summary = "server", f"by the server: {_BY_THE_SERVER[known]}{was}"
    elif request:
        waited = case.seconds_since(request.timestamp) - case.seconds_since(case.state.timestamp)
        by, summary = "request", f"by request, {age(waited)} before its process had ended{was}{_said(request)}"
    elif before and before.type in (StateType.RUNNING, StateType.PENDING):
        by, summary = "client", f"by the program that ran it, or by force{was}{_said(case.state)}"
    else:
        by, summary = "request", f"by request; there was no process to be stopped{was}{_said(case.state)}"
    case.blame(
        "cancelled",
        "cancelled",
        summary,
        reason=reasons.cancelled(request.message if request else None, case.state.message),
        fixes=[*why_case.try_again(case.run), why_case.read_logs(case.run.id)],
        by=by,
        message=message,
        requested=request.timestamp if request else None,
    )
    if known == reasons.PARENT_CANCELLED and case.around.parent_id:
        case.follow.append(case.around.parent_id)


def completed(case: Case) -> None:
    """What failed in it all the same."""
    _parts(case)
    if not case.causes:
        case.pass_check("tasks", "none failed")


def _parts(case: Case) -> None:
    """Tasks and subflows that failed, and the tasks that could not run after them."""
    tasks = queries.tasks_in(case.tx, case.run.id, _FAILED)
    for task in tasks[: queries.MOST]:
        _task(case, task)
    if len(tasks) > queries.MOST:
        case.pass_check("more", "further tasks failed: flowctl runs logs shows them")
    children = queries.subflows_in(case.tx, case.run.id, ("FAILED", "CRASHED", "CANCELLED"))
    for child in children[: queries.MOST]:
        case.blame(
            "subflow_failed",
            "subflow",
            f"{child.name} is {child.state_name}{_message(child)}",
            reason=f"{child.name} {child.state_name}",
            child_flow_run_id=child.id,
        )
        case.follow.append(child.id)
    _not_ready(case)


def _task(case: Case, task: queries.Part) -> None:
    message = task.message or ""
    if task.state_name == "TimedOut":
        case.blame(
            "task_timeout",
            "task",
            f"{task.name} timed out: {reasons.last_line(message)}",
            reason=reasons.TIMED_OUT,
            fixes=[why_case.read_logs(case.run.id)],
            task_run_id=task.id,
            message=message,
        )
        return
    code = "task_crashed" if task.state_type == "CRASHED" else "task_failed"
    log = queries.last_error(case.tx, task_run_id=task.id)
    tries = f" in attempt {task.run_count}" if task.run_count > 1 else ""
    _blame_exception(case, code, "task", f"{task.name} failed{tries}: ", message, log, task_run_id=str(task.id))


def _not_ready(case: Case) -> None:
    tasks = queries.tasks_in(case.tx, case.run.id, _NOT_READY)
    if not tasks:
        return
    names = ", ".join(task.name for task in tasks[: queries.MOST])
    more = " and more" if len(tasks) > queries.MOST else ""
    case.blame(
        "upstream_failed",
        "upstream",
        f"{names}{more} never ran, because of a task before: {reasons.last_line(tasks[0].message or 'it failed')}",
        reason="upstream failed",
        task_run_ids=[str(task.id) for task in tasks],
        message=tasks[0].message,
    )


def _blame_exception(
    case: Case,
    code: str,
    subject: str,
    who: str,
    message: str,
    log: str | None,
    *,
    attempts: str = "",
    task_run_id: str | None = None,
) -> None:
    """A failure with the last line of its traceback, which the state's message has, else the last error in the log."""
    line = reasons.last_line(message) or reasons.last_line(log or "") or "failed without a message"
    places = _PLACE.findall(log) if log else []
    where = f"{places[-1][0]}:{places[-1][1]}" if places else None
    case.blame(
        code,
        subject,
        f"{who}{line}{f' (at {where})' if where else ''}{attempts}",
        reason=line,
        fixes=[
            *(why_case.try_again(case.run) if code == "flow_failed" else []),
            why_case.read_logs(case.run.id),
        ],
        task_run_id=task_run_id,
        message=message or None,
        error=line,
        where=where,
        traceback=log if log and "Traceback" in log else None,
    )


def _expired_pause(case: Case, message: str) -> None:
    case.blame(
        "pause_expired",
        "pause",
        f"nobody resumed it in time: {message.rstrip('.')}",
        reason=reasons.PAUSE_EXPIRED,
        fixes=why_case.try_again(case.run),
        message=message,
    )


def _attempts(case: Case) -> str:
    retries = case.run.empirical_policy.retries
    return f"; that was attempt {case.run.run_count} of {retries + 1}" if retries else ""


def _message(child: queries.Part) -> str:
    return f": {reasons.last_line(child.message)}" if child.message else ""


def _said(state: State) -> str:
    return f': "{reasons.last_line(state.message)}"' if state.message else ""
