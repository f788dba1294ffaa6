"""A flow that a real Prefect client runs while its page is open: all that it does arrives by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from processes import Client, prefect_python

if TYPE_CHECKING:
    from pathlib import Path

    from processes import Server
    from ui.conftest import Visitor
    from ui.seed import World

pytestmark = pytest.mark.ui

SCRIPT = """
import sys
from pathlib import Path
from time import sleep
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact

@task(log_prints=True)
def say(word):
    print(f"the word is {word}")

@task
def fail():
    raise ValueError("not enough rows")

@flow(flow_run_name="seen-live")
def watched_flow():
    say("first")
    while not Path(sys.argv[1]).exists():
        sleep(0.1)
    create_markdown_artifact("# Seen live", key="live-report")
    say("second")
    fail()

watched_flow()
"""


def test_page_follows_a_flow_to_its_failure(visit: Visitor, world: World, server: Server, tmp_path: Path) -> None:
    script, signal = tmp_path / "watched.py", tmp_path / "go-on"
    script.write_text(SCRIPT)
    client = Client(prefect_python("3.8.1"), tmp_path / "home", server.api)
    page = visit("/runs?flow-run-search=seen-live")
    expect(page.locator("main")).to_contain_text("No run")
    process = client.start(str(script), str(signal))
    try:
        page.get_by_role("link", name="seen-live").click(timeout=60_000)
        expect(page.locator(".logs")).to_contain_text("the word is first")
        expect(page.locator(".page-head")).to_contain_text("Running")
        signal.touch()
        expect(page.locator(".logs")).to_contain_text("the word is second")
        expect(page.locator(".page-head")).to_contain_text("Failed")
        expect(page.locator(".why")).to_contain_text("ValueError: not enough rows")
        expect(page.locator(".why")).to_contain_text("watched.py")
        page.get_by_role("tab", name="Artifacts").click()
        expect(page.locator("main")).to_contain_text("live-report")
    finally:
        signal.touch()
        process.communicate(timeout=60)
    assert process.returncode == 1
