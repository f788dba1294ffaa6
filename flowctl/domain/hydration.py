"""Hydration: values that the dashboard sends wrapped in `__prefect_kind` objects become the values they stand for.

    {"__prefect_kind": "json", "value": "[1, 2]"}                         -> [1, 2]
    {"__prefect_kind": "none", "value": …}                                -> …, hydrated in turn
    {"__prefect_kind": "workspace_variable", "variable_name": "name"}     -> that variable's value
    {"__prefect_kind": "jinja", "template": "…"}                          -> the rendered text

A json or variable object without its content is taken out of what holds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from flowctl.domain.values import JSONObject, JSONValue

KIND = "__prefect_kind"

_REMOVED = object()


class HydrationError(ValueError):
    """A wrapped value cannot be unwrapped; `str(error)` is Prefect's sentence."""


def hydrate(
    values: JSONObject,
    *,
    variables: Mapping[str, JSONValue] | None = None,
    render: Callable[[str], str] | None = None,
) -> JSONObject:
    """Unwrap a JSON object.

    variables  by name
    render     renders a Jinja template; without it templates are refused
    Raises HydrationError.
    """
    hydrated = _Hydration({} if variables is None else variables, render).value(values)
    if hydrated is _REMOVED:
        return {}
    if not isinstance(hydrated, dict):  # the whole was wrapped (Prefect answers 500)
        raise HydrationError("Expected an object")
    return cast("JSONObject", hydrated)


class _Hydration:
    def __init__(self, variables: Mapping[str, JSONValue], render: Callable[[str], str] | None) -> None:
        self._variables = variables
        self._render = render
        self._kinds = {
            "none": self._none,
            "json": self._json,
            "workspace_variable": self._workspace_variable,
            "jinja": self._jinja,
        }

    def value(self, value: JSONValue) -> Any:
        """A value with everything in it unwrapped, or _REMOVED."""
        if isinstance(value, dict):
            wrapped = cast("JSONObject", value)
            if KIND in wrapped:
                unwrap = self._kinds.get(wrapped[KIND])
                return unwrap(wrapped) if unwrap else wrapped.get("value")
            pairs = ((key, self.value(item)) for key, item in wrapped.items())
            return {key: item for key, item in pairs if item is not _REMOVED}
        if isinstance(value, list):
            items = (self.value(item) for item in cast("list[JSONValue]", value))
            return [item for item in items if item is not _REMOVED]
        return value

    def _none(self, wrapped: JSONObject) -> Any:
        return self.value(_content(wrapped, "value"))

    def _json(self, wrapped: JSONObject) -> Any:
        if "value" not in wrapped:
            return _REMOVED
        text = self._nested(wrapped["value"])
        if not isinstance(text, str):
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise HydrationError(f"Invalid JSON: {error}") from None

    def _workspace_variable(self, wrapped: JSONObject) -> Any:
        if "variable_name" not in wrapped:
            return _REMOVED
        name = self._nested(wrapped["variable_name"])
        if name is _REMOVED:
            return _REMOVED
        if isinstance(name, str) and name in self._variables:
            return self._variables[name]
        raise HydrationError(f"Variable '{name}' not found in workspace.")

    def _jinja(self, wrapped: JSONObject) -> Any:
        template = self._nested(_content(wrapped, "template"))
        if template is _REMOVED:
            return _REMOVED
        if self._render is None:
            raise HydrationError("Invalid jinja: templates are not rendered here.")
        try:
            return self._render(template)
        except ValueError as error:
            raise HydrationError(f"Invalid jinja: {error}") from None

    def _nested(self, value: JSONValue) -> Any:
        """Content of a wrapper, which may be a wrapper itself."""
        return self.value(value) if isinstance(value, dict) else value


def _content(wrapped: JSONObject, key: str) -> JSONValue:
    if key not in wrapped:
        raise HydrationError(f"Missing '{key}' key in __prefect object")
    return wrapped[key]
