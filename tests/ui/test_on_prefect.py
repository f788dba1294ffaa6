"""The dashboard with its API URL pointed at a real Prefect server: every page works, without what only flowctl has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from prefect_history import prefect_server
from processes import serving
from ui.conftest import Visitor
from ui.seed import Seeder, World, fill
from ui.test_pages import PAGES, paths

if TYPE_CHECKING:
    from processes import Server

pytestmark = pytest.mark.ui


@pytest.fixture(scope="module")
def pointed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A flowctl whose dashboard asks a Prefect server."""
    home = tmp_path_factory.mktemp("prefect")
    with (
        prefect_server("3.8.1", home) as api,
        serving(home / "flowctl.db", env={"FLOWCTL_UI_API_URL": api}) as running,
    ):
        running.api = api
        yield running


@pytest.fixture(scope="module")
def prefect_world(pointed: Server) -> World:
    return fill(Seeder(pointed.api))


def test_every_page_opens(browser: Any, pointed: Server, prefect_world: World) -> None:
    visit = Visitor(browser, pointed)
    for name in PAGES:
        path, text = paths(prefect_world)[name]
        page = visit(path)
        expect(page.locator("main")).to_contain_text(text)
        expect(page.locator(".error-box")).to_have_count(0)
    page = visit("/settings")
    expect(page.locator("#h-all")).to_be_visible()
    expect(page.locator("#h-storage")).to_have_count(0)
    visit.close()
    assert problems(visit) == []


def problems(visit: Visitor) -> list[str]:
    """What went wrong, besides the question whether this is flowctl's API, which Prefect's answers with 404."""
    found = [problem for watch in visit.watches for problem in watch.problems]
    asked = sum("/flowctl/about" in problem for problem in found)
    assert asked <= len(visit.watches)
    said = [problem for problem in found if problem.startswith("console error") and "404 (Not Found)" in problem]
    assert len(said) <= asked
    return [problem for problem in found if "/flowctl/about" not in problem and problem not in said]


def test_a_run_is_deleted_for_good_after_a_question(browser: Any, pointed: Server, prefect_world: World) -> None:
    seeder = Seeder(pointed.api)
    run = seeder.run(prefect_world.flow, "to-be-deleted", {"type": "COMPLETED"})
    visit = Visitor(browser, pointed)
    page = visit(f"/runs/flow-run/{run}")
    expect(page.locator("h1")).to_have_text("to-be-deleted")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_contain_text("deleted")
    visit.close()
    assert problems(visit) == []
    assert seeder.post("/flow_runs/filter", {"flow_runs": {"id": {"any_": [run]}}}) == []
