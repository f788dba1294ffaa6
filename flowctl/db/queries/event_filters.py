"""EventFilter -> SQL: the criteria of `domain.event_filters.includes`, on rows of the table events.

A filter by ids is answered from their index; otherwise the index by `occurred` is walked.  SQLite's planner would take
the latter too often, therefore the unary `+`, which hides a column from it.
"""

from __future__ import annotations

from datetime import datetime

from flowctl.db.clauses import TRUE, Clause, joined, within
from flowctl.db.columns import encode_time
from flowctl.domain.event_filters import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventRelatedFilter,
    EventResourceFilter,
    EventTextFilter,
    Labels,
    label_patterns,
    text_query,
)
from flowctl.domain.events import RESOURCE_ID, RESOURCE_ROLE
from flowctl.domain.filters import Operator

_LAST = "\U0010ffff"
"""Sorts after whatever else may follow a prefix."""
_RELATED = "resource.value"
"""An element of `events.related`, in a subquery over its elements."""


def where(criteria: EventFilter, now: datetime) -> Clause:
    """The condition on a row of `events`; a time that the filter does not give has its default as of now."""
    resolved = criteria.occurred.resolved(now)
    times = Clause("occurred BETWEEN ? AND ?", (encode_time(resolved.since), encode_time(resolved.until)))
    narrow = joined(_narrow(criteria, times))
    by_time = narrow is TRUE or (len(narrow.parameters) == 1 and criteria.resource)  # ix_events__resource_id_occurred
    return joined(
        [
            Clause(f"{'' if by_time else '+'}events.{times.sql}", times.parameters),
            narrow,
            _name(criteria.event) if criteria.event else TRUE,
            _labels(criteria.resource.labels, "events.resource") if criteria.resource else TRUE,
            *(_related(each) for each in criteria.related_filters),
            *(_any_resource(each) for each in criteria.any_resource_filters),
            _text(criteria.text) if criteria.text else TRUE,
        ]
    )


def _narrow(criteria: EventFilter, times: Clause) -> list[Clause]:
    """Conditions that an index answers: ids, and resources by id or prefix within the times."""
    result: list[Clause] = []
    if criteria.id.id:
        result.append(within("events.id", criteria.id.id))
    if criteria.resource:
        result.append(_id_or_prefix(criteria.resource, "events.resource_id"))
    for related in criteria.related_filters:
        for ids in (related.id, [id for id, _ in related.resources_in_roles or ()]):
            if ids:
                result.append(_positions("event_resources", within("resource_id", ids) & times))
    for resource in criteria.any_resource_filters:
        matches = _id_or_prefix(resource, "resource_id")
        if matches is not TRUE:
            either = [_positions(table, matches & times) for table in ("events", "event_resources")]
            result.append(joined(either, Operator.or_))
    return result


def _positions(table: str, condition: Clause) -> Clause:
    """The event is among those of a table, which has an index on (resource_id, occurred, position)."""
    return Clause(f"events.position IN (SELECT position FROM {table} WHERE {condition.sql})", condition.parameters)


def _name(criteria: EventNameFilter) -> Clause:
    return joined(
        [
            _begins("events.event", criteria.prefix),
            _not(_begins("events.event", criteria.exclude_prefix)),
            within("events.event", criteria.name) if criteria.name else TRUE,
            _not(within("events.event", criteria.exclude_name) if criteria.exclude_name else TRUE),
        ]
    )


def _related(criteria: EventRelatedFilter) -> Clause:
    """One element of `related` has all of it; ids alone `_narrow` has asked for, 20 times cheaper."""
    if not (criteria.role or criteria.resources_in_roles or criteria.labels):
        return TRUE
    id, role = _label(RESOURCE_ID), _label(RESOURCE_ROLE)
    pairs = [Clause(f"({id} = ? AND {role} = ?)", tuple(pair)) for pair in criteria.resources_in_roles or ()]
    conditions = joined(
        [
            within(id, criteria.id) if criteria.id else TRUE,
            within(role, criteria.role) if criteria.role else TRUE,
            joined(pairs, Operator.or_),
            _labels(criteria.labels, _RELATED),
        ]
    )
    return _one_related(conditions)


def _any_resource(criteria: EventAnyResourceFilter) -> Clause:
    """The primary resource or one related has all of it; without labels `_narrow` has said so."""
    if not criteria.labels:
        return TRUE
    primary = _id_or_prefix(criteria, "events.resource_id") & _labels(criteria.labels, "events.resource")
    related = _id_or_prefix(criteria, _label(RESOURCE_ID)) & _labels(criteria.labels, _RELATED)
    return joined([primary, _one_related(related)], Operator.or_)


def _one_related(conditions: Clause) -> Clause:
    sql = f"EXISTS (SELECT 1 FROM json_each(events.related) resource WHERE {conditions.sql})"
    return Clause(sql, conditions.parameters)


def _text(criteria: EventTextFilter) -> Clause:
    query = text_query(criteria)
    text = "events.event || ' ' || events.resource || ' ' || events.related || ' ' || events.payload"
    included, excluded, required = (
        [Clause(f"instr(lower({text}), ?)", (term,)) for term in terms]
        for terms in (query.include, query.exclude, query.required)
    )
    return joined([joined(included, Operator.or_), *(_not(each) for each in excluded), *required])


def _id_or_prefix(criteria: EventResourceFilter | EventAnyResourceFilter, column: str) -> Clause:
    """The id is among the ids and has one of the prefixes."""
    return (within(column, criteria.id) if criteria.id else TRUE) & _begins(column, criteria.id_prefix)


def _begins(expression: str, prefixes: list[str] | None) -> Clause:
    """A range for each prefix, which unlike LIKE minds the case and uses an index."""
    sql = f"({expression} >= ? AND {expression} < ?)"
    return joined([Clause(sql, (prefix, prefix + _LAST)) for prefix in prefixes or ()], Operator.or_)


def _labels(labels: Labels | None, source: str) -> Clause:
    """The JSON object `source` has each of the labels, with a value that matches one of its patterns."""
    return joined([_has_label(source, label, patterns) for label, patterns in label_patterns(labels)])


def _has_label(source: str, label: str, patterns: list[str]) -> Clause:
    matches = joined([_matches(pattern) for pattern in patterns], Operator.or_) if patterns else Clause("0")
    sql = f"EXISTS (SELECT 1 FROM json_each({source}) label WHERE label.key = ? AND {matches.sql})"
    return Clause(sql, (label, *matches.parameters))


def _matches(pattern: str) -> Clause:
    negated = pattern.startswith("!")
    text = pattern[1:] if negated else pattern
    if "*" in text or "?" in text:
        return Clause(f"label.value {'NOT ' if negated else ''}GLOB ?", (text.replace("[", "[[]"),))
    return Clause(f"label.value {'<>' if negated else '='} ?", (text,))


def _label(name: str) -> str:
    """The value of one of Prefect's own labels in a related resource; their names need no escaping."""
    return f"""json_extract({_RELATED}, '$."{name}"')"""


def _not(clause: Clause) -> Clause:
    return TRUE if clause is TRUE else Clause(f"NOT {clause.sql}", clause.parameters)
