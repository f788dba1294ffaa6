"""Which flow runs a command is about: the filters of `runs ls` and of the commands that change many runs, as SQL.

The API's filters (`domain/filters.py`) know neither GLOB nor parameters nor lateness, and loading them costs more than
a whole `runs ls` may (DESIGN.md section 9); the columns and indices used are those that `db/where.py` uses.
"""

from __future__ import annotations

from datetime import timedelta

from flowctl.cli import moments, targets
from flowctl.domain.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from flowctl.cli.targets import Execute

STATE_TYPES = (
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "CRASHED",
    "PAUSED",
    "CANCELLING",
)

FINAL_STATE_TYPES = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})

STATE_NAMES = {
    "Late": "SCHEDULED",
    "AwaitingRetry": "SCHEDULED",
    "AwaitingConcurrencySlot": "SCHEDULED",
    "Resuming": "SCHEDULED",
    "Submitting": "PENDING",
    "InfrastructurePending": "PENDING",
    "Retrying": "RUNNING",
    "Suspended": "PAUSED",
    "Cached": "COMPLETED",
    "RolledBack": "COMPLETED",
    "TimedOut": "FAILED",
}
"""Names that Prefect gives to states besides those of their types."""

LATE_AFTER_SECONDS = 15
PENDING_STUCK_SECONDS = 300
CANCELLING_STUCK_SECONDS = 60

_ACTIVE = frozenset({"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"})
"""Types of which there are few runs at any time: the state index finds them, then sorts."""

_STARTED = "coalesce(flow_run.start_time, flow_run.expected_start_time)"

_DURATION = """
    flow_run.total_run_time + CASE flow_run.state_type
        WHEN 'RUNNING' THEN max(0, (julianday('now') - julianday(flow_run.state_timestamp)) * 86400)
        ELSE 0 END"""

_ORDERS = {"start": _STARTED, "duration": _DURATION, "name": "flow_run.name"}


class RunQuery:
    """The filters, order and limit of one command, as they were given."""

    state: Sequence[str] = ()
    flow: Sequence[str] = ()
    deployment: Sequence[str] = ()
    no_deployment: bool = False
    pool: Sequence[str] = ()
    queue: Sequence[str] = ()
    tag: Sequence[str] = ()
    any_tag: Sequence[str] = ()
    name: str | None = None
    param: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    older_than: str | None = None
    late: bool = False
    stuck: bool = False
    root: bool = False
    parent: str | None = None
    limit: int | None = None
    all: bool = False
    sort: str = "-start"

    def __init__(self, given: Mapping[str, object]) -> None:
        self.__dict__.update(given)

    @property
    def selects(self) -> bool:
        """Whether any filter is given: what changes many runs asks for one."""
        return bool(self.__dict__.keys() - {"limit", "all", "sort"})

    @property
    def states(self) -> list[str]:
        """What `--state` lists, commas and repetition taken apart."""
        return [word.strip() for words in self.state for word in words.split(",") if word.strip()]


def sql(execute: Execute, query: RunQuery, now: datetime) -> tuple[str, list[object]]:
    """`WHERE … ORDER BY …` over flow_run, and its parameters, without the limit.

    Raises NotFound for a flow, deployment or parent that does not exist, Invalid for a value that cannot be read.
    """
    try:
        conditions = [*_identity(execute, query), *_times(query, now)]
    except ValueError as error:
        raise Invalid(str(error)) from error
    if query.states:
        conditions.append(_states(query.states))
    where = " AND ".join(condition for condition, _ in conditions)
    parameters = [value for _, values in conditions for value in values]
    column = _ORDERS[query.sort.lstrip("-")]
    direction = "DESC" if query.sort.startswith("-") else "ASC"
    return f"{'WHERE ' if where else ''}{where} ORDER BY {column} {direction}", parameters


def state_type(word: str) -> tuple[str, str | None] | None:
    """Type and name that a word for a state means, in any case; None if it is unknown.

    The name is None for a word that is a type.
    """
    lowered = word.lower()
    if lowered.upper() in STATE_TYPES:
        return lowered.upper(), None
    return next(((type, name) for name, type in STATE_NAMES.items() if name.lower() == lowered), None)


def unknown_state(word: str) -> str:
    """A sentence about a word that names no state of Prefect's."""
    from difflib import get_close_matches

    known = {name.lower(): name for name in (*map(str.lower, STATE_TYPES), *STATE_NAMES)}
    near = get_close_matches(word.lower(), known, n=1)
    return f"{word!r} is not a state" + (f"; did you mean {known[near[0]]!r}?" if near else ".")


def _states(words: list[str]) -> tuple[str, list[object]]:
    types: list[object] = []
    others: list[str] = []
    values: list[object] = []
    sparse = True
    for word in words:
        known = state_type(word)
        if known and known[1] is None:
            types.append(known[0])
            sparse = sparse and known[0] in _ACTIVE
        elif known:
            others.append("(flow_run.state_type = ? AND flow_run.state_name = ?)")
            values += known
            sparse = sparse and known[0] in _ACTIVE
        else:
            others.append("flow_run.state_name = ? COLLATE NOCASE")
            values.append(word)
            sparse = False
    if types:
        others.insert(0, f"flow_run.state_type IN ({_marks(types)})")
    condition = " OR ".join(others)
    if not sparse:  # walk the index of start times instead, which needs no sorting
        condition = condition.replace("flow_run.state_type", "+flow_run.state_type")
    return f"({condition})", [*types, *values]


def _identity(execute: Execute, query: RunQuery) -> list[tuple[str, list[object]]]:
    find = targets.in_file(execute)
    conditions: list[tuple[str, list[object]]] = []
    if query.flow:
        flows: list[object] = [targets.one(find, "flow", word) for word in query.flow]
        walk = "+" if len(flows) > 1 else ""  # of several flows the runs would have to be sorted
        conditions.append((f"{walk}flow_run.flow_id IN ({_marks(flows)})", flows))
    if query.deployment:
        deployments: list[object] = [targets.one(find, "deployment", word) for word in query.deployment]
        conditions.append((f"flow_run.deployment_id IN ({_marks(deployments)})", deployments))
    if query.no_deployment:
        conditions.append(("flow_run.deployment_id IS NULL", []))
    if query.pool:
        inner = f"SELECT id FROM work_pool WHERE name IN ({_marks(query.pool)})"
        queues = f"SELECT id FROM work_queue WHERE work_pool_id IN ({inner})"
        conditions.append((f"flow_run.work_queue_id IN ({queues})", list(query.pool)))
    if query.queue:
        queues = f"SELECT id FROM work_queue WHERE name IN ({_marks(query.queue)})"
        conditions.append((f"flow_run.work_queue_id IN ({queues})", list(query.queue)))
    tagged = "EXISTS (SELECT 1 FROM json_each(flow_run.tags) WHERE value IN ({}))"
    conditions += [(tagged.format("?"), list[object]([tag])) for tag in query.tag]
    if query.any_tag:
        conditions.append((tagged.format(_marks(query.any_tag)), list(query.any_tag)))
    if query.name is not None:
        conditions.append(("flow_run.name GLOB ?", [query.name]))
    conditions += [_parameter(pair) for pair in query.param]
    if query.root:
        conditions.append(("flow_run.parent_task_run_id IS NULL", []))
    if query.parent is not None:
        children = "SELECT task_run.id FROM task_run WHERE task_run.flow_run_id IN ({})"
        parents: list[object] = list(targets.runs(find, query.parent))
        conditions.append((f"flow_run.parent_task_run_id IN ({children.format(_marks(parents))})", parents))
    return conditions


def _times(query: RunQuery, now: datetime) -> list[tuple[str, list[object]]]:
    conditions: list[tuple[str, list[object]]] = []
    if query.since is not None:
        conditions.append((f"{_STARTED} >= ?", [moments.stored(moments.parse_moment(query.since, now))]))
    if query.until is not None:
        conditions.append((f"{_STARTED} < ?", [moments.stored(moments.parse_moment(query.until, now))]))
    if query.older_than is not None:
        conditions.append((f"{_STARTED} < ?", [_ago(now, moments.parse_duration(query.older_than))]))
    if query.late:
        condition = "(flow_run.state_type = 'SCHEDULED' AND flow_run.next_scheduled_start_time < ?)"
        conditions.append((condition, [_ago(now, LATE_AFTER_SECONDS)]))
    if query.stuck:
        condition = " OR ".join(
            f"(flow_run.state_type = '{type}' AND flow_run.state_timestamp < ?)" for type in ("PENDING", "CANCELLING")
        )
        conditions.append((f"({condition})", [_ago(now, PENDING_STUCK_SECONDS), _ago(now, CANCELLING_STUCK_SECONDS)]))
    return conditions


def _parameter(pair: str) -> tuple[str, list[object]]:
    """A parameter's value as JSON writes it, texts without quotes."""
    key, equals, value = pair.partition("=")
    if not equals or not key or '"' in key:
        raise ValueError(f"{pair!r} is not a parameter; write it like --param name=value.")
    path = "$" + "".join(f'."{part}"' for part in key.split("."))
    condition = """
        CASE json_type(flow_run.parameters, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'null' THEN 'null'
        ELSE CAST(json_extract(flow_run.parameters, ?) AS TEXT) END = ?"""
    return condition, [path, path, value]


def _ago(now: datetime, seconds: float) -> str:
    try:
        return moments.stored(now - timedelta(seconds=seconds))
    except OverflowError:
        raise ValueError("That is before the beginning of time.") from None


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
