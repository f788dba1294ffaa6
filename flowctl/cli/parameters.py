"""Parameters of flows as they are typed: `K=V` pairs, a JSON file, standard input; checked with a flow's schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from flowctl.domain.errors import Invalid

Pairs = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="K=V",
        help="A parameter, its value JSON or text; outer.inner reaches inside. May be repeated.",
    ),
]

File = Annotated[
    str,
    typer.Option("--params-file", metavar="FILE", help="Parameters as a JSON object; - reads standard input."),
]

Text = Annotated[str, typer.Option("--params", metavar="JSON", help="Parameters as JSON text; - as --params-file.")]

_FAILED = "Validation failed"
_REASON = ". Failure reason: "


def collect(
    pairs: Sequence[str] | None, file: str = "", text: str = "", *, schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The parameters that the flags give: the file's (or the text's), with the pairs on top.

    file    a path, or `-` for standard input
    text    the same as JSON text
    schema  of the parameters: a value that can only be a text is taken as it stands, `--param zip=01234`
    Raises Invalid for what cannot be read.
    """
    if file and text:
        raise Invalid("Give --params-file or --params, not both.")
    values: dict[str, Any] = {}
    if file or text:
        values = parse_object(text if text and text != "-" else _read(file or text), file or "--params")
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        path = key.split(".")
        if not equals or not all(path):
            raise Invalid(f"{pair!r} is not a parameter.", remedy="write it like --param name=value")
        _put(values, path, value if _is_text(_field(schema, path)) else parse_value(value))
    return values


def parse_value(text: str) -> Any:
    """A value of `K=V`: JSON if it can be read so, else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_object(text: str, source: str) -> dict[str, Any]:
    """A JSON object.  Raises Invalid, which names the source and the place."""
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise Invalid(f"{source}: not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid(f"{source}: the parameters are not a JSON object.", remedy='write them like {"name": "value"}')
    return cast("dict[str, Any]", found)


def check(values: Mapping[str, Any], schema: Mapping[str, Any] | None, *, of: str) -> None:
    """Compare parameters with their schema: all names first, then the values.  Raises Invalid.

    of  what takes them, for the message: `etl/nightly`
    """
    properties: dict[str, Any] = (schema or {}).get("properties") or {}
    if not schema or (not properties and "properties" not in schema):
        return
    if not schema.get("additionalProperties"):
        _check_names(values, properties, of)
    missing = [name for name in schema.get("required") or () if name not in values]
    if missing:
        raise Invalid(
            f"{of} needs the parameter{'s' * (len(missing) > 1)} {_list(missing)}.",
            remedy=" ".join(f"--param {name}={_example(properties.get(name))}" for name in missing),
        )
    from flowctl.domain import parameter_schema

    try:
        parameter_schema.validate(dict(values), dict(schema))
    except parameter_schema.SchemaProblem:
        return  # nothing can be said about the values
    except parameter_schema.Mismatch as mismatch:
        raise Invalid(_sentence(str(mismatch))) from None


def _check_names(values: Mapping[str, Any], properties: Mapping[str, Any], of: str) -> None:
    unknown = [name for name in values if name not in properties]
    if not unknown:
        return
    from difflib import get_close_matches

    near = get_close_matches(unknown[0], properties, n=1)
    known = f"It takes {_list(list(properties))}." if properties else "It takes none."
    guess = f" Did you mean {near[0]!r}?" if near else ""
    raise Invalid(f"{of} has no parameter{'s' * (len(unknown) > 1)} {_list(unknown)}. {known}{guess}")


def _sentence(mismatch: str) -> str:
    where, _, reason = mismatch.removeprefix(_FAILED).partition(_REASON)
    field = where.removeprefix(" for field ").strip("'")
    return f"Parameter {field!r}: {reason}." if field else f"Parameters: {reason}."


def _read(source: str) -> str:
    if source == "-":
        return sys.stdin.read()
    try:
        return Path(source).expanduser().read_text()
    except UnicodeDecodeError:
        raise Invalid(f"{source} is not text.") from None


def _put(values: dict[str, Any], path: Sequence[str], value: object) -> None:
    *outer, last = path
    for part in outer:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Invalid(f"{'.'.join(path)} cannot be set: {part!r} has a value that is no object.")
        values = cast("dict[str, Any]", inner)
    values[last] = value


def _field(schema: Mapping[str, Any] | None, path: Sequence[str]) -> Any:
    """The schema of one field; None where it is not told."""
    field: Any = schema
    for part in path:
        field = cast("dict[str, Any]", field.get("properties") or {}).get(part) if isinstance(field, dict) else None
    return field


def _is_text(field: Any) -> bool:
    """Whether the values of a field are texts (or null) and nothing else."""
    if not isinstance(field, dict):
        return False
    spec = cast("dict[str, Any]", field)
    kinds = {each.get("type") for each in spec.get("anyOf") or [spec]}
    return kinds == {"string"}


def _example(field: Any) -> str:
    kind = cast("dict[str, Any]", field).get("type") if isinstance(field, dict) else None
    return {"integer": "1", "number": "1.5", "boolean": "true", "array": "[]", "object": "{}"}.get(str(kind), "VALUE")


def _list(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
