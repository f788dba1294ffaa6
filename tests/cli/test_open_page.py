"""`flowctl open` and `runs open`: the address, the browser, and what is said when nobody serves the database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from live_server import served
from processes import serving

from flowctl.domain.flow_runs import FlowRun
from flowctl.settings import Settings


def test_prints_the_address_of_the_server_that_runs(cli, three: list[FlowRun], db_path: Path) -> None:
    with serving(db_path) as server:
        page = f"{server.url}/runs/flow-run/{three[1].id}"
        assert cli("open", "--print").lines == [f"{server.url}/dashboard"]
        assert cli("open", "@last-failed", "--print").lines == [page]
        assert cli("runs", "open", "calm-lynx", "--print").lines == [page]
        assert cli("runs", "open", "calm-lynx", "--print", "--json").json == {"url": page}
        assert cli("runs", "open", "no-such-run", "--print").code == 3
        assert httpx.get(page, headers={"accept": "text/html"}).status_code == 200


def test_a_server_that_was_named(cli, three: list[FlowRun], db_path: Path) -> None:
    with served(Settings(db=db_path)) as api:
        page = f"{api.removesuffix('/api')}/runs/flow-run/{three[0].id}"
        assert cli("runs", "open", "odd-crane", "--print", "--api", api).lines == [page]


def test_without_a_server_the_remedy_is_named(cli, three: list[FlowRun]) -> None:
    for command in (("open",), ("runs", "open", "odd-crane")):
        result = cli(*command)
        assert (result.code, result.out) == (3, "")
        assert "try: flowctl serve" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="the browser is a script")
def test_the_browser_is_opened(three: list[FlowRun], db_path: Path, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    api = "http://127.0.0.1:9/api"
    command = [sys.executable, "-m", "flowctl", "open", "--api", api]
    env = {**os.environ, "BROWSER": str(browser)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "http://127.0.0.1:9/dashboard\n"
    assert opened.read_text() == done.stdout
