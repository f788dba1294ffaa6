"""Many objects by their ids over `session.api`, and how commands write times, ids and addresses of pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowctl.cli import moments
from flowctl.cli.tables import short_id

if TYPE_CHECKING:
    from flowctl.cli.api.door import Door
    from flowctl.cli.context import Session
    from flowctl.cli.tables import Look


_PAGE = 200


def by_id(api: Door, kind: str, ids: Iterable[str | None]) -> dict[str, dict[str, Any]]:
    """Objects of one kind (`flows`, `flow_runs`, `task_runs`, `deployments`) by their ids; what is gone is left out."""
    wanted = sorted({id for id in ids if id})
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _PAGE):
        part = wanted[start : start + _PAGE]
        for each in api.post(f"/{kind}/filter", {kind: {"id": {"any_": part}}, "limit": _PAGE}):
            found[each["id"]] = each
    return found


def names(api: Door, kind: str, ids: Iterable[str | None]) -> dict[str, str]:
    """The names of objects by their ids."""
    return {id: each["name"] for id, each in by_id(api, kind, ids).items()}


def clock(text: str | None, look: Look) -> str:
    """A time for people on a terminal, as the API writes it elsewhere."""
    if not text:
        return ""
    return moments.clock(moments.read(text), look.now, utc=look.utc) if look.terminal else moments.iso(text)


def distance(moment: datetime, now: datetime) -> str:
    """`in 5m`, `3h ago`."""
    seconds = (moment - now).total_seconds()
    return f"in {moments.age(seconds)}" if seconds >= 0 else f"{moments.age(-seconds)} ago"


def short(id: str, look: Look) -> str:
    """An id as tables show it."""
    return short_id(id) if look.terminal else id


def page_url(session: Session, path: str) -> str | None:
    """The address of a page of the dashboard; None where no server shows one."""
    if session.is_remote:
        return session.api.where.removesuffix("/api") + path
    from flowctl.server.lock import serving

    server = serving(session.database_path)
    return f"{server['url']}{path}" if server else None
