"""`flowctl version`."""

from __future__ import annotations

import sqlite3
import sys

import typer

from flowctl import API_VERSION, PREFECT_VERSION, __version__
from flowctl.cli.context import Session

EXAMPLES = "flowctl version\nflowctl version --json"


def show_version(ctx: typer.Context) -> None:
    """Print the versions of flowctl, of Prefect's API, and of what they stand on."""
    output = Session.of(ctx).output
    versions = {
        "flowctl": __version__,
        "prefect": PREFECT_VERSION,
        "api": API_VERSION,
        "python": ".".join(map(str, sys.version_info[:3])),
        "sqlite": sqlite3.sqlite_version,
    }
    if output.wants_data:
        output.data([versions], single=True)
    else:
        output.pairs(list(versions.items()))
