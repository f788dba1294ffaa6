"""Each operator on each kind of value, NULL included."""

from __future__ import annotations

import json

import pytest
from run_world import BEGIN

from flowctl.db.clauses import FALSE, TRUE, Clause, column, joined, tags
from flowctl.db.columns import encode_time
from flowctl.db.database import Tx
from flowctl.domain.filters import (
    AllTagsFilter,
    BooleanFilter,
    Filter,
    NameFilter,
    NumberFilter,
    Operator,
    PrefixFilter,
    TagsFilter,
    TextFilter,
    TextOrNullFilter,
    TimeFilter,
    TimeOrNullFilter,
)


def kept(tx: Tx, clause: Clause, values: list[object]) -> list[object]:
    """The values that a condition on `x` keeps."""
    sql = f"SELECT key FROM (SELECT key, value AS x FROM json_each(?)) WHERE {clause.sql} ORDER BY key"
    return [values[key] for (key,) in tx.execute(sql, (json.dumps(values), *clause.parameters))]


TEXTS: list[object] = ["Run", "run", "R_n", "é", "É", "", None]
NUMBERS: list[object] = [1, 2, 3, None]


@pytest.mark.parametrize(
    ("filter", "values", "expected"),
    [
        (TextFilter(), TEXTS, TEXTS),
        (TextFilter(any_=["Run", "é"]), TEXTS, ["Run", "é"]),
        (TextFilter(any_=[]), TEXTS, []),
        (TextFilter(not_any_=["Run", "é"]), TEXTS, ["run", "R_n", "É", ""]),
        (TextFilter(not_any_=["Run"]), TEXTS, ["run", "R_n", "é", "É", ""]),
        (TextFilter(not_any_=[]), TEXTS, TEXTS),
        (TextFilter(any_=["Run", "run"], not_any_=["run"]), TEXTS, ["Run"]),
        (NameFilter(like_="U"), TEXTS, ["Run", "run"]),
        (NameFilter(like_="R_n"), TEXTS, ["Run", "run", "R_n"]),
        (NameFilter(like_="%"), TEXTS, TEXTS[:-1]),
        (NameFilter(like_="é"), TEXTS, ["é"]),
        (NameFilter(like_=""), TEXTS, TEXTS),
        (PrefixFilter(startswith_=["r", "é"]), TEXTS, ["Run", "run", "R_n", "é"]),
        (PrefixFilter(startswith_=[]), TEXTS, TEXTS),
        (TextOrNullFilter(is_null_=True), TEXTS, [None]),
        (TextOrNullFilter(is_null_=False, any_=["é"]), TEXTS, ["é"]),
        (TextOrNullFilter(operator=Operator.or_, is_null_=True, any_=["é"]), TEXTS, ["é", None]),
        (NumberFilter(ge_=2), NUMBERS, [2, 3]),
        (NumberFilter(le_=2), NUMBERS, [1, 2]),
        (NumberFilter(ge_=2, le_=2), NUMBERS, [2]),
        (BooleanFilter(eq_=True), [0, 1, None], [1]),
        (BooleanFilter(eq_=False), [0, 1, None], [0]),
    ],
)
def test_operators_on_a_column(tx: Tx, filter: Filter, values: list[object], expected: list[object]) -> None:
    assert kept(tx, column("x")(filter), values) == expected


def test_times_are_compared_with_both_bounds_included(tx: Tx) -> None:
    moment = encode_time(BEGIN)
    values: list[object] = ["2026-02-28 23:59:59.999999", moment, "2026-03-01 00:00:00.000001", None]
    assert kept(tx, column("x")(TimeFilter(before_=BEGIN)), values) == values[:2]
    assert kept(tx, column("x")(TimeFilter(after_=BEGIN)), values) == values[1:3]
    assert kept(tx, column("x")(TimeFilter(after_=BEGIN, before_=BEGIN)), values) == [moment]
    assert kept(tx, column("x")(TimeOrNullFilter(is_null_=True)), values) == [None]


LISTS: list[object] = [["a"], ["b", "a"], [], ['d"x', "é", "e/f"], ["ab"], ['x"a']]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (TagsFilter(all_=["a"]), [["a"], ["b", "a"]]),
        (TagsFilter(all_=["a", "b", "a"]), [["b", "a"]]),
        (TagsFilter(all_=[]), LISTS),
        (TagsFilter(any_=["b", "é"]), [["b", "a"], ['d"x', "é", "e/f"]]),
        (TagsFilter(any_=['d"x']), [['d"x', "é", "e/f"]]),
        (TagsFilter(any_=["e/f"]), [['d"x', "é", "e/f"]]),
        (TagsFilter(any_=[]), []),
        (TagsFilter(is_null_=True), [[]]),
        (TagsFilter(is_null_=False, any_=["ab"]), [["ab"]]),
        (AllTagsFilter(operator=Operator.or_, is_null_=True, all_=["ab"]), [[], ["ab"]]),
    ],
)
def test_operators_on_tags(tx: Tx, filter: Filter, expected: list[object]) -> None:
    clause = tags("x")(filter)
    sql = f"SELECT x FROM (SELECT key, value AS x FROM json_each(?)) WHERE {clause.sql} ORDER BY key"
    assert [json.loads(text) for (text,) in tx.execute(sql, (json.dumps(LISTS), *clause.parameters))] == expected


def test_tags_are_found_however_their_list_was_encoded(tx: Tx) -> None:
    for text in ('["\\u00e9", "a"]', '[ "a" , "é" ]', '["e\\/f"]'):
        for tag in json.loads(text):
            clause = tags("x")(TagsFilter(all_=[tag]))
            assert tx.scalar(f"SELECT {clause.sql} FROM (SELECT ? AS x)", (*clause.parameters, text)) == 1


def test_long_lists_are_one_parameter(tx: Tx) -> None:
    clause = column("x")(TextFilter(any_=[str(number) for number in range(5000)]))
    assert len(clause.parameters) == 1
    assert kept(tx, clause, ["17", "5001"]) == ["17"]


def test_what_is_decided_without_a_row_is_a_constant() -> None:
    other = Clause("x")
    assert joined([]) is TRUE
    assert joined([], Operator.or_) is TRUE
    assert joined([TRUE, other]) is other
    assert joined([FALSE, other]) is FALSE
    assert joined([TRUE, other], Operator.or_) is TRUE
    assert joined([FALSE, other], Operator.or_) is other
    assert joined([FALSE, FALSE], Operator.or_) is FALSE
    assert joined([other, Clause("y", (1,))], Operator.or_) == Clause("(x OR y)", (1,))
