"""Concurrency: slots of a deployment's limit for flow runs, slots of tag limits for task runs.

A flow run takes its slot when it becomes PENDING, before a worker builds infrastructure for it, under a lease that its
process renews from then on.  A task run takes one slot of each limit on its tags when it becomes RUNNING.
"""

from __future__ import annotations

from datetime import timedelta

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.jitter import clamped_poisson_interval
from flowctl.domain.states import StateType, awaiting_concurrency_slot, cancelled
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.effects import AcquireSlots, KeepLease, RenewLease
from flowctl.orchestration.facts import DeploymentConcurrency, SlotLimit
from flowctl.orchestration.transition import ANY, Transition, rule

LEASING_SINCE = (3, 4, 11)
"""The first release of Prefect's client that renews leases."""

WORKERS_WITH_OWN_SLOTS = frozenset({"3.0.0rc20", "3.0.0", "3.0.1", "3.0.2", "3.0.3"})
"""Releases whose workers take the deployment's slot themselves."""

LIMIT_REACHED = "Deployment concurrency limit reached."


@rule(
    from_states=ANY - {StateType.PENDING, StateType.RUNNING, StateType.CANCELLING},
    to_states={StateType.PENDING},
)
def secure_flow_concurrency_slots(t: Transition[FlowRun]) -> None:
    """Take a slot of the deployment's limit, or queue or cancel the run as the deployment says."""
    deployment_id = t.run.deployment_id
    if t.proposed is None or deployment_id is None or t.client.prefect_version in WORKERS_WITH_OWN_SLOTS:
        return
    deployment = t.facts.deployment_concurrency(deployment_id)
    if deployment is None:
        t.abort("Deployment not found.")
    elif deployment.limit is None:
        return
    elif deployment.limit.limit == 0:
        t.abort("The deployment concurrency limit is 0. The flow will deadlock if submitted again.")
    elif deployment.limit.has_free_slot:
        _take_slot(deployment.limit, _grace_period(deployment, t), t)
    elif deployment.collision_strategy == "CANCEL_NEW":
        t.reject(cancelled(LIMIT_REACHED), LIMIT_REACHED)
    else:
        wait = timedelta(seconds=t.config.deployment_concurrency_slot_wait_seconds)
        t.reject(awaiting_concurrency_slot(t.now + wait), LIMIT_REACHED)


@rule(from_states={StateType.PENDING}, to_states={StateType.RUNNING})
def validate_deployment_concurrency_at_running(t: Transition[FlowRun]) -> None:
    """Renew the lease of the run's slot; if it was collected meanwhile, take another slot or cancel the run.

    Clients that do not renew leases are let through: theirs would have run out by no fault of their own.
    """
    if t.initial is None or t.proposed is None:
        return
    lease_id = t.initial.state_details.deployment_concurrency_lease_id
    t.propose(t.proposed.with_details(deployment_concurrency_lease_id=lease_id))
    if lease_id is None or t.run.deployment_id is None or not t.client.is_prefect(*LEASING_SINCE):
        return
    deployment = t.facts.deployment_concurrency(t.run.deployment_id)
    if deployment is None or deployment.limit is None:
        return
    seconds = _grace_period(deployment, t)
    if t.facts.lease_exists(lease_id):
        t.always(RenewLease(lease_id=lease_id, seconds=seconds))
    elif deployment.limit.has_free_slot:
        _take_slot(deployment.limit, seconds, t)
    else:
        t.reject(
            cancelled(
                "Deployment concurrency slot lost during provisioning - no slots available to continue execution"
            ),
            "Deployment concurrency limit reached after lease expiry.",
        )


@rule(from_states={StateType.PENDING}, to_states={StateType.RUNNING, StateType.CANCELLING})
def remove_deployment_concurrency_lease_for_old_client_versions(t: Transition[FlowRun]) -> None:
    """Let a run whose client does not renew leases keep its slot until it ends."""
    if t.initial is None or t.client.is_prefect(*LEASING_SINCE):
        return
    if lease_id := t.initial.state_details.deployment_concurrency_lease_id:
        t.then(KeepLease(lease_id=lease_id))


@rule(from_states={StateType.SCHEDULED}, to_states={StateType.SCHEDULED})
def enforce_deployment_concurrency_on_late(t: Transition[FlowRun]) -> None:
    """Cancel a run instead of marking it late, when its deployment is full and cancels new runs."""
    if t.proposed is None or t.proposed.name != "Late" or t.run.deployment_id is None:
        return
    deployment = t.facts.deployment_concurrency(t.run.deployment_id)
    if deployment is None or deployment.limit is None or deployment.collision_strategy != "CANCEL_NEW":
        return
    if deployment.limit.active_slots >= deployment.limit.limit:
        t.reject(cancelled(LIMIT_REACHED), "Deployment concurrency limit is full and uses the CANCEL_NEW strategy.")


@rule(to_states={StateType.RUNNING})
def secure_task_concurrency_slots(t: Transition[TaskRun]) -> None:
    """Take one slot of each limit on the run's tags, or wait for them all.

    A task run that starts again without having stopped goes on with the slots that it holds.
    """
    limits = [limit for limit in t.facts.tag_limits(t.run.tags) if limit.active]
    for limit in limits:
        if limit.limit == 0:
            t.abort(
                f'The concurrency limit on tag "{limit.tag}" is 0 and will deadlock if the task tries to run again.'
            )
            return
    limits = [limit for limit in limits if limit.limit > 0 and not limit.is_held]
    if not limits:
        return
    if not all(limit.has_free_slot for limit in limits):
        tags = ", ".join(limit.tag for limit in limits)
        t.wait(_tag_wait_seconds(limits, t), f"Concurrency limit reached for tags: {tags}")
        return
    t.then(
        AcquireSlots(
            lease_id=t.new_id(),
            limit_ids=tuple(limit.id for limit in limits),
            seconds=None,  # the client of a task run cannot renew it
            holder_type="task_run",
            holder_id=t.run.id,
        )
    )


def _take_slot(limit: SlotLimit, seconds: float, t: Transition[FlowRun]) -> None:
    """Take a slot for the run, under a lease that the proposed state names."""
    if t.proposed is None:
        return
    lease_id = t.new_id()
    t.propose(t.proposed.with_details(deployment_concurrency_lease_id=lease_id))
    t.then(
        AcquireSlots(
            lease_id=lease_id, limit_ids=(limit.id,), seconds=seconds, holder_type="flow_run", holder_id=t.run.id
        )
    )


def _grace_period(deployment: DeploymentConcurrency, t: Transition[FlowRun]) -> float:
    """Seconds for which a new or renewed lease of a deployment's slot lasts."""
    if deployment.grace_period_seconds is not None:
        return deployment.grace_period_seconds
    return t.config.initial_deployment_lease_duration


def _tag_wait_seconds(limits: list[SlotLimit], t: Transition[TaskRun]) -> int:
    """How long slots of the fullest limit are usually held, at most as configured, and spread."""
    longest = t.config.task_run_tag_concurrency_slot_wait_seconds
    fullest = max(limits, key=lambda limit: limit.active_slots / limit.limit)
    return round(clamped_poisson_interval(min(fullest.avg_slot_occupancy_seconds or longest, longest), t.random))
