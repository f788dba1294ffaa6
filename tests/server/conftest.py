"""Fixtures of the server's tests: settings on a fresh file, and a client on the whole application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_client import TestClient

from flowctl.server.app import create_app
from flowctl.settings import Settings


@pytest.fixture
def settings(db_path: Path) -> Settings:
    return Settings(db=db_path)


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    """A client on `create_app`, without background services."""
    with TestClient(create_app(settings, webserver_only=True, ignore_cache=True)) as client:
        client.base_url = client.base_url.join("/api")
        yield client
