"""Prefect's client keeps to the limits that flowctl has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from processes import Client, Server

pytestmark = pytest.mark.e2e
SCRIPT = Path(__file__).parent / "scripts" / "limits.py"


def test_slots_rates_and_tags(server: Server, client: Client) -> None:
    server.post("/v2/concurrency_limits/", {"name": "pair", "limit": 2})
    server.post("/v2/concurrency_limits/", {"name": "quick", "limit": 2, "slot_decay_per_second": 5})
    server.post("/concurrency_limits/", {"tag": "one-at-a-time", "concurrency_limit": 1})
    result = client.run(str(SCRIPT))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "crowded": "AcquireConcurrencySlotTimeoutError",
        "free again": None,
        "too many": "ConcurrencySlotAcquisitionError",
        "unknown": None,
        "unknown, strictly": "ConcurrencySlotAcquisitionError",
        "at a time": 1,
    }
    for name in ("pair", "tag:one-at-a-time"):
        assert server.get(f"/v2/concurrency_limits/{name}")["active_slots"] == 0
