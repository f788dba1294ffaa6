"""flowctl.pyz, built by scripts/build_zipapp.py, on a Python that has nothing installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from processes import ROOT, clean_environment

BARE = (sys.executable, "-I", "-S")
"""This Python without site-packages and without the environment's variables for Python."""

BESIDE = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
del sys.argv[0]
runpy.run_path(sys.argv[0], None, "__main__")
"""
"""Runs the file in the second argument with the folder in the first as its site-packages."""


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built file; skips where the package index cannot be reached."""
    path = tmp_path_factory.mktemp("dist") / "flowctl.pyz"
    build = [sys.executable, str(ROOT / "scripts" / "build_zipapp.py"), "-o", str(path)]
    result = subprocess.run(build, capture_output=True, text=True, timeout=300, check=False)
    if "No matching distribution" in result.stderr or "ConnectionError" in result.stderr:
        pytest.skip(f"the package index cannot be reached: {result.stderr.strip()[-200:]}")
    assert result.returncode == 0, result.stderr
    return path


def environment(home: Path) -> dict[str, str]:
    return {
        **clean_environment(),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
    }


def cached(home: Path) -> list[str]:
    folder = home / "cache" / "flowctl" / "zipapp"
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_offline_commands_run_from_the_zip_and_unpack_nothing(pyz: Path, tmp_path: Path) -> None:
    for arguments in (["runs", "ls"], ["runs", "ls", "-o", "json"], ["--version"]):
        result = subprocess.run(
            [*BARE, str(pyz), *arguments], env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
    assert cached(tmp_path) == []


def serve(pyz: Path, home: Path, number: int) -> subprocess.Popen[str]:
    command = [*BARE, str(pyz), "serve", "--port", "0", "--db", str(home / f"{number}.db"), "--ready-json"]
    return subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_three_first_starts_at_once_share_one_whole_cache_and_serve(pyz: Path, tmp_path: Path) -> None:
    processes = [serve(pyz, tmp_path, number) for number in range(3)]
    try:
        for process in processes:
            assert process.stdout
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            ready = json.loads(line)
            assert httpx.get(f"{ready['api']}/health").json() is True
            created = httpx.post(f"{ready['api']}/flows/", json={"name": "etl"})
            assert created.status_code == 201
            page = httpx.get(ready["url"] + "/runs", headers={"accept": "text/html"})
            assert "flowctl" in page.text
    finally:
        for process in processes:
            process.terminate()
            process.communicate(timeout=15)
    assert len(cached(tmp_path)) == 1, "no partial copies stay behind"


def test_a_cache_that_was_cut_short_is_not_used(pyz: Path, tmp_path: Path) -> None:
    partial = tmp_path / "cache" / "flowctl" / "zipapp" / ".partial-killed"
    partial.mkdir(parents=True)
    process = serve(pyz, tmp_path, 0)
    assert process.stdout
    ready = json.loads(process.stdout.readline())
    assert httpx.get(f"{ready['api']}/health").json() is True
    process.terminate()
    process.communicate(timeout=15)


def test_other_releases_that_are_installed_beside_it_do_no_harm(pyz: Path, tmp_path: Path) -> None:
    """As in the environment of a Prefect client, which has most of these packages, too."""
    installed = tmp_path / "site-packages"
    for name in ("pydantic", "pydantic_core", "orjson", "typer", "uvloop", "websockets"):
        (installed / name).mkdir(parents=True)
        (installed / name / "__init__.py").write_text("raise ImportError('this is another release')")
    arguments = ["serve", "--port", "0", "--db", str(tmp_path / "x.db"), "--ready-json"]
    command = [*BARE, "-c", BESIDE, str(installed), str(pyz), *arguments]
    process = subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    line = process.stdout.readline()
    process.terminate()
    assert line, process.communicate(timeout=15)[1]
    process.communicate(timeout=15)


def test_the_file_is_executable_as_it_is(pyz: Path, tmp_path: Path) -> None:
    copy = shutil.copy(pyz, tmp_path / "flowctl")
    assert os.access(copy, os.X_OK)
    assert pyz.read_bytes().startswith(b"#!/usr/bin/env python3\n")


def test_a_python_that_it_was_not_built_for_is_named(pyz: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pyz"
    here = f"cp{sys.version_info.major}{sys.version_info.minor}"
    with zipfile.ZipFile(pyz) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            is_compiled = name.startswith("_compiled/")
            target.writestr(name.replace(here, "cp399") if is_compiled else name, source.read(name))
    command = [*BARE, str(other), "serve", "--port", "0", "--db", str(tmp_path / "x.db")]
    result = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    assert "holds no compiled packages for Python" in result.stderr
