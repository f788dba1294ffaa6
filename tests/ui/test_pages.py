"""Each page with data, without, with an API that fails, is slow, or is away; light and dark; checked by axe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from processes import Server
    from ui.conftest import Visitor
    from ui.seed import World


def paths(world: World) -> dict[str, tuple[str, str]]:
    """Each page's path, and a text that it shows when its data is there."""
    return {
        "dashboard": ("/dashboard", "negative row count"),
        "flows": ("/flows", "nightly-etl"),
        "flow": (f"/flows/flow/{world.flow}", "bold-lynx"),
        "deployments": ("/deployments", "approval"),
        "deployment": (f"/deployments/deployment/{world.deployment}", "Every day at 03:30 Europe/Berlin"),
        "pools": ("/work-pools", "press room"),
        "pool": ("/work-pools/work-pool/press%20room", "urgent"),
        "events": ("/events", "prefect.flow-run"),
        "settings": ("/settings", "3.8.1"),
        "runs": (f"/runs?flows={world.flow}", "bold-lynx"),
        "task-runs": ("/runs?tab=task-runs", "load-3"),
        "run": (f"/runs/flow-run/{world.failed}", "negative row count"),
        "completed-run": (f"/runs/flow-run/{world.completed}?view=tasks&tab=states", "extract-0"),
        "details": (f"/runs/flow-run/{world.completed}?tab=details", "Flow id"),
        "artifacts": (f"/runs/flow-run/{world.failed}?view=graph&tab=artifacts", "Rows by table"),
        "compare": (f"/runs/compare?a={world.completed}&b={world.failed}", "First difference"),
        "task-run": (f"/runs/task-run/{world.failed_task}", "negative row count"),
    }


pytestmark = pytest.mark.ui

PAGES = [
    "dashboard",
    "flows",
    "flow",
    "deployments",
    "deployment",
    "pools",
    "pool",
    "runs",
    "task-runs",
    "run",
    "completed-run",
    "details",
    "artifacts",
    "compare",
    "task-run",
]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_with_data_is_complete_and_accessible(
    name: str, dark: bool, visit: Visitor, world: World, accessible: Callable[[Any], None]
) -> None:
    path, text = paths(world)[name]
    page = visit(path, dark=dark)
    expect(page.locator("main")).to_contain_text(text)
    expect(page.locator("h1")).to_have_count(1)
    assert page.title().endswith("· flowctl")
    accessible(page)


@pytest.mark.parametrize(
    "name",
    [
        "dashboard",
        "flows",
        "flow",
        "deployments",
        "deployment",
        "pool",
        "runs",
        "run",
        "artifacts",
        "compare",
        "task-run",
    ],
)
def test_page_fits_a_phone(name: str, visit: Visitor, world: World) -> None:
    path, text = paths(world)[name]
    page = visit(path, width=320, height=640)
    expect(page.locator("main")).to_contain_text(text)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(page.get_by_role("link", name="Runs", exact=True).first).to_be_visible()


def test_empty_database_shows_what_to_do(
    visit: Visitor, empty_server: Server, accessible: Callable[[Any], None]
) -> None:
    page = visit("/runs", url=empty_server.url)
    expect(page.locator("main")).to_contain_text("No runs in this time")
    expect(page.locator("main")).to_contain_text(f"export PREFECT_API_URL={empty_server.url}/api")
    accessible(page)
    page.goto(f"{empty_server.url}/dashboard")
    expect(page.locator("main")).to_contain_text("Nothing ran yet")
    expect(page.locator("main")).to_contain_text(f"export PREFECT_API_URL={empty_server.url}/api")
    accessible(page)
    page.goto(f"{empty_server.url}/flows")
    expect(page.locator("main")).to_contain_text("No flows yet")
    page.goto(f"{empty_server.url}/deployments")
    expect(page.locator("main")).to_contain_text("No deployments yet")
    page.goto(f"{empty_server.url}/work-pools")
    expect(page.locator("main")).to_contain_text("No work pools yet")
    page.goto(f"{empty_server.url}/runs?tab=task-runs")
    expect(page.locator("main")).to_contain_text("No task run matches")


@pytest.mark.parametrize("name", PAGES)
def test_api_error_is_told_and_can_be_tried_again(name: str, visit: Visitor, world: World) -> None:
    path, text = paths(world)[name]
    broken = {"on": True}

    def answer(route: Any) -> None:
        if broken["on"] and route.request.method != "OPTIONS":
            route.fulfill(
                status=500,
                json={"exception_message": "Internal Server Error"},
                headers={"access-control-allow-origin": "*"},
            )
        else:
            route.continue_()

    page = visit(path, failing=True, prepare=lambda page: page.route("**/api/**", answer))
    alert = page.locator(".error-box").first
    expect(alert).to_contain_text("The server answered 500")
    expect(alert).to_contain_text("Internal Server Error")
    broken["on"] = False
    for _ in range(3):
        buttons = page.get_by_role("button", name="Retry", exact=True).locator(
            "xpath=self::*[ancestor::*[contains(@class,'error-box')]]"
        )
        for _ in range(buttons.count()):
            buttons.first.click()
            page.wait_for_timeout(150)
    expect(page.locator("main")).to_contain_text(text)
    expect(page.locator(".error-box")).to_have_count(0)


NAMELESS = """
[...document.querySelectorAll('main a, main button, main h1, main h2, main h3')]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.innerText.trim() || each.ariaLabel || each.title || each.querySelector('.sr')))
  .map((each) => each.outerHTML.slice(0, 160))
"""
"""Links, buttons and headings that are seen without a name."""


@pytest.mark.parametrize("name", PAGES)
def test_slow_api_shows_what_is_to_come_never_a_blank_page(name: str, visit: Visitor, world: World) -> None:
    path, text = paths(world)[name]

    held: list[Any] = []
    gate = {"open": False}
    page = visit(
        path,
        prepare=lambda page: page.route(
            "**/api/**", lambda route: route.continue_() if gate["open"] else held.append(route)
        ),
    )
    expect(page.locator(".skeleton-row").first).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    assert page.evaluate(NAMELESS) == []
    gate["open"] = True
    for route in held:
        route.continue_()
    expect(page.locator("main")).to_contain_text(text)
    assert page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("name", PAGES)
def test_page_opened_without_a_server_comes_by_itself(name: str, visit: Visitor, world: World) -> None:
    path, text = paths(world)[name]
    page = visit(
        path,
        failing=True,
        prepare=lambda page: page.route("**/api/**", lambda route: route.abort("connectionrefused")),
    )
    expect(page.locator(".offline-bar")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    assert page.evaluate(NAMELESS) == []
    page.unroute("**/api/**")
    expect(page.locator("main")).to_contain_text(text)
    expect(page.locator(".offline-bar, .error-box")).to_have_count(0)


def test_offline_keeps_the_data_and_comes_back(visit: Visitor, world: World) -> None:
    page = visit(f"/runs?flows={world.flow}", failing=True)
    expect(page.locator("main")).to_contain_text("bold-lynx")
    page.route("**/api/**", lambda route: route.abort("connectionrefused"))
    page.get_by_label("Search by name").fill("bold")
    expect(page.locator(".offline-bar")).to_be_visible()
    expect(page.locator(".sidebar .foot")).to_contain_text("offline")
    expect(page.locator("main")).to_contain_text("bold-lynx")
    page.unroute("**/api/**")
    expect(page.locator(".offline-bar")).to_have_count(0)
    expect(page.locator("tbody .row").first).to_contain_text("bold-lynx")
    expect(page.locator("main")).not_to_contain_text("calm-otter")


def test_task_runs_tell_their_state_run_and_duration(visit: Visitor, world: World) -> None:
    page = visit(f"/runs?tab=task-runs&flows={world.flow}")
    row = page.locator("tbody .row", has_text="load-3")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("bold-lynx")
    expect(row).to_contain_text("negative row count")
    page.get_by_role("button", name="Running", exact=True).click()
    expect(page.locator("tbody .row")).to_have_count(1)
    expect(page.locator("tbody .row")).to_contain_text("train-1")


def test_hostile_content_is_only_text(visit: Visitor, world: World) -> None:
    for path in (
        "/runs",
        "/runs?tab=task-runs",
        f"/runs/flow-run/{world.hostile}",
        f"/runs/flow-run/{world.hostile}?view=tasks&tab=parameters",
        f"/runs/flow-run/{world.hostile}?tab=details",
        f"/runs/flow-run/{world.failed}?tab=artifacts",
        f"/runs/compare?a={world.completed}&b={world.hostile}",
    ):
        page = visit(path)
        expect(page.locator("main")).to_contain_text("onerror=")
        if "flow-run" in path and "?" not in path:
            expect(page.locator(".logs")).to_contain_text("<script>window.pwned=1</script>")
            page.get_by_role("button", name="Show traceback").click()
        links = page.eval_on_selector_all("main a", "list => list.map((a) => a.getAttribute('href'))")
        assert all(link.startswith(("/", "https://example.com/", "https://pictures.example/")) for link in links), links
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img, main script").count() == 0
        assert not [each for each in page.watch.requests if "pictures" in each]


def test_theme_can_be_chosen_and_stays(visit: Visitor, world: World) -> None:
    page = visit("/runs")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.locator(".sidebar-foot button", has_text="theme").click()
    page.locator(".sidebar-foot button", has_text="Light").click()
    expect(page.locator(".sidebar-foot")).to_contain_text("Dark")
    assert page.evaluate(ground) == "rgb(16, 17, 20)"
    page.reload()
    assert page.evaluate(ground) == "rgb(16, 17, 20)"
