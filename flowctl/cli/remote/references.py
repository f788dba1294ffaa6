"""Finding on a server what people call things by.

A flowctl server finds it by itself; Prefect's server has lists only, which are searched here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowctl.cli.api.door import PAGE, Door
from flowctl.db.queries.references import MOST, PREFIX, id_prefix

_MARGIN = 20
"""Rows that may be inserted or deleted while a list is searched, without harm."""

_SPECIAL: Mapping[str, tuple[dict[str, object], str, int | None]] = {
    "@last": ({"start_time": {"is_null_": False}}, "START_TIME_DESC", 1),
    "@last-failed": ({"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}, "START_TIME_DESC", 1),
    "@running": ({"state": {"type": {"any_": ["RUNNING"]}}}, "START_TIME_ASC", None),
}
"""Filter, order and number of the flow runs that such a word means."""


class References:
    """Finds ids and names; a `targets.Find`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def __call__(self, kind: str, reference: str) -> list[tuple[str, str]]:
        """Ids and names of what a reference may mean, by its kind."""
        if not self._door.is_prefect:
            found = self._door.get(f"/flowctl/references/{kind}", reference=reference)
            return [(each["id"], each["name"]) for each in found]
        if kind == "flow_run" and reference in _SPECIAL:
            criteria, sort, limit = _SPECIAL[reference]
            return _named(self._door.all("/flow_runs/filter", {"flow_runs": criteria, "sort": sort}, limit=limit))
        return self._deployments(reference) if kind == "deployment" else self._others(kind, reference)

    def _others(self, kind: str, reference: str) -> list[tuple[str, str]]:
        prefix = id_prefix(reference)
        if len(prefix) == 36:
            return self._listed(kind, {"id": {"any_": [prefix]}})
        found = dict(self._listed(kind, {"name": {"any_": [reference]}}))
        if len(prefix) >= PREFIX:
            if kind == "flow":
                every = _named(self._door.all("/flows/filter", {"sort": "NAME_ASC"}))
                found.update(each for each in every if each[0].startswith(prefix))
            else:
                found.update(self._beginning(kind, prefix))
        return list(found.items())

    def _deployments(self, reference: str) -> list[tuple[str, str]]:
        """Deployments are few: all of them are looked at, unless the reference is an id or FLOW/DEPLOYMENT."""
        prefix = id_prefix(reference)
        flow_name, slash, own_name = reference.partition("/")
        body: dict[str, object] = {"sort": "NAME_ASC"}
        if len(prefix) == 36:
            body["deployments"] = {"id": {"any_": [prefix]}}
        elif slash:
            body["flows"], body["deployments"] = {"name": {"any_": [flow_name]}}, {"name": {"any_": [own_name]}}
        elif len(prefix) < PREFIX:
            body["deployments"] = {"name": {"any_": [reference]}}
        found = self._door.all("/deployments/filter", body)
        if not slash and len(prefix) != 36:
            found = [
                each
                for each in found
                if each["name"] == reference or (len(prefix) >= PREFIX and each["id"].startswith(prefix))
            ]
        flows = self._flow_names(found[:MOST])
        return [(each["id"], f"{flows.get(each['flow_id'], '?')}/{each['name']}") for each in found[:MOST]]

    def _flow_names(self, deployments: list[dict[str, Any]]) -> dict[str, str]:
        ids = sorted({each["flow_id"] for each in deployments})
        if not ids:
            return {}
        return dict(_named(self._door.all("/flows/filter", {"flows": {"id": {"any_": ids}}})))

    def _listed(self, kind: str, criteria: dict[str, object]) -> list[tuple[str, str]]:
        return _named(self._door.all(f"/{kind}s/filter", {f"{kind}s": criteria}, limit=MOST))

    def _beginning(self, kind: str, prefix: str) -> Iterator[tuple[str, str]]:
        """Runs whose id begins so: halving the list in the order of ids until the place is found."""
        low, high = 0, int(self._door.post(f"/{kind}s/count"))
        while low < high:
            middle = (low + high) // 2
            row = self._page(kind, offset=middle, limit=1)
            if row and row[0]["id"] > prefix + "g":
                low = middle + 1
            else:
                high = middle
        page = self._page(kind, offset=max(0, low - _MARGIN), limit=PAGE)
        return (each for each in _named(page) if each[0].startswith(prefix))

    def _page(self, kind: str, *, offset: int, limit: int) -> list[dict[str, Any]]:
        return self._door.post(f"/{kind}s/filter", {"sort": "ID_DESC", "offset": offset, "limit": limit})


def _named(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["id"], each["name"]) for each in found]
