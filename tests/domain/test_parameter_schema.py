from __future__ import annotations

from typing import Any

import pytest

from flowctl.domain.parameter_schema import Mismatch, SchemaProblem, check_schema, validate, validate_to_the_letter

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "string", "default": "d"}, "z": {"type": "number"}},
    "required": ["x"],
}


def test_values_that_fit_pass() -> None:
    validate({"x": 1, "y": "a", "unknown": []}, SCHEMA)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"x": "bad"}, "Validation failed for field 'x'. Failure reason: 'bad' is not of type 'integer'"),
        ({"x": 1, "y": 5}, "Validation failed for field 'y'. Failure reason: 5 is not of type 'string'"),
        ({}, "Validation failed. Failure reason: 'x' is a required property"),
        ({"x": 1, "z": "s"}, "Failure reason: 's' is not valid under any of the given schemas"),
    ],
)
def test_a_misfit_is_told_as_prefect_tells_it(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Mismatch) as refusal:
        validate(values, SCHEMA)
    assert str(refusal.value).endswith(message)


def test_required_values_may_be_missing_of_a_part() -> None:
    validate({"z": 1}, SCHEMA, partial=True)


def test_what_is_optional_may_be_null() -> None:
    validate({"x": 1, "z": None}, SCHEMA)
    with pytest.raises(Mismatch):
        validate({"x": None}, SCHEMA)
    with pytest.raises(Mismatch):
        validate_to_the_letter({"x": 1, "z": None}, SCHEMA)


def test_what_has_a_default_may_be_null_if_that_is_asked_for() -> None:
    with pytest.raises(Mismatch):
        validate({"x": 1, "y": None}, SCHEMA)
    validate({"x": 1, "y": None}, SCHEMA, none_for_default=True)


def test_old_tuples_are_read_as_they_were_meant() -> None:
    schema = {
        "type": "object",
        "properties": {"t": {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]}},
    }
    validate({"t": [1, "a"]}, schema)
    with pytest.raises(Mismatch):
        validate({"t": ["a", 1]}, schema)


def test_a_block_may_be_a_reference() -> None:
    schema = {
        "type": "object",
        "properties": {"b": {"$ref": "#/definitions/B"}},
        "definitions": {"B": {"title": "B", "block_type_slug": "b", "type": "object", "required": ["url"]}},
    }
    validate({"b": {"url": 1}}, schema)
    validate({"b": {"$ref": {"block_document_id": "x"}}}, schema)
    with pytest.raises(Mismatch):
        validate({"b": {}}, schema)


def test_the_schema_is_left_as_it_is() -> None:
    before = repr(SCHEMA)
    validate({"x": 1}, SCHEMA)
    assert repr(SCHEMA) == before


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"properties": 5}])
def test_what_is_no_schema_is_a_problem(schema: dict[str, Any]) -> None:
    for check in (lambda: check_schema(schema), lambda: validate_to_the_letter({}, schema)):
        with pytest.raises(SchemaProblem, match="Invalid schema: "):
            check()


def test_circles_are_a_problem() -> None:
    schema = {"$ref": "#/definitions/A", "definitions": {"A": {"$ref": "#/definitions/A"}}}
    with pytest.raises(SchemaProblem, match="circular"):
        validate({"x": 1}, schema)


def test_other_documents_are_never_fetched() -> None:
    with pytest.raises(Mismatch, match="Unresolvable"):
        validate({"x": 1}, {"$ref": "http://localhost:9/schema.json"})
