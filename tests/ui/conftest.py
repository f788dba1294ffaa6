"""A real server, a real Chromium, and a page that fails the test on anything a user would not see but should.

`FLOWCTL_UI_TEST_API=http://…/api` runs the same tests against the API of another server, a real Prefect's for example.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from processes import Server, serving
from ui.seed import Seeder, World, fill

playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
OTHER_API = os.environ.get("FLOWCTL_UI_TEST_API", "")
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH_CSP = """
document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI}`)
);
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for one file of tests: while Playwright is there its event loop forbids `asyncio.run` to others."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with playwright_api.sync_playwright() as playwright:
        playwright_api.expect.set_options(timeout=12_000)
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield running
        running.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for one file of tests, so that none depends on what the others have left."""
    env = {"FLOWCTL_UI_API_URL": OTHER_API} if OTHER_API else None
    with serving(tmp_path_factory.mktemp("ui") / "flowctl.db", env=env) as running:
        if OTHER_API:
            running.api = OTHER_API
        yield running


@pytest.fixture(scope="module")
def seeder(server: Server) -> Seeder:
    return Seeder(server.api)


@pytest.fixture(scope="module")
def world(seeder: Seeder) -> World:
    return fill(seeder)


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("empty") / "flowctl.db") as running:
        yield running


@dataclass
class Watch:
    """What went wrong on a page, whatever the test looked at."""

    origins: set[str]
    problems: list[str] = field(default_factory=list[str])
    requests: list[str] = field(default_factory=list[str])
    pending: int = 0
    """Requests without an answer yet."""
    failures_expected: bool = False
    """True: the test makes requests fail on purpose."""

    def attach(self, page: Any) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)

    def _console(self, message: Any) -> None:
        text = message.text
        expected = self.failures_expected and ("Failed to load resource" in text or "WebSocket" in text)
        # Chromium says this of a socket that was connecting while the test left the page.
        expected = expected or "WebSocket is closed before the connection is established" in text
        if message.type in ("error", "warning") and not expected:
            self.problems.append(f"console {message.type}: {text}")

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        self.pending += 1
        self.requests.append(f"{request.method} {parts.path}")
        if f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.problems.append(f"request to another origin: {request.url}")

    def _answered(self, request: Any) -> None:
        self.pending -= not request.url.startswith(("data:", "blob:"))

    def _response(self, response: Any) -> None:
        if response.status >= 400 and not self.failures_expected:
            self.problems.append(f"{response.status} {response.request.method} {response.url}")


@dataclass
class Visitor:
    """Opens pages in windows of their own."""

    browser: Any
    server: Server
    watches: list[Watch] = field(default_factory=list[Watch])
    contexts: list[Any] = field(default_factory=list[Any])

    def __call__(
        self,
        path: str,
        *,
        dark: bool = False,
        width: int = 1360,
        height: int = 820,
        failing: bool = False,
        url: str | None = None,
        prepare: Callable[[Any], None] | None = None,
    ) -> Any:
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        context.add_init_script(WATCH_CSP)
        page = context.new_page()
        home = url or self.server.url
        watch = Watch({_origin(home), _origin(self.server.api)}, failures_expected=failing)
        watch.attach(page)
        page.watch = watch
        self.watches.append(watch)
        self.contexts.append(context)
        if prepare:
            prepare(page)
        page.goto(home + path)
        return page

    def close(self) -> None:
        for context in self.contexts:
            for page in context.pages:
                page.unroute_all(behavior="ignoreErrors")
            context.close()


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Visitor]:
    visitor = Visitor(browser, server)
    yield visitor
    visitor.close()
    problems = [problem for watch in visitor.watches for problem in watch.problems]
    assert not problems, "\n".join(problems)


def settle(page: Any) -> None:
    """Wait until a page shows no rows to come, and has asked for nothing for a quarter of a second."""
    playwright_api.expect(page.locator(".skeleton-row")).to_have_count(0)
    end = time.monotonic() + 15
    quiet = asked = 0
    while quiet < 5 and time.monotonic() < end:
        page.wait_for_timeout(50)
        still = page.watch.pending <= 0 and len(page.watch.requests) == asked
        asked = len(page.watch.requests)
        quiet = quiet + 1 if still else 0


@pytest.fixture
def accessible() -> Callable[[Any], None]:
    """Check a settled page with axe: nothing serious may be found."""

    def check(page: Any) -> None:
        settle(page)
        page.evaluate(AXE)
        result = page.evaluate(f"axe.run(document, {{runOnly: {AXE_RULES}, resultTypes: ['violations']}})")
        serious: list[str] = []
        for found in result["violations"]:
            if found["impact"] in ("serious", "critical"):
                nodes = [node["html"][:160] for node in found["nodes"][:3]]
                why = found["nodes"][0].get("failureSummary", "")[:300]
                serious.append(f"{found['id']}: {found['help']}: {nodes} {why}")
        assert not serious, "\n".join(serious)

    return check


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
