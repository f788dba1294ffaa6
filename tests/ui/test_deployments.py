"""Deployments: run with a form, run at once, pause, schedules, edit, delete: from the click to the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from ui.seed import SCHEMA

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui

CRON = {"schedule": {"cron": "30 3 * * *", "timezone": "Europe/Berlin"}, "active": True}


def deployment(seeder: Seeder, flow: str, name: str, **fields: Any) -> str:
    return seeder.post("/deployments/", {"name": name, "flow_id": flow, **fields})["id"]


def runs_of(seeder: Seeder, id: str) -> list[Any]:
    """Its runs that no schedule made."""
    body = {"flow_runs": {"deployment_id": {"any_": [id]}}, "sort": "START_TIME_DESC"}
    return [run for run in seeder.post("/flow_runs/filter", body) if not run["auto_scheduled"]]


def test_run_form_checks_each_field_and_starts_a_run(visit: Visitor, world: World, seeder: Seeder) -> None:
    page = visit(f"/deployments/deployment/{world.deployment}/run")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Mode")).to_have_value("0")
    dialog.get_by_label("Reason").fill("no")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(dialog).to_contain_text("At least 3 characters.")
    expect(dialog).to_contain_text("This is required.")
    dialog.get_by_label("Reason").fill("because")
    dialog.get_by_label("Amount").fill("12")
    dialog.get_by_role("radio", name="JSON").click()
    expect(dialog.get_by_label("Parameters", exact=True)).to_have_value(re.compile('"reason": "because"'))
    dialog.get_by_role("radio", name="Form").click()
    dialog.get_by_text("Name, time, tags").click()
    dialog.get_by_label("Name of the run").fill("by-hand")
    dialog.get_by_label("Tags").fill("one, two")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("h1")).to_have_text("by-hand")
    run = next(run for run in runs_of(seeder, world.deployment) if run["name"] == "by-hand")
    assert run["parameters"] == {"approved": False, "reason": "because", "amount": 12, "mode": "fast"}
    assert {"one", "two"} <= set(run["tags"])


def test_rows_run_at_once_ask_if_they_must_and_pause(visit: Visitor, world: World, seeder: Seeder) -> None:
    plain = deployment(seeder, world.workshop, "plain", schedules=[CRON])
    page = visit("/deployments?name=plain")
    row = page.locator("tbody .row")
    expect(row).to_have_count(1)
    page.get_by_role("button", name="Run plain now").click()
    expect(page.locator(".toast")).to_contain_text("starts now")
    assert len(runs_of(seeder, plain)) == 1
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    assert seeder.get(f"/deployments/{plain}")["paused"] is True
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    page.goto(visit.server.url + "/deployments?name=approval")
    page.get_by_role("button", name="Run approval now").click()
    expect(page.get_by_role("dialog")).to_contain_text("Run approval")


def test_schedules_are_added_changed_switched_and_deleted(visit: Visitor, world: World, seeder: Seeder) -> None:
    id = deployment(seeder, world.workshop, "timed")
    page = visit(f"/deployments/deployment/{id}")
    expect(page.locator(".schedules")).to_contain_text("No schedule")
    page.get_by_role("button", name="Add a schedule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Minute, hour, day, month, weekday").fill("15 8 * * 1-5")
    dialog.get_by_label("Time zone").fill("Asia/Tokyo")
    expect(dialog).to_contain_text("Monday to Friday at 08:15 Asia/Tokyo")
    dialog.get_by_role("button", name="Save").click()
    row = page.locator(".schedule")
    expect(row).to_contain_text("Monday to Friday at 08:15 Asia/Tokyo")
    row.get_by_role("button", name="Change").click()
    dialog.get_by_role("radio", name="Interval").click()
    dialog.get_by_label("Every", exact=True).fill("2")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Every 2 hours")
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    (schedule,) = seeder.get(f"/deployments/{id}")["schedules"]
    assert (schedule["active"], schedule["schedule"]["interval"]) == (False, 7200)
    row.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the schedule").click()
    expect(page.locator(".schedules")).to_contain_text("No schedule")
    assert seeder.get(f"/deployments/{id}")["schedules"] == []


def test_edit_and_delete_with_undo(visit: Visitor, world: World, seeder: Seeder) -> None:
    id = deployment(seeder, world.workshop, "changing", parameter_openapi_schema=SCHEMA)
    page = visit(f"/deployments/deployment/{id}")
    expect(page.locator("h1")).to_have_text("changing")
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Description").fill("Handle with care")
    dialog.get_by_label("Tags").fill("slow")
    dialog.get_by_label("Runs at the same time").fill("3")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".description")).to_have_text("Handle with care")
    changed = seeder.get(f"/deployments/{id}")
    assert (changed["tags"], changed["global_concurrency_limit"]["limit"]) == (["slow"], 3)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the deployment").click()
    expect(page).to_have_url(re.compile("/deployments$"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("changing")
    assert seeder.get(f"/deployments/{id}")["name"] == "changing"


def test_duplicate_is_alike_but_runs_nothing_by_itself(visit: Visitor, world: World, seeder: Seeder) -> None:
    original = deployment(seeder, world.workshop, "original", schedules=[CRON], tags=["nightly"], parameters={"a": 1})
    page = visit(f"/deployments/deployment/{original}/duplicate")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("original")
    dialog.get_by_role("button", name="Duplicate").click()
    expect(page.locator(".toast")).to_contain_text("is there already")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Duplicate", exact=True).click()
    dialog.get_by_role("button", name="Duplicate").click()
    expect(page.locator("h1")).to_have_text("original-copy")
    (made,) = seeder.post("/deployments/filter", {"deployments": {"name": {"any_": ["original-copy"]}}})
    assert (made["tags"], made["parameters"], made["flow_id"]) == (["nightly"], {"a": 1}, world.workshop)
    assert [(each["schedule"]["cron"], each["active"]) for each in made["schedules"]] == [
        (CRON["schedule"]["cron"], False)
    ]
