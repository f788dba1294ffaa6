"""The default storage of results."""

from __future__ import annotations

from uuid import UUID

import pytest

from flowctl.db.database import Tx
from flowctl.db.tables import configurations
from flowctl.domain.admin import ServerDefaultResultStorage
from flowctl.domain.errors import NotFound
from flowctl.ops import storage_defaults as ops

ID = UUID(int=3)


def test_it_is_nothing_until_it_is_set(tx: Tx) -> None:
    assert ops.read(tx) == ServerDefaultResultStorage()
    with pytest.raises(NotFound):
        ops.update(tx, ID)


def test_it_is_read_as_prefect_stores_it_and_cleared(tx: Tx) -> None:
    configurations.put(tx, ops.KEY, {"default_result_storage_block_id": str(ID)})
    configurations.put(tx, ops.KEY, {"default_result_storage_block_id": str(ID)})
    assert ops.read(tx).default_result_storage_block_id == ID
    ops.clear(tx)
    assert ops.read(tx) == ServerDefaultResultStorage()
