"""Finding what a person means by an id, the beginning of one, a name, FLOW/DEPLOYMENT, or a word like `@last`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from flowctl.db.database import Tx
from flowctl.db.queries import references


class Kind(StrEnum):
    """What can be called by such words."""

    flow_run = "flow_run"
    task_run = "task_run"
    flow = "flow"
    deployment = "deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that a reference may mean; a deployment's name is FLOW/DEPLOYMENT."""

    id: UUID
    name: str


def find(tx: Tx, kind: Kind, reference: str) -> list[Candidate]:
    """What a reference may mean: nothing, one thing, or several, up to a hundred (of `@running` all)."""
    return [Candidate(id=UUID(id), name=name) for id, name in references.find(tx.execute, kind.value, reference)]
