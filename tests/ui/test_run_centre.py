"""Why a run waits, the comparison of two runs, the graph, artifacts, pausing, and views as commands."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui

CORS = {"access-control-allow-origin": "*"}


def state_of(seeder: Seeder, run: str) -> str:
    return seeder.get(f"/flow_runs/{run}")["state"]["type"]


def without_flowctl(page: Any) -> None:
    """As a Prefect server answers: it has nothing below `/flowctl/`."""
    answer = {"status": 404, "json": {"detail": "Not Found"}, "headers": CORS}
    page.route("**/api/flowctl/**", lambda route: route.fulfill(**answer))


def test_why_a_run_is_late_and_what_helps(
    visit: Visitor, world: World, seeder: Seeder, accessible: Callable[[Any], None]
) -> None:
    run = seeder.late(world.deployment, "late-heron")
    page = visit(f"/runs/flow-run/{run}")
    why = page.locator(".why")
    expect(why.locator(".why-cause")).to_contain_text("no runner serves 'workshop/approval'")
    expect(why).to_contain_text("will not start by itself")
    expect(why.locator(".copy").first).to_contain_text("flowctl runner start --name workshop/approval")
    why.get_by_role("button", name="Evidence").click()
    link = why.locator(".why-evidence a")
    expect(link).to_have_attribute("href", f"/deployments/deployment/{world.deployment}")
    accessible(page)
    why.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".page-head")).to_contain_text("Cancelled")
    assert state_of(seeder, run) == "CANCELLED"


def test_a_late_run_can_be_started_now(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.late(world.deployment, "hurried-hare")
    before = seeder.get(f"/flow_runs/{run}")["next_scheduled_start_time"]
    page = visit(f"/runs/flow-run/{run}")
    expect(page.locator(".why-cause")).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator(".toast")).to_contain_text("hurried-hare is now Scheduled")
    assert seeder.get(f"/flow_runs/{run}")["next_scheduled_start_time"] > before


def test_rows_tell_why_they_wait(visit: Visitor, world: World, seeder: Seeder) -> None:
    mark = f"waits-{uuid.uuid4().hex[:6]}"
    seeder.late(world.deployment, mark)
    page = visit(f"/runs?flow-run-search={mark}")
    expect(page.locator("tbody .failure")).to_have_text("no runner")
    page.keyboard.press("j")
    page.keyboard.press("w")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("no runner serves 'workshop/approval'")
    dialog.get_by_role("link", name="Open the run").click()
    expect(page.locator(".why-cause")).to_be_visible()
    page.goto(f"{visit.server.url}/dashboard")
    expect(page.locator(".attention")).to_contain_text("No runner.")


def test_a_prefect_server_tells_no_reasons_and_nothing_breaks(visit: Visitor, world: World, seeder: Seeder) -> None:
    mark = f"plain-{uuid.uuid4().hex[:6]}"
    run = seeder.late(world.deployment, mark)
    page = visit(f"/runs?flow-run-search={mark}", failing=True, prepare=without_flowctl)
    expect(page.locator("tbody .row")).to_have_count(1)
    expect(page.locator("tbody .failure")).to_have_count(0)
    page.locator("tbody .name").click()
    expect(page.locator(".why")).to_contain_text("the process that serves its deployment starts it")
    expect(page.locator(".error-box")).to_have_count(0)
    paused = seeder.paused(world.workshop, "plainly-paused", schema=None)
    page.goto(f"{visit.server.url}/runs/flow-run/{paused}")
    page.locator(".why").get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("plainly-paused goes on")
    assert state_of(seeder, run) == "SCHEDULED"


def test_pause_and_resume_by_keys(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "resting-rook", {"type": "RUNNING"})
    page = visit(f"/runs/flow-run/{run}")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("z")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Suspend")).to_be_disabled()
    dialog.get_by_label("Fails if nobody resumes it within").select_option(label="6 hours")
    dialog.get_by_role("button", name="Pause").click()
    expect(page.locator(".page-head")).to_contain_text("Paused")
    assert state_of(seeder, run) == "PAUSED"
    expect(page.locator(".why")).to_contain_text("will not go on by itself")
    page.keyboard.press("r")
    expect(page.locator(".page-head")).to_contain_text("Running")
    assert state_of(seeder, run) == "RUNNING"


def test_two_runs_are_compared(visit: Visitor, world: World) -> None:
    page = visit(f"/runs?flows={world.flow}")
    for name in ("bold-lynx", "calm-otter"):
        page.get_by_label(f"Select {name}", exact=True).check(force=True)
    page.get_by_role("toolbar", name="Selected runs").get_by_role("link", name="Compare").click()
    expect(page).to_have_url(f"{visit.server.url}/runs/compare?a={world.completed}&b={world.failed}")
    expect(page.locator(".compare-first")).to_contain_text("First difference")
    expect(page.locator(".compare-first")).to_contain_text("day")
    expect(page.get_by_role("row", name="day")).to_contain_text('"2026-11-21"')
    expect(page.locator(".pairs li").first).to_contain_text("first difference")
    expect(page.locator(".compare-logs")).to_contain_text("row 0 of the completed run")
    page.keyboard.press("x")
    expect(page.locator("thead th").nth(1)).to_contain_text("bold-lynx")
    page.go_back()
    expect(page.locator("thead th").nth(1)).to_contain_text("calm-otter")
    page.goto(f"{visit.server.url}/runs/flow-run/{world.failed}")
    expect(page.locator(".why")).to_contain_text("etl.py")
    page.keyboard.press("=")
    expect(page).to_have_url(f"{visit.server.url}/runs/compare?a={world.completed}&b={world.failed}")


def test_the_graph_is_walked_by_keys(visit: Visitor, world: World) -> None:
    page = visit(f"/runs/flow-run/{world.failed}?view=graph")
    graph = page.locator(".graph")
    expect(graph).to_be_visible()
    graph.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".graph [aria-live]")).to_contain_text("fetch-1, completed")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".graph [aria-live]")).to_contain_text("load-3, failed")
    expect(page).to_have_url(f"{visit.server.url}/runs/flow-run/{world.failed}?view=graph&task={world.failed_task}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("load-3")


def test_artifacts_are_shown_and_sorted(visit: Visitor, world: World) -> None:
    page = visit(f"/runs/flow-run/{world.failed}")
    page.get_by_role("tab", name="Artifacts").click()
    shown = page.locator(".artifacts")
    expect(shown.get_by_role("heading", name="Rows by table")).to_be_visible()
    expect(shown.locator("progress")).to_have_attribute("value", "42.5")
    expect(shown.get_by_role("link", name="the log")).to_have_attribute("rel", "noreferrer noopener")
    expect(shown).to_contain_text("[this](javascript:window.pwned=1)")
    table = page.get_by_role("region", name="Table prices")
    expect(table.locator("tbody tr").first).to_contain_text("b")
    table.get_by_role("button", name="n", exact=True).click()
    table.get_by_role("button", name="n", exact=True).click()
    expect(table.locator("tbody tr").first).to_contain_text("onerror=")
    with page.expect_download() as saved:
        shown.get_by_role("button", name="Download as CSV").click()
    assert saved.value.suggested_filename == "prices.csv"
    assert page.evaluate("window.pwned") is None


def test_views_and_actions_as_commands_without_the_login(
    visit: Visitor, world: World, accessible: Callable[[Any], None]
) -> None:
    page = visit(f"/runs?flows={world.flow}&state=Failed")
    page.evaluate("sessionStorage.setItem('flowctl.auth', btoa('me:hunter2'))")
    expect(page.locator("td.c-flow").first).to_contain_text("nightly-etl")
    page.keyboard.press("Y")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(
        f"flowctl runs ls --state failed --flow nightly-etl --since 7d --api {visit.server.api}"
    )
    expect(dialog).to_contain_text('-u "$PREFECT_API_AUTH_STRING"')
    expect(dialog).not_to_contain_text("hunter2")
    accessible(page)
    page.keyboard.press("Escape")
    page.goto(f"{visit.server.url}/runs/flow-run/{world.failed}")
    expect(page.locator(".why")).to_contain_text("etl.py")
    page.keyboard.press("Y")
    for command in ("runs logs", "why", "runs delete", "runs set-state"):
        expect(dialog).to_contain_text(f"flowctl {command} {world.failed}")
