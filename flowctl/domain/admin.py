"""What the server itself keeps: CSRF tokens, and where results are stored by default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(slots=True, kw_only=True)
class CsrfToken:
    """A client's token, sent back with each of its writes (Prefect: CsrfToken)."""

    id: UUID
    created: datetime
    updated: datetime
    token: str
    client: str
    expiration: datetime


@dataclass(slots=True, kw_only=True)
class ServerDefaultResultStorage:
    """The block that stores results when a flow names none (Prefect: ServerDefaultResultStorage)."""

    default_result_storage_block_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class ServerDefaultResultStorageUpdate:
    """Body of `PUT /admin/storage`."""

    default_result_storage_block_id: UUID
