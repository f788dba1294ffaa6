"""Interpreters, and what they know of flows: with the real client."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from processes import prefect_python

from flowctl.domain.errors import Invalid, NotFound
from flowctl.runner import flows

SOURCE = '''
from prefect import flow
from shared import tidy

print("imported")

@flow(name="nightly-etl", version="7")
def etl(source: str, limit: int = 10):
    """Moves data."""

def helper(): ...
'''
SHARED = "from prefect import flow\n\n@flow\ndef tidy(): ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "etl.py").write_text(SOURCE)
    (tmp_path / "shared.py").write_text(SHARED)
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    return tmp_path


def find(entrypoint: str, folder: Path, python: Path | None = None) -> flows.FlowFacts:
    return asyncio.run(flows.find(entrypoint, python=python or prefect_python("3.8.1"), cwd=folder))


def test_a_flow_and_its_import_space(folder: Path) -> None:
    facts = asyncio.run(flows.look_at("etl.py:etl", python=prefect_python("3.8.1"), cwd=folder))
    flow = facts.flow
    assert flow
    assert (flow.name, flow.version, flow.description, flow.entrypoint) == (
        "nightly-etl",
        "7",
        "Moves data.",
        "etl.py:etl",
    )
    assert flow.parameter_openapi_schema["required"] == ["source"]
    assert {each.name: each.entrypoint for each in facts.flows or []} == {
        "nightly-etl": "etl.py:etl",
        "tidy": "etl.py:tidy",
    }


def test_a_file_with_one_flow_says_which(folder: Path) -> None:
    assert find("shared.py", folder).entrypoint == "shared.py:tidy"


def test_what_is_no_flow_is_told_with_those_that_are(folder: Path) -> None:
    for entrypoint in ("etl.py:helper", "etl.py:missing", "etl.py"):
        with pytest.raises(NotFound) as caught:
            find(entrypoint, folder)
        assert sorted(caught.value.candidates) == ["etl.py:etl", "etl.py:tidy"]


def test_files_that_are_not_there_or_cannot_be_imported(folder: Path) -> None:
    with pytest.raises(NotFound, match=r"no\.py"):
        find("no.py:main", folder)
    with pytest.raises(Invalid, match="No module named 'no_such_module'"):
        find("broken.py:main", folder)
    with pytest.raises(Invalid, match="No module named 'prefect'") as caught:
        find("etl.py:etl", folder, Path(sys.executable))
    assert "--python" in (caught.value.remedy or "")


def test_the_interpreter_is_the_given_one_or_the_one_beside_or_that_of_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(path: str) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
        return file

    on_path, given = program("bin/python3"), program("mine/python3.12")
    monkeypatch.setenv("PATH", str(on_path.parent))
    script = tmp_path / "project" / "etl.py"
    assert flows.interpreter(None, script) == on_path
    beside = program("project/.venv/bin/python")
    assert flows.interpreter(None, script) == beside
    assert flows.interpreter(str(given), script) == given
    assert flows.interpreter(None, None) == on_path
    with pytest.raises(NotFound, match="nonesuch"):
        flows.interpreter("nonesuch", script)
    on_path.unlink()
    with pytest.raises(NotFound, match="PATH"):
        flows.interpreter(None, None)
