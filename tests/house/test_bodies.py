"""Parts of a request body say themselves whether they refuse unknown keys; pydantic would let them inherit it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from flowctl.domain.values import STRICT_BODY
from flowctl.server import routes


def bodies() -> Iterator[Any]:
    """The annotations of all `body` parameters of route functions."""
    for module in pkgutil.iter_modules(routes.__path__):
        found = importlib.import_module(f"flowctl.server.routes.{module.name}")
        for _, function in inspect.getmembers(found, inspect.isfunction):
            if "body" in inspect.signature(function).parameters:
                yield get_type_hints(function)["body"]


def classes(hint: Any) -> Iterator[Any]:
    """The dataclasses and typed dictionaries that an annotation names."""
    if get_origin(hint) is not None:
        for each in get_args(hint):
            yield from classes(each)
    elif is_dataclass(hint) or hasattr(hint, "__total__"):
        yield hint


def silent_parts(body: Any) -> Iterator[str]:
    """The parts of a strict body that do not say what they do with unknown keys."""
    for name, hint in get_type_hints(body).items():
        if get_origin(hint) is ClassVar:
            continue
        for part in classes(hint):
            if "__pydantic_config__" not in vars(part):
                yield f"{body.__name__}.{name}: {part.__name__}"


def test_parts_of_strict_bodies_are_strict_or_open_by_their_own_word() -> None:
    strict = {
        each for hint in bodies() for each in classes(hint) if vars(each).get("__pydantic_config__") is STRICT_BODY
    }
    assert len(strict) > 10
    assert [part for body in strict for part in silent_parts(body)] == []
