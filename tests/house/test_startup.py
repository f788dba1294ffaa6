"""What the offline commands may import (DESIGN.md section 9): names, not a stopwatch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"pydantic", "pydantic_core", "starlette", "uvicorn", "sqlite_utils", "rich", "asyncio", "httpx", "orjson"}

CODE = """
import atexit, json, sys
atexit.register(lambda: print("\\nMODULES " + json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv = ["flowctl", *{arguments!r}]
from flowctl.__main__ import main
main()
"""


def modules_after(db: Path, *arguments: str) -> set[str]:
    env = {**os.environ, "FLOWCTL_DB": str(db), "NO_COLOR": "1"}
    result = subprocess.run(
        [sys.executable, "-c", CODE.format(arguments=list(arguments))],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "MODULES" in result.stderr, result.stderr
    return set(json.loads(result.stderr.rpartition("MODULES ")[2]))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("runs", "ls"),
        ("runs", "ls", "--output", "json"),
        ("runs", "ls", "--state", "failed", "--flow", "etl", "--since", "2h"),
        ("runs", "set-state", "no-such-run", "completed", "--yes"),
        ("flows", "ls"),
    ],
    ids=" ".join,
)
def test_offline_commands_stay_light(db_path: Path, arguments: tuple[str, ...]) -> None:
    assert not modules_after(db_path, *arguments) & HEAVY


def test_listing_runs_does_not_even_load_typer(db_path: Path) -> None:
    assert "typer" not in modules_after(db_path, "runs", "ls")
