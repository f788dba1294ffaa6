"""Run the server in this process: uvicorn with the app, from settings."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import uvicorn

from flowctl.server.app import create_app
from flowctl.settings import load


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--db", type=Path)
    options = parser.parse_args()
    settings = load()
    settings = replace(settings, host=options.host, port=options.port, db=options.db or settings.db)
    uvicorn.run(
        create_app(settings, final=True), host=settings.host, port=settings.port, log_level="info", access_log=False
    )


if __name__ == "__main__":
    main()
