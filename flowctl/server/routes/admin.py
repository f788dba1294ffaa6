"""Administration: settings, version, and the default storage of results."""

from __future__ import annotations

from typing import Any

from flowctl import PREFECT_VERSION
from flowctl.db.database import Tx
from flowctl.domain.admin import ServerDefaultResultStorage, ServerDefaultResultStorageUpdate
from flowctl.ops import storage_defaults as ops
from flowctl.server import prefect_settings
from flowctl.server.endpoint import Call, Routes

routes = Routes("/admin", tag="Admin")


@routes.plain("GET", "/settings")
def read_settings(call: Call) -> dict[str, Any]:
    """Get the settings as Prefect's tree; secrets are obfuscated."""
    return prefect_settings.tree(call.context.settings)


@routes.plain("GET", "/version")
def read_version() -> str:
    """Get the release of Prefect that this API equals."""
    return PREFECT_VERSION


@routes.read("GET", "/storage", quick=True)
def read_server_default_result_storage(tx: Tx) -> ServerDefaultResultStorage:
    """Get the block that stores results by default."""
    return ops.read(tx)


@routes.write("PUT", "/storage")
def update_server_default_result_storage(tx: Tx, body: ServerDefaultResultStorageUpdate) -> ServerDefaultResultStorage:
    """Set the block that stores results by default."""
    return ops.update(tx, body.default_result_storage_block_id)


@routes.write("DELETE", "/storage")
def clear_server_default_result_storage(tx: Tx) -> None:
    """Store results nowhere by default."""
    ops.clear(tx)
