"""Source: what an import reads from, a Prefect file or a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from flowctl.db.queries.import_kinds import Matter, Row


class Source(Protocol):
    """A history to import."""

    where: str
    """The file or address, for messages."""

    is_partial: bool
    """Whether something was left out on purpose."""

    def count(self, matter: Matter) -> int | None:
        """How many there are of a kind, whatever is left out; None if nobody can tell."""
        ...

    def left_out(self) -> dict[str, int]:
        """What it holds and flowctl has no place for, by name."""
        ...

    def pages(self, matter: Matter, size: int) -> Iterator[list[Row]]:
        """All rows that are wanted, some at a time."""
        ...

    def states(self, matter: Matter, owners: Sequence[str]) -> list[Row]:
        """The states of some runs, oldest first."""
        ...

    def close(self) -> None:
        """End the reading."""
        ...
