from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from deployment_world import deploy, make_flow, make_pool
from support import NOON

from flowctl.db.database import Tx
from flowctl.domain.deployments import Deployment, DeploymentFlowRunCreate, DeploymentStatus
from flowctl.domain.errors import Conflict, Invalid, NotFound, Refused
from flowctl.domain.flow_runs import FlowRun, FlowRunCreate
from flowctl.domain.states import StateType, pending, scheduled
from flowctl.domain.values import Actor
from flowctl.domain.variables import VariableCreate
from flowctl.ops import deployment_runs, deployments, flow_runs, variables

SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "string", "default": "d"}},
    "required": ["x"],
}


@pytest.fixture
def deployment(tx: Tx) -> Deployment:
    make_pool(tx)
    return deploy(
        tx,
        work_pool_name="pool",
        parameters={"x": 1, "y": "dep"},
        tags=["dep"],
        labels={"a": 1},
        parameter_openapi_schema=SCHEMA,
        job_variables={"command": "dep"},
        version="v7",
    )


def run(tx: Tx, deployment: Deployment, **fields: Any) -> FlowRun:
    return deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate(**fields))[0]


def test_a_run_is_scheduled_for_now_with_what_the_deployment_says(tx: Tx, deployment: Deployment) -> None:
    made = run(tx, deployment)
    assert (made.state_type, made.next_scheduled_start_time, made.run_count) == (StateType.SCHEDULED, NOON, 0)
    assert (made.parameters, made.tags, made.deployment_version) == ({"x": 1, "y": "dep"}, ["dep"], "v7")
    ids = {"prefect.flow.id": str(deployment.flow_id), "prefect.deployment.id": str(deployment.id)}
    assert made.labels == {"a": 1, **ids}
    assert (made.work_pool_name, made.work_queue_name, made.auto_scheduled) == ("pool", "default", False)


def test_a_request_adds_to_it(tx: Tx, deployment: Deployment) -> None:
    made, created = deployment_runs.create(
        tx,
        deployment.id,
        DeploymentFlowRunCreate(
            name="n",
            parameters={"x": 5},
            tags=["run", "dep"],
            labels={"a": 2},
            work_queue_name="q",
            job_variables={"command": "own"},
            state=pending("m"),
        ),
        created_by=Actor(type="AUTOMATION", display_value="auto"),
    )
    assert created
    assert (made.name, made.parameters, made.tags, made.labels["a"]) == ("n", {"x": 5, "y": "dep"}, ["dep", "run"], 2)
    assert (made.work_queue_name, made.job_variables, made.state_type) == ("q", {"command": "own"}, StateType.PENDING)
    assert made.created_by == Actor(type="AUTOMATION", display_value="auto")


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"parameters": {"x": "bad"}}, Conflict, "Error creating flow run: Validation failed for field 'x'. Failure"),
        ({"parameters": {"y": 5}}, Conflict, "Error creating flow run: Validation failed for field 'y'"),
        ({"parameters": {"x": {"__prefect_kind": "json", "value": "{"}}}, Refused, "Error hydrating flow run param"),
        (
            {"parameters": {"x": {"__prefect_kind": "workspace_variable", "variable_name": "v"}}},
            Refused,
            "Variable 'v' not found in workspace.",
        ),
        ({"job_variables": {"n": "s"}}, Invalid, "Error creating flow run: Validation failed for field 'n'"),
        ({"parent_task_run_id": uuid4()}, Conflict, "Data integrity conflict"),
        ({"infrastructure_document_id": uuid4()}, Conflict, "Data integrity conflict"),
    ],
)
def test_what_does_not_fit_is_refused(
    tx: Tx, deployment: Deployment, fields: dict[str, Any], error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        run(tx, deployment, **fields)


def test_values_are_made_before_they_are_checked(tx: Tx, deployment: Deployment) -> None:
    assert run(tx, deployment, parameters={"y": {"__prefect_kind": "jinja", "template": "{{ 1 + 1 }}"}}).parameters == {
        "x": 1,
        "y": "2",
    }


@pytest.mark.parametrize("value", ["text", '"quoted"', 12.5, False, None, {"k": [1]}])
def test_a_variable_stands_for_its_value(tx: Tx, value: Any) -> None:
    deployment = deploy(tx, enforce_parameter_schema=False)
    variables.create(tx, VariableCreate(name="limit", value=value))
    wrapped = {"p": {"__prefect_kind": "workspace_variable", "variable_name": "limit"}}
    assert run(tx, deployment, parameters=wrapped).parameters == {"p": value}
    deployments.update(tx, deployment.id, {"parameters": wrapped})
    assert deployments.read(tx, deployment.id).parameters == {"p": value}


def test_a_variable_may_hold_a_template_of_a_value(tx: Tx) -> None:
    variables.create(tx, VariableCreate(name="nine", value="{{ (3 * 3) | tojson }}"))
    template = {"__prefect_kind": "workspace_variable", "variable_name": "nine"}
    wrapped = {"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": template}}
    assert run(tx, deploy(tx, enforce_parameter_schema=False), parameters={"p": wrapped}).parameters == {"p": 9}


@pytest.mark.parametrize(
    ("wrapped", "message"),
    [
        ({"__prefect_kind": "workspace_variable", "variable_name": ["a"]}, "not found in workspace"),
        ({"__prefect_kind": "json", "value": "5"}, "Expected an object"),
    ],
)
def test_wrappers_without_sense_are_refused(tx: Tx, wrapped: dict[str, Any], message: str) -> None:
    parameters = wrapped if wrapped["__prefect_kind"] == "json" else {"p": wrapped}
    with pytest.raises(Refused, match=message):
        run(tx, deploy(tx, enforce_parameter_schema=False), parameters=parameters)


def test_a_run_without_job_variables_has_none(tx: Tx, deployment: Deployment) -> None:
    assert run(tx, deployment, job_variables=None).job_variables == {}
    assert run(tx, deployment, job_variables=None, idempotency_key="k").job_variables is None


def test_a_request_may_lift_enforcement(tx: Tx, deployment: Deployment) -> None:
    assert run(tx, deployment, parameters={"x": "bad"}, enforce_parameter_schema=False).parameters["x"] == "bad"


def test_an_idempotency_key_gives_the_same_run(tx: Tx, deployment: Deployment) -> None:
    first = run(tx, deployment, idempotency_key="k")
    again, created = deployment_runs.create(tx, deployment.id, DeploymentFlowRunCreate(idempotency_key="k"))
    assert (again.id, created) == (first.id, False)


def test_a_queue_needs_a_pool(tx: Tx) -> None:
    with pytest.raises(Refused, match="not associated with a work pool"):
        run(tx, deploy(tx), work_queue_name="q")


def test_an_unknown_deployment(tx: Tx) -> None:
    with pytest.raises(NotFound, match="Deployment not found"):
        deployment_runs.create(tx, uuid4(), DeploymentFlowRunCreate())


def test_of_many_the_good_ones_are_made(tx: Tx, deployment: Deployment) -> None:
    bodies = [DeploymentFlowRunCreate(parameters={"x": value}) for value in (1, "bad", 2)]
    results = deployment_runs.create_many(tx, deployment.id, bodies).results
    assert [each.status for each in results] == ["CREATED", "FAILED", "CREATED"]
    assert results[1].error == (
        "Parameter validation failed: Validation failed for field 'x'. Failure reason: 'bad' is not of type 'integer'"
    )
    broken = DeploymentFlowRunCreate(parameters={"x": {"__prefect_kind": "json", "value": "{"}})
    (result,) = deployment_runs.create_many(tx, deployment.id, [broken]).results
    assert result.error is not None
    assert result.error.startswith("Invalid JSON: ")
    assert deployment_runs.create_many(tx, deployment.id, []).results == []
    with pytest.raises(Refused, match="more than 100"):
        deployment_runs.create_many(tx, deployment.id, [DeploymentFlowRunCreate()] * 101)


class TestFindScheduled:
    def find(self, tx: Tx, *ids: Any, **options: Any) -> list[str]:
        before = options.pop("before", None)
        found = deployment_runs.find_scheduled(tx, ids, scheduled_before=before, limit=options.pop("limit", 200))
        return [each.name for each in found]

    def test_runs_that_are_due_come_first_due_first(self, tx: Tx) -> None:
        one, two = deploy(tx, "one"), deploy(tx, "two")
        run(tx, one, name="later", state=scheduled(NOON + timedelta(hours=1)))
        run(tx, one, name="now")
        run(tx, two, name="soon", state=scheduled(NOON + timedelta(minutes=1)))
        run(tx, two, name="taken", state=pending())
        assert self.find(tx, one.id, two.id) == ["now", "soon", "later"]
        assert self.find(tx, one.id, two.id, limit=1) == ["now"]
        assert self.find(tx, two.id, before=NOON) == []
        assert self.find(tx, uuid4()) == self.find(tx) == []

    def test_who_asks_makes_deployments_ready(self, tx: Tx) -> None:
        deployment = deploy(tx)
        self.find(tx, deployment.id)
        self.find(tx, deployment.id)
        after = deployments.read(tx, deployment.id)
        assert (after.status, after.last_polled) == (DeploymentStatus.READY, NOON)
        assert [each.event for each in tx.emitted if "ready" in each.event] == ["prefect.deployment.ready"]


class TestOrdinaryRuns:
    def test_a_run_that_names_a_deployment_has_its_labels(self, tx: Tx) -> None:
        flow = make_flow(tx, labels={"team": "flow"})
        deployment = deploy(tx, labels={"team": "dep"})
        made, _ = flow_runs.create(tx, FlowRunCreate(flow_id=flow.id, deployment_id=deployment.id, labels={"x": 1}))
        ids = {"prefect.flow.id": str(flow.id), "prefect.deployment.id": str(deployment.id)}
        assert made.labels == {"team": "dep", "x": 1, **ids}

    def test_new_job_variables_are_checked(self, tx: Tx, deployment: Deployment) -> None:
        made = run(tx, deployment)
        flow_runs.update(tx, made.id, {"job_variables": {"n": 3}})
        assert flow_runs.read(tx, made.id).job_variables == {"n": 3}
        with pytest.raises(Invalid, match="Error updating flow run: Validation failed for field 'n'"):
            flow_runs.update(tx, made.id, {"job_variables": {"n": "s"}})
        deployments.delete_many(tx, [])
        tx.execute("DELETE FROM deployment")
        with pytest.raises(Refused, match="A deployment for the flow run could not be found"):
            flow_runs.update(tx, made.id, {"job_variables": {"n": 3}})
