"""TextStream: an answer that is read from the database piece by piece while it is sent, for texts of any length."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from flowctl.server.answers import Answer, accepts_gzip

if TYPE_CHECKING:
    from starlette.types import Scope, Send


class TextStream(Answer):
    """A text whose length is not known when it begins; one piece at a time is in memory.

    A client that goes away ends it: `send` raises, and with it the iterator.
    """

    def __init__(self, pieces: AsyncIterator[str], *, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(media_type=media_type, headers=headers)
        self._pieces = pieces

    async def send(self, scope: Scope, send: Send) -> None:
        """Send the pieces as they come; nothing but headers to HEAD."""
        headers = [(b"content-type", (self.media_type or "").encode("latin-1")), (b"vary", b"Accept-Encoding")]
        headers += [
            (key.lower().encode("latin-1"), item.encode("latin-1")) for key, item in (self.headers or {}).items()
        ]
        compress = zlib.compressobj(wbits=zlib.MAX_WBITS | 16) if accepts_gzip(scope) else None
        if compress is not None:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if scope["method"] != "HEAD":
            async for piece in self._pieces:
                body = piece.encode()
                if compress is not None:
                    body = compress.compress(body) + compress.flush(zlib.Z_SYNC_FLUSH)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        end = compress.flush() if compress is not None else b""
        await send({"type": "http.response.body", "body": end})
