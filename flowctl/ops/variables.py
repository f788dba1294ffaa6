"""Variables: create, read, list, update and delete, by id or by name; each change is announced by an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import variables as table
from flowctl.domain.errors import Conflict, NotFound
from flowctl.domain.values import JSONObject, JSONValue
from flowctl.domain.variables import Variable, VariableCreate, VariableFilter, VariableSort, VariableUpdate
from flowctl.ops import lifecycle_events

_NOT_FOUND = "Variable not found."


def create(tx: Tx, body: VariableCreate) -> Variable:
    """Create a variable.  Raises Conflict if the name is taken."""
    if table.by_name(tx, body.name):
        raise Conflict(f"A variable with the name {body.name!r} already exists.")
    variable = Variable(
        id=tx.new_id(), created=tx.now, updated=tx.now, name=body.name, value=body.value, tags=body.tags
    )
    table.insert(tx, variable)
    _emit(tx, variable, "created")
    return variable


def read(tx: Tx, id: UUID) -> Variable:
    """A variable by its id.  Raises NotFound."""
    return _found(table.get(tx, id))


def read_by_name(tx: Tx, name: str) -> Variable:
    """A variable by its name.  Raises NotFound."""
    return _found(table.by_name(tx, name))


def find(tx: Tx, filter: VariableFilter | None, *, sort: VariableSort, limit: int, offset: int) -> Rows[Variable]:
    """List variables that match."""
    return table.find(tx, filter, sort, limit, offset)


def count(tx: Tx, filter: VariableFilter | None) -> int:
    """Count variables that match."""
    return table.count(tx, filter)


def update(tx: Tx, id: UUID, body: VariableUpdate) -> None:
    """Set what is present in the body.  Raises NotFound, and Conflict if the new name is taken."""
    _update(tx, read(tx, id), body)


def update_by_name(tx: Tx, name: str, body: VariableUpdate) -> None:
    """Set what is present in the body.  Raises NotFound, and Conflict if the new name is taken."""
    _update(tx, read_by_name(tx, name), body)


def delete(tx: Tx, id: UUID) -> None:
    """Delete a variable.  Raises NotFound."""
    _delete(tx, read(tx, id))


def delete_by_name(tx: Tx, name: str) -> None:
    """Delete a variable.  Raises NotFound."""
    _delete(tx, read_by_name(tx, name))


class Values(Mapping[str, JSONValue]):
    """The values of all variables by their names, each read when it is asked for."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def __getitem__(self, name: object) -> JSONValue:
        variable = table.by_name(self._tx, name) if isinstance(name, str) else None
        if variable is None:
            raise KeyError(name)
        return variable.value

    def __iter__(self) -> Iterator[str]:
        return iter(table.names(self._tx))

    def __len__(self) -> int:
        return table.count(self._tx, None)


def _update(tx: Tx, variable: Variable, body: VariableUpdate) -> None:
    table.update(tx, variable.id, **body)
    _emit(tx, read(tx, variable.id), "updated")


def _delete(tx: Tx, variable: Variable) -> None:
    _emit(tx, variable, "deleted")
    table.delete(tx, variable.id)


def _found(variable: Variable | None) -> Variable:
    if variable is None:
        raise NotFound(_NOT_FOUND)
    return variable


def _emit(tx: Tx, variable: Variable, action: str) -> None:
    """Announce `prefect.variable.<action>`, with the value, which automations may read."""
    payload: JSONObject = {"name": variable.name, "value": variable.value, "tags": variable.tags}
    resource = f"prefect.variable.{variable.id}"
    lifecycle_events.emit(tx, f"prefect.variable.{action}", resource, variable.name, payload)
