"""JSON <-> domain: what is accepted, how refusals read, and how answers are written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from annotated_types import MaxLen
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from flowctl import wire
from flowctl.domain.errors import Invalid
from flowctl.domain.values import STRICT_BODY


@dataclass(slots=True, kw_only=True)
class Thing:
    __pydantic_config__: ClassVar[object] = STRICT_BODY

    name: Annotated[str, MaxLen(5)]
    at: datetime | None = None
    size: int = 0
    data: Any = None


@dataclass(slots=True, kw_only=True)
class Query:
    NULL_IS_DEFAULT: ClassVar[bool] = True

    things: Thing | None = None
    limit: int = 3
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Needs:
    NULL_IS_DEFAULT: ClassVar[bool] = True

    prefix: str
    limit: int = 1


@dataclass(slots=True, kw_only=True)
class Free:
    NULL_IS_DEFAULT: ClassVar[bool] = True

    data: Any = None


class Patch(TypedDict, total=False):
    __pydantic_config__ = STRICT_BODY

    name: str


def refusal(hint: Any, data: str | bytes) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as caught:
        wire.loads(hint, data)
    return caught.value.entries


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T00:29:24.230661Z", datetime(2026, 11, 21, 0, 29, 24, 230661, UTC)),
        ("2026-11-21 00:29:24.230661+00:00", datetime(2026, 11, 21, 0, 29, 24, 230661, UTC)),
        ("2026-11-21T02:29:24+02:00", datetime(2026, 11, 21, 0, 29, 24, tzinfo=UTC)),
        ("2026-11-21T00:29:24", datetime(2026, 11, 21, 0, 29, 24, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc(text: str, expected: datetime) -> None:
    at = wire.loads(Thing, json.dumps({"name": "a", "at": text})).at
    assert at == expected
    assert at is not None
    assert at.tzinfo is UTC


def test_a_time_beyond_utcs_years_is_refused() -> None:
    [entry] = refusal(Thing, '{"name": "a", "at": "0001-01-01T00:00:00+05:00"}')
    assert (entry["type"], entry["loc"]) == ("value_error", ["body", "at"])


def test_refusals_read_as_fastapis() -> None:
    entries = refusal(Thing, '{"name": "too long", "size": "x", "other": 1}')
    assert [(each["type"], each["loc"]) for each in entries] == [
        ("string_too_long", ["body", "name"]),
        ("int_parsing", ["body", "size"]),
        ("extra_forbidden", ["body", "other"]),
    ]
    assert entries[2]["msg"] == "Extra inputs are not permitted"


@pytest.mark.parametrize("hint", [Thing, Patch])
@pytest.mark.parametrize("text", ["[]", '"text"', "12"])
def test_a_body_that_is_no_object_is_named_as_for_models(hint: Any, text: str) -> None:
    [entry] = refusal(hint, text)
    assert entry == {
        "type": "model_attributes_type",
        "loc": ["body"],
        "msg": "Input should be a valid dictionary or object to extract fields from",
        "input": json.loads(text),
    }


def test_text_that_is_not_json_is_refused_with_prefects_words() -> None:
    text = '{"name": "a", "tags": [1,]}'
    with pytest.raises(json.JSONDecodeError) as pythons:  # its words and places are others since Python 3.13
        json.loads(text)
    [entry] = refusal(Thing, text)
    assert entry == {
        "type": "json_invalid",
        "loc": ["body", pythons.value.pos],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": pythons.value.msg},
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "data": NaN}',
        '{"name": "a", "data": -Infinity}',
        '{"name": "\\ud800"}',
        '{"name": "a", "data": [1e999]}',
        '{"name": "a", "data": -1' + "0" * 400 + ".0}",
    ],
)
def test_what_only_pythons_parser_knows_is_refused(text: str) -> None:
    assert refusal(Thing, text)[0]["type"] == "json_invalid"


def test_the_word_nan_in_a_text_is_no_number() -> None:
    assert wire.loads(Thing, '{"name": "NaN", "data": ["Infinity"]}').data == ["Infinity"]


def test_deep_nesting_and_other_encodings_are_read_like_any() -> None:
    depth = 300
    text = '{"name": "a", "data": ' + "[" * depth + "]" * depth + "}"
    assert wire.loads(Thing, text).data
    assert wire.loads(Thing, '{"name": "ä"}'.encode("utf-16")).name == "ä"
    assert refusal(Thing, "[" * 100_000)[0]["type"] == "json_invalid"


def test_integers_fit_the_database() -> None:
    assert wire.loads(Thing, '{"name": "a", "size": 9223372036854775807}').size == 2**63 - 1
    assert refusal(Thing, '{"name": "a", "size": 9223372036854775808}')[0]["type"] == "less_than_equal"


def test_large_integers_in_free_values_are_kept() -> None:
    assert wire.loads(Thing, '{"name": "a", "data": 1180591620717411303424}').data == 2**70
    assert wire.loads(Free, '{"data": 1180591620717411303424}').data == 2**70


def test_null_means_the_default_where_a_body_says_so() -> None:
    query = wire.loads(Query, '{"limit": null, "tags": null, "things": null, "unknown": 1}')
    assert query == Query()


def test_null_is_missing_where_there_is_no_default() -> None:
    [entry] = refusal(Needs, '{"prefix": null, "limit": null}')
    assert entry == {"type": "missing", "loc": ["body", "prefix"], "msg": "Field required", "input": None}


def test_each_field_is_missing_in_a_body_without_fields() -> None:
    assert [entry["loc"] for entry in refusal(Query, "[]")] == [["body", "things"], ["body", "limit"], ["body", "tags"]]


def test_a_patch_has_the_keys_that_were_sent() -> None:
    assert wire.loads(Patch, "{}") == {}
    assert wire.loads(Patch, '{"name": "a"}') == {"name": "a"}


def test_answers_are_written_as_prefects() -> None:
    value = {
        "id": UUID(int=1),
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "fine": datetime(2026, 1, 2, 3, 4, 5, 60, UTC),
        "tags": {"b", "a"},
        "thing": Thing(name="x"),
        "error": ValueError("no"),
    }
    assert json.loads(wire.dumps(value)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2026-01-02T03:04:05Z",
        "fine": "2026-01-02T03:04:05.000060Z",
        "tags": ["a", "b"],
        "thing": {"name": "x", "at": None, "size": 0, "data": None},
        "error": {},
    }


def test_what_orjson_cannot_write_is_written_all_the_same() -> None:
    value = {"text": "\ud800", "number": 10**40, "thing": Thing(name="x", data={"big": 2**70}), "id": UUID(int=2)}
    written = json.loads(wire.dumps(value))
    assert written["number"] == 10**40
    assert written["thing"]["data"] == {"big": 2**70}
    assert written["id"] == str(UUID(int=2))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_accepted_or_refused_but_nothing_else(value: object) -> None:
    text = json.dumps({"name": "a", "data": value})
    try:
        thing = wire.loads(Thing, text)
    except Invalid as error:
        wire.dumps({"detail": error.entries, "request_body": wire.parse_or_text(text.encode())})
    else:
        json.loads(wire.dumps(thing), parse_constant=lambda name: pytest.fail(name))
