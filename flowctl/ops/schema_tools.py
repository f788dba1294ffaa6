"""Checks values against a JSON schema, as the flow's parameters and the inputs of pauses have them.

The schemas come from pydantic, also from its first generation, whose optional fields and tuples are not quite JSON
schema; they are mended first (Prefect: utilities/schema_tools).
"""

from __future__ import annotations

import copy
from typing import Any, cast

from flowctl.domain.values import JSONObject, JSONValue


class SchemaProblem(ValueError):
    """The schema itself cannot be used."""


class Mismatch(ValueError):
    """The values do not fit the schema; `str(error)` is Prefect's sentence about the most telling misfit."""


def validate(values: JSONObject, schema: JSONObject) -> None:
    """Raise Mismatch unless the values fit the schema, and SchemaProblem if it is none.

    References are resolved within the schema; nothing is fetched.
    """
    library = _Library()
    mended = mend(schema)
    try:
        library.validator.check_schema(mended)
        validator = library.validator(mended, registry=library.registry())
        error = library.best_match(validator.iter_errors(values))
    except library.SchemaError as problem:
        raise SchemaProblem(f"Invalid schema: {str(problem).splitlines()[0]}") from None
    except RecursionError:
        raise SchemaProblem("Invalid schema: Unable to validate schema with circular references.") from None
    except library.Unresolvable as problem:
        raise Mismatch(f"Validation failed. Failure reason: {problem}") from None
    if error is not None:
        path = error.json_path.replace("$.", "")
        where = "" if path == "$" else f" for field {path!r}"
        raise Mismatch(f"Validation failed{where}. Failure reason: {error.message}")


class _Library:
    """The untyped parts of jsonschema, loaded when they are needed: they take 100 ms, and few requests need them."""

    def __init__(self) -> None:
        from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415 - as said
        from jsonschema.exceptions import best_match  # noqa: PLC0415 # pyright: ignore[reportUnknownVariableType] - untyped
        from referencing import Registry  # noqa: PLC0415
        from referencing.exceptions import Unresolvable  # noqa: PLC0415

        self.validator: Any = Draft202012Validator
        self.registry: Any = Registry
        self.best_match: Any = best_match
        self.SchemaError: type[Exception] = SchemaError
        self.Unresolvable: type[Exception] = Unresolvable


def mend(schema: JSONObject) -> JSONObject:
    """A copy in which fields that are not required may be null, and tuples are spelt as JSON schema has them."""
    mended: JSONObject = copy.deepcopy(schema)
    _mend_properties(mended)
    definitions: dict[str, JSONObject] = mended.get("definitions") or {}
    for name, definition in list(definitions.items()):
        _mend_properties(definition)
        if "block_type_slug" in definition:
            definitions[definition.get("title", name)] = {"oneOf": [definition, _BLOCK_REFERENCE]}
    return mended


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
"""What may stand in the place of a block: a reference to a stored one."""


def _mend_properties(schema: JSONObject) -> None:
    properties: dict[str, JSONValue] = schema.get("properties") or {}
    required: list[str] = schema.get("required") or []
    for key, described in properties.items():
        if not isinstance(described, dict):
            continue  # `true` and `false` are schemas too
        field = cast("JSONObject", described)
        if key not in required and field.get("type", "null") != "null" and "default" not in field:
            field["anyOf"] = [{"type": field.pop("type")}, {"type": "null"}]
        if isinstance(field.get("items"), list) and not field.get("prefixItems"):
            field["prefixItems"] = field.pop("items")
        _mend_properties(field)
