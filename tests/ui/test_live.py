"""Changes on the server reach an open page, and a page survives a server that goes away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from processes import serving
from ui.seed import Seeder

if TYPE_CHECKING:
    from pathlib import Path

    from ui.conftest import Visitor
    from ui.seed import World

pytestmark = pytest.mark.ui

ALLOWANCE = 3
"""Machines that run tests are slower than desks."""


def test_state_change_reaches_the_list_at_once(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "watched", {"type": "RUNNING"})
    page = visit("/runs")
    row = page.locator("tbody .row", has_text="watched").first
    expect(row).to_contain_text("Running")
    expect(page.locator(".sidebar .foot")).to_contain_text("live")
    page.wait_for_timeout(400)
    seeder.state(run, {"type": "FAILED", "message": "RuntimeError: too late"})
    start = time.monotonic()
    expect(row).to_contain_text("Failed", timeout=300 * ALLOWANCE + 1000)
    assert time.monotonic() - start < 0.3 * ALLOWANCE + 1
    expect(row).to_contain_text("RuntimeError: too late")


def test_new_runs_arrive_on_top_or_wait_behind_a_pill(visit: Visitor, world: World, seeder: Seeder) -> None:
    page = visit("/runs", height=500)
    expect(page.locator("tbody .row").first).to_be_visible()
    expect(page.locator(".sidebar .foot")).to_contain_text("live")
    seeder.run(world.workshop, "just-now", {"type": "RUNNING"})
    expect(page.locator("tbody .row").first).to_contain_text("just-now")
    page.locator(".scroll").evaluate("(element) => { element.scrollTop = 500; }")
    page.wait_for_timeout(100)
    seeder.run(world.workshop, "while-reading", {"type": "RUNNING"})
    pill = page.get_by_role("button", name="1 new run")
    expect(pill).to_be_visible()
    assert page.locator(".scroll").evaluate("(element) => element.scrollTop") == 500
    pill.click()
    expect(page.locator("tbody .row").first).to_contain_text("while-reading")


def test_run_page_follows_tasks_logs_and_state(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "followed", {"type": "RUNNING"})
    page = visit(f"/runs/flow-run/{run}?view=tasks")
    expect(page.locator("main")).to_contain_text("No task has started yet")
    expect(page.locator(".logs")).to_contain_text("Nothing logged yet")
    task = seeder.task(run, "live-1", {"type": "RUNNING"})
    seeder.logs(run, *[(20, f"live line {n}", task) for n in range(120)])
    expect(page.locator(".vtable")).to_contain_text("live-1", timeout=12_000)
    expect(page.locator(".logs")).to_contain_text("live line 119", timeout=6000)
    seeder.state(task, {"type": "COMPLETED"}, "task_runs")
    seeder.state(run, {"type": "COMPLETED"})
    expect(page.locator(".page-head")).to_contain_text("Completed")
    assert page.title() == "Completed · followed · flowctl"


def test_page_comes_back_after_the_server_was_killed(visit: Visitor, tmp_path: Path) -> None:
    db = tmp_path / "flowctl.db"
    with serving(db) as first:
        port = int(first.url.rsplit(":", 1)[1])
        seeder = Seeder(first.api)
        flow = seeder.flow("phoenix")
        seeder.run(flow, "before-the-fall", {"type": "COMPLETED"})
        page = visit("/runs", url=first.url, failing=True)
        expect(page.locator("main")).to_contain_text("before-the-fall")
        first.kill()
        expect(page.locator(".sidebar .foot")).not_to_contain_text("live", timeout=8000)
        expect(page.locator("main")).to_contain_text("before-the-fall")
    with serving(db, port=port):
        seeder.run(flow, "after-the-fall", {"type": "COMPLETED"})
        expect(page.locator("main")).to_contain_text("after-the-fall", timeout=30_000)
        expect(page.locator(".sidebar .foot")).to_contain_text("live", timeout=30_000)


def test_second_tab_shares_the_socket_of_the_first(visit: Visitor, world: World, seeder: Seeder) -> None:
    page = visit("/runs")
    expect(page.locator(".sidebar .foot")).to_contain_text("live")
    second = page.context.new_page()
    sockets: list[str] = []
    second.on("websocket", lambda socket: sockets.append(socket.url))
    second.goto(f"{visit.server.url}/runs")
    expect(second.locator(".sidebar .foot")).to_contain_text("live")
    seeder.run(world.workshop, "in-both-tabs", {"type": "RUNNING"})
    expect(second.locator("tbody .row").first).to_contain_text("in-both-tabs")
    assert not sockets
    page.close()
    seeder.run(world.workshop, "in-the-one-left", {"type": "RUNNING"})
    expect(second.locator("tbody .row").first).to_contain_text("in-the-one-left", timeout=12_000)
    assert sockets
