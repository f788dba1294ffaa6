"""The dashboard's files: read from the package (also from inside a zipapp), placeholders replaced, compressed once.

Nothing here knows HTTP routes; `ui.py` does.  With a static directory configured the files are copied there and served
from there, so that somebody may change the look or let a web server deliver them.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import logging
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import flowctl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

logger = logging.getLogger(__name__)

BASE_PLACEHOLDER: Final = "/FLOWCTL_BASE_PLACEHOLDER"
API_URL_PLACEHOLDER: Final = "FLOWCTL_API_URL_PLACEHOLDER"
VERSION_PLACEHOLDER: Final = "FLOWCTL_VERSION_PLACEHOLDER"

TEXT_SUFFIXES: Final = frozenset({".html", ".css", ".js", ".svg", ".json", ".txt"})
"""Files of these kinds may hold placeholders; others are copied byte by byte."""

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""Our own table: the operating system's one calls .js text/plain on some Windows machines."""

MARKER_NAME: Final = ".flowctl-ui"
"""Marks a directory of ours: empty while it is filled, then with the key of what it holds."""
OWN_DIRECTORY: Final = "flowctl"
"""Where the files go below a configured directory that holds others."""
_GZIP_MINIMUM_BYTES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholders:
    """What stands in for the placeholders in one server: base path without trailing slash ("" for root), API URL."""

    base: str
    api_url: str

    def replace_in(self, content: bytes, suffix: str) -> bytes:
        """Fill the placeholders in, escaped for the kind of file."""
        if suffix not in TEXT_SUFFIXES or b"FLOWCTL_" not in content:
            return content
        for placeholder, value in (
            (BASE_PLACEHOLDER, self.base),
            (API_URL_PLACEHOLDER, self.api_url),
            (VERSION_PLACEHOLDER, flowctl.__version__),
        ):
            escaped = html.escape(value) if suffix in (".html", ".svg") else quote(value, safe="/:@?&=%.,+-~_[]")
            content = content.replace(placeholder.encode(), escaped.encode())
        return content

    @property
    def key(self) -> str:
        """Name this version, base path and API URL: a copy on disk that carries the same key is up to date."""
        return f"{flowctl.__version__}\n{self.base}\n{self.api_url}\n{_package_digest()}\n"


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        """The strong validator of the plain form, with its quotes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'

    @cached_property
    def gzipped(self) -> bytes | None:
        """The compressed form, or None where it would not pay."""
        if len(self.body) < _GZIP_MINIMUM_BYTES or self.media_type.startswith(("image/png", "font/")):
            return None
        return gzip.compress(self.body, mtime=0)


def normalize_base(serve_base: str) -> str:
    """Turn `PREFECT_UI_SERVE_BASE` into "" or "/some/path" without trailing slash."""
    path = urlsplit(serve_base).path if "://" in serve_base else serve_base
    path = "/".join(part for part in path.split("/") if part)
    return f"/{path}" if path else ""


def package_root() -> Traversable:
    """Give the static files as they lie in the package, which may be a zip archive."""
    return resources.files("flowctl") / "static"


def load(root: Traversable, placeholders: Placeholders) -> dict[str, Asset]:
    """Read all files below `root`, keyed by relative path with forward slashes, placeholders replaced."""
    assets: dict[str, Asset] = {}
    for name, file in _walk(root):
        suffix = PurePosixPath(name).suffix
        if suffix in MEDIA_TYPES:
            body = placeholders.replace_in(file.read_bytes(), suffix)
            assets[name] = Asset(body=body, media_type=MEDIA_TYPES[suffix])
    return assets


def copy_to(directory: Path, placeholders: Placeholders) -> bool:
    """Put the files, placeholders replaced, into `directory`, unless they are there for this very configuration.

    Every file arrives under a temporary name and is renamed, the marker's content last: two servers that start at once
    write the same bytes, and one that is stopped half-way leaves an empty marker, so that the next one starts again.
    returns  True if files were written
    """
    marker = directory / MARKER_NAME
    if marker.is_file() and marker.read_text(encoding="utf-8") == placeholders.key:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    marker.touch()
    for name, file in _walk(package_root()):
        content = placeholders.replace_in(file.read_bytes(), PurePosixPath(name).suffix)
        _write_atomically(directory / name, content)
    _write_atomically(marker, placeholders.key.encode())
    return True


def assets_for(directory: Path | None, placeholders: Placeholders) -> dict[str, Asset]:
    """Load what is to be served: the copy in `directory` if one is configured and possible, else the packaged files."""
    if directory is None:
        return load(package_root(), placeholders)
    try:
        home = home_below(directory)
        copy_to(home, placeholders)
        return load(home, placeholders)
    except OSError as error:
        logger.warning("Cannot use the UI static directory %s (%s); serving the packaged files.", directory, error)
        return load(package_root(), placeholders)


def home_below(directory: Path) -> Path:
    """The configured directory itself, or one of our own in it if it holds somebody else's files.

    Those are neither overwritten nor served.
    """
    is_free = not directory.exists() or (directory / MARKER_NAME).exists() or not any(directory.iterdir())
    return directory if is_free else directory / OWN_DIRECTORY


def _write_atomically(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".flowctl-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _walk(root: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(root.iterdir(), key=lambda item: item.name):
        if entry.name.startswith((".", "__")):
            continue
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        else:
            yield name, entry


def _package_digest() -> str:
    digest = hashlib.sha256()
    for name, file in _walk(package_root()):
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:20]
