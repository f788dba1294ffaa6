"""Where results are stored when a flow names no storage: a block document, or nothing."""

from __future__ import annotations

from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.tables import configurations
from flowctl.domain.admin import ServerDefaultResultStorage
from flowctl.domain.errors import NotFound
from flowctl.domain.values import JSONObject

KEY = "server-default-result-storage"


def read(tx: Tx) -> ServerDefaultResultStorage:
    """The default; an empty one when none is set."""
    value: JSONObject = configurations.get(tx, KEY) or {}
    id = value.get("default_result_storage_block_id")
    return ServerDefaultResultStorage(default_result_storage_block_id=UUID(id) if id else None)


def update(tx: Tx, block_document_id: UUID) -> ServerDefaultResultStorage:
    """Set the default.  Raises NotFound if there is no such block document.

    source  Prefect: PUT /admin/storage
    """
    # Block documents are not kept yet, so that no id can be one of theirs.
    raise NotFound(f"Block document {block_document_id} not found.")


def clear(tx: Tx) -> None:
    """Set no default."""
    configurations.delete(tx, KEY)
