"""Values against schemas, for forms."""

from __future__ import annotations

from flowctl.db.database import Tx
from flowctl.ops import ui_schemas as ops
from flowctl.ops import variables
from flowctl.ops.ui_schemas import SchemaValues, SchemaValuesValidationResponse
from flowctl.server.endpoint import Routes

routes = Routes("/ui/schemas", tag="UI")


@routes.read("POST", "/validate")
def validate_obj(tx: Tx, body: SchemaValues) -> SchemaValuesValidationResponse:
    """Tell which values do not fit their JSON schema, and why."""
    return ops.validate(body.schema, body.values, variables=variables.Values(tx))
