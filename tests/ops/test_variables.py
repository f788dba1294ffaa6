from __future__ import annotations

from uuid import uuid4

import pytest

from flowctl.db.database import Tx
from flowctl.domain.errors import INTEGRITY, Conflict, NotFound
from flowctl.domain.filters import AllTagsFilter, IdAnyFilter, NameFilter, Operator
from flowctl.domain.values import JSONValue
from flowctl.domain.variables import Variable, VariableCreate, VariableFilter, VariableSort
from flowctl.ops import variables


def make(tx: Tx, name: str, value: JSONValue = None, *tags: str) -> Variable:
    return variables.create(tx, VariableCreate(name=name, value=value, tags=list(tags)))


def names(tx: Tx, filter: VariableFilter | None = None, sort: VariableSort = VariableSort.NAME_ASC) -> list[str]:
    found = [each.name for each in variables.find(tx, filter, sort=sort, limit=200, offset=0)]
    assert variables.count(tx, filter) == len(found)
    return found


@pytest.mark.parametrize("value", [None, "", "Köln", 5, 1.5, True, [1, "a", None], {"k": {"l": []}}], ids=repr)
def test_a_value_is_read_as_it_was_written(tx: Tx, value: JSONValue) -> None:
    made = make(tx, "city", value, "x")
    assert variables.read(tx, made.id) == variables.read_by_name(tx, "city") == made
    assert made.value == value


def test_all_values_by_name(tx: Tx) -> None:
    for name, value in (("b", None), ("a", [1])):
        make(tx, name, value)
    values = variables.Values(tx)
    assert (dict(values), len(values), "c" in values, values.get("c", 3)) == ({"a": [1], "b": None}, 2, False, 3)


def test_create_rejects_a_name_already_taken(tx: Tx) -> None:
    make(tx, "city")
    with pytest.raises(Conflict, match="A variable with the name 'city' already exists"):
        make(tx, "city")


def test_update_changes_what_is_given(tx: Tx) -> None:
    made = make(tx, "city", "Köln", "x")
    variables.update(tx, made.id, {"value": {"a": 1}})
    variables.update_by_name(tx, "city", {"name": "town", "tags": []})
    after = variables.read_by_name(tx, "town")
    assert (after.id, after.value, after.tags) == (made.id, {"a": 1}, [])
    make(tx, "city")
    with pytest.raises(Conflict) as taken:
        variables.update(tx, made.id, {"name": "city"})
    with pytest.raises(Conflict):
        variables.update(tx, made.id, {"tags": None})
    assert taken.value.message == INTEGRITY


def test_deleted_ones_are_gone(tx: Tx) -> None:
    variables.delete(tx, make(tx, "a").id)
    make(tx, "a")
    variables.delete_by_name(tx, "a")
    for missing in (
        lambda: variables.read(tx, uuid4()),
        lambda: variables.read_by_name(tx, "a"),
        lambda: variables.update(tx, uuid4(), {"value": 1}),
        lambda: variables.update_by_name(tx, "a", {"value": 1}),
        lambda: variables.delete(tx, uuid4()),
        lambda: variables.delete_by_name(tx, "a"),
    ):
        with pytest.raises(NotFound, match=r"Variable not found\."):
            missing()


def test_filters_and_orders(tx: Tx) -> None:
    first = make(tx, "b", 1, "q", "r")
    make(tx, "c_1", 2, "q")
    make(tx, "a", 3)
    variables.update_by_name(tx, "c_1", {"value": 4})
    assert names(tx) == ["a", "b", "c_1"]
    assert names(tx, sort=VariableSort.NAME_DESC) == ["c_1", "b", "a"]
    assert names(tx, sort=VariableSort.CREATED_DESC) == ["a", "c_1", "b"]
    by_id = IdAnyFilter(any_=[first.id])
    assert names(tx, VariableFilter(id=by_id)) == ["b"]
    assert names(tx, VariableFilter(name=NameFilter(like_="C%1"))) == ["c_1"]
    assert names(tx, VariableFilter(tags=AllTagsFilter(all_=["q", "r"]))) == ["b"]
    assert names(tx, VariableFilter(tags=AllTagsFilter(is_null_=True))) == ["a"]
    either = VariableFilter(operator=Operator.or_, id=by_id, name=NameFilter(any_=["a"]))
    assert names(tx, either) == ["a", "b"]


def test_each_change_is_announced(tx: Tx) -> None:
    made = make(tx, "city", "Köln", "x")
    variables.update(tx, made.id, {"value": 5})
    variables.delete(tx, made.id)
    assert [(event.event, event.payload["value"]) for event in tx.emitted] == [
        ("prefect.variable.created", "Köln"),
        ("prefect.variable.updated", 5),
        ("prefect.variable.deleted", 5),
    ]
    assert tx.emitted[0].resource == {
        "prefect.resource.id": f"prefect.variable.{made.id}",
        "prefect.resource.name": "city",
    }
    assert tx.emitted[0].payload == {"name": "city", "value": "Köln", "tags": ["x"]}
