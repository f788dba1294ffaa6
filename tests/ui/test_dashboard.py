"""The dashboard's lists: what they show, what can be done from them, and that they follow events."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui

SCHEDULE = {"schedule": {"cron": "30 3 * * *", "timezone": "Europe/Berlin"}}


def item(page: Any, text: str) -> Any:
    return page.locator(".item", has_text=text)


def due(seeder: Seeder, deployment: str, name: str, minutes: float) -> str:
    moment = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": moment}}
    return seeder.post(f"/deployments/{deployment}/create_flow_run", {"state": state, "name": name})["id"]


def test_failures_are_retried_and_late_runs_say_why(visit: Visitor, world: World, seeder: Seeder) -> None:
    flow = seeder.flow("shaky")
    deployment = seeder.post("/deployments/", {"name": "prod", "flow_id": flow, "schedules": [SCHEDULE]})["id"]
    message = "Flow run encountered an exception: OSError: disk full"
    for name in ("old-crash", "new-crash"):
        seeder.run(flow, name, {"type": "RUNNING"}, {"type": "FAILED", "message": message}, deployment_id=deployment)
    due(seeder, deployment, "overdue", -5)
    page = visit("/dashboard")
    failure = item(page, "OSError: disk full")
    expect(failure).to_have_count(1)
    expect(failure).to_contain_text("shaky › prod")
    expect(failure).to_contain_text("×2")
    expect(item(page, "overdue")).to_contain_text("No runner")
    coming = page.locator(".card", has_text="Coming up")
    expect(coming).to_contain_text("Every day at 03:30 Europe/Berlin")
    failure.get_by_role("button", name="Retry").click()
    expect(page.locator(".toast")).to_contain_text("new-crash is now AwaitingRetry")
    expect(item(page, "OSError: disk full")).not_to_contain_text("×2")


def test_running_runs_come_go_and_are_cancelled(visit: Visitor, world: World, seeder: Seeder) -> None:
    page = visit("/dashboard")
    running = page.locator(".card", has_text="Running now")
    expect(running).to_contain_text("busy-bee")
    expect(running).to_contain_text("2 tasks")
    run = seeder.run(world.workshop, "just-started", {"type": "RUNNING"})
    expect(running).to_contain_text("just-started", timeout=5000)
    item(page, "just-started").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(item(page, "just-started")).to_contain_text("stopping")
    seeder.state(run, {"type": "CANCELLED"})
    expect(item(page, "just-started")).to_have_count(0)


def test_timeline_opens_runs_and_zooms(visit: Visitor, world: World) -> None:
    page = visit("/dashboard?seconds=-3600")
    expect(page.locator(".tl-names")).to_contain_text("nightly-etl")
    expect(page.locator(".tl-plot")).to_have_attribute("aria-label", re.compile("nightly-etl"))
    canvas = page.locator(".tl-plot canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 10, steps=3)
    page.mouse.up()
    expect(page).to_have_url(re.compile("rangeType=range"))
    page.get_by_role("button", name="Zoom out").click()
    expect(page).to_have_url(re.compile("/dashboard$"))
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile("/runs.state=Failed,Crashed"))
