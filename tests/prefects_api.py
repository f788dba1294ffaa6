"""A door to a database file by the part of flowctl's API that Prefect's servers have too."""

from __future__ import annotations

from collections.abc import Mapping

from flowctl.cli.api.door import Answer
from flowctl.cli.api.file import FileDoor


class PrefectsApi(FileDoor):
    """Answers as a Prefect server would."""

    is_prefect = True
    finds_texts = True

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        assert not path.startswith("/flowctl/")
        if not self.finds_texts and b'"text"' in (body or b""):  # as with a SQLite before 3.44
            return Answer(500, {"content-type": "application/json"}, b'{"exception_message":"Internal Server Error"}')
        return super().request(method, path, body, headers)


class WithoutTextSearch(PrefectsApi):
    """The same on an older SQLite."""

    finds_texts = False
