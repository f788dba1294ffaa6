"""Runs the dashboard's pure parts under `node --test`, and checks its types where tsc is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem)
def test_under_node(file: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine; only these tests need it")
    done = subprocess.run(
        [node, "--test", str(file)], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("no tsc on this machine (npm install --global typescript)")
    command = [tsc, "--project", str(ROOT / "tools" / "tsconfig.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
