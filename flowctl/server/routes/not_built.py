"""The operations of the API that this server does not have yet: each answers 501 and says so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID

from flowctl.domain.errors import Unsupported
from flowctl.server.call import Call
from flowctl.server.endpoint import PARAMETER, Parameter, Route, Signature


class OperationKey(NamedTuple):
    """An operation, whatever the parts of its path are called."""

    method: str
    path: str


@lru_cache(maxsize=1)
def known_operations() -> dict[OperationKey, tuple[str, list[str]]]:
    """Every operation of Prefect's API in its declared order, with its path as it is spelt and its tags."""
    text = (files("flowctl.server") / "data" / "operations.tsv").read_text()
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {operation_key(method, path): (path, tags.split(",")) for method, path, tags in rows}


def operation_key(method: str, path: str) -> OperationKey:
    """`GET /flows/{flow_id}` and `GET /flows/{id}` are the same operation."""
    return OperationKey(method, PARAMETER.sub("{}", path))


def in_declared_order(routes: Iterable[Route]) -> list[Route]:
    """The routes in Prefect's order; others after them."""
    positions = {key: index for index, key in enumerate(known_operations())}
    return sorted(routes, key=lambda route: positions.get(operation_key(route.method, route.path), len(positions)))


def missing_routes(built: Iterable[Route]) -> list[Route]:
    """A route that answers 501 for each operation that is not among those built."""
    present = {operation_key(route.method, route.path) for route in built}
    return [
        _refusing(key.method, path, tags[0]) for key, (path, tags) in known_operations().items() if key not in present
    ]


def _refusing(method: str, path: str, tag: str) -> Route:
    def not_built(call: Call, **_parts: object) -> None:
        raise Unsupported(f"{method} {path} is not built yet in this version of flowctl.")

    # In Prefect's paths exactly the parts called `id` or `…_id` must look like a UUID.
    parts = tuple(
        Parameter(
            name=name, hint=UUID if name == "id" or name.endswith("schedule_id") else str, required=True, is_list=False
        )
        for name in PARAMETER.findall(path)
    )
    signature = Signature(path=parts, query=(), body=None, wants_call=True, answer=None, is_reply=False)
    return Route(
        method=method,
        path=path,
        tag=tag,
        handler=not_built,
        kind="plain",
        status=200,
        listed=False,
        _signature=signature,
    )
