"""Values against their JSON schema: the parameters of deployments and runs, the job variables of work pools.

Schemas come from pydantic, old and new: version 1 left out that an optional field may be null, and wrote tuples in an
older draft's way; `validate` reads them as they were meant.  References to other documents are never fetched.
jsonschema is loaded by the first check.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

from flowctl.domain.values import JSONObject, JSONValue

EMPTY: JSONObject = {"type": "object", "properties": {}}
"""The schema of a flow without parameters."""


class SchemaProblem(ValueError):
    """The schema itself cannot be used."""


class Mismatch(ValueError):
    """The values do not fit the schema; `str(error)` is Prefect's sentence about the most telling misfit."""


def validate(values: JSONObject, schema: JSONObject, *, partial: bool = False, none_for_default: bool = False) -> None:
    """Raise Mismatch unless the values fit the schema as it was meant, and SchemaProblem if it is none.

    partial           required values may be missing
    none_for_default  a field that has a default may be null as well
    """
    _check(values, as_meant(schema, none_for_default=none_for_default), partial=partial)


def validate_to_the_letter(values: JSONObject, schema: JSONObject, *, partial: bool = False) -> None:
    """As `validate`, but the schema is taken as it stands."""
    _check(values, schema, partial=partial)


def check_schema(schema: JSONObject) -> None:
    """Raise SchemaProblem unless this is a JSON schema of draft 2020-12."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise SchemaProblem(f"Invalid schema: {error.message}") from None


def as_meant(schema: JSONObject, *, none_for_default: bool = False) -> JSONObject:
    """A copy in which optional fields may be null, tuples are in today's spelling, and blocks may be references."""
    schema = deepcopy(schema)
    _mend_properties(schema, none_for_default=none_for_default)
    definitions = schema.get("definitions")
    if isinstance(definitions, dict):
        named = cast("JSONObject", definitions)
        for definition in list(named.values()):
            if isinstance(definition, dict):
                _mend_properties(cast("JSONObject", definition), none_for_default=none_for_default)
                if "block_type_slug" in definition and "title" in definition:
                    named[definition["title"]] = {"oneOf": [definition, _BLOCK_REFERENCE]}
    return schema


def _check(values: JSONObject, schema: JSONObject, *, partial: bool) -> None:
    from jsonschema import Draft202012Validator, exceptions
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    if partial:
        schema = _without_required(schema)
    check_schema(schema)
    try:
        validator: Any = Draft202012Validator(schema, registry=cast("Any", Registry)())
        error: Any = cast("Any", exceptions).best_match(validator.iter_errors(values))
    except RecursionError:
        raise SchemaProblem("Invalid schema: Unable to validate schema with circular references.") from None
    except Unresolvable as unresolvable:
        raise Mismatch(f"Validation failed. Failure reason: {unresolvable}") from None
    if error is None:
        return
    path: str = error.json_path
    where = "" if path == "$" else f" for field {path.replace('$.', '')!r}"
    raise Mismatch(f"Validation failed{where}. Failure reason: {error.message}")


def _without_required(schema: JSONValue) -> JSONValue:
    if not isinstance(schema, dict):
        return schema
    items = cast("JSONObject", schema)
    return {key: _without_required(item) for key, item in items.items() if key != "required"}


def _mend_properties(schema: JSONObject, *, none_for_default: bool) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    required = cast("list[str]", schema.get("required") or [])
    for name, field in cast("JSONObject", properties).items():
        if isinstance(field, dict):
            _mend(cast("JSONObject", field), may_be_null=name not in required, none_for_default=none_for_default)


def _mend(field: JSONObject, *, may_be_null: bool, none_for_default: bool) -> None:
    if may_be_null and field.get("type", "null") != "null" and ("default" not in field or none_for_default):
        field["anyOf"] = [{"type": field.pop("type")}, {"type": "null"}]
    if isinstance(field.get("items"), list) and field["items"] and not field.get("prefixItems"):
        field["prefixItems"] = field.pop("items")
    _mend_properties(field, none_for_default=False)


_BLOCK_REFERENCE: JSONObject = {
    "type": "object",
    "properties": {
        "$ref": {
            "oneOf": [
                {"type": "string", "format": "uuid"},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            ]
        }
    },
    "required": ["$ref"],
}
"""A block in the place of its fields: by its id."""
