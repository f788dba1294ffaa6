from __future__ import annotations

from uuid import uuid4

import pytest

from flowctl.db.database import Tx
from flowctl.domain.errors import NotFound
from flowctl.domain.saved_searches import SavedSearchCreate, SavedSearchFilter
from flowctl.ops import saved_searches

LATE = SavedSearchFilter(object="flow_run", property="state", type="string", operation="equals", value=["Late", None])


def test_a_search_is_replaced_by_one_of_the_same_name(tx: Tx) -> None:
    first, created = saved_searches.upsert(tx, SavedSearchCreate(name="late", filters=[LATE]))
    assert created
    assert saved_searches.read(tx, first.id) == first
    again, created = saved_searches.upsert(tx, SavedSearchCreate(name="late"))
    assert (again.id, again.filters, created) == (first.id, [], False)


def test_searches_are_listed_by_name(tx: Tx) -> None:
    for name in ("c", "a", "b"):
        saved_searches.upsert(tx, SavedSearchCreate(name=name))
    assert [search.name for search in saved_searches.find(tx, limit=2, offset=1)] == ["b", "c"]


def test_a_deleted_search_is_gone(tx: Tx) -> None:
    search, _ = saved_searches.upsert(tx, SavedSearchCreate(name="late"))
    saved_searches.delete(tx, search.id)
    for gone in (search.id, uuid4()):
        with pytest.raises(NotFound, match="Saved search not found"):
            saved_searches.read(tx, gone)
        with pytest.raises(NotFound, match="Saved search not found"):
            saved_searches.delete(tx, gone)
