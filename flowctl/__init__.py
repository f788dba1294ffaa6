"""flowctl: Prefect's control plane in one small program with an embedded SQLite database."""

from __future__ import annotations

__version__ = "0.1.0"

PREFECT_VERSION = "3.8.1"
"""The Prefect release whose API flowctl speaks; clients compare its major version with their own."""

API_VERSION = "0.8.4"
"""Version of that API, as clients send it in `X-PREFECT-API-VERSION`."""
