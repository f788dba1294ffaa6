"""Variables, by id and by name."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.variables import Variable, VariableCreate, VariablesCount, VariablesQuery, VariableUpdate
from flowctl.ops import variables as ops
from flowctl.ops.pages import size
from flowctl.server.endpoint import Routes

routes = Routes("/variables", tag="Variables")


@routes.write("POST", "/", status=201)
def create_variable(tx: Tx, body: VariableCreate) -> Variable:
    """Create a variable."""
    return ops.create(tx, body)


@routes.read("GET", "/{id}", quick=True)
def read_variable(tx: Tx, id: UUID) -> Variable:
    """Get a variable by its id."""
    return ops.read(tx, id)


@routes.read("GET", "/name/{name}", quick=True)
def read_variable_by_name(tx: Tx, name: str) -> Variable:
    """Get a variable by its name."""
    return ops.read_by_name(tx, name)


@routes.read("POST", "/filter")
def read_variables(tx: Tx, body: VariablesQuery) -> Rows[Variable]:
    """List variables."""
    return ops.find(tx, body.variables, sort=body.sort, limit=size(tx, body.limit), offset=body.offset)


@routes.read("POST", "/count")
def count_variables(tx: Tx, body: VariablesCount) -> int:
    """Count variables."""
    return ops.count(tx, body.variables)


@routes.write("PATCH", "/{id}")
def update_variable(tx: Tx, id: UUID, body: VariableUpdate) -> None:
    """Set the fields that are sent."""
    ops.update(tx, id, body)


@routes.write("PATCH", "/name/{name}")
def update_variable_by_name(tx: Tx, name: str, body: VariableUpdate) -> None:
    """Set the fields that are sent."""
    ops.update_by_name(tx, name, body)


@routes.write("DELETE", "/{id}")
def delete_variable(tx: Tx, id: UUID) -> None:
    """Delete a variable."""
    ops.delete(tx, id)


@routes.write("DELETE", "/name/{name}")
def delete_variable_by_name(tx: Tx, name: str) -> None:
    """Delete a variable."""
    ops.delete_by_name(tx, name)
