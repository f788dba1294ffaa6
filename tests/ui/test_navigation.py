"""Addresses, Back and Forward, filters that stay, keys, the palette, login, and a base path."""

from __future__ import annotations

import re
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


def test_printed_links_work(visit: Visitor, world: World) -> None:
    page = visit("/")
    expect(page).to_have_url(re.compile("/dashboard$"))
    for path, text in (
        (f"/runs/flow-run/{world.completed}", "calm-otter"),
        (f"/flow-runs/flow-run/{world.completed}", "calm-otter"),
        (f"/runs/task-run/{world.good_task}", "fetch-1"),
        (f"/flow-runs/task-run/{world.good_task}", "fetch-1"),
        ("/runs?tab=flow-runs", "bold-lynx"),
    ):
        page.goto(visit.server.url + path)
        expect(page.locator("main")).to_contain_text(text)


def test_unknown_pages_and_ids_offer_a_way_on(visit: Visitor, world: World) -> None:
    page = visit("/no/such/page")
    expect(page.locator("main")).to_contain_text("This page was not found")
    page.get_by_role("link", name="All runs").click()
    expect(page.locator("main")).to_contain_text("bold-lynx")
    page = visit("/runs/flow-run/00000000-0000-4000-8000-000000000000", failing=True)
    expect(page.locator("main")).to_contain_text("It may have been deleted")
    page.goto(visit.server.url + "/runs/task-run/00000000-0000-4000-8000-000000000000")
    expect(page.locator("main")).to_contain_text("This task run was not found")


def test_filters_live_in_the_address(visit: Visitor, world: World) -> None:
    page = visit("/runs")
    page.get_by_role("button", name=re.compile("^Failed")).click()
    expect(page).to_have_url(re.compile(r"state=Failed"))
    expect(page.locator("main")).not_to_contain_text("small-1")
    page.get_by_label("Search by name").fill("lynx")
    expect(page.locator("tbody .row").first).to_contain_text("bold-lynx")
    page.reload()
    expect(page.get_by_label("Search by name")).to_have_value("lynx")
    expect(page.get_by_role("button", name=re.compile("^Failed"))).to_have_attribute("aria-pressed", "true")
    expect(page.locator("tbody .row").first).to_contain_text("bold-lynx")
    page.get_by_role("link", name="bold-lynx").first.click()
    expect(page.locator("h1")).to_have_text("bold-lynx")
    page.go_back()
    expect(page.get_by_label("Search by name")).to_have_value("lynx")
    page.go_forward()
    expect(page.locator("h1")).to_have_text("bold-lynx")


def test_links_of_prefects_own_ui_are_understood(visit: Visitor, world: World) -> None:
    page = visit(f'/runs?tab=flow-runs&state=["Failed"]&flows={world.flow}&rangeType=span&seconds=-86400')
    expect(page.locator("main")).to_contain_text("bold-lynx")
    expect(page.locator("main")).to_contain_text("24 hours")
    expect(page.locator("main")).not_to_contain_text("calm-otter")


def test_back_restores_where_the_list_stood(visit: Visitor, world: World) -> None:
    page = visit("/runs?flow-run-search=small", height=500)
    expect(page.locator("main")).to_contain_text("small-33")
    scroll = page.locator(".scroll")
    scroll.evaluate("(element) => { element.scrollTop = 600; }")
    page.wait_for_timeout(200)
    stood = scroll.evaluate("(element) => element.scrollTop")
    assert stood > 300
    page.locator("tbody .row .name").nth(10).evaluate("(link) => link.click()")
    expect(page.locator(".run-page")).to_be_visible()
    page.go_back()
    expect(scroll).to_be_visible()
    page.wait_for_function("(top) => document.querySelector('.scroll').scrollTop === top", arg=stood)


def test_keys_move_open_and_go(visit: Visitor, world: World) -> None:
    page = visit("/runs")
    expect(page.locator("main")).to_contain_text("bold-lynx")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    name = page.locator("tr.is-cursor .name").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(name)
    page.keyboard.press("u")
    expect(page.locator("h1")).to_have_text("Runs")
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile("state=Failed"))
    page.keyboard.press("/")
    page.keyboard.type("jfx")
    expect(page.get_by_label("Search by name")).to_have_value("jfx")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Failed and crashed only")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/runs$"))


def test_failed_tasks_by_key_filter_the_log(visit: Visitor, world: World) -> None:
    page = visit(f"/runs/flow-run/{world.failed}")
    expect(page.locator(".logs")).to_contain_text("slow partition 7")
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(f"task={world.failed_task}"))
    expect(page.locator(".logs")).to_contain_text("cache miss")
    expect(page.locator(".logs")).not_to_contain_text("slow partition 7")
    page.keyboard.press("Escape")
    expect(page.locator(".logs")).to_contain_text("slow partition 7")
    page.keyboard.press("e")
    expect(page.locator(".logs")).not_to_contain_text("cache miss")
    expect(page.locator(".logs")).to_contain_text("slow partition 7")


def test_log_search_folding_and_line_links(visit: Visitor, world: World) -> None:
    page = visit(f"/runs/flow-run/{world.failed}")
    logs = page.locator(".logs")
    expect(logs).to_contain_text("… 6 more")
    expect(logs).not_to_contain_text("/home/me/etl.py")
    logs.get_by_role("button", name="Unfold 6 more lines").click()
    expect(logs).to_contain_text("/home/me/etl.py")
    expect(logs.locator(".a32")).to_have_text("green words")
    expect(logs.get_by_role("link")).to_have_attribute("href", "https://example.com/data?page=1")
    page.get_by_label("Search in the log").fill("/PART\\w+/i")
    expect(logs.locator("mark")).to_have_text("partition")
    expect(page.locator(".log-bar")).to_contain_text("1/1")
    page.reload()
    expect(logs.locator("mark")).to_have_text("partition")
    page.get_by_label("Search in the log").fill("/(/")
    expect(page.locator(".log-bar")).to_contain_text("invalid")
    page.get_by_label("Search in the log").fill("")
    logs.locator(".log", has_text="slow partition").locator(".log-time").click()
    expect(page).to_have_url(re.compile("line="))
    page.reload()
    expect(logs.locator(".is-line")).to_contain_text("slow partition")


def test_why_shows_the_users_own_frame(visit: Visitor, world: World) -> None:
    why = visit(f"/runs/flow-run/{world.failed}").locator(".why")
    expect(why).to_contain_text("ValueError: negative row count")
    expect(why).to_contain_text("/home/me/etl.py:42 in load")
    expect(why).to_contain_text("load-3")
    expect(why).not_to_contain_text("flow_engine.py")


def test_palette_finds_runs_by_name_and_id(visit: Visitor, world: World) -> None:
    page = visit("/runs")
    expect(page.locator("main")).to_contain_text("bold-lynx")
    page.keyboard.press("Control+k")
    page.keyboard.type("calm-ot")
    expect(page.get_by_role("option").first).to_contain_text("calm-otter")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("calm-otter")
    page = visit("/runs", failing=True)  # the id is looked up among flow runs and task runs
    page.keyboard.press("Control+k")
    page.keyboard.type(world.good_task)
    expect(page.get_by_role("option").first).to_contain_text("fetch-1")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_dialogs_give_the_focus_back(visit: Visitor, world: World) -> None:
    page = visit(f"/runs/flow-run/{world.completed}")
    button = page.get_by_role("button", name="Set state")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("State")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_below_a_base_path(visit: Visitor, tmp_path: Path) -> None:
    with serving(tmp_path / "flowctl.db", env={"PREFECT_UI_SERVE_BASE": "/flow"}) as below:
        seeder = Seeder(f"{below.url}/flow/api")
        run = seeder.run(seeder.flow("deep"), "deep-run", {"type": "COMPLETED"})
        page = visit("/flow/runs", url=below.url)
        page.get_by_role("link", name="deep-run").click()
        expect(page).to_have_url(f"{below.url}/flow/runs/flow-run/{run}")
        page.reload()
        expect(page.locator("h1")).to_have_text("deep-run")
        page.goto(f"{below.url}/runs")
        expect(page).to_have_url(re.compile("/flow/runs"))
        expect(page.locator("main")).to_contain_text("deep-run")
        page.close()


def test_login(visit: Visitor, tmp_path: Path) -> None:
    with serving(tmp_path / "flowctl.db", env={"PREFECT_SERVER_API_AUTH_STRING": "admin:pässword"}) as closed:
        import base64

        secret = base64.b64encode("admin:pässword".encode()).decode()
        seeder = Seeder(closed.api, {"Authorization": f"Basic {secret}"})
        run = seeder.run(seeder.flow("secret"), "secret-run", {"type": "COMPLETED"})
        page = visit(f"/runs/flow-run/{run}?tab=details", url=closed.url, failing=True)
        expect(page).to_have_url(re.compile(r"/login\?redirect="))
        page.get_by_label("Auth string of the server").fill("admin:wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("does not accept")
        page.get_by_label("Auth string of the server").fill("admin:pässword")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("h1")).to_have_text("secret-run")
        expect(page).to_have_url(f"{closed.url}/runs/flow-run/{run}?tab=details")
        expect(page.locator(".sidebar .foot")).to_contain_text("live")
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile("/login"))
        assert page.evaluate("sessionStorage.length + localStorage.length") == 0
        page.close()


def test_login_never_leads_to_another_site(visit: Visitor) -> None:
    page = visit("/login?redirect=//evil.example/x")
    page.get_by_label("Auth string of the server").fill("any")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{visit.server.url}/runs")
