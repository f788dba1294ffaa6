"""Job variables: what a pool's template, a deployment and a run say of the infrastructure, against the pool's schema.

They overlay each other in this order.  No block documents are kept as yet: a new template may not refer to one, and a
reference in a template from elsewhere (an import) is left out of the checks of deployments and runs.
source  Prefect: server/api/validation.py
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import deployments, work_pools
from flowctl.domain import parameter_schema
from flowctl.domain.errors import Invalid, NotFound, Refused
from flowctl.domain.parameter_schema import Mismatch, SchemaProblem
from flowctl.domain.values import JSONObject


def check_deployment(base_job_template: JSONObject, variables: JSONObject, *, doing: str) -> None:
    """Check the job variables of a deployment; required ones may come from its runs.

    doing  "creating" or "updating", for the message
    Raises Invalid.
    """
    if variables:
        _check(base_job_template, variables, complete=False, failure=f"Error {doing} deployment: ")


def check_flow_run(tx: Tx, deployment_id: UUID, variables: JSONObject | None, *, doing: str) -> None:
    """Check the job variables of a run of a deployment over the deployment's own; all required ones have to be there.

    A deployment without a work pool has no schema to check by.  Raises Invalid, and Refused without the deployment.
    """
    deployment = deployments.get(tx, deployment_id)
    if deployment is None:
        raise Refused("A deployment for the flow run could not be found")
    pool = work_pools.of_queue(tx, deployment.work_queue_id) if deployment.work_queue_id else None
    if pool is not None:
        overlaid = {**deployment.job_variables, **(variables or {})}
        _check(pool.base_job_template, overlaid, complete=True, failure=f"Error {doing} flow run: ")


def check_defaults(base_job_template: JSONObject) -> None:
    """Check the defaults of a new work pool's template.  Raises Invalid, and NotFound for a block."""
    schema = base_job_template.get("variables")
    if not schema:
        return
    if any(_is_block(field.get("default")) for field in _fields(schema).values()):
        raise NotFound("Block not found.")
    failure = "Validation failed for work pool's job variable defaults: "
    _validate(_defaults(schema), schema, partial=True, failure=failure)


def _check(base_job_template: JSONObject, variables: JSONObject, *, complete: bool, failure: str) -> None:
    schema = base_job_template.get("variables")
    if not schema:
        return
    try:
        parameter_schema.check_schema(schema)
    except SchemaProblem as problem:
        raise Invalid(str(problem)) from None
    defaults = _defaults(schema)
    valid = {name: value for name, value in defaults.items() if _fits(name, value, schema)}
    # Without all defaults it cannot be told what is missing.
    partial = not complete or len(valid) < len(defaults)
    _validate({**valid, **variables}, schema, partial=partial, failure=failure)


def _validate(values: JSONObject, schema: JSONObject, *, partial: bool, failure: str) -> None:
    try:
        parameter_schema.validate(values, schema, partial=partial, none_for_default=True)
    except Mismatch as mismatch:
        raise Invalid(f"{failure}{mismatch}") from None
    except SchemaProblem as problem:
        raise Invalid(str(problem)) from None


def _defaults(schema: JSONObject) -> JSONObject:
    return {
        name: field["default"]
        for name, field in _fields(schema).items()
        if "default" in field and not _is_reference(field["default"])
    }


def _fields(schema: JSONObject) -> dict[str, JSONObject]:
    fields = cast("JSONObject", schema.get("properties") or {})
    return {name: cast("JSONObject", field) for name, field in fields.items() if isinstance(field, dict)}


def _is_reference(default: Any) -> bool:
    return isinstance(default, dict) and "$ref" in default


def _is_block(default: Any) -> bool:
    return _is_reference(default) and isinstance(default["$ref"], dict) and "block_document_id" in default["$ref"]


def _fits(name: str, value: object, schema: JSONObject) -> bool:
    try:
        parameter_schema.validate_to_the_letter({name: value}, schema, partial=True)
    except Mismatch:
        return False
    return True
