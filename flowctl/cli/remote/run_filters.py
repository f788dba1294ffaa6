"""`RunQuery` as the API's filters, and what those cannot say as checks of the runs that they let through.

The API knows neither GLOB, nor parameters, nor lateness: it is asked for a little more, and the rest is left out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias, cast

from flowctl.cli import moments, targets
from flowctl.cli.run_query import (
    CANCELLING_STUCK_SECONDS,
    LATE_AFTER_SECONDS,
    PENDING_STUCK_SECONDS,
    RunQuery,
    state_type,
)
from flowctl.db.shapes import wire_time
from flowctl.domain.errors import Invalid

Run: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[Run], bool]

_SORTS = {
    "start": "START_TIME_ASC",
    "-start": "START_TIME_DESC",
    "name": "NAME_ASC",
    "-name": "NAME_DESC",
}


@dataclass(slots=True)
class Wanted:
    """Which flow runs, in what order.

    body    filters and order of a request
    checks  what has to hold besides
    sort    the order, where the API does not know it: all runs have to be there to be sorted
    """

    body: dict[str, Any] = field(default_factory=dict[str, Any])
    checks: list[Check] = field(default_factory=list[Check])
    sort: Callable[[Run], Any] | None = None
    is_descending: bool = False

    def keeps(self, run: Run) -> bool:
        """Whether a run that the API has found is wanted."""
        return all(check(run) for check in self.checks)


def wanted(find: targets.Find, query: RunQuery, now: datetime) -> Wanted:
    """What to ask for.

    Raises NotFound for a flow, deployment or parent that does not exist, Invalid for a value that cannot be read.
    """
    told = Wanted()
    runs: dict[str, Any] = {}
    try:
        _identity(find, query, told, runs)
        _times(query, now, told, runs)
    except ValueError as error:
        raise Invalid(str(error)) from error
    _states(query, now, told, runs)
    if runs:
        told.body["flow_runs"] = runs
    told.is_descending = query.sort.startswith("-")
    if query.sort in _SORTS:
        told.body["sort"] = _SORTS[query.sort]
    else:
        told.body["sort"] = "START_TIME_DESC"
        told.sort = lambda run: run["estimated_run_time"]
    return told


def _identity(find: targets.Find, query: RunQuery, told: Wanted, runs: dict[str, Any]) -> None:
    if query.flow:
        told.body["flows"] = {"id": {"any_": [targets.one(find, "flow", word) for word in query.flow]}}
    if query.deployment:
        ids = [targets.one(find, "deployment", word) for word in query.deployment]
        runs["deployment_id"] = {"any_": ids}
    if query.no_deployment:
        if query.deployment:
            told.checks.append(lambda _run: False)
        runs["deployment_id"] = {"is_null_": True}
    if query.pool:
        told.body["work_pools"] = {"name": {"any_": list(query.pool)}}
    if query.queue:
        told.body["work_pool_queues"] = {"name": {"any_": list(query.queue)}}
    if query.tag or query.any_tag:
        runs["tags"] = {"all_": list(query.tag) or None, "any_": list(query.any_tag) or None}
    if query.name is not None:
        _name(query.name, told, runs)
    told.checks += [_parameter(pair) for pair in query.param]
    if query.root:
        runs["parent_task_run_id"] = {"is_null_": True}
    if query.parent is not None:
        runs["parent_flow_run_id"] = {"any_": targets.runs(find, query.parent)}


def _name(pattern: str, told: Wanted, runs: dict[str, Any]) -> None:
    if not set(pattern) & set("*?["):
        runs["name"] = {"any_": [pattern]}
        return
    if plain := literal_of(pattern):
        runs["name"] = {"like_": plain}  # its % and _ are wildcards there: it finds too much, never too little
    matches = glob(pattern).fullmatch
    told.checks.append(lambda run: matches(run["name"]) is not None)


def _times(query: RunQuery, now: datetime, told: Wanted, runs: dict[str, Any]) -> None:
    """When runs started or should have; the API's bounds belong to its range, `--until` does not."""
    after = None if query.since is None else moments.parse_moment(query.since, now)
    ends = [] if query.until is None else [moments.parse_moment(query.until, now)]
    if query.older_than is not None:
        ends.append(_ago(now, moments.parse_duration(query.older_than)))
    if not after and not ends:
        return
    bounds: dict[str, str] = {}
    if after:
        bounds["after_"] = wire_time(after)
    if ends:
        end = min(ends)
        bounds["before_"] = wire_time(end)
        told.checks.append(lambda run: _read(run["start_time"] or run["expected_start_time"], end) < end)
    runs["start_time"] = bounds


def _states(query: RunQuery, now: datetime, told: Wanted, runs: dict[str, Any]) -> None:
    if query.states:
        types: set[str] = set()
        names: set[str] = set()
        others: set[str] = set()
        for word in query.states:
            known = state_type(word)
            if known is None:
                others.add(word.lower())
            elif known[1] is None:
                types.add(known[0])
            else:
                names.add(known[1])
        if not others:  # a name in any case cannot be asked for
            parts = {name: {"any_": sorted(words)} for name, words in (("type", types), ("name", names)) if words}
            runs["state"] = {"operator": "or_", **parts}
        told.checks.append(
            lambda run: (
                run["state_type"] in types
                or (run["state_name"] in names and run["state_type"] == _type_of(run["state_name"]))
                or (run["state_name"] or "").lower() in others
            )
        )
    if query.late:
        due = _ago(now, LATE_AFTER_SECONDS)
        runs.setdefault("state", {"type": {"any_": ["SCHEDULED"]}})
        runs["next_scheduled_start_time"] = {"before_": wire_time(due)}
        told.checks.append(
            lambda run: run["state_type"] == "SCHEDULED" and _read(run["next_scheduled_start_time"], due) < due
        )
    if query.stuck:
        since = {"PENDING": _ago(now, PENDING_STUCK_SECONDS), "CANCELLING": _ago(now, CANCELLING_STUCK_SECONDS)}
        runs.setdefault("state", {"type": {"any_": list(since)}})
        told.checks.append(
            lambda run: (
                run["state_type"] in since and moments.read(run["state"]["timestamp"]) < since[run["state_type"]]
            )
        )


def _type_of(name: str) -> str | None:
    known = state_type(name)
    return known[0] if known else None


def _read(text: str | None, missing: datetime) -> datetime:
    return moments.read(text) if text else missing


def _ago(now: datetime, seconds: float) -> datetime:
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("That is before the beginning of time.") from None


# -- parameters


def _parameter(pair: str) -> Check:
    """A parameter's value as JSON writes it, texts without quotes."""
    key, equals, value = pair.partition("=")
    if not equals or not key or '"' in key:
        raise ValueError(f"{pair!r} is not a parameter; write it like --param name=value.")
    path = key.split(".")

    def check(run: Run) -> bool:
        found: Any = run["parameters"]
        for part in path:
            if not isinstance(found, dict) or part not in found:
                return False
            found = cast("dict[str, Any]", found)[part]
        return _written(found) == value

    return check


def _written(value: Any) -> str:
    """A value of JSON as SQLite turns it into text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        text = f"{value:.15g}"
        return text if any(character in text for character in ".en") else f"{text}.0"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- names


def literal_of(pattern: str) -> str:
    """The longest part of a GLOB that stands for itself."""
    parts = re.split(r"\*|\?|\[\^?\]?[^]]*\]", pattern)
    return max(parts, key=len)


def glob(pattern: str) -> re.Pattern[str]:
    """SQLite's GLOB as a regular expression: `*`, `?`, `[abc]`, `[a-z]`, `[^abc]`."""
    text, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character != "[":
            text += {"*": ".*", "?": "."}.get(character) or re.escape(character)
            continue
        is_inverse = pattern[at : at + 1] == "^"
        at += is_inverse
        end = pattern.find("]", at + 1)  # a bracket that comes first stands for itself
        if end < 0:
            return re.compile(r"(?!)")  # brackets that are not closed match nothing
        members = _members(pattern[at:end])
        text += (f"(?!{members})." if is_inverse else f"(?:{members})") if members else "." if is_inverse else "(?!)"
        at = end + 1
    return re.compile(text, re.DOTALL)


def _members(inner: str) -> str:
    """What stands between brackets, as alternatives; a range that runs backwards has no members."""
    found: list[str] = []
    before, at = "", 0
    while at < len(inner):
        character = inner[at]
        if character == "-" and before and at + 1 < len(inner):
            at += 1
            if before <= inner[at]:
                found.append(f"[{re.escape(before)}-{re.escape(inner[at])}]")
            before = ""
        else:
            found.append(re.escape(character))
            before = "" if character == "]" else character
        at += 1
    return "|".join(found)
