"""What holds for every decision, whatever the run, the states and the facts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.domain.orchestration import Client, SetStateStatus
from flowctl.domain.states import StateType
from flowctl.orchestration import policies
from flowctl.orchestration.effects import AcquireSlots, ReleaseDeploymentSlot, ReleaseTagSlots
from flowctl.orchestration.facts import DeploymentConcurrency, SlotLimit

TYPES = [type.value for type in StateType]
LEASE, DEPLOYMENT, TASK = UUID(int=1), UUID(int=2), UUID(int=3)
FLOW_POLICIES = (policies.CORE_FLOW, policies.MINIMAL_FLOW, policies.MARK_LATE)
TASK_POLICIES = (policies.CORE_TASK, policies.CLIENT_SIDE_TASK, policies.BACKGROUND_TASK, policies.MINIMAL_TASK)

details = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Late", "Resuming", "AwaitingRetry", "Suspended", "Submitting"]),
        "data": st.sampled_from([None, {"type": "unpersisted"}, {"type": "reference"}, 5]),
        "pause_reschedule": st.booleans(),
        "pause_key": st.sampled_from(["1", "2"]),
        "deployment_concurrency_lease_id": st.just(LEASE),
        "cache_key": st.sampled_from(["k", "k" * 2001]),
        "deferred": st.booleans(),
        "retriable": st.booleans(),
    },
)
states = st.tuples(st.sampled_from(TYPES), details)
offsets = st.sampled_from([None, -60, 60])
limits = st.builds(
    SlotLimit,
    id=st.uuids(),
    name=st.sampled_from(["tag:a", "tag:b"]),
    limit=st.integers(0, 2),
    active_slots=st.integers(0, 2),
    active=st.booleans(),
)
clients = st.builds(
    Client,
    api_version=st.sampled_from([None, (0, 8, 2), (0, 8, 4)]),
    prefect_version=st.sampled_from([None, "3.0.1", "3.8.1"]),
)


def facts(draw, bench):
    flow_state = draw(st.one_of(st.none(), states))
    return bench.Facts(
        run_of_flow=draw(st.sampled_from([None, bench.flow_run(state=bench.state(flow_state), run_count=2)])),
        deployment=draw(
            st.one_of(
                st.none(),
                st.builds(
                    DeploymentConcurrency,
                    limit=st.one_of(st.none(), limits),
                    collision_strategy=st.sampled_from([None, "ENQUEUE", "CANCEL_NEW"]),
                ),
            )
        ),
        limits=draw(st.lists(limits, max_size=2)),
        leases=draw(st.sets(st.just(LEASE))),
        cached=draw(st.sampled_from([{}, {"k": bench.state("COMPLETED")}])),
    )


def timed(draw, bench, spec):
    """Give a state times before or after now."""
    if spec is None:
        return None
    type, given = spec
    times = {
        name: bench.now + timedelta(seconds=seconds)
        for name in ("scheduled_time", "pause_timeout")
        if (seconds := draw(offsets)) is not None
    }
    return (type, {**given, **times})


def decision(draw, bench, kind):
    if kind == "flow":
        run = bench.flow_run(
            run_count=draw(st.integers(0, 3)),
            deployment_id=draw(st.sampled_from([None, DEPLOYMENT])),
            parent_task_run_id=draw(st.sampled_from([None, TASK])),
            policy=draw(st.fixed_dictionaries({"retries": st.sampled_from([None, 2]), "resuming": st.booleans()})),
        )
        policy = draw(st.sampled_from(FLOW_POLICIES))
    else:
        run = bench.task_run(
            run_count=draw(st.integers(0, 3)),
            tags=draw(st.lists(st.sampled_from(["a", "b"]), unique=True)),
            policy=draw(st.fixed_dictionaries({"retries": st.sampled_from([None, 2]), "retry_delay": st.just([1, 2])})),
        )
        policy = draw(st.sampled_from(TASK_POLICIES))
    initial = timed(draw, bench, draw(st.one_of(st.none(), states)))
    proposed = timed(draw, bench, draw(states))
    options = {"facts": facts(draw, bench), "client": draw(clients)}
    return run, initial, proposed, getattr(bench, kind)(initial, proposed, policy, run=run, **options)


@given(data=st.data(), kind=st.sampled_from(["flow", "task"]))
@settings(max_examples=400, deadline=None)
def test_every_decision_is_consistent(bench, data, kind):
    run, initial, proposed, decided = decision(data.draw, bench, kind)
    state, after = decided.state, decided.run

    # the verdict and the state agree
    if decided.status in (SetStateStatus.WAIT, SetStateStatus.ABORT):
        assert state is None
    if decided.status is SetStateStatus.ACCEPT:
        assert state is not None
        assert state.type.value == proposed[0]
        assert decided.reason is None
    else:
        assert decided.reason
    assert (decided.delay_seconds is not None) == (decided.status is SetStateStatus.WAIT)
    if state is None and decided.status is SetStateStatus.REJECT:
        assert initial is not None

    # the run agrees with the state
    if state is not None:
        assert (after.state_id, after.state_type, after.state_name) == (state.id, state.type, state.name)
        assert after.state == state
        assert state.timestamp >= bench.now
        assert after.expected_start_time is not None
        if state.is_final:
            assert after.end_time is not None
            assert after.start_time is not None
        if state.type is StateType.RUNNING:
            assert after.start_time is not None
        if state.type is StateType.SCHEDULED:
            assert after.next_scheduled_start_time == state.state_details.scheduled_time is not None
        else:
            assert after.next_scheduled_start_time is None
        owner = state.state_details.flow_run_id if kind == "flow" else state.state_details.task_run_id
        assert owner == after.id
    else:
        assert (after.state_id, after.run_count, after.start_time) == (run.state_id, run.run_count, run.start_time)

    # slots are taken by states that hold them, and given back by the others
    taken = [effect for effect in decided.effects if isinstance(effect, AcquireSlots)]
    given_back = [e for e in decided.effects if isinstance(e, (ReleaseDeploymentSlot, ReleaseTagSlots))]
    assert len(taken) <= 1
    assert not (taken and given_back)
    if taken:
        assert state is not None
        assert state.type in (StateType.PENDING, StateType.RUNNING)
    if given_back:
        assert state is not None


@given(data=st.data(), kind=st.sampled_from(["flow", "task"]))
@settings(max_examples=100, deadline=None)
def test_forced_states_are_written_or_refused_for_a_stated_reason(bench, data, kind):
    initial, proposed = data.draw(st.one_of(st.none(), states)), data.draw(states)
    policy = policies.MINIMAL_FLOW if kind == "flow" else policies.MINIMAL_TASK
    decided = getattr(bench, kind)(initial, proposed, policy)
    assert decided.status in (SetStateStatus.ACCEPT, SetStateStatus.REJECT)
    if kind == "task":
        assert decided.state is not None
