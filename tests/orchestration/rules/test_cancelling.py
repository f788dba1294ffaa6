from __future__ import annotations

import pytest

from flowctl.domain.orchestration import SetStateStatus
from flowctl.domain.states import StateType
from flowctl.orchestration.policies import CORE_FLOW, MINIMAL_FLOW


@pytest.mark.parametrize("proposed", [type.value for type in StateType])
def test_a_run_that_is_cancelling_becomes_only_cancelled(bench, proposed):
    decision = bench.flow("CANCELLING", proposed)
    if proposed == "CANCELLED":
        assert decision.status is SetStateStatus.ACCEPT
    else:
        assert (decision.status, decision.state) == (SetStateStatus.REJECT, None)
        assert decision.reason == ("Cannot transition flows that are cancelling to a state other than Cancelled.")


SCHEDULED = "Scheduled flow run has no infrastructure to terminate."
SUSPENDED = "Suspended flow run has no infrastructure to terminate."


@pytest.mark.parametrize("policy", [CORE_FLOW, MINIMAL_FLOW], ids=["core", "forced"])
@pytest.mark.parametrize(
    ("initial", "pid", "reason"),
    [
        ("SCHEDULED", None, SCHEDULED),
        ("SCHEDULED", "host:1", None),
        (("SCHEDULED", {"name": "Resuming"}), "host:1", SCHEDULED),
        (("SCHEDULED", {"name": "AwaitingRetry"}), "host:1", None),
        (("PAUSED", {"pause_reschedule": True}), "host:1", SUSPENDED),
        ("PENDING", None, None),
        ("RUNNING", None, None),
    ],
)
def test_what_no_process_executes_is_cancelled_at_once(bench, policy, initial, pid, reason):
    decision = bench.flow(initial, "CANCELLING", policy, run=bench.flow_run(infrastructure_pid=pid))
    if reason:
        assert (decision.status, decision.reason) == (SetStateStatus.REJECT, reason)
        assert (decision.state.type, decision.state.name) == (StateType.CANCELLED, "Cancelled")
        assert decision.run.end_time == bench.now
    else:
        assert (decision.status, decision.state.type) == (SetStateStatus.ACCEPT, StateType.CANCELLING)


def test_a_paused_run_whose_process_waits_can_be_cancelled_only_by_force(bench):
    assert bench.flow("PAUSED", "CANCELLING").status is SetStateStatus.REJECT
    assert bench.flow("PAUSED", "CANCELLING", MINIMAL_FLOW).status is SetStateStatus.ACCEPT
