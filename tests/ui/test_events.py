"""Events: what passes the filters, live, and each with its page."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui


def emit(seeder: Seeder, name: str, resource: str) -> None:
    """Record one event of the kind that a user's own code sends."""
    event = {
        "occurred": datetime.now(UTC).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": resource.title()},
        "related": [],
        "payload": {"colour": "ultramarine"},
        "id": str(uuid.uuid4()),
    }
    seeder.post("/events", [event])


def test_filters_live_tail_and_one_event(visit: Visitor, world: World, seeder: Seeder) -> None:
    page = visit("/events")
    rows = page.locator("tbody .row")
    expect(rows.first).to_be_visible()
    emit(seeder, "shop.order.paid", "shop.order.17")
    expect(rows.first).to_contain_text("shop.order.paid", timeout=5000)
    emit(seeder, "prefect.flow-run.heartbeat", "shop.order.18")
    page.keyboard.press("/")
    page.keyboard.type("ultramarine")
    expect(rows).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Heartbeats").click()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="shop.order.paid").click()
    expect(page).to_have_url(re.compile("/events/event/20"))
    expect(page.locator("main")).to_contain_text('"colour": "ultramarine"')
    page.get_by_role("link", name="All of Shop.Order.17").click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_role("button", name="Kinds").click()
    page.locator(".menu-item", has_text="shop.order.paid").click()
    expect(page).to_have_url(re.compile("kinds=shop.order.paid"))
    expect(rows).to_have_count(1)


def test_a_narrow_page_has_room_for_what_tells_events_apart(visit: Visitor, world: World) -> None:
    page = visit("/events")
    name = page.locator("tbody .row .name", has_text="flow-run.Failed").first
    expect(name).to_have_text("prefect.flow-run.Failed", use_inner_text=True)
    page.set_viewport_size({"width": 390, "height": 800})
    expect(name).to_have_text("flow-run.Failed", use_inner_text=True)
