"""Saved searches."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.domain.list_queries import PageQuery
from flowctl.domain.saved_searches import SavedSearch, SavedSearchCreate
from flowctl.ops import saved_searches as ops
from flowctl.ops.pages import size
from flowctl.server.endpoint import Reply, Routes

routes = Routes("/saved_searches", tag="SavedSearches")


@routes.write("PUT", "/")
def create_saved_search(tx: Tx, body: SavedSearchCreate) -> Reply[SavedSearch]:
    """Create a saved search, or replace the filters of the one with this name (200)."""
    search, created = ops.upsert(tx, body)
    return Reply(search, status=201 if created else 200)


@routes.read("POST", "/filter")
def read_saved_searches(tx: Tx, body: PageQuery) -> Rows[SavedSearch]:
    """List saved searches by name."""
    return ops.find(tx, limit=size(tx, body.limit), offset=body.offset)


@routes.read("GET", "/{id}", quick=True)
def read_saved_search(tx: Tx, id: UUID) -> SavedSearch:
    """Get a saved search by its id."""
    return ops.read(tx, id)


@routes.write("DELETE", "/{id}")
def delete_saved_search(tx: Tx, id: UUID) -> None:
    """Delete a saved search."""
    ops.delete(tx, id)
