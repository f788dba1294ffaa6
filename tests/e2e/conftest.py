"""A server and a client, in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Client, Server, prefect_python, serving

NEWEST = "3.8.1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running `flowctl serve` with a database of its own."""
    with serving(tmp_path_factory.mktemp("server") / "flowctl.db") as running:
        yield running


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Client:
    """The newest Prefect client that is tested, configured for the server."""
    return Client(prefect_python(NEWEST), tmp_path / "home", server.api)
