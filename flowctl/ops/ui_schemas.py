"""What a form of the dashboard asks while it is filled in: which of these values do not fit their schema, and where.

Values may be wrapped (`domain/hydration.py`).  One that cannot be unwrapped is an error at its place; a template is not
rendered yet, so nothing is said about its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, cast

from flowctl.domain import parameter_schema, templates
from flowctl.domain.errors import Invalid
from flowctl.domain.hydration import KIND, HydrationError, hydrate
from flowctl.domain.values import JSONObject, JSONValue

Path = list[str | int]


@dataclass(slots=True, kw_only=True)
class SchemaValues:
    """Body of `POST /ui/schemas/validate`."""

    NULL_IS_DEFAULT: ClassVar[bool] = True

    schema: JSONObject
    values: JSONObject


@dataclass(slots=True, kw_only=True)
class SchemaValuesValidationResponse:
    """The errors as a tree: `{property, errors}`, `{index, errors}`, and sentences at the leaves."""

    errors: list[JSONValue] = field(default_factory=list[JSONValue])
    valid: bool


def validate(
    schema: JSONObject, values: JSONObject, *, variables: Mapping[str, JSONValue]
) -> SchemaValuesValidationResponse:
    """All misfits between values and their schema.

    variables  the values that a workspace variable may stand for, by name
    Raises Invalid if the schema is none.
    """
    from jsonschema import SchemaError  # noqa: PLC0415 - takes 100 ms, and few requests need it
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    mended = parameter_schema.as_meant(schema)
    checker = _checker()
    try:
        checker.check_schema(mended, format_checker=_formats())
        registry = cast("Any", Registry)()
        found: list[Any] = list(
            checker(mended, format_checker=_formats(), registry=registry).iter_errors(_unwrapped(values, variables))
        )
    except SchemaError as error:
        raise Invalid(f"Invalid schema: {error.message}") from None
    except RecursionError:
        raise Invalid("Invalid schema: Unable to validate schema with circular references.") from None
    except Unresolvable as error:
        raise Invalid(f"Invalid schema: Validation failed. Failure reason: {error}") from None
    tree: list[JSONValue] = []
    for error in _telling(found):
        path: Path = list(error.relative_path)
        if error.validator == "required":
            path.append(error.message.partition(" ")[0].strip("'"))
        _add(tree, path, error.message)
    return SchemaValuesValidationResponse(errors=tree, valid=not tree)


@dataclass(frozen=True, slots=True)
class _Placeholder:
    """Stands for a value that is not known; with an error when it cannot be."""

    error: str | None = None

    def __repr__(self) -> str:
        """What a sentence about the value around it shows."""
        return f"<{self.error or 'not known yet'}>"


class _Unrendered(Exception):
    """A template is in order, but there is nothing to render it with yet."""


_ABSENT = object()
_PLACEHOLDER_RULE = "_placeholders"


def _unwrapped(values: JSONObject, variables: Mapping[str, JSONValue]) -> object:
    unwrapped = _unwrap(values, variables)
    return {} if unwrapped is _ABSENT else unwrapped


def _unwrap(value: JSONValue, variables: Mapping[str, JSONValue]) -> object:
    if isinstance(value, list):
        items = [_unwrap(item, variables) for item in cast("list[JSONValue]", value)]
        return [item for item in items if item is not _ABSENT]
    if not isinstance(value, dict):
        return value
    wrapped = cast("JSONObject", value)
    if KIND not in wrapped:
        pairs = {key: _unwrap(item, variables) for key, item in wrapped.items()}
        return {key: item for key, item in pairs.items() if item is not _ABSENT}
    if wrapped[KIND] == "none" and "value" in wrapped:
        return _unwrap(wrapped["value"], variables)
    try:
        return hydrate({"it": wrapped}, variables=variables, render=_check_template).get("it", _ABSENT)
    except HydrationError as error:
        return _Placeholder(str(error))
    except _Unrendered:
        return _Placeholder()


def _check_template(text: str) -> str:
    templates.check(text)
    raise _Unrendered


def _telling(errors: Iterable[Any]) -> list[Any]:
    """The errors to show: at a place that holds a placeholder, its own error and no other."""
    places: dict[tuple[str | int, ...], list[Any]] = {}
    for error in errors:
        places.setdefault(tuple(error.relative_path), []).append(error)
    telling: list[Any] = []
    for found in places.values():
        own = [error for error in found if error.validator == _PLACEHOLDER_RULE]
        telling += own or [error for error in found if error.instance != _Placeholder()]
    return telling


def _add(tree: list[JSONValue], path: Path, message: str) -> None:
    """Put a sentence into the tree."""
    for part in path[:-1]:
        key = "index" if isinstance(part, int) else "property"
        nodes = [cast("JSONObject", node) for node in tree if isinstance(node, dict)]
        node = next((node for node in nodes if node.get(key) == part), None)
        if node is None:
            node = cast("JSONObject", {key: part, "errors": []})
            tree.append(node)
        tree = node["errors"]
    if path:
        tree.append({"index" if isinstance(path[-1], int) else "property": path[-1], "errors": [message]})
    else:
        tree.append(message)


def _checker() -> Any:
    """A validator that looks at placeholders, wherever a schema applies to one."""
    from jsonschema import Draft202012Validator, ValidationError, validators  # noqa: PLC0415 - as above

    def placeholders(_validator: Any, _value: Any, instance: Any, _schema: Any) -> Iterable[Any]:
        if isinstance(instance, _Placeholder) and instance.error is not None:
            yield ValidationError(instance.error)

    def rules(schema: JSONObject) -> Iterable[tuple[str, Any]]:
        return [*schema.items(), (_PLACEHOLDER_RULE, None)]

    draft = cast("Any", Draft202012Validator)
    return cast("Any", validators).create(
        meta_schema=draft.META_SCHEMA,
        validators={**draft.VALIDATORS, _PLACEHOLDER_RULE: placeholders},
        type_checker=draft.TYPE_CHECKER,
        format_checker=draft.FORMAT_CHECKER,
        id_of=draft.ID_OF,
        applicable_validators=rules,
    )


def _formats() -> Any:
    """The library's formats, and times as RFC 3339 has them, for which it would need another package."""
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - as above

    formats = FormatChecker(formats=())
    known = cast("Any", Draft202012Validator).FORMAT_CHECKER.checkers
    formats.checkers = {**known, "date-time": (_is_date_time, ()), "time": (_is_time, ())}
    return formats


_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value.upper()))
    except ValueError:
        return False
    return True


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or _is_date_time(f"1970-01-01T{value}")
