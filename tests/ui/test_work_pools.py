"""Work pools: pause, limits, queues, workers, what waits, and the links that Prefect's client prints."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from ui.conftest import settle
from ui.test_budget import api_requests

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui


def make_pool(seeder: Seeder, name: str) -> str:
    """A pool, and its path in the API."""
    seeder.post("/work_pools/", {"name": name, "type": "process"})
    return f"/work_pools/{name}"


def test_list_asks_once_for_all_rows_and_pauses(visit: Visitor, world: World, seeder: Seeder) -> None:
    pool = make_pool(seeder, "to-be-paused")
    page = visit("/work-pools")
    row = page.locator("tbody .row", has_text="to-be-paused")
    expect(row).to_contain_text("No worker")
    settle(page)
    assert sorted(api_requests(page)) == ["/flow_runs/filter", "/work_pools/filter"]
    row.get_by_role("switch").click()
    expect(row).to_contain_text("Paused")
    assert seeder.get(pool)["is_paused"] is True
    row.get_by_role("switch").click()
    expect(row).to_contain_text("No worker")
    assert seeder.get(pool)["is_paused"] is False


def test_page_shows_queues_workers_and_runs_that_wait(visit: Visitor, world: World, seeder: Seeder) -> None:
    pool = make_pool(seeder, "full-house")
    queue = seeder.post(f"{pool}/queues", {"name": "urgent", "priority": 1})
    body = {"name": "at-full-house", "flow_id": world.workshop, "work_pool_name": "full-house"}
    deployment = seeder.post("/deployments/", body)["id"]
    due = (datetime.now(UTC) - timedelta(minutes=9)).isoformat()
    late = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
    seeder.post(f"/deployments/{deployment}/create_flow_run", {"name": "left-behind", "state": late})
    page = visit("/work-pools")
    page.get_by_role("link", name="full-house").click()
    expect(page.locator("h1")).to_have_text("full-house")
    expect(page.locator("tbody .row")).to_contain_text("left-behind")
    expect(page.locator("main")).to_contain_text("0 online")
    seeder.post(f"{pool}/workers/heartbeat", {"name": "night shift"})
    page.get_by_role("tab", name=re.compile("Workers")).click()
    page.reload()
    expect(page.locator("main")).to_contain_text("1 online")
    expect(page.locator(".rows")).to_contain_text("night shift")

    page.get_by_role("button", name="Change the limit of urgent").click()
    page.get_by_label("Runs at the same time").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".schedules")).to_contain_text("of 2")
    assert seeder.get(f"{pool}/queues/urgent")["concurrency_limit"] == 2
    page.get_by_role("switch", name="urgent gives out runs").click()
    expect(page.locator(".schedules")).to_contain_text("Paused")
    assert seeder.get(f"{pool}/queues/urgent")["is_paused"] is True

    page.goto(f"{visit.server.url}/work-queues/work-queue/{queue['id']}")
    expect(page).to_have_url(re.compile("/work-pools/work-pool/full-house$"))
    page.goto(f"{visit.server.url}/work-pools/work-pool/full-house/queue/urgent")
    expect(page.locator(".schedule[aria-current]")).to_contain_text("urgent")


def test_limit_pause_and_delete_of_a_pool(visit: Visitor, world: World, seeder: Seeder) -> None:
    pool = make_pool(seeder, "short-lived")
    page = visit("/work-pools/work-pool/short-lived")
    expect(page.locator(".facts")).to_contain_text("no limit")
    page.keyboard.press("L")
    page.get_by_label("Runs at the same time").fill("4")
    page.keyboard.press("Enter")
    expect(page.locator(".facts")).to_contain_text("of 4")
    page.keyboard.press("L")
    page.get_by_label("Runs at the same time").fill("")
    page.keyboard.press("Enter")
    expect(page.locator(".facts")).to_contain_text("no limit")
    assert seeder.get(pool)["concurrency_limit"] is None
    page.keyboard.press("p")
    expect(page.locator(".crumbs")).to_contain_text("Paused")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the work pool").click()
    expect(page).to_have_url(re.compile("/work-pools$"))
    names = [each["name"] for each in seeder.post("/work_pools/filter", {})]
    assert "short-lived" not in names
