"""What `flowctl --version` says; starts fast."""

from __future__ import annotations

from flowctl import PREFECT_VERSION, __version__


def version_line() -> str:
    """`flowctl 0.1.0 (Prefect 3.8.1 API)`."""
    return f"flowctl {__version__} (Prefect {PREFECT_VERSION} API)"
