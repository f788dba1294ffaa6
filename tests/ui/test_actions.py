"""Each action from the click or key, through the request, to the database and back to the screen."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect
from ui.seed import SCHEMA

if TYPE_CHECKING:
    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui

CORS = {"access-control-allow-origin": "*"}


def state_of(seeder: Seeder, run: str) -> dict[str, Any]:
    return seeder.get(f"/flow_runs/{run}")["state"]


def exists(seeder: Seeder, kind: str, run: str) -> bool:
    return httpx.get(f"{seeder.api}/{kind}/{run}").status_code == 200


def head(page: Any) -> Any:
    return page.locator(".page-head")


def toast(page: Any) -> Any:
    return page.locator(".toast")


def test_set_state_with_name_and_message(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "to-be-set", {"type": "RUNNING"})
    page = visit(f"/runs/flow-run/{run}")
    expect(head(page)).to_contain_text("Running")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("State").select_option("FAILED")
    dialog.get_by_label("Name").fill("Rejected")
    dialog.get_by_label("Message").fill("The numbers are wrong")
    dialog.get_by_role("button", name="Set state").click()
    expect(head(page)).to_contain_text("Rejected")
    expect(toast(page)).to_contain_text("to-be-set is now Rejected")
    state = state_of(seeder, run)
    assert (state["type"], state["name"], state["message"]) == ("FAILED", "Rejected", "The numbers are wrong")
    expect(page.locator(".why")).to_contain_text("The numbers are wrong")


def test_refused_transition_says_why(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "finished", {"type": "COMPLETED"})
    page = visit(f"/runs/flow-run/{run}")
    page.get_by_role("button", name="Set state").click()
    page.get_by_role("dialog").get_by_label("State").select_option("PAUSED")
    page.get_by_role("dialog").get_by_role("button", name="Set state").click()
    expect(toast(page)).to_contain_text("finished: ")
    assert state_of(seeder, run)["type"] == "COMPLETED"


def test_cancel_asks_once_and_escape_keeps(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "to-be-cancelled", {"type": "RUNNING"})
    page = visit(f"/runs/flow-run/{run}")
    expect(head(page)).to_contain_text("Running")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert state_of(seeder, run)["type"] == "RUNNING"
    page.keyboard.press("c")
    page.get_by_role("button", name="Cancel the run").click()
    expect(head(page)).to_contain_text("Cancelling")
    assert state_of(seeder, run)["type"] == "CANCELLING"


def test_cancel_of_a_run_that_never_started_is_final_at_once(visit: Visitor, world: World, seeder: Seeder) -> None:
    due = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2020-01-01T00:00:00Z"}}
    run = seeder.run(world.workshop, "never-started", state=due)
    page = visit(f"/runs/flow-run/{run}")
    expect(page.locator(".why")).to_contain_text("Late by")
    page.keyboard.press("c")
    page.get_by_role("button", name="Cancel the run").click()
    expect(head(page)).to_contain_text("Cancelled")
    assert state_of(seeder, run)["type"] == "CANCELLED"


def test_cancel_of_a_paused_run_is_final_at_once(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "held", {"type": "RUNNING"}, {"type": "PAUSED"})
    page = visit(f"/runs/flow-run/{run}")
    expect(head(page)).to_contain_text("Paused")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_contain_text("cancelled at once")
    page.get_by_role("button", name="Cancel the run").click()
    expect(head(page)).to_contain_text("Cancelled")
    assert state_of(seeder, run)["type"] == "CANCELLED"


def test_retry_of_a_script_tells_how_to_run_it_again(visit: Visitor, world: World) -> None:
    page = visit(f"/runs/flow-run/{world.failed}")
    expect(head(page)).to_contain_text("Failed")
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_contain_text("cannot be retried from here")
    expect(page.get_by_role("dialog")).to_contain_text("nightly-etl")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def test_retry_of_a_deployment_asks_for_awaiting_retry(visit: Visitor, world: World, seeder: Seeder) -> None:
    """The run is shown as one of a deployment; what is sent is what counts here."""
    sent: list[Any] = []

    deployed = {**seeder.get(f"/flow_runs/{world.failed}"), "deployment_id": str(uuid.uuid4())}

    def set_state(route: Any) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(
            json={"status": "ACCEPT", "state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "details": {}},
            headers=CORS,
        )

    def prepare(page: Any) -> None:
        page.route(f"**/flow_runs/{world.failed}", lambda route: route.fulfill(json=deployed, headers=CORS))
        page.route("**/set_state", set_state)

    page = visit(f"/runs/flow-run/{world.failed}", prepare=prepare)
    page.get_by_role("button", name="Retry").first.click()
    expect(toast(page)).to_contain_text("bold-lynx is now AwaitingRetry")
    assert sent[0]["state"]["type"] == "SCHEDULED"
    assert sent[0]["state"]["name"] == "AwaitingRetry"


def test_resume_with_the_form_of_the_stored_schema(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.paused(world.workshop, "needs-approval")
    page = visit(f"/runs/flow-run/{run}")
    expect(page.locator(".why")).to_contain_text("Waiting for input")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Please approve 12,000 rows.")
    dialog.get_by_role("button", name="Resume").click()
    expect(dialog).to_contain_text("This is required.")
    dialog.get_by_label("Reason").fill("ok")
    dialog.get_by_label("Amount").fill("0")
    dialog.get_by_role("button", name="Resume").click()
    expect(dialog).to_contain_text("At least 3 characters.")
    expect(dialog).to_contain_text("At least 1.")
    dialog.get_by_label("Approved").check()
    dialog.get_by_label("Reason").fill("looks good")
    dialog.get_by_label("Amount").fill("12")
    dialog.get_by_role("button", name="Resume").click()
    expect(toast(page)).to_contain_text("needs-approval goes on")
    assert state_of(seeder, run)["type"] == "RUNNING"
    stored = httpx.get(f"{seeder.api}/flow_runs/{run}/input/paused-1-response").json()
    assert stored == {"approved": True, "reason": "looks good", "amount": 12, "mode": "safe"}
    assert SCHEMA["required"] == ["reason", "amount"]


def test_resume_without_input(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.paused(world.workshop, "just-paused", schema=None)
    page = visit(f"/runs/flow-run/{run}")
    page.locator(".why").get_by_role("button", name="Resume", exact=True).click()
    expect(toast(page)).to_contain_text("just-paused goes on")
    assert state_of(seeder, run)["type"] == "RUNNING"


def test_delete_can_be_undone(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "kept-after-all", {"type": "COMPLETED"})
    seeder.logs(run, (20, "still here", None))
    page = visit(f"/runs/flow-run/{run}")
    page.get_by_role("button", name="Delete").click()
    expect(toast(page)).to_contain_text("kept-after-all deleted")
    expect(page).to_have_url(f"{visit.server.url}/runs")
    assert not exists(seeder, "flow_runs", run)
    page.get_by_role("button", name="Undo").click()
    expect(toast(page).last).to_contain_text("kept-after-all restored")
    expect(head(page)).to_contain_text("kept-after-all")
    expect(page.locator(".logs")).to_contain_text("still here")


def test_delete_on_a_prefect_server_asks_first(visit: Visitor, world: World, seeder: Seeder) -> None:
    """Prefect has nothing below `/flowctl/`: what is deleted there is gone."""
    run = seeder.run(world.workshop, "gone-for-good", {"type": "COMPLETED"})
    missing = {"status": 404, "json": {"detail": "Not Found"}, "headers": CORS}
    page = visit(
        f"/runs/flow-run/{run}",
        failing=True,
        prepare=lambda page: page.route("**/api/flowctl/**", lambda route: route.fulfill(**missing)),
    )
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot be undone")
    assert exists(seeder, "flow_runs", run)
    dialog.get_by_role("button", name="Delete").click()
    expect(toast(page)).to_contain_text("gone-for-good deleted")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert not exists(seeder, "flow_runs", run)


def test_many_runs_at_once(visit: Visitor, world: World, seeder: Seeder) -> None:
    mark = f"bulk-{uuid.uuid4().hex[:6]}"
    runs = [seeder.run(world.workshop, f"{mark}-{n}", {"type": "RUNNING"}) for n in range(4)]
    page = visit(f"/runs?flow-run-search={mark}")
    expect(page.locator("tbody .row")).to_have_count(4)
    page.keyboard.press("j")
    page.keyboard.press("x")
    for key in ("j", "j", "X"):
        page.keyboard.press(key)
    bar = page.get_by_role("toolbar", name="Selected runs")
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Select all 4 matching").click()
    expect(bar).to_contain_text("4 selected")
    bar.get_by_role("button", name="Set state").click()
    page.get_by_role("dialog").get_by_role("button", name="Set state").click()
    expect(toast(page)).to_contain_text("4 runs set to Completed")
    assert {state_of(seeder, run)["type"] for run in runs} == {"COMPLETED"}
    expect(page.locator("tbody .s-completed .state-name")).to_have_count(4)

    for _ in range(2):
        page.locator("tbody .row").first.hover()
        page.locator("tbody .row input").first.click()
        page.locator("tbody .row input").first.click()
    page.keyboard.press("*")
    page.keyboard.press("a")
    bar.get_by_role("button", name="Delete").click()
    expect(toast(page).last).to_contain_text("4 runs deleted")
    expect(page.locator("tbody .row")).to_have_count(0)
    assert not any(exists(seeder, "flow_runs", run) for run in runs)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody .row")).to_have_count(4)
    assert all(exists(seeder, "flow_runs", run) for run in runs)


def test_task_run_state_and_delete(visit: Visitor, world: World, seeder: Seeder) -> None:
    run = seeder.run(world.workshop, "with-a-task", {"type": "RUNNING"})
    task = seeder.task(run, "lonely-1", {"type": "RUNNING"})
    page = visit(f"/runs/task-run/{task}")
    expect(head(page)).to_contain_text("Running")
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_label("State").select_option("CRASHED")
    page.get_by_role("dialog").get_by_label("Message").fill("lost")
    page.get_by_role("dialog").get_by_role("button", name="Set state").click()
    expect(head(page)).to_contain_text("Crashed")
    assert seeder.get(f"/task_runs/{task}")["state_type"] == "CRASHED"
    page.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{visit.server.url}/runs/flow-run/{run}?task={task}")
    expect(toast(page)).to_have_count(0, timeout=9000)
    page.wait_for_timeout(300)
    assert not exists(seeder, "task_runs", task)
