"""Variables over the API: those that are named, how their values are written on a command line, how they are stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from uuid import UUID

import typer

from flowctl.cli.context import Session
from flowctl.cli.parameters import parse_value
from flowctl.domain.errors import Invalid, NotFound

Reference = Annotated[str, typer.Argument(metavar="VARIABLE")]
References = Annotated[list[str], typer.Argument(metavar="VARIABLE...")]
OptionalReferences = Annotated[list[str] | None, typer.Argument(metavar="[VARIABLE...]")]

_AT_ONCE = 200


def by_name(session: Session, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Those that exist of some names."""
    wanted = list(dict.fromkeys(names))
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        filter = {"name": {"any_": wanted[start : start + _AT_ONCE]}}
        for each in session.api.post("/variables/filter", {"variables": filter, "limit": _AT_ONCE}):
            found[each["name"]] = each
    return found


def one(session: Session, reference: str) -> dict[str, Any]:
    """The variable of a name or an id.  Raises NotFound."""
    found = by_name(session, [reference]).get(reference)
    if found is None and (id := _id(reference)):
        found = next(iter(session.api.post("/variables/filter", {"variables": {"id": {"any_": [id]}}})), None)
    if found is None:
        raise NotFound(f"Variable {reference!r} not found.", remedy="flowctl variables ls")
    return found


def named(references: Sequence[str]) -> list[str]:
    """The references, each once, with those that standard input holds in the place of `-`."""
    names = list(references)
    if "-" in names:
        piped = [line.split()[0] for line in sys.stdin if line.strip()]
        names = [each for name in names for each in (piped if name == "-" else [name])]
    return list(dict.fromkeys(names))


def check(name: str, value: object) -> None:
    """Refuse what the API would refuse.  Raises Invalid."""
    from flowctl.domain.variables import LONGEST_NAME, proper_name, proper_value

    try:
        proper_name(name)
        proper_value(value)
    except ValueError as error:
        raise Invalid(f"{name!r}: {error}") from None
    if len(name) > LONGEST_NAME:
        raise Invalid(f"{name!r}: a name has at most {LONGEST_NAME} characters.")


def text_of(value: object) -> str:
    """A value as `set` takes it: JSON, or a text that is none."""
    if isinstance(value, str) and parse_value(value) == value and value:
        return value
    return json.dumps(value, ensure_ascii=False)


def raw_text(value: object) -> str:
    """A value as a script wants it: a text as it stands, else JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def store(session: Session, before: dict[str, Any] | None, wanted: dict[str, Any]) -> dict[str, Any]:
    """Create the variable, or change the one that is there; the variable as it is then."""
    if before is None:
        return session.api.post("/variables/", wanted)
    session.api.call("PATCH", f"/variables/{before['id']}", wanted)
    return session.api.get(f"/variables/{before['id']}")


def _id(reference: str) -> str | None:
    try:
        return str(UUID(reference))
    except ValueError:
        return None
