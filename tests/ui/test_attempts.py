"""The attempts of a task that was tried again: segments of its bar, and words in the table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from ui.conftest import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from ui.conftest import Visitor
    from ui.seed import Seeder, World

pytestmark = pytest.mark.ui

CORS = {"access-control-allow-origin": "*"}
RETRY = {"type": "SCHEDULED", "name": "AwaitingRetry"}

PIECES = """
(gantt) => {
  const canvas = gantt.querySelector('canvas');
  const colourOf = (token) => {
    const probe = document.createElement('i');
    probe.style.color = `var(--s-${token})`;
    document.body.append(probe);
    const parts = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).map(Number);
    probe.remove();
    return parts;
  };
  const colours = {failed: colourOf('failed'), completed: colourOf('completed')};
  // The middle of the first row, which is 24 px high below an axis of 24 px, right of the names.
  const copy = Object.assign(document.createElement('canvas'), {width: canvas.width, height: 1});
  const copied = copy.getContext('2d', {willReadFrequently: true});
  copied.drawImage(canvas, 0, -Math.round(36 * devicePixelRatio));
  const line = copied.getImageData(0, 0, canvas.width, 1).data;
  const from = Math.ceil(Math.min(260, Math.max(120, gantt.clientWidth * 0.32)) * devicePixelRatio) + 2;
  const pieces = [];
  let last = '';
  for (let x = from; x < canvas.width; x++) {
    const at = [...line.slice(x * 4, x * 4 + 3)];
    const near = Object.entries(colours).find(([, rgb]) => rgb.every((value, i) => Math.abs(value - at[i]) < 3));
    const name = near ? near[0] : '';
    if (name && name !== last) pieces.push(name);
    last = name;
  }
  return pieces;
}
"""
"""The colours of the bar in the first row of a timeline, from left to right, a gap between any two."""


@pytest.fixture(scope="module")
def retried(world: World, seeder: Seeder) -> str:
    """A run whose one task failed twice, waited, and then completed."""
    run = seeder.run(world.workshop, "stubborn-mule", {"type": "RUNNING"})
    task = seeder.task(run, "load-0")
    for state in ({"type": "RUNNING"}, RETRY, {"type": "RUNNING", "name": "Retrying"}, RETRY, {"type": "RUNNING"}):
        seeder.state(task, state, "task_runs")
        time.sleep(0.12)
    seeder.state(task, {"type": "COMPLETED"}, "task_runs")
    seeder.state(run, {"type": "COMPLETED"})
    return run


@pytest.mark.parametrize("dark", [False, True])
def test_each_attempt_is_a_segment(visit: Visitor, retried: str, dark: bool) -> None:
    page = visit(f"/runs/flow-run/{retried}", dark=dark)
    expect(page.locator(".gantt canvas")).to_be_visible()
    settle(page)
    page.wait_for_function(f"({PIECES})(document.querySelector('.gantt')).length > 1")
    assert page.locator(".gantt").evaluate(PIECES) == ["failed", "failed", "completed"]
    assert len([path for path in page.watch.requests if path.endswith("/flowctl/related/")]) == 1
    assert not [path for path in page.watch.requests if "task_run_states" in path]
    box = page.locator(".gantt").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 36)
    expect(page.locator(".tip")).to_contain_text("failed after")


def test_the_table_tells_the_attempts_in_words(visit: Visitor, retried: str, accessible: Callable[[Any], None]) -> None:
    page = visit(f"/runs/flow-run/{retried}?view=tasks")
    table = page.get_by_role("table", name="Tasks of this run")
    expect(table.locator("td.c-tasks")).to_have_text("3")
    expect(table.locator("td.c-name .attempts")).to_contain_text("failed after")
    words = table.locator("td.c-name .attempts").inner_text()
    assert [part.split(" ")[0] for part in words.split(", ")] == ["failed", "waited", "failed", "waited", "completed"]
    accessible(page)


def test_a_prefect_server_shows_one_bar(visit: Visitor, retried: str) -> None:
    answer = {"status": 404, "json": {"detail": "Not Found"}, "headers": CORS}
    page = visit(
        f"/runs/flow-run/{retried}",
        failing=True,
        prepare=lambda page: page.route("**/api/flowctl/**", lambda route: route.fulfill(**answer)),
    )
    expect(page.locator(".gantt canvas")).to_be_visible()
    settle(page)
    page.wait_for_function(f"({PIECES})(document.querySelector('.gantt')).length > 0")
    assert page.locator(".gantt").evaluate(PIECES) == ["completed"]
    page.get_by_role("tab", name="Tasks").click()
    expect(page.locator("td.c-tasks")).to_have_text("3")
