"""Saved searches: create or replace, read, list, delete."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import Rows
from flowctl.db.database import Tx
from flowctl.db.tables import saved_searches as table
from flowctl.domain.errors import NotFound
from flowctl.domain.saved_searches import SavedSearch, SavedSearchCreate


def upsert(tx: Tx, body: SavedSearchCreate) -> tuple[SavedSearch, bool]:
    """Create a saved search, or replace the filters of the one with this name; also tells whether it is new."""
    existing = table.by_name(tx, body.name)
    if existing is not None:
        table.update(tx, existing.id, filters=body.filters)
        return read(tx, existing.id), False
    search = SavedSearch(id=tx.new_id(), created=tx.now, updated=tx.now, name=body.name, filters=body.filters)
    return table.insert(tx, search), True


def read(tx: Tx, id: UUID) -> SavedSearch:
    """A saved search by its id.  Raises NotFound."""
    search = table.get(tx, id)
    if search is None:
        raise NotFound("Saved search not found")
    return search


def find(tx: Tx, *, limit: int, offset: int) -> Rows[SavedSearch]:
    """A page of all saved searches, by name."""
    return table.find(tx, limit=limit, offset=offset)


def delete(tx: Tx, id: UUID) -> None:
    """Delete a saved search.  Raises NotFound."""
    if not table.delete(tx, id):
        raise NotFound("Saved search not found")
