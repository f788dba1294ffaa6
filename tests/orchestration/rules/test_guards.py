from __future__ import annotations

from uuid import uuid4

import pytest

from flowctl.domain.orchestration import SetStateStatus
from flowctl.domain.states import StateType
from flowctl.orchestration.policies import BACKGROUND_TASK, MARK_LATE

ACCEPT, REJECT, ABORT = SetStateStatus.ACCEPT, SetStateStatus.REJECT, SetStateStatus.ABORT
LEASE, OTHER = uuid4(), uuid4()


@pytest.mark.parametrize(
    ("held", "proposed", "kept"),
    [(LEASE, None, LEASE), (LEASE, OTHER, OTHER), (None, None, None), (None, OTHER, OTHER)],
)
def test_lease_id_is_carried_over_to_states_that_name_none(bench, held, proposed, kept):
    decision = bench.flow(
        ("RUNNING", {"deployment_concurrency_lease_id": held}),
        ("COMPLETED", {"deployment_concurrency_lease_id": proposed}),
    )
    assert decision.state.state_details.deployment_concurrency_lease_id == kept


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [(LEASE, LEASE, REJECT), (LEASE, OTHER, ACCEPT), (None, None, ACCEPT), (None, LEASE, ACCEPT)],
)
def test_a_repeated_transition_id_leaves_the_present_state(bench, first, second, status):
    decision = bench.flow(("PENDING", {"transition_id": first}), ("RUNNING", {"transition_id": second}))
    assert decision.status is status
    if status is REJECT:
        assert decision.state is None
        assert decision.reason == "This run has already made this state transition."


@pytest.mark.parametrize(
    ("initial", "proposed", "is_allowed"),
    [
        ("PENDING", "PENDING", False),
        ("PENDING", ("PENDING", {"name": "Submitting"}), True),
        (("PENDING", {"name": "Submitting"}), ("PENDING", {"name": "InfrastructurePending"}), True),
        (("PENDING", {"name": "Submitting"}), ("PENDING", {"name": "Submitting"}), False),
        (("PENDING", {"name": "Submitting"}), "PENDING", False),
        ("RUNNING", "PENDING", False),
        ("RUNNING", ("PENDING", {"name": "Submitting"}), False),
        ("CANCELLED", "PENDING", False),
        ("SCHEDULED", "PENDING", True),
        ("COMPLETED", "PENDING", True),
        (None, "PENDING", True),
    ],
)
def test_pending_is_the_lock_between_workers(bench, initial, proposed, is_allowed):
    decision = bench.flow(initial, proposed)
    assert decision.status is (ACCEPT if is_allowed else ABORT)
    if not is_allowed:
        type = initial if isinstance(initial, str) else initial[0]
        assert decision.reason == f"This run is in a {type} state and cannot transition to a PENDING state."


def test_stages_of_pending_keep_the_scheduled_time_and_the_lease(bench):
    held = {"scheduled_time": bench.earlier, "deployment_concurrency_lease_id": LEASE}
    proposed = {"name": "Submitting", "scheduled_time": bench.now, "deployment_concurrency_lease_id": OTHER}
    details = bench.flow(("PENDING", held), ("PENDING", proposed)).state.state_details
    assert (details.scheduled_time, details.deployment_concurrency_lease_id) == (bench.earlier, LEASE)


def test_background_tasks_have_the_same_lock(bench):
    assert bench.task("RUNNING", "PENDING", BACKGROUND_TASK).status is ABORT
    assert bench.task("RUNNING", "PENDING").status is ACCEPT


@pytest.mark.parametrize(
    ("initial", "proposed", "reason"),
    [
        ("SCHEDULED", ("SCHEDULED", {"name": "Late"}), None),
        (("SCHEDULED", {"name": "Late"}), ("SCHEDULED", {"name": "Late"}), "This flow run is already marked late."),
        ("PENDING", ("SCHEDULED", {"name": "Late"}), "Only scheduled flows can be marked late."),
        ("RUNNING", "SCHEDULED", None),
        (None, ("SCHEDULED", {"name": "Late"}), None),
    ],
)
def test_only_scheduled_runs_are_marked_late_and_once(bench, initial, proposed, reason):
    decision = bench.flow(initial, proposed, MARK_LATE)
    assert (decision.status, decision.reason) == (REJECT if reason else ACCEPT, reason)


@pytest.mark.parametrize(
    ("flow_state", "status"),
    [
        ("RUNNING", ACCEPT),
        ("PENDING", ABORT),
        ("SCHEDULED", ABORT),
        ("CANCELLING", ABORT),
        ("COMPLETED", ABORT),
        (None, ABORT),
        ("PAUSED", REJECT),
    ],
)
def test_tasks_start_only_while_their_flow_runs(bench, flow_state, status):
    flow_run = bench.flow_run(state=bench.state(flow_state))
    decision = bench.task("PENDING", "RUNNING", facts=bench.Facts(run_of_flow=flow_run))
    assert decision.status is status
    if status is ABORT:
        assert decision.reason == "The enclosing flow must be running to begin task execution."


def test_tasks_of_a_paused_flow_wait_as_not_ready_with_its_timeout(bench):
    paused = bench.state(("PAUSED", {"pause_timeout": bench.now, "pause_reschedule": True, "pause_key": "1"}))
    flow_run = bench.flow_run(state=paused)
    decision = bench.task("PENDING", "RUNNING", facts=bench.Facts(run_of_flow=flow_run))
    state, details = decision.state, decision.state.state_details
    assert (state.type, state.name) == (StateType.PAUSED, "NotReady")
    assert (details.pause_timeout, details.pause_reschedule, details.pause_key) == (bench.now, True, None)
    assert decision.reason == (f"The flow is paused, new tasks can execute after resuming flow run: {flow_run.id}.")


def test_tasks_outside_flows_may_start(bench):
    assert bench.task("PENDING", "RUNNING").status is ACCEPT
