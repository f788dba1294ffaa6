"""Structured values in JSON columns: dataclass <-> JSON text, sparse.

A column such as `state_details` stores only what differs from the dataclass's defaults; reading completes it:
a state takes 150 bytes instead of 600, and an older row gains the fields that a newer flowctl adds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

Reader = Callable[[Any], Any]


def dumps(value: object) -> str:
    """JSON text of plain values, ids, times, enums and dataclasses (sparse)."""
    return "{}" if value == {} else "[]" if value == [] else _ENCODE(value)


def dumps_complete(value: object) -> str:
    """As `dumps`, but dataclasses with all of their fields: for columns that are answered as they are stored."""
    return _ENCODE_COMPLETE(value)


def wire_time(moment: datetime) -> str:
    """RFC 3339 in UTC, microseconds only when there are some, `Z`: as the API writes times."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def sparse(value: object) -> dict[str, object]:
    """The fields of a dataclass that differ from their defaults; those without a default always."""
    defaults = _defaults(type(value))
    items = ((name, getattr(value, name)) for name in _names(type(value)))
    return {name: item for name, item in items if name not in defaults or defaults[name] != item}


def full_defaults(cls: type) -> dict[str, object]:
    """The plain JSON value of each defaulted field of a dataclass, to complete a sparse object with."""
    return json.loads(json.dumps(_defaults(cls), default=_plain))


def reader(hint: Any) -> Reader:
    """A function that makes the annotated value from parsed JSON; unknown keys are ignored, nothing is validated."""
    origin = get_origin(hint)
    if origin is Annotated:
        return reader(get_args(hint)[0])
    if origin in (Union, UnionType):
        return _union_reader([arm for arm in get_args(hint) if arm is not NoneType])
    if origin is list:
        item = reader(get_args(hint)[0])
        return _same if item is _same else lambda value: [item(each) for each in value]
    if origin is dict:
        each = reader(get_args(hint)[1])
        return _same if each is _same else lambda value: {key: each(item) for key, item in value.items()}
    if isinstance(hint, type):
        if is_dataclass(hint):
            return _dataclass_reader(hint)
        if issubclass(hint, (UUID, Enum)):
            return hint
        if issubclass(hint, datetime):
            return datetime.fromisoformat
    return _same


def _same(value: Any) -> Any:
    return value


def _union_reader(arms: list[Any]) -> Reader:
    """Plain arms pass as they are; dataclass arms are told apart by the Literal in one of their fields."""
    classes = [arm for arm in arms if is_dataclass(arm)]
    if len(arms) == 1:
        only = reader(arms[0])
        return _same if only is _same else lambda value: None if value is None else only(value)
    if not classes:
        return _same
    by_tag = {_tag(cls): _dataclass_reader(cls) for cls in classes}  # pyright: ignore[reportArgumentType] - checked above

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        for (name, tag), make in by_tag.items():
            if value.get(name) == tag:  # pyright: ignore[reportUnknownMemberType] - parsed JSON
                return make(value)
        return value  # pyright: ignore[reportUnknownVariableType] - parsed JSON

    return read


def _tag(cls: type) -> tuple[str, object]:
    hints = get_type_hints(cls)
    return next((name, get_args(hint)[0]) for name, hint in hints.items() if get_origin(hint) is Literal)


def _dataclass_reader(cls: type) -> Reader:
    readers = {name: reader(hint) for name, hint in get_type_hints(cls).items() if name in _names(cls)}

    def read(value: Any) -> Any:
        known = {name: None if item is None else readers[name](item) for name, item in value.items() if name in readers}
        return cls(**known)

    return read


_NAMES: dict[type, tuple[str, ...]] = {}
_DEFAULTS: dict[type, dict[str, object]] = {}


def _names(cls: type) -> tuple[str, ...]:
    if cls not in _NAMES:
        _NAMES[cls] = tuple(f.name for f in fields(cls))
    return _NAMES[cls]


def _defaults(cls: type) -> dict[str, object]:
    """Default values by field; the caller must not change them."""
    if cls not in _DEFAULTS:
        _DEFAULTS[cls] = {
            f.name: f.default if f.default is not MISSING else f.default_factory()  # pyright: ignore[reportCallIssue] - one is there
            for f in fields(cls)
            if f.default is not MISSING or f.default_factory is not MISSING
        }
    return _DEFAULTS[cls]


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return wire_time(value)
    if is_dataclass(value):
        return sparse(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of texts
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def _complete(value: object) -> object:
    return {name: getattr(value, name) for name in _names(type(value))} if is_dataclass(value) else _plain(value)


# json.dumps would make an encoder for each value.
_ENCODE = json.JSONEncoder(default=_plain, separators=(",", ":"), ensure_ascii=False).encode
_ENCODE_COMPLETE = json.JSONEncoder(default=_complete, separators=(",", ":"), ensure_ascii=False).encode
