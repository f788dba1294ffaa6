"""What a deployment's definition, and a run's request, are refused for; and parameters made of what is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import concurrency_limits
from flowctl.domain import hydration, parameter_schema, templates
from flowctl.domain.errors import Conflict, Invalid, NotFound, Refused
from flowctl.domain.hydration import HydrationError
from flowctl.domain.parameter_schema import Mismatch, SchemaProblem
from flowctl.domain.values import JSONObject
from flowctl.ops import variables

NO_SCHEMA = (
    "Error updating deployment: Cannot update parameters because parameter schema enforcement is enabled and the "
    "deployment does not have a valid parameter schema."
)


def check_definition(tx: Tx, definition: JSONObject) -> None:
    """Refuse the body of a creation whose parameters do not fit its schema, are too long, or with limits of two kinds.

    The schema only counts if its enforcement is asked for, which is not the default here (as in Prefect).
    Raises Invalid.
    """
    check_limits(definition)
    parameters = definition.get("parameters", {})
    check_size(tx, parameters)
    schema = definition.get("parameter_openapi_schema")
    if not definition.get("enforce_parameter_schema") or schema is None:
        return
    try:
        parameter_schema.validate_to_the_letter(parameters, schema, partial=True)
    except Mismatch as mismatch:
        raise _invalid_body(definition, str(mismatch)) from None
    except SchemaProblem as problem:
        reason = str(problem).removeprefix("Invalid schema: ")
        message = f"The provided schema is not a valid json schema. Schema error: {reason}"
        raise _invalid_body(definition, message) from None


def check_limits(definition: JSONObject) -> None:
    """Refuse a body that asks for a limit of its own and for an existing one.  Raises Invalid."""
    if definition.get("concurrency_limit") and definition.get("global_concurrency_limit_id"):
        message = "A deployment cannot have both a concurrency limit and a global concurrency limit."
        raise _invalid_body(definition, message)


def check_size(tx: Tx, parameters: JSONObject | None, *, place: Sequence[str | int] = ("parameters",)) -> None:
    """Refuse parameters that are longer than the server is set to take.

    place  where they are in the body
    Raises Invalid.
    """
    most = tx.settings.api_max_parameter_size
    if most <= 0 or not parameters:
        return
    size = len(json.dumps(parameters, separators=(",", ":")).encode())
    if size > most:
        message = f"Flow run parameters must be less than {most:,} bytes when serialized (got {size:,} bytes)."
        raise Invalid(message, entries=[_entry(["body", *place], message, parameters)])


def check_parameters(parameters: JSONObject, schema: object, *, failure: str, partial: bool) -> None:
    """Refuse parameters that do not fit an enforced schema.

    failure  what the message begins with
    partial  required ones may be missing
    Raises Conflict, and Invalid for a schema that cannot be used.
    """
    if not isinstance(schema, dict):
        raise Conflict(NO_SCHEMA)
    try:
        parameter_schema.validate(parameters, cast("JSONObject", schema), partial=partial)
    except Mismatch as mismatch:
        raise Conflict(f"{failure}{mismatch}") from None
    except SchemaProblem as problem:
        raise Invalid(str(problem)) from None


def hydrated(tx: Tx, parameters: JSONObject, *, failure: str) -> JSONObject:
    """Parameters with all values made: those of JSON text, of templates and of variables.

    failure  what the message begins with
    Raises Refused.
    """
    try:
        return hydration.hydrate(
            parameters, variables=variables.Values(tx), render=lambda text: templates.render(text, {})
        )
    except HydrationError as error:
        raise Refused(f"{failure}{error}") from None


def require_limit(tx: Tx, id: UUID | None) -> None:
    """Raise NotFound unless the concurrency limit that a deployment shall share exists."""
    if id is not None and concurrency_limits.get(tx, id) is None:
        raise NotFound("Concurrency limit not found")


def require_blocks(infrastructure_id: UUID | None, storage_id: UUID | None) -> None:
    """Raise Conflict for a block document: none is stored as yet."""
    for kind, id in (("infrastructure", infrastructure_id), ("storage", storage_id)):
        if id is not None:
            raise Conflict(
                f"Error creating deployment. Could not find {kind} block with id: {id}. This usually occurs when "
                "applying a deployment specification that was built against a different Prefect database / workspace."
            )


def _invalid_body(body: JSONObject, message: str) -> Invalid:
    return Invalid(message, entries=[_entry(["body"], message, body)])


def _entry(loc: list[str | int], message: str, value: object) -> dict[str, Any]:
    return {"type": "value_error", "loc": loc, "msg": f"Value error, {message}", "input": value, "ctx": {"error": {}}}
