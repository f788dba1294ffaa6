"""The dashboard's files as a browser, a proxy and a web server in front of flowctl get them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flowctl.server import ui, ui_files
from flowctl.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "flowctl" / "static"
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Web:
    """Asks an application without a socket, one request after the other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self._request("GET", path, headers))

    def post(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self._request("POST", path, headers))

    async def _request(self, method: str, path: str, headers: dict[str, str] | None) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4200") as web:
            return await web.request(method, path, headers=headers)


def client(**changes: Any) -> Web:
    return Web(ui.create_ui_app(Settings(**changes)))


def test_index_has_no_placeholder_left_and_names_base_and_api() -> None:
    text = client().get("/", headers=HTML).text
    assert "PLACEHOLDER" not in text
    assert '<meta name="flowctl-base" content="">' in text
    assert '<meta name="flowctl-api" content="/api">' in text
    assert 'src="/app/main.js"' in text


def test_index_below_a_base_path() -> None:
    below = client(ui_serve_base="/flow/")
    for path in ("/flow", "/flow/", "/flow/runs/flow-run/1", "/"):
        text = below.get(path, headers=HTML).text
        assert '<meta name="flowctl-base" content="/flow">' in text
        assert '<meta name="flowctl-api" content="/flow/api">' in text
        assert 'src="/flow/app/main.js"' in text
    assert below.get("/flow/app/main.js").status_code == 200


def test_a_proxy_may_have_cut_the_base_path_off() -> None:
    assert client(ui_serve_base="/flow").get("/app/main.js").status_code == 200


def test_what_is_inserted_is_escaped() -> None:
    text = client(ui_api_url='http://x/"><script>alert(1)</script>').get("/", headers=HTML).text
    assert "<script>alert(1)" not in text
    assert "&quot;&gt;&lt;script&gt;" in text


@pytest.mark.parametrize(
    "path", ["/runs", "/runs/flow-run/0b1c", "/work-pools/work-pool/a.b", "/no/such/page", "/login"]
)
def test_client_routes_get_the_index(path: str) -> None:
    response = client().get(path, headers=HTML)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/app/none.js", "/none.css", "/vendor/none.js", "/x/y.js.map", "/api/none", "/docs/none"]
)
def test_missing_files_are_never_a_page(path: str) -> None:
    response = client().get(path, headers=HTML)
    assert response.status_code == 404
    assert "<html" not in response.text


def test_a_request_that_does_not_want_html_gets_no_page() -> None:
    for accept in ("application/json", "*/*", ""):
        assert client().get("/runs", headers={"accept": accept}).status_code == 404
    assert client().post("/runs", headers=HTML).status_code == 405


def test_unchanged_files_are_304() -> None:
    web = client()
    first = web.get("/app/main.js")
    again = web.get("/app/main.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    weak = web.get("/app/main.js", headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert weak.status_code == 304
    assert web.get("/app/main.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_gzip_is_sent_only_to_those_who_take_it() -> None:
    web = client()
    plain = web.get("/app.css", headers={"accept-encoding": "identity"})
    packed = web.get("/app.css", headers={"accept-encoding": "gzip, br"})
    refused = web.get("/app.css", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content == (STATIC / "app.css").read_bytes()
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


def test_mime_types_do_not_depend_on_the_system() -> None:
    web = client()
    assert web.get("/app/main.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert web.get("/app.css").headers["content-type"] == "text/css; charset=utf-8"


def test_every_answer_carries_the_security_headers() -> None:
    web = client(ui_api_url="https://api.example:8443/api")
    for path in ("/", "/app/main.js", "/app/none.js", "/ui-settings"):
        headers = web.get(path, headers=HTML).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy
        assert "connect-src 'self' https://api.example:8443 wss://api.example:8443;" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_ui_settings_have_the_shape_of_prefect() -> None:
    assert client(csrf_enabled=True, api_auth_string="a:b").get("/ui-settings").json() == {
        "api_url": "http://127.0.0.1:4200/api",
        "csrf_enabled": True,
        "auth": "BASIC",
        "flags": [],
        "default_ui": "v2",
        "available_uis": ["v2"],
        "v1_base_url": None,
        "v2_base_url": "/",
    }
    below = client(ui_serve_base="/flow", ui_api_url="http://elsewhere/api").get("/flow/ui-settings").json()
    assert below["api_url"] == "http://elsewhere/api"
    assert below["v2_base_url"] == "/flow"


def test_a_disabled_ui_serves_settings_only() -> None:
    web = client(ui_enabled=False)
    assert web.get("/", headers=HTML).status_code == 404
    assert web.get("/ui-settings").json()["available_uis"] == []


def test_static_directory_is_filled_once_per_configuration(tmp_path: Path) -> None:
    directory = tmp_path / "ui"
    page = client(ui_static_directory=directory, ui_serve_base="/flow").get("/flow/", headers=HTML)
    assert 'content="/flow/api"' in page.text
    index = directory / "index.html"
    assert "PLACEHOLDER" not in index.read_text()
    assert (directory / "app" / "main.js").read_bytes() == (STATIC / "app" / "main.js").read_bytes()
    assert not list(directory.rglob(".flowctl-*[!i]"))

    index.write_text("<p>my own look</p>")
    kept = client(ui_static_directory=directory, ui_serve_base="/flow").get("/flow/", headers=HTML)
    assert kept.text == "<p>my own look</p>"
    other = client(ui_static_directory=directory, ui_serve_base="/other").get("/other/", headers=HTML)
    assert 'content="/other/api"' in other.text


def test_files_of_somebody_else_are_left_alone_and_not_served(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>another site</p>")
    (tmp_path / "secret.txt").write_text("secret")
    for _ in range(2):
        web = client(ui_static_directory=tmp_path)
        assert 'name="flowctl-base"' in web.get("/", headers=HTML).text
        assert web.get("/secret.txt").status_code == 404
    assert (tmp_path / "index.html").read_text() == "<p>another site</p>"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["flowctl", "index.html", "secret.txt"]


def test_a_directory_that_was_filled_half_way_is_filled(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("half of it")
    (tmp_path / ui_files.MARKER_NAME).touch()
    assert 'name="flowctl-base"' in client(ui_static_directory=tmp_path).get("/", headers=HTML).text


def test_two_servers_may_fill_the_directory_at_once(tmp_path: Path) -> None:
    placeholders = ui_files.Placeholders(base="", api_url="/api")
    failures: list[BaseException] = []

    def fill() -> None:
        try:
            ui_files.copy_to(tmp_path / "ui", placeholders)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert ui_files.copy_to(tmp_path / "ui", placeholders) is False
    assert set(ui_files.load(tmp_path / "ui", placeholders)) == set(
        ui_files.load(ui_files.package_root(), placeholders)
    )


def test_a_directory_that_cannot_be_written_falls_back_to_the_package(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    assert client(ui_static_directory=blocker / "ui").get("/", headers=HTML).status_code == 200


def test_files_are_read_from_inside_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "flowctl.pyz"
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in (ROOT / "flowctl").rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                bundle.write(file, file.relative_to(ROOT))
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from flowctl.server import ui_files\n"
        "assert '.pyz' in str(ui_files.__file__), ui_files.__file__\n"
        "files = ui_files.load(ui_files.package_root(), ui_files.Placeholders(base='', api_url='/api'))\n"
        "print(len(files), files['index.html'].media_type, 'vendor/preact.js' in files)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(archive)], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.split()[1:] == ["text/html;", "charset=utf-8", "True"]


def test_base_paths_are_normalized() -> None:
    assert [ui_files.normalize_base(path) for path in ("/", "", "/flow/", "flow", "//a//b/", "http://host/x/")] == [
        "", "", "/flow", "/flow", "/a/b", "/x",
    ]  # fmt: skip


def test_vendored_files_have_the_recorded_hashes() -> None:
    table = (STATIC / "vendor" / "VENDOR.md").read_text()
    recorded = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", table))
    assert recorded
    for name, digest in recorded.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name
    shipped = {f"flowctl/static/vendor/{file.name}" for file in (STATIC / "vendor").glob("*.js")}
    assert shipped <= set(recorded)


def test_vendor_lock_names_no_registry() -> None:
    assert "http" not in (ROOT / "tools" / "vendor.lock.json").read_text()


def test_modules_import_only_what_is_there_and_nothing_bare() -> None:
    pattern = re.compile(r"""(?:from|import)\s*\(?\s*'([^']+)'""")
    for file in (STATIC / "app").rglob("*.js"):
        for target in pattern.findall(re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)):
            assert target.startswith("."), f"{file.name} imports {target}"
            assert (file.parent / target).resolve().is_file(), f"{file.name} imports {target}"


def test_no_page_calls_fetch_or_writes_markup() -> None:
    for file in (STATIC / "app").rglob("*.js"):
        text = file.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            file.name
        )
        if file.name != "api.js":
            assert not re.search(r"\bfetch\(", text), file.name


def test_sizes_stay_within_the_budget() -> None:
    files = [file for file in STATIC.rglob("*") if file.is_file()]
    # With comments and types, as in git; what travels is the next line's.
    assert sum(file.stat().st_size for file in files) < 582_000
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 200_000
    first = [
        "app.css",
        "vendor/preact.js",
        "app/theme.js",
        "app/main.js",
        "app/api.js",
        "app/store.js",
        "app/format.js",
    ]
    first += ["app/ui/controls.js", "app/ui/table.js", "app/ui/chart.js", "app/ui/run_filters.js", "app/pages/runs.js"]
    assert sum(len(gzip.compress((STATIC / name).read_bytes())) for name in first) < 60_000
    assert (STATIC / "app.css").stat().st_size < 35_000
