"""Flows and one flow: numbers, order, search, what can be done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui


def test_list_is_searched_sorted_and_walked_by_keys(visit: Visitor, world: World) -> None:
    page = visit("/flows")
    row = page.locator("tbody .row", has_text="nightly-etl")
    expect(row.locator(".bar")).not_to_have_count(0)
    expect(row.locator("td.c-rate")).to_contain_text("%")
    names = page.locator("tbody .row .name")
    first = names.first.text_content() or ""
    page.get_by_role("button", name="Flow").click()
    expect(page).to_have_url(re.compile("sort=NAME_DESC"))
    expect(names.first).not_to_have_text(first)
    page.keyboard.press("/")
    page.keyboard.type("nightly")
    expect(page).to_have_url(re.compile("name=nightly"))
    expect(names).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("nightly-etl")
    page.keyboard.press("u")
    expect(page.locator("h1")).to_have_text("Flows")


def test_flow_follows_its_runs_and_is_deleted_with_undo(visit: Visitor, world: World, seeder: Seeder) -> None:
    flow = seeder.flow("short-lived")
    page = visit(f"/flows/flow/{flow}")
    expect(page.locator("main")).to_contain_text("No runs in this time")
    seeder.run(flow, "first-of-all", {"type": "RUNNING"}, {"type": "COMPLETED"})
    expect(page.locator("tbody")).to_contain_text("first-of-all")
    page.get_by_role("tab", name="Deployments").click()
    expect(page.locator(".panel")).to_contain_text("no deployment")
    for keep in (True, False):
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete the flow").click()
        expect(page).to_have_url(re.compile("/flows$"))
        if keep:
            page.get_by_role("button", name="Undo").click()
            expect(page.locator("h1")).to_have_text("short-lived")
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        expect(page.locator(".toast")).to_have_count(0)
    assert seeder.post("/flows/filter", {"flows": {"name": {"any_": ["short-lived"]}}}) == []


def test_a_long_list_goes_on_as_it_is_scrolled(visit: Visitor, seeder: Seeder) -> None:
    for number in range(210):
        seeder.flow(f"zz-many-{number:03}")
    page = visit("/flows?name=zz-many")
    foot = page.locator(".table-foot")
    expect(foot).to_have_text("200 of 210 flows")
    page.locator("tbody").hover()
    page.mouse.wheel(0, 20_000)
    expect(foot).to_have_text("210 flows")
    page.mouse.wheel(0, 20_000)
    expect(page.locator("tbody .row .name").last).to_have_text("zz-many-209")
