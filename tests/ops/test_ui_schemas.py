from __future__ import annotations

from typing import Any

import pytest

from flowctl.domain.errors import Invalid
from flowctl.domain.hydration import KIND
from flowctl.ops import ui_schemas

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": {"type": "string", "minLength": 2},
        "o": {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}},
        "l": {"type": "array", "items": {"type": "number"}},
    },
    "required": ["n"],
}


def errors(values: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> list[Any]:
    answer = ui_schemas.validate(schema, values, variables={"known": 5})
    assert answer.valid is (not answer.errors)
    return answer.errors


def kind(name: str, **content: object) -> dict[str, object]:
    return {KIND: name, **content}


@pytest.mark.parametrize(
    "values",
    [
        {"n": 1, "s": "ab", "l": [1, 2.5], "extra": None},
        {"n": 1, "s": None},
        {"n": 1, "o": {"at": "2026-03-01T12:00:00Z"}},
        {"n": 1, "o": {"at": "2026-03-01t12:00:00.123456789+05:30"}},
        {"n": kind("json", value="5")},
        {"n": kind("none", value=3)},
        {"n": kind("none", value=kind("json", value="3"))},
        {"n": kind("workspace_variable", variable_name="known")},
        {"n": kind("jinja", template="{{ anything }}")},
        {"n": kind("unheard of", value=1)},
        {"n": 1, "undescribed": kind("json", value="{")},
    ],
)
def test_values_that_fit(values: dict[str, Any]) -> None:
    assert errors(values) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [{"property": "n", "errors": ["'n' is a required property"]}]),
        ({"n": "x"}, [{"property": "n", "errors": ["'x' is not of type 'integer'"]}]),
        ({"n": 1, "s": "a"}, [{"property": "s", "errors": ["'a' is too short"]}]),
        (
            {"n": 1, "o": {"at": "2026-02-30T12:00:00Z"}},
            [
                {
                    "property": "o",
                    "errors": [{"property": "at", "errors": ["'2026-02-30T12:00:00Z' is not a 'date-time'"]}],
                }
            ],
        ),
        (
            {"n": 1, "l": [1, "x", 2, "y"]},
            [
                {
                    "property": "l",
                    "errors": [
                        {"index": 1, "errors": ["'x' is not of type 'number'"]},
                        {"index": 3, "errors": ["'y' is not of type 'number'"]},
                    ],
                }
            ],
        ),
        ({"n": kind("json")}, [{"property": "n", "errors": ["'n' is a required property"]}]),
        (
            {"n": kind("workspace_variable", variable_name="nope")},
            [{"property": "n", "errors": ["Variable 'nope' not found in workspace."]}],
        ),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(values: dict[str, Any], expected: list[Any]) -> None:
    assert errors(values) == expected


def test_text_that_is_not_json_is_an_error_of_its_value() -> None:
    ((found),) = errors({"n": 1, "l": [kind("json", value="{")]})
    assert found["errors"][0]["index"] == 0
    assert found["errors"][0]["errors"][0].startswith("Invalid JSON: Expecting property name")


def test_a_malformed_template_is_an_error_of_its_value() -> None:
    ((found),) = errors({"n": kind("jinja", template="{{ x")})
    assert found["property"] == "n"
    assert found["errors"][0].startswith("Invalid jinja: unexpected end of template")


def test_errors_of_the_whole_have_no_place() -> None:
    assert errors({}, {"type": "object", "minProperties": 1}) in (
        ["{} should be non-empty"],
        ["{} does not have enough properties"],
    )


def test_a_schema_must_be_one() -> None:
    with pytest.raises(Invalid, match="Invalid schema: 'nonsense' is not valid under any of the given schemas"):
        errors({}, {"type": "nonsense"})
    with pytest.raises(Invalid, match="circular"):
        errors(
            {"a": 1},
            {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"$ref": "#/definitions/A"}}},
        )
    with pytest.raises(Invalid, match="Invalid schema: Validation failed"):
        errors({"a": 1}, {"properties": {"a": {"$ref": "#/definitions/B"}}})


@pytest.mark.parametrize(
    ("time", "fits"), [("12:30:00Z", True), ("12:30:00.5+02:00", True), ("12:30:00", False), (5, True)]
)
def test_a_time_of_day_has_an_offset(time: object, fits: bool) -> None:
    assert (errors({"t": time}, {"type": "object", "properties": {"t": {"format": "time"}}}) == []) is fits


def test_what_could_not_be_unwrapped_is_told_in_a_sentence_about_what_holds_it() -> None:
    ((told,),) = [error["errors"] for error in errors({"n": [kind("workspace_variable", variable_name="gone")]})]
    assert told == "[<Variable 'gone' not found in workspace.>] is not of type 'integer'"
