"""Why a flow run waits to be started or to go on: SCHEDULED and PAUSED runs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import cast
from uuid import UUID

from flowctl.db.facts import DbFacts
from flowctl.db.queries import why as queries
from flowctl.db.shapes import wire_time
from flowctl.domain import reasons
from flowctl.domain.spans import age
from flowctl.domain.values import JSONObject
from flowctl.domain.why import Fix
from flowctl.ops import absences, why_active, why_case
from flowctl.ops.why_case import Case


def scheduled(case: Case, *, is_serving: bool) -> None:
    """Its time, then its slot, then those who should take it."""
    due = case.run.next_scheduled_start_time or case.state.state_details.scheduled_time or case.state.timestamp
    ahead = -case.seconds_since(due)
    policy = case.run.empirical_policy
    is_kept = case.state.name == "AwaitingRetry" and policy.retry_type == "in_process"
    if case.state.name == "AwaitingRetry":
        _retry(case, ahead, is_kept=is_kept)
    elif ahead > 0 and case.state.name != "AwaitingConcurrencySlot":
        case.blame(
            "scheduled_later",
            "schedule",
            f"due in {age(ahead)}, at {wire_time(due)}",
            reason="",
            fixes=[why_case.start_now(case.run.id), why_case.cancel(case.run.id)],
            scheduled_time=due,
            by_schedule=case.run.auto_scheduled,
        )
    if case.run.deployment_id is None or case.around.deployment is None:
        if not is_kept:
            _without_deployment(case)
        elif ahead <= 0:
            why_active.process(case)
        return
    soon = ahead <= reasons.SOON_SECONDS
    if not is_serving:
        _services(case, soon=soon)
    if soon or case.state.name == "AwaitingConcurrencySlot":
        _deployment_limit(case)
    if not is_kept:
        _takers(case, soon=soon)
        _line(case, ahead)


def paused(case: Case, *, is_serving: bool) -> None:
    """What it waits for, and until when."""
    details = case.state.state_details
    seconds = case.seconds_since(case.state.timestamp)
    timeout = details.pause_timeout
    until = ""
    if timeout:
        left = -case.seconds_since(timeout)
        until = f"; it fails in {age(left)} if nobody resumes it" if left > 0 else ""
        if left <= 0:
            case.blame(
                "pause_expired",
                "pause",
                f"its time to be resumed ran out {case.ago(timeout)}; the server will mark it Failed",
                reason=reasons.PAUSE_EXPIRED,
                fixes=[why_case.cancel(case.run.id)],
                pause_timeout=timeout,
            )
            if not is_serving:
                _services(case, soon=True)
            return
    word = "Suspended" if details.pause_reschedule else "Paused"
    process = "its process has ended" if details.pause_reschedule else "its process waits"
    fields = _fields(case, details.run_input_keyset["schema"]) if details.run_input_keyset else []
    wanted = f" for input ({', '.join(fields)})" if fields else " for input" if details.run_input_keyset else ""
    code = "waiting_for_input" if details.run_input_keyset else "suspended" if details.pause_reschedule else "paused"
    word_of = {
        "waiting_for_input": reasons.asks_for_input(", ".join(fields)),
        "suspended": reasons.SUSPENDED,
        "paused": reasons.PAUSED,
    }
    case.blame(
        code,
        "input" if details.run_input_keyset else "pause",
        f"{word} for {age(seconds)}{', waits' + wanted if wanted else ''}; {process}{until}",
        reason=word_of[code],
        blocks=True,
        fixes=[why_case.resume(case.run.id, fields), why_case.cancel(case.run.id)],
        fields=fields or None,
        pause_key=details.pause_key,
        pause_timeout=timeout,
    )
    if details.pause_reschedule:
        _takers(case, soon=False)
    else:
        why_active.process(case)


def _retry(case: Case, ahead: float, *, is_kept: bool) -> None:
    retries = case.run.empirical_policy.retries
    attempts = retries + 1 if retries else None
    number = case.run.run_count + 1
    before = f"; the one before failed: {reasons.last_line(case.state.message)}" if case.state.message else ""
    where = ", in the process that is waiting for it" if is_kept else ""
    when = f"begins in {age(ahead)}" if ahead > 0 else f"is due since {age(-ahead)}"
    case.blame(
        "retry_delay",
        "retry",
        f"attempt {number}{f' of {attempts}' if attempts else ''} {when}{where}{before}",
        reason=reasons.retry(number, attempts, ahead),
        fixes=[why_case.cancel(case.run.id)],
        attempt=number,
        attempts=attempts,
        delay_seconds=case.run.empirical_policy.retry_delay,
        message=case.state.message,
    )


def _without_deployment(case: Case) -> None:
    case.blame(
        "no_deployment",
        "deployment",
        "it belongs to no deployment, so that no runner or worker takes it: only the program that made it starts it",
        reason=reasons.NO_DEPLOYMENT,
        blocks=True,
        fixes=[why_case.cancel(case.run.id)],
    )


def _services(case: Case, *, soon: bool) -> None:
    """Whether there is a server that schedules and hands out runs."""
    presence = absences.read(case.tx)
    if presence is not None and presence.seen >= case.now - absences.UNNOTICED:
        case.pass_check("server", f"was here {case.ago(presence.seen)}")
        return
    seen = presence.seen if presence else None
    case.blame(
        "no_server",
        "server",
        f"no server serves this database: its services ran {'last ' if seen else ''}{case.ago(seen)}",
        reason=reasons.NO_SERVER if soon else "",
        blocks=soon,
        fixes=[why_case.start_server()],
        last_seen=seen,
    )


def _deployment_limit(case: Case) -> None:
    if case.run.deployment_id is None:
        return
    concurrency = DbFacts(case.tx, case.run).deployment_concurrency(case.run.deployment_id)
    limit = concurrency.limit if concurrency else None
    if limit is None:
        return
    if limit.has_free_slot:
        case.pass_check("deployment limit", f"{limit.active_slots:g}/{limit.limit}")
        return
    what = f"limit of deployment '{case.deployment}'"
    reason = reasons.slot("deployment", limit.active_slots, limit.limit)
    why_case.full_limit(case, limit, "deployment limit", what, code="deployment_limit_full", reason=reason)


def _takers(case: Case, *, soon: bool) -> None:
    """Who may take the run: a worker of its pool, or a runner that serves its deployment.

    soon  whether somebody should be there by now
    """
    around = case.around
    workers = queries.workers(case.tx, around.pool_id) if around.pool_id else []
    online = [worker for worker in workers if _is_online(case, worker)]
    polled = around.polled
    has_runner = polled is not None and case.seconds_since(polled) <= reasons.RUNNER_SILENT_SECONDS
    has_taker = bool(online) if around.pool_id else has_runner
    if around.is_paused and not has_taker:
        case.blame(
            "deployment_paused",
            "deployment",
            f"'{case.deployment}' is paused: its schedules make no runs, and whoever served it has perhaps stopped",
            reason=reasons.DEPLOYMENT_PAUSED if soon else "",
            blocks=soon,
            fixes=[why_case.resume_deployment(case.deployment)],
            deployment_id=case.run.deployment_id,
        )
    elif around.is_paused:
        case.pass_check("deployment", "paused, which keeps its schedules from making runs, but does not hold this one")
    if around.pool_id is not None and around.pool is not None:
        _pool(case, around.pool_id, around.pool, soon=soon)
        _workers(case, around.pool, workers, online, soon=soon)
    elif has_runner:
        case.pass_check("runner", f"asked for runs {case.ago(polled)}")
    else:
        _no_runner(case, soon=soon)


def _no_runner(case: Case, *, soon: bool) -> None:
    polled = case.around.polled
    case.blame(
        "no_runner",
        "runner",
        f"no runner serves '{case.deployment}'; "
        + (f"one last asked for runs {case.ago(polled)}" if polled else "none has ever asked for its runs"),
        reason=reasons.NO_RUNNER if soon else "",
        blocks=soon,
        fixes=[why_case.start_runner(case.deployment), why_case.cancel(case.run.id)],
        last_polled=polled,
        deployment_id=case.run.deployment_id,
    )


def _pool(case: Case, pool_id: UUID, pool: str, *, soon: bool) -> None:
    around = case.around
    if around.pool_is_paused:
        case.blame(
            "pool_paused",
            "pool",
            f"work pool '{pool}' is paused",
            reason=reasons.pool_paused(pool) if soon else "",
            blocks=soon,
            fixes=[why_case.resume_pool(pool)],
            work_pool_id=pool_id,
        )
    if around.queue_is_paused and around.queue is not None:
        case.blame(
            "queue_paused",
            "queue",
            f"work queue '{around.queue}' of pool '{pool}' is paused",
            reason=reasons.queue_paused(around.queue) if soon else "",
            blocks=soon,
            fixes=[why_case.resume_queue(pool, around.queue)],
            work_queue_id=around.queue_id,
        )
    if not around.pool_is_paused and not around.queue_is_paused:
        case.pass_check("pool/queue", "not paused")
    if not soon:
        return
    if around.pool_limit is not None:
        fix = why_case.raise_pool_limit(pool, around.pool_limit + 1)
        found = queries.active_in_pool(case.tx, pool_id)
        _run_limit(case, "pool", f"pool '{pool}'", around.pool_limit, found, fix)
    if around.queue_id is not None and around.queue is not None and around.queue_limit is not None:
        fix = why_case.raise_queue_limit(pool, around.queue, around.queue_limit + 1)
        found = queries.active_in_queue(case.tx, around.queue_id)
        _run_limit(case, "queue", f"queue '{around.queue}'", around.queue_limit, found, fix)


def _run_limit(case: Case, kind: str, what: str, limit: int, found: tuple[int, list[queries.Part]], fix: Fix) -> None:
    """A pool's or a queue's limit, which counts runs."""
    active, parts = found
    if active < limit:
        case.pass_check(f"{kind} limit", f"{active}/{limit}")
        return
    named = ", ".join(f"{part.name} ({part.state_name})" for part in parts)
    more = f" and {active - len(parts)} more" if active > len(parts) else ""
    case.blame(
        f"{kind}_limit_full",
        f"{kind} limit",
        f"{what}: {active} of {limit} slots taken" + (f", held by {named}{more}" if parts else ""),
        reason=reasons.slot(what, active, limit),
        blocks=limit == 0,
        fixes=[fix, *(why_case.cancel(part.id) for part in parts[:1])],
        limit=limit,
        active_slots=active,
        holders=[{"type": "flow_run", "id": str(part.id), "name": part.name} for part in parts],
    )
    case.follow += [part.id for part in parts[:1]]


def _workers(case: Case, pool: str, workers: list[queries.Worker], online: list[queries.Worker], *, soon: bool) -> None:
    if online:
        word = "worker" if len(online) == 1 else "workers"
        case.pass_check("worker", f"{len(online)} {word} online, heartbeat {case.ago(online[0].heartbeat)}")
        return
    last = workers[0] if workers else None
    known = f"last heartbeat {last.name}, {case.ago(last.heartbeat)}" if last else "none has ever reported"
    case.blame(
        "no_worker",
        "worker",
        f"pool '{pool}' has 0 online workers; {known}",
        reason=reasons.no_worker(pool) if soon else "",
        blocks=soon,
        fixes=[why_case.start_worker(pool), why_case.cancel(case.run.id)],
        work_pool=pool,
        last_worker=last.name if last else None,
        last_heartbeat=last.heartbeat if last else None,
    )


def _is_online(case: Case, worker: queries.Worker) -> bool:
    interval = worker.interval_seconds or reasons.WORKER_HEARTBEAT_SECONDS
    longest = timedelta(seconds=interval * reasons.WORKER_MISSES)
    return worker.heartbeat is not None and case.now - worker.heartbeat <= longest


def _line(case: Case, ahead: float) -> None:
    """Its place in the line of its deployment; and if nothing holds it although it is due, that."""
    if case.run.deployment_id is None or ahead > reasons.SOON_SECONDS:
        return
    due = case.run.next_scheduled_start_time
    before = queries.before_in_line(case.tx, deployment_id=case.run.deployment_id, due=due) if due else 0
    case.pass_check("line", "starts next" if before == 0 else f"{before} of '{case.deployment}' are due before it")
    if case.causes or ahead > 0:
        return
    if -ahead <= reasons.SOON_SECONDS:
        case.blame(
            "about_to_start",
            "start",
            f"due since {age(-ahead)}; runners and workers ask every 10 or 15 seconds",
            reason="",
        )
    else:
        case.blame(
            "not_taken",
            "start",
            f"due since {age(-ahead)}, and whoever asks for such runs does not start it: "
            "it may have reached its own limit (--limit), or fail to start it; its own output tells",
            reason=reasons.NOT_TAKEN,
            blocks=True,
            fixes=[why_case.start_now(case.run.id), why_case.cancel(case.run.id)],
            due=due,
        )


def _fields(case: Case, key: str) -> list[str]:
    """The names of the values that a pause asks for."""
    text = queries.schema_of_input(case.tx, case.run.id, key)
    try:
        schema = json.loads(text or "{}")
    except ValueError:
        return []
    properties = cast("JSONObject", schema).get("properties") if isinstance(schema, dict) else None
    return list(cast("JSONObject", properties)) if isinstance(properties, dict) else []
