"""Clauses: pieces of SQL conditions with their parameters, and one function per filter operator.

The truth of each is Prefect's, on rows with NULLs too: `any_` of nothing is false, `not_any_` and a bound are unknown
on NULL, a tag list is never NULL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowctl.db.columns import encode_time
from flowctl.domain.filters import Filter, Operator, OperatorFilter, criteria

_MANY = 100
"""Values beyond which a list is bound as one JSON text: no limit on variables, one statement for all lengths."""


@dataclass(frozen=True, slots=True)
class Clause:
    """An SQL condition and the values of its question marks, in order."""

    sql: str
    parameters: tuple[object, ...] = ()

    def __and__(self, other: Clause) -> Clause:
        return joined((self, other))


TRUE = Clause("1")
FALSE = Clause("0")
"""The constants are told by identity."""
Part = Callable[[Any], Clause | None]
"""Makes the clause of one criterion; None when its value does not filter."""


def joined(clauses: Iterable[Clause], operator: Operator = Operator.and_) -> Clause:
    """Clauses joined by AND, or by OR; true when there is none.

    What is true or false whatever the row is decided here: SQLite, too, drops the rest of `… AND 0`, and then finds
    that an index which it was told to use is of no use.
    """
    found = list(clauses)
    decisive, idle = (FALSE, TRUE) if operator is Operator.and_ else (TRUE, FALSE)
    if not found:
        return TRUE
    if any(clause is decisive for clause in found):
        return decisive
    parts = [clause for clause in found if clause is not idle]
    if len(parts) < 2:
        return parts[0] if parts else idle
    word = " AND " if operator is Operator.and_ else " OR "
    return Clause(f"({word.join(part.sql for part in parts)})", tuple(p for part in parts for p in part.parameters))


def filtered(filter: Filter, parts: Mapping[str, Part]) -> Clause:
    """The clause of a filter whose criteria are made by `parts`, joined by the filter's operator."""
    operator = filter.operator if isinstance(filter, OperatorFilter) else Operator.and_
    return joined(clauses_of(filter, parts), operator)


def clauses_of(filter: Filter, parts: Mapping[str, Part]) -> list[Clause]:
    """The clauses of a filter's criteria."""
    found = (parts[name](value) for name, value in criteria(filter).items())
    return [clause for clause in found if clause is not None]


def column(expression: str) -> Callable[[Filter], Clause]:
    """A part for any filter with operators on one column."""
    parts = column_parts(expression)
    return lambda filter: filtered(filter, parts)


def column_parts(expression: str) -> dict[str, Part]:
    """The operators on one column, by name."""
    return {
        "any_": lambda values: within(expression, values),
        "not_any_": lambda values: (
            Clause(f"NOT {(one := within(expression, values)).sql}", one.parameters) if values else None
        ),
        "like_": lambda text: like(expression, f"%{text}%") if text else None,
        "startswith_": lambda texts: joined([like(expression, f"{text}%") for text in texts], Operator.or_),
        "before_": lambda moment: Clause(f"{expression} <= ?", (encode_time(moment),)),
        "after_": lambda moment: Clause(f"{expression} >= ?", (encode_time(moment),)),
        "ge_": lambda number: Clause(f"{expression} >= ?", (number,)),
        "le_": lambda number: Clause(f"{expression} <= ?", (number,)),
        "eq_": lambda value: Clause(f"{expression} = ?", (int(value),)),
        "is_null_": lambda value: is_null(expression, value),
        "exists_": lambda value: is_null(expression, not value),
    }


def within(expression: str, values: Sequence[object]) -> Clause:
    """The value is in a list."""
    texts = tuple(str(value) for value in values)
    if not texts:
        return FALSE
    if len(texts) == 1:
        return Clause(f"{expression} = ?", texts)
    if len(texts) > _MANY:
        return Clause(f"{expression} IN (SELECT value FROM json_each(?))", (json.dumps(texts),))
    return Clause(f"{expression} IN ({', '.join('?' * len(texts))})", texts)


def like(expression: str, pattern: str) -> Clause:
    """The text matches; A to Z in either case, `%` and `_` in what the user gave are wildcards as in Prefect."""
    return Clause(f"{expression} LIKE ?", (pattern,))


def is_null(expression: str, value: bool) -> Clause:
    """There is no value, or there is one."""
    return Clause(f"{expression} IS NULL" if value else f"{expression} IS NOT NULL")


def tags(expression: str) -> Callable[[Filter], Clause]:
    """A part for filters on a column that holds a JSON list of tags."""
    parts: dict[str, Part] = {
        "all_": lambda names: joined([_tagged(expression, name) for name in names]) if names else None,
        "any_": lambda names: joined([_tagged(expression, name) for name in names], Operator.or_) if names else FALSE,
        "is_null_": lambda value: Clause(f"{expression} {'=' if value else '<>'} '[]'"),
    }
    return lambda filter: filtered(filter, parts)


def _tagged(expression: str, tag: str) -> Clause:
    """The list has this tag.  Most lists without it fail on a search in their text, 20 times cheaper than parsing."""
    exact = Clause(f"EXISTS (SELECT 1 FROM json_each({expression}) WHERE value = ?)", (tag,))
    quoted = json.dumps(tag)
    if "\\" in quoted or "/" in tag:
        return exact  # encoders differ in what they escape
    return Clause(f"(instr({expression}, ?) AND {exact.sql})", (quoted, *exact.parameters))
