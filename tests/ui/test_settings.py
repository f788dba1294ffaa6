"""What is chosen in Settings shows at once and stays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import World

pytestmark = pytest.mark.ui


def test_choices_show_at_once_and_stay(visit: Visitor, world: World) -> None:
    page = visit("/settings")
    expect(page.locator(".swatches")).to_be_visible()
    fill = "getComputedStyle(document.querySelector('.swatches .s-completed')).color"
    usual = page.evaluate(fill)
    page.get_by_role("radio", name="Colour-blind safe").click()
    assert page.evaluate(fill) != usual
    page.get_by_role("radio", name="Comfortable").click()
    page.get_by_role("radio", name="Dark").click()
    page.get_by_role("radio", name="UTC").click()
    page.get_by_role("radio", name="Off").click()
    page.goto(visit.server.url + f"/flows/flow/{world.flow}")
    expect(page.locator("td.c-started time").first).to_have_text(re.compile(r"\d\d:\d\d"))
    kept = page.evaluate("({...document.documentElement.dataset})")
    assert kept == {"theme": "dark", "palette": "safe", "density": "comfortable"}
    page.keyboard.press("u")
    page.wait_for_timeout(200)
    expect(page.locator("h1")).to_have_text("nightly-etl")


def test_storage_is_shown_kept_small_and_backed_up(visit: Visitor) -> None:
    page = visit("/settings")
    card = page.locator("section[aria-labelledby=h-storage]")
    expect(card.locator(".sizes tbody tr")).to_have_count(6)
    card.get_by_role("button", name="more table").click()
    expect(card.locator(".sizes th", has_text=re.compile("^Flow runs$"))).to_be_visible()
    expect(card).to_contain_text("free on the disk")
    retention = card.get_by_role("combobox", name="Retention")
    retention.select_option("30")
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    expect(retention).not_to_have_value("30")
    retention.select_option("0")
    expect(page.locator(".toast").last).to_contain_text("Runs stay")
    retention.select_option("365")
    page.get_by_role("dialog").get_by_role("button", name="Delete old runs").click()
    expect(page.locator(".toast").last).to_contain_text("365 days after their end")
    expect(retention).to_have_value("365")
    card.get_by_role("button", name="Back up now").click()
    expect(page.locator(".toast").last).to_contain_text("Backed up and checked")
    expect(card.locator(".backups li")).to_have_count(1)
