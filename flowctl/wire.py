"""JSON <-> domain, and the only home of pydantic: bodies and parameters are validated here, answers are written here.

Input is as lenient as Prefect's: unknown keys follow each type's own config, times without a zone are UTC.  What does
not fit raises `Invalid`, whose entries read as FastAPI's do.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, from_json

from flowctl.domain.errors import Invalid
from flowctl.domain.values import Prepared
from flowctl.wire_schema import with_house_rules

T = TypeVar("T")
Loc = tuple[str | int, ...]

INVALID_REQUEST = "Invalid request received."
_ORJSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS


class Adapter:
    """Validates one type; made once per type, at its first use."""

    def __init__(self, hint: Any) -> None:
        self._validator = SchemaValidator(with_house_rules(TypeAdapter(hint).core_schema))
        self._preparations = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Prepared)]
        body = _without_none(get_args(hint)[0] if self._preparations else hint)
        self._null_is_default = self.may_be_left_out = bool(getattr(body, "NULL_IS_DEFAULT", False))
        self._is_typed_dict = hasattr(body, "__total__")
        self._fields = [field.name for field in fields(body)] if is_dataclass(body) else []

    def loads(self, data: bytes | str, loc: Loc = ("body",)) -> Any:
        """Parse and validate JSON text.  Raises Invalid, also for text that is not JSON."""
        if self._null_is_default or not _is_strict(data):
            return self.validate(parse(data), loc)
        try:
            return self._validator.validate_json(data)
        except ValidationError:
            return self.validate(parse(data), loc)  # says what Prefect says, or knows deep nesting

    def validate(self, value: object, loc: Loc = ("body",)) -> Any:
        """Validate a value as parsed from JSON, or the text of a parameter.  Raises Invalid."""
        if self._null_is_default:
            if not isinstance(value, dict):
                # FastAPI looks for each field in a body that has none.
                entries = [_missing((*loc, name)) for name in self._fields]
                raise Invalid(INVALID_REQUEST, entries=entries or [_missing(loc)])
            items = cast("dict[str, object]", value)
            value = {name: item for name, item in items.items() if item is not None}
        try:
            return self._validator.validate_python(value)
        except ValidationError as error:
            raise self._invalid(error, loc) from None

    def prepared(self, value: object) -> object:
        """A parsed value as it is validated, for the 422 that repeats it."""
        for preparation in self._preparations:
            value = preparation.function(value)
        return value

    def _invalid(self, error: ValidationError, loc: Loc) -> Invalid:
        entries = [cast("dict[str, Any]", entry) for entry in error.errors(include_url=False)]
        for entry in entries:
            top_level = len(entry["loc"]) <= 1
            _speak_of_models(entry, is_model=not entry["loc"] and self._is_typed_dict)
            if entry["type"] == "missing" and self._null_is_default and top_level:
                entry["input"] = None
            entry["loc"] = [*loc, *entry["loc"]]
        return Invalid(INVALID_REQUEST, entries=entries)


@cache
def adapter(hint: Any) -> Adapter:
    """The validator of a type: a dataclass, TypedDict, enum, plain type or any combination."""
    return Adapter(hint)


def loads(hint: type[T], data: bytes | str, loc: Loc = ("body",)) -> T:
    """Parse and validate JSON text as a type.  Raises Invalid."""
    return adapter(hint).loads(data, loc)


def validate(hint: type[T], value: object, loc: Loc = ("body",)) -> T:
    """Validate a parsed value as a type.  Raises Invalid."""
    return adapter(hint).validate(value, loc)


def parse(data: bytes | str) -> Any:
    """Parse JSON text strictly: NaN, 1e999 and lone surrogates, which Python's parser lets through, are errors.

    Raises Invalid with the message and the position that Prefect's server gives.
    """
    if _is_strict(data):
        with suppress(ValueError):  # too deep for this one
            return from_json(data)  # orjson would make floats of large integers
    try:
        # The slow parser knows more encodings, and its messages are Prefect's.
        value = json.loads(data, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return value
    except json.JSONDecodeError as error:
        raise _not_json(error.msg, error.pos) from None
    except UnicodeError:
        raise _not_json("Text is not valid Unicode", 0) from None
    except RecursionError:
        raise _not_json("Too deeply nested", 0) from None
    except ValueError:
        raise _not_json("A number is out of range", 0) from None


def parse_or_text(data: bytes) -> object:
    """Parsed JSON, or else the text: to repeat to its sender."""
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        return error.doc
    except (UnicodeDecodeError, RecursionError):
        return data.decode(errors="replace")


def dumps(value: object) -> bytes:
    """Write a value as the API answers it: UTC times with Z, ids and enums as text, dataclasses as objects."""
    try:
        return orjson.dumps(value, default=_plain, option=_ORJSON_OPTIONS)
    except orjson.JSONEncodeError:
        # Lone surrogates, or integers beyond 64 bits: rare, and beyond orjson.
        return json.dumps(_deep_plain(value), separators=(",", ":")).encode()


def _plain(value: Any) -> object:
    """What orjson does not know: rows of the database, sets, exceptions in error entries, bytes."""
    rows = getattr(value, "wire", None)
    if rows is not None:
        return rows(orjson.Fragment)
    if isinstance(value, (set, frozenset)):
        return sorted(cast("set[Any]", value), key=str)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Exception):
        return {}  # as FastAPI's encoder writes the `error` of a failed check
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _deep_plain(value: Any) -> object:
    """The same value made of dicts, lists and plain values only."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        return {str(key): _deep_plain(item) for key, item in items.items()}
    if isinstance(value, (list, tuple)):
        return [_deep_plain(item) for item in cast("list[Any]", value)]
    if is_dataclass(value):
        return {field.name: _deep_plain(getattr(value, field.name)) for field in fields(value)}
    rows = getattr(value, "wire", None)
    if rows is not None:
        return _deep_plain(rows())
    return orjson.loads(orjson.dumps(value, default=_plain, option=_ORJSON_OPTIONS))


def _speak_of_models(entry: dict[str, Any], *, is_model: bool) -> None:
    """Name an error as it is named for pydantic models, which Prefect's bodies are."""
    if entry["type"] == "dataclass_type" or (is_model and entry["type"] == "dict_type"):
        entry["type"] = "model_attributes_type"
        entry["msg"] = "Input should be a valid dictionary or object to extract fields from"
        entry.pop("ctx", None)
    elif entry["type"] == "unexpected_keyword_argument":
        entry["type"], entry["msg"] = "extra_forbidden", "Extra inputs are not permitted"


def _missing(loc: Loc) -> dict[str, Any]:
    return {"type": "missing", "loc": [*loc], "msg": "Field required", "input": None}


def _not_json(message: str, position: int) -> Invalid:
    entry: dict[str, Any] = {"type": "json_invalid", "loc": ["body", position], "msg": "JSON decode error", "input": {}}
    return Invalid(INVALID_REQUEST, entries=[{**entry, "ctx": {"error": message}}])


def _is_strict(data: bytes | str) -> bool:
    """Whether this is JSON as the standard has it: no NaN, no lone surrogates, no number beyond a float's range."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is not JSON", "", 0)


def _without_none(hint: Any) -> Any:
    """X of `X | None`, and the origin of nothing else."""
    if get_origin(hint) in (Union, UnionType):
        arms = [arm for arm in get_args(hint) if arm is not NoneType]
        if len(arms) == 1:
            return arms[0]
    return hint
