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
