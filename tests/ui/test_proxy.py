"""The dashboard behind a reverse proxy, which cuts the path or keeps it: links into it, requests and the socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from processes import serving
from ui.seed import Seeder

if TYPE_CHECKING:
    from pathlib import Path

    from ui.conftest import Visitor

pytestmark = pytest.mark.ui

BASE = "/flow"


class Proxy(ThreadingTCPServer):
    """Hands on each request below `/flow` on a connection of its own; sockets stay open both ways."""

    daemon_threads = True
    upstream: tuple[str, int]
    cuts: bool


class _Connection(StreamRequestHandler):
    server: Proxy  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        if not lines or b"" in lines:
            return
        method, path, version = lines[0].split(b" ", 2)
        if not path.startswith(BASE.encode()):
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if self.server.cuts:
            path = path.removeprefix(BASE.encode()) or b"/"
        heads = lines[1:]
        if not any(line.lower().startswith(b"upgrade:") for line in heads):
            heads = [line for line in heads if not line.lower().startswith(b"connection:")] + [b"Connection: close\r\n"]
        with socket.create_connection(self.server.upstream) as there:
            there.sendall(b" ".join((method, path, version)) + b"".join(heads) + b"\r\n")
            back = threading.Thread(target=self._answers, args=(there,), daemon=True)
            back.start()
            with suppress(OSError):
                while data := self.rfile.read1(65_536):
                    there.sendall(data)
            back.join(5)

    def _answers(self, there: socket.socket) -> None:
        with suppress(OSError):
            while data := there.recv(65_536):
                self.wfile.write(data)
            self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(upstream: str, *, cuts: bool) -> Iterator[str]:
    """The address of a proxy for a server."""
    parts = urlsplit(upstream)
    with Proxy(("127.0.0.1", 0), _Connection) as proxy:
        proxy.upstream = (parts.hostname or "", parts.port or 0)
        proxy.cuts = cuts
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()
        thread.join(5)


@pytest.mark.parametrize("cuts", [True, False], ids=["path cut off", "path kept"])
def test_links_into_it_requests_and_socket(cuts: bool, visit: Visitor, tmp_path: Path) -> None:
    with (
        serving(tmp_path / "flowctl.db", env={"PREFECT_UI_SERVE_BASE": BASE}) as behind,
        proxied(behind.url, cuts=cuts) as url,
    ):
        seeder = Seeder(f"{url}{BASE}/api")
        flow = seeder.flow("far-away")
        run = seeder.run(flow, "deep-run", {"type": "RUNNING"})
        page = visit(f"{BASE}/runs/flow-run/{run}?tab=details", url=url)
        expect(page.locator("h1")).to_have_text("deep-run")
        expect(page.locator(".sidebar .foot")).to_contain_text("live")
        seeder.state(run, {"type": "COMPLETED"})
        expect(page.locator(".page-head")).to_contain_text("Completed")
        page.get_by_role("link", name="far-away").click()
        expect(page).to_have_url(f"{url}{BASE}/flows/flow/{flow}")
        page.reload()
        expect(page.locator("h1")).to_have_text("far-away")
        page.get_by_role("link", name="Dashboard", exact=True).click()
        expect(page).to_have_url(f"{url}{BASE}/dashboard")
        expect(page.locator("main")).to_contain_text("Nothing failed")
        page.context.close()
