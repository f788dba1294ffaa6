"""Schemas: house rules for every validated type, put into pydantic's schema instead of into each field; JSON schemas.

Times come out aware and in UTC, a time without a zone is UTC; integers fit SQLite's 64 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

_LEAST, _MOST = -(2**63), 2**63 - 1
_READ: Final = "validation"
_WRITTEN: Final = "serialization"
_NOT_SCHEMAS = frozenset({"default", "metadata", "serialization", "config", "cls", "function", "expected", "ref"})


def with_house_rules(schema: Any) -> Any:
    """A copy of a pydantic-core schema that obeys the rules."""
    if isinstance(schema, dict):
        node = {
            key: item if key in _NOT_SCHEMAS else with_house_rules(item)
            for key, item in cast("dict[str, Any]", schema).items()
        }
        return _ruled(node)
    if isinstance(schema, (list, tuple)):
        return [with_house_rules(item) for item in cast("list[Any]", schema)]
    return schema


def _ruled(node: dict[str, Any]) -> dict[str, Any]:
    if node.get("type") == "datetime":
        return {"type": "function-after", "function": {"type": "no-info", "function": _utc}, "schema": node}
    if node.get("type") == "int":
        lower = {} if "gt" in node else {"ge": max(node.get("ge", _LEAST), _LEAST)}
        upper = {} if "lt" in node else {"le": min(node.get("le", _MOST), _MOST)}
        return {**node, **lower, **upper}
    return node


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range in UTC") from None


def json_schemas(
    inputs: Mapping[str, Any], answers: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """JSON schemas by key: of types as they are read, of types as they are written; and what both refer to.

    The references fit an OpenAPI document: `#/components/schemas/…`.
    """
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    wanted.extend((key, _READ, TypeAdapter(hint)) for key, hint in inputs.items())
    wanted.extend((key, _WRITTEN, TypeAdapter(hint)) for key, hint in answers.items())
    schemas, rest = TypeAdapter.json_schemas(wanted, ref_template="#/components/schemas/{model}")
    read = {key: schema for (key, mode), schema in schemas.items() if mode == _READ}
    written = {key: schema for (key, mode), schema in schemas.items() if mode == _WRITTEN}
    return read, written, rest.get("$defs", {})
