"""What an endpoint sends back: `Answer`, a status and bytes, written to the client in two messages."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowctl import wire

if TYPE_CHECKING:
    from starlette.types import Scope, Send

JSON = "application/json"
GZIP_FROM = 500
"""Bytes from which a body is compressed, as Prefect's server does."""
_GZIP_LEVEL = 4  # a fifth of the time of Prefect's 9, for a body some 5 % longer
_NO_GZIP = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")


class Answer:
    """A complete response; `Answer.json` makes the usual one."""

    __slots__ = ("body", "encoding", "headers", "media_type", "status")

    def __init__(
        self,
        body: bytes = b"",
        status: int = 200,
        *,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.media_type = media_type
        self.headers = headers
        self.encoding: bytes | None = None

    @classmethod
    def json(cls, value: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Answer:
        """A body of JSON."""
        return cls(wire.dumps(value), status, media_type=JSON, headers=headers)

    def compress_for(self, scope: Scope) -> Answer:
        """Compress a long body if the client wants that; a second call changes nothing."""
        if self.encoding is None and len(self.body) >= GZIP_FROM and accepts_gzip(scope):
            self.body = gzipped(self.body)
            self.encoding = b"gzip"
        return self

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it; without its body to HEAD."""
        headers: list[tuple[bytes, bytes]] = []
        if self.media_type is not None:
            headers.append((b"content-type", self.media_type.encode("latin-1")))
        if len(self.body) >= GZIP_FROM or self.encoding:
            self.compress_for(scope)
            headers.append((b"vary", b"Accept-Encoding"))
            if self.encoding is not None:
                headers.append((b"content-encoding", self.encoding))
        if self.status not in (204, 304):
            headers.append((b"content-length", str(len(self.body)).encode()))
        if self.headers:
            headers += [(key.lower().encode("latin-1"), item.encode("latin-1")) for key, item in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


def header(scope: Scope, name: bytes) -> str | None:
    """The first request header of this lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def accepts_gzip(scope: Scope) -> bool:
    """Whether the client takes gzip (`gzip;q=0` says no)."""
    accepted = header(scope, b"accept-encoding")
    return accepted is not None and "gzip" in accepted and not _NO_GZIP.search(accepted)


def gzipped(body: bytes) -> bytes:
    """The gzip form of a body; the same bytes for the same body."""
    return zlib.compress(body, _GZIP_LEVEL, zlib.MAX_WBITS | 16)
