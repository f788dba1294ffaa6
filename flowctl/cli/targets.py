"""What a reference means that a person types: the one thing that it fits, or an error that names the candidates.

`db/queries/references.py` finds what it may mean in the database file, `cli/remote/references.py` on a server.
"""

from __future__ import annotations

from flowctl.db.queries import references
from flowctl.domain.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from flowctl.db.queries.references import Execute

    Find: TypeAlias = Callable[[str, str], Sequence[tuple[str, str]]]
    """Gives ids and names of what a reference may mean, by its kind (`flow_run`, `flow` …)."""

_SHOWN = 10
"""Candidates of an ambiguous reference that its message lists."""

_NOUNS = {
    "flow_run": ("Flow run", "flowctl runs ls"),
    "task_run": ("Task run", "flowctl tasks ls"),
    "flow": ("Flow", "flowctl flows ls"),
    "deployment": ("Deployment", "flowctl deployments ls"),
}


class Named:
    """Things of one kind, by what people call them."""

    def __init__(self, find: Find, kind: str) -> None:
        self._find = find
        self._kind = kind

    def id(self, reference: str) -> str:
        """The id of the one thing that is named.  Raises NotFound, also for `@running` when several runs are."""
        return single_run(self._find, reference) if self._kind == "flow_run" else one(self._find, self._kind, reference)

    def ids(self, references: Sequence[str]) -> list[str]:
        """The ids of all that are named, each once, in their order.

        Raises NotFound for the first that does not exist or is ambiguous.
        """
        return several(self._find, self._kind, references)


def in_file(execute: Execute) -> Find:
    """A finder in a transaction."""
    return lambda kind, reference: references.find(execute, kind, reference)


def runs(find: Find, reference: str) -> list[str]:
    """The ids of the flow runs that a reference names: one, or for `@running` all of them.

    Raises NotFound for none, and with candidates for a prefix or a name that several runs share.
    """
    if reference.startswith("@"):
        if reference not in references.SPECIAL:
            raise NotFound(f"There is no {reference}.", remedy="use @last, @last-failed or @running")
        found = [id for id, _ in find("flow_run", reference)]
        if not found:
            raise NotFound(f"No run is {reference}.", remedy="flowctl runs ls")
        return found
    return [one(find, "flow_run", reference)]


def several(find: Find, kind: str, named: Sequence[str]) -> list[str]:
    """The ids of all that are named, each once, in their order.  Raises NotFound for the first that fails."""
    if kind == "flow_run":
        found = [id for reference in named for id in runs(find, reference)]
    else:
        found = [one(find, kind, reference) for reference in named]
    return list(dict.fromkeys(found))


def one(find: Find, kind: str, reference: str) -> str:
    """The id of the one thing that a reference names.  Raises NotFound, with candidates if it is ambiguous."""
    return one_with_name(find, kind, reference)[0]


def one_with_name(find: Find, kind: str, reference: str) -> tuple[str, str]:
    """Id and name (of a deployment FLOW/DEPLOYMENT) of the one thing; else as `one`."""
    found = find(kind, reference)
    if len(found) == 1:
        return found[0]
    noun, command = _NOUNS[kind]
    if not found:
        raise NotFound(f"{noun} {reference!r} not found.", remedy=command)
    more = "" if len(found) < references.MOST else " or more"
    raise NotFound(
        f"{reference!r} is ambiguous: it fits {len(found)}{more} {noun.lower()}s.",
        candidates=[f"{id}  {name}" for id, name in found[:_SHOWN]],
        remedy="give more of the id",
    )


def single_run(find: Find, reference: str) -> str:
    """The id of the one flow run that is named.  Raises NotFound, also for `@running` when several are."""
    found = runs(find, reference)
    if len(found) > 1:
        named = find("flow_run", reference)[:_SHOWN]
        raise NotFound(
            f"{reference} is {len(found)} runs, and this command takes one.",
            candidates=[f"{id}  {name}" for id, name in named],
            remedy="name one of them",
        )
    return found[0]
