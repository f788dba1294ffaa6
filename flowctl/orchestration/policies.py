"""Policies: which rules govern a transition, the strongest first, in Prefect's order.

Four of Prefect's entries are no rules here.  Three act on every state that is written: the release of slots is
bookkeeping, and `ops/transitions.py` announces each flow run state as an event.  The fourth puts deferred task runs
into a queue; here a task run that is SCHEDULED and deferred is in the queue by being so.
"""

from __future__ import annotations

from typing import TypeAlias

from flowctl.domain.flow_runs import FlowRun
from flowctl.domain.task_runs import TaskRun
from flowctl.orchestration.rules.caching import cache_insertion, cache_retrieval
from flowctl.orchestration.rules.cancelling import (
    bypass_cancelling_flow_runs_with_no_infra,
    enforce_cancelling_to_cancelled_transition,
)
from flowctl.orchestration.rules.concurrency import (
    enforce_deployment_concurrency_on_late,
    remove_deployment_concurrency_lease_for_old_client_versions,
    secure_flow_concurrency_slots,
    secure_task_concurrency_slots,
    validate_deployment_concurrency_at_running,
)
from flowctl.orchestration.rules.guards import (
    ensure_only_scheduled_flows_marked_late,
    preserve_deployment_concurrency_lease_id,
    prevent_duplicate_transitions,
    prevent_pending_transitions,
    prevent_running_tasks_from_stopped_flows,
)
from flowctl.orchestration.rules.pausing import handle_pausing_flows, handle_resuming_paused_flows
from flowctl.orchestration.rules.retries import (
    rename_reruns,
    retry_failed_flows,
    retry_failed_tasks,
    update_flow_run_tracker_on_tasks,
)
from flowctl.orchestration.rules.scheduling import (
    copy_scheduled_time,
    copy_task_parameters_id,
    wait_for_scheduled_time,
)
from flowctl.orchestration.rules.terminal import (
    handle_flow_terminal_state_transitions,
    handle_task_terminal_state_transitions,
    prevent_result_data_loss,
)
from flowctl.orchestration.transition import Rule

FlowPolicy: TypeAlias = tuple[Rule[FlowRun], ...]
TaskPolicy: TypeAlias = tuple[Rule[TaskRun], ...]

CORE_FLOW: FlowPolicy = (
    preserve_deployment_concurrency_lease_id,
    prevent_duplicate_transitions,
    handle_flow_terminal_state_transitions,
    enforce_cancelling_to_cancelled_transition,
    bypass_cancelling_flow_runs_with_no_infra,
    prevent_pending_transitions,
    validate_deployment_concurrency_at_running,
    secure_flow_concurrency_slots,
    remove_deployment_concurrency_lease_for_old_client_versions,
    ensure_only_scheduled_flows_marked_late,
    handle_pausing_flows,
    handle_resuming_paused_flows,
    copy_scheduled_time,
    wait_for_scheduled_time,
    retry_failed_flows,
)
"""Flow run states that a client proposes."""

MINIMAL_FLOW: FlowPolicy = (
    prevent_result_data_loss,
    bypass_cancelling_flow_runs_with_no_infra,
)
"""Flow run states that are forced, and those of new runs."""

MARK_LATE: FlowPolicy = (
    ensure_only_scheduled_flows_marked_late,
    enforce_deployment_concurrency_on_late,
)
"""Flow runs that the late-runs service marks."""

CORE_TASK: TaskPolicy = (
    cache_retrieval,
    handle_task_terminal_state_transitions,
    prevent_running_tasks_from_stopped_flows,
    secure_task_concurrency_slots,  # after the cache: a cached result needs no slot
    copy_scheduled_time,
    wait_for_scheduled_time,
    retry_failed_tasks,
    rename_reruns,
    update_flow_run_tracker_on_tasks,
    cache_insertion,
)
"""Task run states that a client proposes."""

CLIENT_SIDE_TASK: TaskPolicy = (
    cache_retrieval,
    handle_task_terminal_state_transitions,
    prevent_running_tasks_from_stopped_flows,
    copy_scheduled_time,
    wait_for_scheduled_time,
    retry_failed_tasks,
    rename_reruns,
    update_flow_run_tracker_on_tasks,
    cache_insertion,
)
"""The same for clients that take their own slots."""

BACKGROUND_TASK: TaskPolicy = (
    prevent_pending_transitions,
    cache_retrieval,
    handle_task_terminal_state_transitions,
    copy_scheduled_time,
    copy_task_parameters_id,
    wait_for_scheduled_time,
    retry_failed_tasks,
    rename_reruns,
    update_flow_run_tracker_on_tasks,
    cache_insertion,
)
"""Task run states with `deferred`: tasks that run on a task server, also when forced."""

MINIMAL_TASK: TaskPolicy = ()
"""Task run states that are forced."""
