"""Table saved_search."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.columns import TEXT, TIME, UUID_, Columns, Rows, json_items
from flowctl.db.database import Tx
from flowctl.domain.saved_searches import SavedSearch, SavedSearchFilter

SAVED_SEARCH = Columns(
    SavedSearch,
    table="saved_search",
    id=UUID_,
    created=TIME,
    updated=TIME,
    name=TEXT,
    filters=json_items(list[SavedSearchFilter]),
)


def get(tx: Tx, id: UUID) -> SavedSearch | None:
    """A saved search by its id, or None."""
    return SAVED_SEARCH.by_id(tx, id)


def by_name(tx: Tx, name: str) -> SavedSearch | None:
    """A saved search by its name, or None."""
    return SAVED_SEARCH.one(tx, "WHERE saved_search.name = ?", (name,))


def find(tx: Tx, *, limit: int, offset: int) -> Rows[SavedSearch]:
    """A page of all saved searches, by name."""
    return SAVED_SEARCH.rows(tx, "ORDER BY saved_search.name LIMIT ? OFFSET ?", (limit, offset))


def insert(tx: Tx, search: SavedSearch) -> SavedSearch:
    """Store a new saved search.  Raises Conflict if the name is taken."""
    return SAVED_SEARCH.insert(tx, search)


def update(tx: Tx, id: UUID, **changes: object) -> bool:
    """Set columns, and `updated`; tells whether it exists."""
    return SAVED_SEARCH.update(tx, id, updated=tx.now, **changes)


def delete(tx: Tx, id: UUID) -> bool:
    """Delete one; tells whether it was there."""
    return SAVED_SEARCH.delete(tx, id)
