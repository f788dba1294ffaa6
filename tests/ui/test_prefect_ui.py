"""Prefect's own packaged dashboard, pointed at flowctl's API: its pages open, and no operation that is built fails."""

from __future__ import annotations

import json
import mimetypes
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from processes import prefect_python

if TYPE_CHECKING:
    from processes import Server
    from ui.seed import World

pytestmark = pytest.mark.ui

BASE = "/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER"


class PackagedDashboard(ThreadingHTTPServer):
    """Serves the files as Prefect's server does; their settings name another API."""

    daemon_threads = True

    def __init__(self, folder: Path, api: str) -> None:
        self.folder, self.api = folder, api
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: PackagedDashboard  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.lstrip("/")
        file = self.server.folder / path
        if path == "ui-settings":
            settings = {
                "api_url": self.server.api,
                "csrf_enabled": False,
                "auth": None,
                "flags": [],
                "default_ui": "v1",
            }
            body = json.dumps({**settings, "available_uis": ["v1"], "v1_base_url": "/", "v2_base_url": None}).encode()
            kind = "application/json"
        else:
            if not path or not file.is_file():
                file = self.server.folder / "index.html"
            body = file.read_bytes().replace(BASE.encode(), b"")
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def packaged(server: Server) -> Iterator[PackagedDashboard]:
    python = prefect_python("3.8.1")
    command = [str(python), "-c", "import prefect; print(prefect.__ui_static_path__)"]
    folder = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    dashboard = PackagedDashboard(folder, server.api)
    thread = threading.Thread(target=dashboard.serve_forever, daemon=True)
    thread.start()
    yield dashboard
    dashboard.shutdown()
    dashboard.server_close()
    thread.join(5)


def test_its_pages_open_and_nothing_that_is_built_fails(
    browser: Any, packaged: PackagedDashboard, server: Server, world: World
) -> None:
    pages = {
        "/dashboard": "Flow Runs",
        "/runs": "bold-lynx",
        f"/runs/flow-run/{world.completed}": "row 0 of the completed run",
        "/flows": "nightly-etl",
        f"/flows/flow/{world.flow}": "nightly-etl",
        "/deployments": "approval",
        f"/deployments/deployment/{world.deployment}": "approval",
        "/work-pools": "Work Pools",
        "/concurrency-limits": "Concurrency",
        "/events": "Event Feed",
    }
    failed: list[str] = []

    def note(response: Any) -> None:
        if response.url.startswith(server.api) and response.status >= 400 and response.status != 501:
            failed.append(f"{response.status} {response.request.method} {response.url} {response.request.post_data}")

    context = browser.new_context(viewport={"width": 1360, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    context.route(lambda url: not url.startswith((packaged.url, server.url)), lambda route: route.abort())
    page = context.new_page()
    page.on("response", note)
    for path, text in pages.items():
        page.goto(packaged.url + path)
        expect(page.locator("body")).to_contain_text(text, ignore_case=True)
        page.wait_for_load_state("networkidle")
    context.close()
    assert failed == []
